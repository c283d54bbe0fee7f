/** The terrain task: where it starts, what it sees, how it ends, what its curriculum makes of it, and its reference. */

import { describe, expect, it } from 'vitest';
import { keyOf, RandomStream } from '../../../core/rng.ts';
import { TERRAIN_RULE } from '../../../sim/curriculum.ts';
import { tasks } from '../../../sim/tasks/index.ts';
import { EDGE } from '../../../sim/tasks/quadruped-rough.ts';
import { STANCE } from '../../../sim/tasks/quadruped-terms.ts';
import { heightAt } from '../../../sim/terrain/height.ts';
import { TILE } from '../../../sim/terrain/terrain.ts';
import { environmentOf, scoreOf, viewOf } from './judged.ts';

const task = tasks['quadruped-rough']!;
const seed = 1;

function viewAt(x: number, y: number, time = 1) {
  const view = { ...viewOf(12, 4, 0, { feet: 4, body: 9, scan: 15 }), time };
  view.state.base.set([x, y, 0.27]);
  return view;
}

it('lets the critic see the ground and the actor not', async () => {
  const environment = await environmentOf('quadruped-rough');
  expect(task.observations.map(({ sensor }) => sensor)).not.toContain('scan');
  // The critic sees 15 heights on top of what the flat task shows it, less the height over the origin.
  const flat = await environmentOf('quadruped-velocity');
  expect(environment.criticObserver!.size).toBe(flat.criticObserver!.size + 15 - 1);
  expect(environment.observer.size).toBe(47);
});

it('measures its height from the ground between its feet', () => {
  const view = viewAt(0, 0);
  const { scan } = view.state.sensors;
  scan!.fill(9);
  // x = -0.2, 0, 0.2 at y = 0 of rows of three: numbers 4, 7 and 10
  scan![4] = 0.2;
  scan![7] = 0.3;
  scan![10] = 0.4;
  expect(task.rewards.height!.fn(view)).toBeCloseTo((0.3 - 0.27) ** 2, 12);
});

it('starts with its soles on whatever is under it, on every terrain', () => {
  const random = new RandomStream(keyOf(seed));
  const grounds = new Set<string>();
  for (let k = 0; k < 60; k++) {
    const scene = task.scene!(random, (k % 10) / 9);
    grounds.add(`${typeof scene.ground}${scene.statics.length > 0}`);
    const base = Float64Array.of(0, 0, 0, 0, 0, 0, 1);
    const state = { q: Float64Array.from(STANCE), qd: new Float64Array(12), base, twist: new Float64Array(6) };
    task.start(random, false, state, scene);
    // Feet are within 0.25 m of the middle in any heading.
    for (const [x, y] of [
      [0, 0],
      [0.25, 0],
      [-0.18, 0.17],
    ] as const) {
      expect(base[2]! - heightAt(scene, x, y)).toBeCloseTo(0.3123, 4);
    }
  }
  // Fields, and the plane with boxes on it.
  expect([...grounds].sort()).toEqual(['objectfalse', 'stringtrue']);
});

it('asks only for what leaves the tile within the episode', () => {
  const [forward, sideways, turning] = task.command!.ranges;
  const [aside, turn] = [sideways![1], turning![1]];
  for (const vx of forward!) {
    for (const vy of [0, aside]) {
      for (const wz of [0, turn]) {
        // The worst heading: out of a corner
        let [x, y, yaw, time] = [0, 0, Math.PI / 4, 0];
        while (Math.max(Math.abs(x), Math.abs(y)) < EDGE) {
          x += (vx * Math.cos(yaw) - vy * Math.sin(yaw)) * 0.02;
          y += (vx * Math.sin(yaw) + vy * Math.cos(yaw)) * 0.02;
          yaw += wz * 0.02;
          time += 0.02;
          if (time > task.episodeSeconds) break;
        }
        expect(time).toBeLessThan(task.episodeSeconds);
      }
    }
  }
});

describe('the edge', () => {
  it('truncates before a foot leaves the tile: a robot is 0.45 m from nose to middle', () => {
    expect(EDGE + 0.45).toBeLessThan(TILE / 2);
    expect(task.truncations!.edge!(viewAt(0, EDGE - 0.01))).toBe(false);
    expect(task.truncations!.edge!(viewAt(0, -EDGE - 0.01))).toBe(true);
    expect(task.truncations!.edge!(viewAt(EDGE + 0.01, 0))).toBe(true);
  });

  it('is success where the robot stands and failure where it lies', async () => {
    const environment = await environmentOf('quadruped-rough');
    const obs = new Float32Array(environment.observer.size);
    const put = (base: readonly number[]) => {
      environment.reset(0, obs, 0);
      const q = Float64Array.from(STANCE);
      const ground = heightAt(environment.scene, base[0]!, base[1]!);
      environment.robot.resetTo({
        q,
        qd: new Float64Array(12),
        base: Float64Array.of(base[0]!, base[1]!, ground + base[2]!, ...base.slice(3)),
        twist: new Float64Array(6),
      });
      environment.step(new Float32Array(12), 0, obs, 0);
      const { terminated, truncated, success } = environment;
      return { terminated, truncated, success };
    };
    const upright = [0, 0, 0, 1];
    expect(put([1, 0, 0.5, ...upright])).toEqual({ terminated: false, truncated: false, success: false });
    expect(put([EDGE + 0.05, 0, 0.5, ...upright])).toEqual({ terminated: false, truncated: true, success: true });
    // On its back: the fall counts, and no value is to be bootstrapped.
    expect(put([EDGE + 0.05, 0, 0.5, 1, 0, 0, 0])).toMatchObject({ terminated: true, truncated: false });
    environment.robot.close();
  });
});

it('goes up a level when it crossed the tile and down when it got less than half way', () => {
  const { rule, outcome } = task.curriculum!;
  expect(rule).toBe(TERRAIN_RULE);
  expect(outcome(viewAt(EDGE + 0.1, 0), true)).toEqual({ success: true, progress: 1 });
  expect(outcome(viewAt(0, -1.4), false).progress).toBeCloseTo(0.4, 12);
  expect(outcome(viewAt(0, -1.4), false).progress).toBeLessThan(rule.demoteBelow);
});

it('has a reference that reaches its score to the bit and beats doing nothing', async () => {
  const { score, make } = task.reference!;
  const { successRate, meanReturn, meanSteps } = await scoreOf('quadruped-rough', make);
  expect({ successRate, meanReturn }).toEqual(score);
  const idle = await scoreOf('quadruped-rough', null, 3);
  expect(idle.successRate).toBe(0);
  // Standing is paid too, by its tracking terms, but less than half as much a second.
  expect(idle.meanReturn / idle.meanSteps).toBeLessThan((0.5 * meanReturn) / meanSteps);
}, 60_000);
