import { expect, test } from 'vitest';
import { SceneLog } from '../../viewer/server/scene-log.ts';

const scene = (ground: 'none' | 'plane') => ({ ground, statics: [], objects: [] });

test('a frame has the newest scene that began by then, in its own environment', () => {
  const log = new SceneLog();
  log.add({ env: 0, frame: 0, scene: scene('none') }, 0);
  log.add({ env: 0, frame: 10, scene: scene('plane') }, 0);
  log.add({ env: 1, frame: 5, scene: scene('plane') }, 0);
  expect(log.at(0, 9)?.frame).toBe(0);
  expect(log.at(0, 10)?.frame).toBe(10);
  expect(log.at(1, 4)).toBeNull();
  expect(log.at(7, 100)).toBeNull();
});

test('what no frame to come lies in is forgotten, and the one that surrounds the oldest kept', () => {
  const log = new SceneLog();
  for (let frame = 0; frame <= 40; frame += 10) log.add({ env: 0, frame, scene: scene('none') }, frame - 15);
  // When the last came, frame 25 was the oldest: it lies in the scene of frame 20.
  expect(log.at(0, 19)).toBeNull();
  expect(log.at(0, 25)?.frame).toBe(20);
  log.clear();
  expect(log.at(0, 25)).toBeNull();
});
