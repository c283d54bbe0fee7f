/** The pushing task: rewards by hand, what the camera sees, what only the critic knows, what its reference reaches. */

import { describe, expect, it } from 'vitest';
import { experimentNamed } from '../../../configs/index.ts';
import { quatRotate } from '../../../core/rotation.ts';
import { openExperiment } from '../../../loop/experiment.ts';
import { runReference } from '../../../sim/reference-run.ts';
import type { Scene } from '../../../sim/scene.ts';
import { contractOf } from '../../../sim/task-contract.ts';
import { armPush, behindDistance, goalDistance } from '../../../sim/tasks/arm-push.ts';
import { environmentOf, viewWith, worldAt } from './rig.ts';

const SCENE: Scene = {
  ground: 'plane',
  statics: [],
  objects: [
    {
      name: 'object',
      mass: 0.4,
      geometry: { kind: 'cylinder', radius: 0.04, length: 0.06 },
      pose: { xyz: [0.5, 0, 0.03], quat: [0, 0, 0, 1] },
      friction: 0.3,
    },
  ],
};

describe('arm-push', () => {
  const objects = Float64Array.of(0.5, 0, 0.03, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0);
  const command = Float64Array.of(0.6, 0);

  it('measures from the object to its goal and from the ball to where a push begins', () => {
    // goal along +x: the ball belongs at 0.5 - 0.04 - 0.02, 0.04 above the table
    const view = viewWith({ scene: SCENE, objects, command, world: worldAt([0.44, 0, 0.04, 0, 1, 0, 0]) });
    expect(goalDistance(view)).toBeCloseTo(0.1, 12);
    expect(behindDistance(view)).toBeCloseTo(0, 12);
    expect(armPush.success.test(view)).toBe(false);
    const above = viewWith({ scene: SCENE, objects, command, world: worldAt([0.44, 0.03, 0.08, 0, 1, 0, 0]) });
    expect(behindDistance(above)).toBeCloseTo(0.05, 12);
    const there = viewWith({ scene: SCENE, objects, command: Float64Array.of(0.52, 0.02), world: view.world });
    expect(armPush.success.test(there)).toBe(true);
    expect(armPush.rewards.near!.fn(there)).toBeCloseTo(1 - Math.tanh(Math.hypot(0.02, 0.02) / 0.15), 12);
    expect(armPush.rewards.close!.fn(there)).toBeCloseTo(1 - Math.tanh(Math.hypot(0.02, 0.02) / 0.03), 12);
  });

  it('ends when the object is lost', () => {
    const { lost } = armPush.terminations;
    const at = (x: number, y: number, z: number) => viewWith({ objects: Float64Array.of(x, y, z) });
    expect(lost!(at(0.5, 0, 0.03))).toBe(false);
    expect(lost!(at(0.81, 0, 0.03))).toBe(true);
    expect(lost!(at(0.5, -0.36, 0.03))).toBe(true);
    // lying on its side
    expect(lost!(at(0.5, 0, 0.055))).toBe(true);
  });

  it('looks at the middle of the workspace, and sees objects where they are', async () => {
    const camera = armPush.sensors![0]!;
    if (camera.kind !== 'depth') throw new Error('expected a depth camera');
    const { xyz, quat } = camera.pose;
    const ray = quatRotate(quat, [1, 0, 0], [0, 0, 0]);
    const s = -xyz[2] / ray[2]!;
    expect(xyz[0] + s * ray[0]!).toBeCloseTo(0.5, 3);
    expect(quatRotate(quat, [0, 0, 1], [0, 0, 0])[2]).toBeGreaterThan(0);
    const environment = await environmentOf('arm-push', 'judged', 0);
    const obs = new Float32Array(environment.observer.size);
    for (let episode = 0; episode < 5; episode++) {
      environment.reset(episode, obs, 0);
      const image = environment.robot.truth.sensors.camera!;
      const { pose } = environment.scene.objects[0]!;
      // The table's depth is the same in every row: what is nearer than the row's farthest is the object.
      let [sum, sumY, seen] = [0, 0, 0];
      for (let row = 0; row < camera.height; row++) {
        const line = [...image.slice(row * camera.width, (row + 1) * camera.width)];
        const table = Math.max(...line);
        for (const [column, depth] of line.entries()) {
          if (depth > table - 0.01) continue;
          const focal = camera.width / 2 / Math.tan(camera.fov / 2);
          const toLeft = (camera.width / 2 - column - 0.5) / focal;
          sum += depth;
          // The camera looks back at the robot: its left is the world's -y.
          sumY -= depth * toLeft;
          seen++;
        }
      }
      expect(seen).toBeGreaterThan(3);
      // within a pixel, 28 mm
      expect(Math.abs(sumY / seen - pose.xyz[1])).toBeLessThan(0.028);
      expect(sum / seen).toBeGreaterThan(0.6);
    }
  });

  it('tells the critic alone where the object is', async () => {
    const environment = await environmentOf('arm-push', 'judged');
    const obs = new Float32Array(environment.observer.size);
    environment.reset(0, obs, 0);
    const critic = new Float32Array(environment.criticObserver!.size);
    environment.observeCritic(critic, 0);
    const { xyz } = environment.scene.objects[0]!.pose;
    const at = critic.length - 6;
    for (let k = 0; k < 3; k++) expect(critic[at + k]).toBeCloseTo(xyz[k]!, 5);
    expect(armPush.observations.map(({ term }) => term)).not.toContain('object_position');
  });

  it('could not tell the actor', async () => {
    const experiment = await openExperiment(experimentNamed('arm-push'));
    const { model, config: robot } = experiment.robot;
    const task = { ...armPush, observations: armPush.criticObservations! };
    const rest = { hidden: [8], activation: 'elu', seed: 1, config: {} } as const;
    expect(() => contractOf({ task, model, robot, dynamics: experiment.dynamics, ...rest })).toThrow(
      'observation object is of what only a simulation knows',
    );
  });

  it('has a reference that reaches what it says, and doing nothing does not', async () => {
    const environment = await environmentOf('arm-push', 'judged');
    const { make, score } = armPush.reference!;
    const reached = runReference(environment, make, 20);
    expect([reached.successRate, reached.meanReturn.toFixed(2)]).toEqual([
      score.successRate,
      score.meanReturn.toFixed(2),
    ]);
    const idle = runReference(environment, null, 2);
    expect(idle.successRate).toBe(0);
    expect(idle.meanReturn).toBeLessThan(score.meanReturn - 20);
  }, 180_000);
});
