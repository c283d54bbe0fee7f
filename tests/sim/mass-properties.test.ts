/** A link as a rigid body: scales, frames and armature, by hand. */

import { describe, expect, it } from 'vitest';
import type { Inertial, Quat } from '../../core/robot-model.ts';
import { quatFromRpy } from '../../core/rotation.ts';
import type { Dynamics } from '../../sim/dynamics.ts';
import { massProperties } from '../../sim/mass-properties.ts';

const NONE: Quat = [0, 0, 0, 1];
const link: Inertial = {
  mass: 2,
  origin: { xyz: [0.1, 0, -0.5], quat: NONE },
  inertia: [0.01, 0.02, 0.03, 0, 0, 0],
};

function dynamics(changes: Partial<Dynamics>): Dynamics {
  return { massScale: [1], comScale: [1], armature: [0], ...changes } as Dynamics;
}

describe('massProperties', () => {
  it('is the link as it is when nothing is scaled', () => {
    expect(massProperties(link, NONE, [0, 1, 0], dynamics({}), 0)).toEqual({
      mass: 2,
      com: [0.1, 0, -0.5],
      moments: [0.01, 0.02, 0.03],
      frame: NONE,
    });
  });

  it('scales mass and inertia together, and the centre of mass apart from them', () => {
    const body = massProperties(link, NONE, [0, 1, 0], dynamics({ massScale: [1.5], comScale: [2] }), 0);
    expect(body.mass).toBe(3);
    expect(body.com).toEqual([0.2, 0, -1]);
    expect(body.moments).toEqual([1.5 * 0.01, 1.5 * 0.02, 1.5 * 0.03]);
  });

  it('adds armature about the axis alone, and does not scale it', () => {
    const body = massProperties(link, NONE, [0, 1, 0], dynamics({ massScale: [2], armature: [0.5] }), 0);
    expect(body.moments).toEqual([0.02, 0.04 + 0.5, 0.06]);
  });

  it('adds armature about a slanted axis as a a^T', () => {
    const s = Math.SQRT1_2;
    const ball: Inertial = { ...link, inertia: [0.01, 0.01, 0.01, 0, 0, 0] };
    const { moments } = massProperties(ball, NONE, [s, s, 0], dynamics({ armature: [0.3] }), 0);
    // Along the axis 0.31, across it 0.01 twice.
    expect([...moments].sort((a, b) => a - b)).toEqual([
      expect.closeTo(0.01, 12),
      expect.closeTo(0.01, 12),
      expect.closeTo(0.31, 12),
    ]);
  });

  it("turns from the link's frame and the inertia's frame into the body's", () => {
    // A quarter turn about z: x becomes y.
    const quarter = quatFromRpy([0, 0, Math.PI / 2]);
    const turned = massProperties(link, quarter, [0, 1, 0], dynamics({}), 0);
    for (const [k, value] of [0, 0.1, -0.5].entries()) expect(turned.com[k]!).toBeCloseTo(value, 12);
    // ixx and iyy change places.
    for (const [k, value] of [0.02, 0.01, 0.03].entries()) expect(turned.moments[k]!).toBeCloseTo(value, 12);
    const twisted = { ...link, origin: { ...link.origin, quat: quarter } };
    const inner = massProperties(twisted, NONE, [0, 1, 0], dynamics({}), 0);
    expect(inner.com).toEqual([0.1, 0, -0.5]);
    for (const [k, value] of [0.02, 0.01, 0.03].entries()) expect(inner.moments[k]!).toBeCloseTo(value, 12);
  });

  it('takes the scales of the joint it is asked for', () => {
    const body = massProperties(
      link,
      NONE,
      [0, 1, 0],
      dynamics({ massScale: [9, 3], comScale: [9, 1], armature: [9, 0] }),
      1,
    );
    expect(body.mass).toBe(6);
  });
});
