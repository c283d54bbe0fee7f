/** Inertials with their dynamics, by hand. */

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Inertial } from '../../core/robot-model.ts';
import { type Dynamics, nominalDynamics } from '../../sim/dynamics.ts';
import { baseInertial, movedInertial } from '../../sim/link-inertia.ts';
import { perturbInertia } from '../../sim/pseudo-inertia.ts';
import { parseUrdf } from '../../sim/urdf.ts';

const nominal = nominalDynamics(parseUrdf(readFileSync('configs/robots/pendulum.urdf', 'utf8'), { where: 'pendulum' }));
const link: Inertial = {
  mass: 2,
  origin: { xyz: [0.1, 0.2, 0.3], quat: [0, 0, 0, 1] },
  inertia: [0.03, 0.04, 0.05, 0.001, 0.002, 0.003],
};
const rows = Array.from({ length: 20 }, (_, i) => 0.01 * (i + 1));
const perturbed: Dynamics = { ...nominal, pseudoInertia: rows };

describe('the base', () => {
  it('is as the URDF has it at the nominal parameters', () => {
    expect(baseInertial(link, nominal)).toEqual(link);
  });

  it('is scaled, carries its payload as a point at its centre of mass, and has that moved', () => {
    const loaded = baseInertial(link, { ...nominal, baseMassScale: 1.5, payload: 0.5, comX: 0.01, comZ: -0.02 });
    expect(loaded.mass).toBe(3.5);
    expect(loaded.origin.xyz).toEqual([expect.closeTo(0.11, 14), 0.2, expect.closeTo(0.28, 14)]);
    for (const [k, value] of link.inertia.entries()) expect(loaded.inertia[k]).toBeCloseTo(1.5 * value, 14);
  });

  it('is perturbed by the first row', () => {
    expect(baseInertial(link, perturbed)).toEqual(perturbInertia(link, rows.slice(0, 10)));
  });
});

describe('a moved link', () => {
  it('is perturbed by the row after its joint, if there are rows', () => {
    expect(movedInertial(link, nominal, 0)).toBe(link);
    expect(movedInertial(link, perturbed, 0)).toEqual(perturbInertia(link, rows.slice(10)));
  });
});
