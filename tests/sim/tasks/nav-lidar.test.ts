/** The navigation task: rewards by hand, levels, what ends it, what its reference reaches. */

import { describe, expect, it } from 'vitest';
import { makeState } from '../../../core/robot.ts';
import { distanceAt } from '../../../sim/distance-field.ts';
import { runReference } from '../../../sim/reference-run.ts';
import { type Rooms, roomsOf } from '../../../sim/rooms.ts';
import { goalDistance, navLidar, progress, wallDistance } from '../../../sim/tasks/nav-lidar.ts';
import { environmentOf, viewWith } from './rig.ts';

/** A wall at y = 1 m and a goal at the origin, whose distances are x. */
const ROOMS: Rooms = {
  ground: 'plane',
  statics: [{ geometry: { kind: 'box', size: [9, 0.1, 0.3] }, pose: { xyz: [0, 1, 0.15], quat: [0, 0, 0, 1] } }],
  objects: [],
  spawn: [3, 0],
  goal: [0, 0],
  way: {
    nx: 5,
    ny: 5,
    cell: 1,
    origin: [0, -2],
    values: Float32Array.from({ length: 25 }, (_, k) => k % 5),
  },
};

function stateAt(x: number, y: number, heading = 0) {
  const state = makeState(2);
  state.base.set([x, y, 0.01, 0, 0, Math.sin(heading / 2), Math.cos(heading / 2)]);
  return state;
}

describe('nav-lidar', () => {
  it('pays for speed along the way', () => {
    const view = viewWith({ scene: ROOMS, before: stateAt(2, 0), state: stateAt(1.99, 0), dt: 0.1 }, 2);
    expect(progress(view)).toBeCloseTo(0.1, 6);
    // on the spot the middle of the body moves: from 0.032 behind the axle to 0.032 before it
    const turned = viewWith({ scene: ROOMS, before: stateAt(2, 0), state: stateAt(2, 0, Math.PI), dt: 0.1 }, 2);
    expect(progress(turned)).toBeCloseTo(-0.64, 6);
  });

  it('knows how far its hull is from walls, and ends when they meet', () => {
    const at = (y: number) => viewWith({ scene: ROOMS, state: stateAt(2, y) }, 2);
    // wall's face at 0.95, disc of 0.12
    expect(wallDistance(at(0))).toBeCloseTo(0.83, 12);
    expect(navLidar.rewards.wall!.fn(at(0))).toBe(0);
    expect(navLidar.rewards.wall!.fn(at(0.79))).toBeCloseTo(0.5, 9);
    expect(navLidar.terminations.collision!(at(0.82))).toBe(false);
    expect(navLidar.terminations.collision!(at(0.84))).toBe(true);
    expect(navLidar.rewards.collision!.fn(at(0.84))).toBe(1);
    const tipped = stateAt(2, 0);
    tipped.base.set([0, Math.sin(0.4), 0, Math.cos(0.4)], 3);
    expect(navLidar.terminations.tipped!(viewWith({ scene: ROOMS, state: tipped }, 2))).toBe(true);
    expect(navLidar.terminations.tipped!(at(0))).toBe(false);
  });

  it('succeeds within 25 cm of the goal', () => {
    const at = (x: number) => viewWith({ scene: ROOMS, state: stateAt(x, 0), command: Float64Array.of(0, 0, 0.01) }, 2);
    expect(goalDistance(at(0.3))).toBeCloseTo(0.3, 12);
    expect([navLidar.success.test(at(0.26)), navLidar.success.test(at(0.24))]).toEqual([false, true]);
  });

  it('begins at the spawn of its rooms, asks for their goal, and goes further with the level', async () => {
    const environment = await environmentOf('nav-lidar', 'judged');
    const obs = new Float32Array(environment.observer.size);
    const ways = [0, 0, 0];
    const counts = [0, 0, 0];
    for (let episode = 0; episode < 24; episode++) {
      environment.reset(episode, obs, 0);
      const rooms = roomsOf(environment.scene);
      // the engine's positions are of single precision
      for (let k = 0; k < 2; k++) expect(environment.robot.truth.base[k]).toBeCloseTo(rooms.spawn[k]!, 5);
      expect([...environment.taskCommand.subarray(0, 2)]).toEqual([...rooms.goal]);
      ways[environment.level]! += distanceAt(rooms.way, ...rooms.spawn);
      counts[environment.level]!++;
      // The goal as the robot sees it is as far as it is.
      expect(Math.hypot(obs[0]!, obs[1]!)).toBeCloseTo(goalDistance(environment.view), 5);
      // and the nearest beam is as near as the nearest wall, from where the lidar is: over the body's middle
      const scan = obs.subarray(3, 63);
      const nearest = Math.min(...scan);
      // noise 0.01 m, and walls may lie between beams
      expect(Math.abs(nearest - (wallDistance(environment.view) + 0.12))).toBeLessThan(0.06);
    }
    const [first, second, third] = ways.map((sum, level) => sum / counts[level]!) as [number, number, number];
    expect(second).toBeGreaterThan(first + 0.5);
    expect(third).toBeGreaterThan(second + 0.5);
  });

  it('has a reference that reaches what it says, and doing nothing does not', async () => {
    const environment = await environmentOf('nav-lidar', 'judged');
    const { make, score } = navLidar.reference!;
    const reached = runReference(environment, make, 20);
    expect([reached.successRate, reached.meanReturn.toFixed(2)]).toEqual([
      score.successRate,
      score.meanReturn.toFixed(2),
    ]);
    const idle = runReference(environment, null, 5);
    expect(idle.successRate).toBe(0);
    expect(idle.meanReturn).toBeLessThan(score.meanReturn - 30);
  }, 180_000);
});
