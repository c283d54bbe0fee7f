/** The quadruped's shapes: what the calf's box leaves out lies within the foot. */

import { expect, it } from 'vitest';
import { loadRobot } from '../../loop/experiment.ts';

it.each(['FR', 'FL', 'RR', 'RL'])('the end of the calf is inside the foot: %s', async (leg) => {
  const { model } = await loadRobot('quadruped');
  const shape = (name: string) => model.links.find((link) => link.name === name)!.collisions[0]!;
  const { origin, geometry } = shape(`${leg}_calf`);
  const foot = shape(`${leg}_foot`).geometry;
  const below = model.joints.find(({ child }) => model.links[child]!.name === `${leg}_foot`)!.origin.xyz[2];
  if (geometry.kind !== 'box' || foot.kind !== 'sphere') throw new Error('a box and a ball');
  const [x, y, z] = geometry.size;
  // From the foot's centre to the corners of the box's lower end: the rest of a 0.2 m box is within the ball.
  const end = origin.xyz[2] - z / 2;
  expect(end).toBeGreaterThan(below);
  expect(Math.hypot(x / 2, y / 2, end - below)).toBeLessThan(foot.radius);
  // At the other end the calf still reaches its knee.
  expect(origin.xyz[2] + z / 2).toBeCloseTo(0, 12);
});
