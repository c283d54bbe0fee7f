/** A link as a rigid body: scales, frames and armature, by hand. */

import { describe, expect, it } from 'vitest';
import type { Quat } from '../../core/robot-model.ts';
import { quatFromRpy } from '../../core/rotation.ts';
import type { Body } from '../../sim/bodies.ts';
import type { Dynamics } from '../../sim/dynamics.ts';
import { baseMassProperties, massProperties } from '../../sim/mass-properties.ts';

const NONE: Quat = [0, 0, 0, 1];
const link: Pick<Body, 'mass' | 'com' | 'inertia'> = {
  mass: 2,
  com: [0.1, 0, -0.5],
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
    const ball: typeof link = { ...link, inertia: [0.01, 0.01, 0.01, 0, 0, 0] };
    const { moments } = massProperties(ball, NONE, [s, s, 0], dynamics({ armature: [0.3] }), 0);
    // Along the axis 0.31, across it 0.01 twice.
    expect([...moments].sort((a, b) => a - b)).toEqual([
      expect.closeTo(0.01, 12),
      expect.closeTo(0.01, 12),
      expect.closeTo(0.31, 12),
    ]);
  });

  it("turns from the link's frame into the body's", () => {
    // A quarter turn about z: x becomes y.
    const quarter = quatFromRpy([0, 0, Math.PI / 2]);
    const turned = massProperties(link, quarter, [0, 1, 0], dynamics({}), 0);
    for (const [k, value] of [0, 0.1, -0.5].entries()) expect(turned.com[k]!).toBeCloseTo(value, 12);
    // ixx and iyy change places.
    for (const [k, value] of [0.02, 0.01, 0.03].entries()) expect(turned.moments[k]!).toBeCloseTo(value, 12);
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

describe('baseMassProperties', () => {
  const base = { baseMassScale: 1, payload: 0, comX: 0, comY: 0, comZ: 0 };

  it('scales the base, adds a load at its centre of mass, and shifts that', () => {
    const heavy = baseMassProperties(link, NONE, { ...base, baseMassScale: 1.5, payload: 0.4 } as Dynamics);
    // 1.5 * 2 kg and the load, which the scale does not touch
    expect(heavy.mass).toBeCloseTo(3.4, 12);
    expect(heavy.com).toEqual(link.com);
    expect(heavy.moments).toEqual([1.5 * 0.01, 1.5 * 0.02, 1.5 * 0.03]);
    const shifted = baseMassProperties(link, NONE, { ...base, comX: 0.05, comY: -0.02, comZ: 0.01 } as Dynamics);
    for (const [k, value] of [0.15, -0.02, -0.49].entries()) expect(shifted.com[k]!).toBeCloseTo(value, 12);
  });

  it('follows a perturbed pseudo-inertia: exp(2 alpha) of the mass', () => {
    const pseudoInertia = new Array<number>(20).fill(0);
    pseudoInertia[0] = 0.1;
    const body = baseMassProperties(link, NONE, { ...base, pseudoInertia } as Dynamics);
    expect(body.mass).toBeCloseTo(2 * Math.exp(0.2), 12);
    // The second ten belong to what joint 0 moves: unchanged.
    expect(massProperties(link, NONE, [0, 1, 0], dynamics({ pseudoInertia }), 0).mass).toBe(2);
  });
});
