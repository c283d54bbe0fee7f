/** The legs in closed form against the URDF's own kinematics, differences, and each other. */

import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { forwardKinematics } from '../../../core/kinematics.ts';
import { keyOf, RandomStream } from '../../../core/rng.ts';
import { jointNames } from '../../../core/robot-model.ts';
import { FOOT_RADIUS, footPosition, footVelocity, JOINTS, LEGS, legAngles } from '../../../sim/tasks/quadruped-legs.ts';
import { parseUrdf } from '../../../sim/urdf.ts';

const model = parseUrdf(readFileSync('configs/robots/quadruped.urdf', 'utf8'), {
  where: 'quadruped',
  base: 'floating',
});
const random = new RandomStream(keyOf(7));

/** Within the joints' limits: hip +-0.8, thigh -1..2.5, calf -2.6..-0.95 rad. */
function anyPose(): Float64Array {
  const q = new Float64Array(12);
  for (let leg = 0; leg < 4; leg++) {
    q[3 * leg] = random.between(-0.8, 0.8);
    q[3 * leg + 1] = random.between(-1, 2.5);
    q[3 * leg + 2] = random.between(-2.6, -0.95);
  }
  return q;
}

it('names the joints as the robot does', () => {
  expect(JOINTS).toEqual(jointNames(model));
});

it('puts feet where the URDF puts them', () => {
  const poses = new Float64Array(model.links.length * 7);
  const foot = new Float64Array(3);
  for (let trial = 0; trial < 50; trial++) {
    const q = anyPose();
    forwardKinematics(model, q, poses);
    for (const [leg, name] of LEGS.entries()) {
      const link = model.links.findIndex((candidate) => candidate.name === `${name}_foot`);
      footPosition(q, leg, foot);
      // Float64 sums of a few terms below 1 m
      for (let k = 0; k < 3; k++) expect(foot[k]!).toBeCloseTo(poses[7 * link + k]!, 12);
    }
  }
});

it('has the radius of the sphere under the foot', () => {
  const link = model.links.find(({ name }) => name === 'FR_foot')!;
  expect(link.collisions.map(({ geometry }) => geometry)).toEqual([{ kind: 'sphere', radius: FOOT_RADIUS }]);
});

it('moves feet as differences of positions say', () => {
  const h = 1e-5;
  const [ahead, behind, velocity] = [new Float64Array(3), new Float64Array(3), new Float64Array(3)];
  for (let trial = 0; trial < 20; trial++) {
    const q = anyPose();
    const qd = Float64Array.from({ length: 12 }, () => random.between(-10, 10));
    for (let leg = 0; leg < 4; leg++) {
      footPosition(
        q.map((x, j) => x + h * qd[j]!),
        leg,
        ahead,
      );
      footPosition(
        q.map((x, j) => x - h * qd[j]!),
        leg,
        behind,
      );
      footVelocity(q, qd, leg, velocity);
      // Central differences: h^2 |q'''| / 6 is 1e-10 * 1e3 * 0.4 = 1e-8 m/s, rounding 1e-11
      for (let k = 0; k < 3; k++) expect(velocity[k]!).toBeCloseTo((ahead[k]! - behind[k]!) / (2 * h), 6);
    }
  }
});

it('finds the angles of a foot that it placed', () => {
  const [foot, angles] = [new Float64Array(3), new Float64Array(12)];
  for (let trial = 0; trial < 50; trial++) {
    const q = anyPose();
    for (let leg = 0; leg < 4; leg++) {
      // The leg hangs: a foot above its hip has a second solution.
      q[3 * leg + 1] = -q[3 * leg + 2]! / 2 + random.between(-1, 1);
      footPosition(q, leg, foot);
      legAngles(leg, foot[0]!, foot[1]!, foot[2]!, angles);
      // atan2 of core/math.ts is within a few ulp; near a straight knee errors grow by 1 / sin
      for (let k = 0; k < 3; k++) expect(angles[3 * leg + k]!).toBeCloseTo(q[3 * leg + k]!, 10);
    }
  }
});

it('stretches towards what it cannot reach', () => {
  const [foot, angles] = [new Float64Array(3), new Float64Array(12)];
  legAngles(0, 0.1805, -0.1308, -2, angles);
  footPosition(angles, 0, foot);
  // Straight down, 0.999 of two segments of 0.2 m
  expect(foot[2]!).toBeCloseTo(-0.3996, 6);
  expect(angles[2]!).toBeLessThan(0);
});
