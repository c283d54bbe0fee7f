/** Perturbed inertia: by hand, against moved point masses, and valid for every draw. */

import { describe, expect, it } from 'vitest';
import { keyOf, RandomStream } from '../../core/rng.ts';
import type { Inertial, Vec3 } from '../../core/robot-model.ts';
import { quatFromRpy, quatRotate } from '../../core/rotation.ts';
import { principalInertia } from '../../sim/inertia.ts';
import { PSEUDO_INERTIA, perturbInertia } from '../../sim/pseudo-inertia.ts';

const seed = Number(process.env.LANDFALL_TEST_SEED ?? 1);

/** A uniform box of the sides a, b, c at `com`. */
function box(mass: number, [a, b, c]: Vec3, com: Vec3, rpy: Vec3 = [0, 0, 0]): Inertial {
  const k = mass / 12;
  return {
    mass,
    origin: { xyz: com, quat: quatFromRpy(rpy) },
    inertia: [k * (b * b + c * c), k * (a * a + c * c), k * (a * a + b * b), 0, 0, 0],
  };
}

/** The perturbation with some parameters other than 0. */
function parameters(values: Partial<Record<(typeof PSEUDO_INERTIA)[number]['name'], number>>): number[] {
  return PSEUDO_INERTIA.map(({ name }) => values[name] ?? 0);
}

function expectInertial(found: Inertial, expected: Inertial): void {
  expect(found.mass).toBeCloseTo(expected.mass, 12);
  for (let k = 0; k < 3; k++) expect(found.origin.xyz[k]).toBeCloseTo(expected.origin.xyz[k]!, 12);
  expect(found.origin.quat).toEqual([0, 0, 0, 1]);
  for (let k = 0; k < 6; k++) expect(found.inertia[k]).toBeCloseTo(expected.inertia[k]!, 12);
}

describe('perturbInertia', () => {
  const link = box(2, [0.3, 0.2, 0.1], [0.05, -0.02, 0.1]);

  it('zeros change nothing', () => {
    expectInertial(perturbInertia(link, parameters({})), link);
  });

  it('alpha scales mass and inertia by e^(2 alpha) and leaves the centre of mass', () => {
    const s = Math.exp(0.4);
    const heavier = { ...link, mass: s * 2, inertia: link.inertia.map((x) => s * x) as unknown as Inertial['inertia'] };
    expectInertial(perturbInertia(link, parameters({ alpha: 0.2 })), heavier);
  });

  it('d1 = ln 2 makes the box twice as long, of the same mass, and its centre twice as far along x', () => {
    const longer = box(2, [0.6, 0.2, 0.1], [0.1, -0.02, 0.1]);
    expectInertial(perturbInertia(link, parameters({ d1: Math.LN2 })), longer);
    const thinner = box(2, [0.3, 0.2, 0.05], [0.05, -0.02, 0.05]);
    expectInertial(perturbInertia(link, parameters({ d3: -Math.LN2 })), thinner);
  });

  it('t moves the centre of mass alone', () => {
    const moved = { ...link, origin: { ...link.origin, xyz: [0.06, 0, 0.07] as const } };
    expectInertial(perturbInertia(link, parameters({ t1: 0.01, t2: 0.02, t3: -0.03 })), moved);
  });

  it('s12 slants the box: x becomes x + s y', () => {
    // Second moments of a box: m a^2/12 and so on. xx' = xx + s^2 yy, xy' = s yy; I = tr(S) 1 - S.
    const [xx, yy, zz] = [(2 * 0.09) / 12, (2 * 0.04) / 12, (2 * 0.01) / 12];
    const s = 0.5;
    expectInertial(perturbInertia(link, parameters({ s12: s })), {
      mass: 2,
      origin: { xyz: [0.05 - 0.02 * s, -0.02, 0.1], quat: [0, 0, 0, 1] },
      inertia: [yy + zz, xx + s * s * yy + zz, xx + s * s * yy + yy, -s * yy, 0, 0],
    });
  });

  it('reads its row of many', () => {
    const rows = [...parameters({ alpha: 1 }), ...parameters({ t2: 0.1 })];
    expect(perturbInertia(link, rows, 10)).toEqual(perturbInertia(link, parameters({ t2: 0.1 })));
  });

  it('is what comes of moving the body point by point, with an inertia frame turned in the link', () => {
    const rpy: Vec3 = [0.4, -0.7, 1.1];
    const turned = box(3, [0.4, 0.3, 0.1], [0.1, 0.2, -0.1], rpy);
    const p = [0.1, 0.2, -0.3, 0.1, 0.2, -0.1, 0.3, 0.02, -0.01, 0.03];
    // Eight corners at 1/sqrt(3) of the half sides have the mass and the second moments of the uniform box.
    const points = Array.from({ length: 8 }, (_, i) => {
      const corner = [0.4, 0.3, 0.1].map((side, k) => (((i >> k) & 1 ? 1 : -1) * side) / 2 / Math.sqrt(3));
      const r = quatRotate(turned.origin.quat, corner, [0, 0, 0]).map((x, k) => x + turned.origin.xyz[k]!);
      const [x, y, z] = r as [number, number, number];
      return [
        Math.exp(p[1]!) * x + p[4]! * y + p[6]! * z + p[7]!,
        Math.exp(p[2]!) * y + p[5]! * z + p[8]!,
        Math.exp(p[3]!) * z + p[9]!,
      ] as const;
    });
    const mass = 3 * Math.exp(2 * p[0]!);
    const com = [0, 1, 2].map((k) => points.reduce((sum, r) => sum + r[k]! / 8, 0));
    const second = (a: number, b: number) =>
      points.reduce((sum, r) => sum + (mass / 8) * (r[a]! - com[a]!) * (r[b]! - com[b]!), 0);
    expectInertial(perturbInertia(turned, p), {
      mass,
      origin: { xyz: com as unknown as Vec3, quat: [0, 0, 0, 1] },
      inertia: [
        second(1, 1) + second(2, 2),
        second(0, 0) + second(2, 2),
        second(0, 0) + second(1, 1),
        -second(0, 1),
        -second(0, 2),
        -second(1, 2),
      ],
    });
  });

  it(`is a real body's for 10,000 draws up to the widest, seed ${seed}`, () => {
    const random = new RandomStream(keyOf(seed));
    for (let i = 0; i < 10_000; i++) {
      // The first draws are small, the last stretch and slant by e^3 and 3.
      const width = (3 * (i + 1)) / 10_000;
      const sides: Vec3 = [random.between(0.02, 0.5), random.between(0.02, 0.5), random.between(0.02, 0.5)];
      const com: Vec3 = [random.between(-0.3, 0.3), random.between(-0.3, 0.3), random.between(-0.3, 0.3)];
      const rpy: Vec3 = [random.between(-3, 3), random.between(-1.5, 1.5), random.between(-3, 3)];
      const p = Array.from({ length: 10 }, () => random.between(-width, width));
      const { mass, inertia } = perturbInertia(box(random.between(0.05, 20), sides, com, rpy), p);
      const [a, b, c] = [...principalInertia(inertia).moments].sort((x, y) => x - y) as [number, number, number];
      expect(mass).toBeGreaterThan(0);
      expect(a).toBeGreaterThan(0);
      expect(a + b, `draw ${i}: ${p.join(', ')}`).toBeGreaterThan(c);
    }
  });
});
