/** Contact switches: the threshold, and errors that act on the force behind it. */

import { describe, expect, it } from 'vitest';
import type { SensorQuality } from '../../../sim/robot-spec.ts';
import { AnalyticWorld } from './analytic-world.ts';
import { makeRig, mean } from './rig.ts';

function feetRig(world: AnalyticWorld, quality: SensorQuality = {}) {
  const links = ['right_foot', 'left_foot'];
  return makeRig([{ kind: 'contact', name: 'feet', links, threshold: 5 }], { feet: quality }, world, 3);
}

describe('a contact sensor', () => {
  it('closes at its threshold, link by link in its own order', () => {
    const world = new AnalyticWorld(0, []);
    const rig = feetRig(world);
    const read = (left: number, right: number, time: number) => {
      world.forces[1] = left;
      world.forces[2] = right;
      rig.sense(time);
      expect(rig.truth.sensors.feet).toEqual(rig.measured.sensors.feet);
      return [...rig.measured.sensors.feet!];
    };
    expect(read(0, 0, 0)).toEqual([0, 0]);
    expect(read(5, 4.999, 1)).toEqual([0, 1]);
    expect(read(0, 80, 2)).toEqual([1, 0]);
  });

  it('with a noisy force flickers near its threshold and nowhere else, seed 3', () => {
    const world = new AnalyticWorld(0, []);
    const rig = feetRig(world, { parts: { reading: { noise: 0.5 } } });
    world.forces[2] = 5;
    world.forces[1] = 50;
    const closed: [number[], number[]] = [[], []];
    for (let k = 0; k < 2000; k++) {
      rig.sense(k);
      for (const i of [0, 1] as const) closed[i].push(rig.measured.sensors.feet![i]!);
      expect([...rig.truth.sensors.feet!]).toEqual([1, 1]);
    }
    // At the threshold half the readings: 4 standard errors of a fair coin over 2000 are 0.045.
    expect(Math.abs(mean(closed[0]) - 0.5)).toBeLessThan(0.045);
    // 90 standard deviations away from it
    expect(mean(closed[1])).toBe(1);
  });
});
