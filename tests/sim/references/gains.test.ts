/** The regulators of the reference policies: their constants solve the Riccati equation of the linearised robots. */

import { describe, expect, it } from 'vitest';
import { ACROBOT_REGULATOR } from '../../../sim/references/acrobot.ts';
import { CARTPOLE_GAINS } from '../../../sim/references/cartpole.ts';
import { doublePendulum, type Regulator } from '../../../sim/references/double-pendulum.ts';
import { PENDUBOT_REGULATOR } from '../../../sim/references/pendubot.ts';
import { PENDULUM_GAINS } from '../../../sim/references/pendulum.ts';
import { diagonal, hold, type Matrix, multiply, regulator } from './riccati.ts';

const G = 9.81;

/** Constants are written with ten digits; the matrices here differ from them in rounding only. */
function expectClose(found: readonly number[], wanted: readonly number[]): void {
  expect(found.length).toBe(wanted.length);
  for (const [k, value] of wanted.entries()) expect(Math.abs(found[k]! / value - 1)).toBeLessThan(1e-6);
}

/** Upright: M edd + D ed - G e = b u for the manipulator matrices at q = (pi, 0). */
function uprightDoublePendulum(driven: 0 | 1): { a: Matrix; b: number[] } {
  const { a1, a2, a3, g1, g2, damping } = doublePendulum;
  const [m11, m12, m22] = [a1 + a2 + 2 * a3, a2 + a3, a2];
  const det = m11 * m22 - m12 * m12;
  const inverse = [
    [m22 / det, -m12 / det],
    [-m12 / det, m11 / det],
  ];
  const gravity = multiply(inverse, [
    [g1 + g2, g2],
    [g2, g2],
  ]);
  const rows = [0, 1].map((i) => [...gravity[i]!, -damping * inverse[i]![0]!, -damping * inverse[i]![1]!]);
  return { a: [[0, 0, 1, 0], [0, 0, 0, 1], ...rows], b: [0, 0, inverse[0]![driven]!, inverse[1]![driven]!] };
}

describe('the Riccati solver', () => {
  it('solves the scalar case by hand', () => {
    // x+ = x + u, q = r = 1: S = 1 + S - S^2 / (1 + S), so S^2 = S + 1, the golden ratio; K = S / (1 + S)
    const golden = (1 + Math.sqrt(5)) / 2;
    const { K, S } = regulator([[1]], [[1]], [[1]], 1);
    expect(S[0]![0]!).toBeCloseTo(golden, 10);
    expect(K[0]!).toBeCloseTo(golden / (1 + golden), 10);
  });

  it('holds a double integrator exactly', () => {
    const { A, B } = hold(
      [
        [0, 1],
        [0, 0],
      ],
      [0, 2],
      0.1,
    );
    expect(A).toEqual([
      [1, 0.1],
      [0, 1],
    ]);
    expect(B[0]![0]!).toBeCloseTo(0.01, 14);
    expect(B[1]![0]!).toBeCloseTo(0.2, 14);
  });
});

describe('gains', () => {
  it('of the pendulum', () => {
    const inertia = 0.57288 * 0.25 + 0.000366643;
    const { A, B } = hold(
      [
        [0, 1],
        [(0.57288 * G * 0.5) / inertia, -0.04707 / inertia],
      ],
      [0, 1 / inertia],
      0.02,
    );
    expectClose(PENDULUM_GAINS, regulator(A, B, diagonal([10, 1]), 1).K);
  });

  it('of the cart-pole', () => {
    const [cart, pole, length] = [1, 0.1, 0.5];
    const inertia = 0.008333333333 + pole * length ** 2;
    const lever = pole * length;
    // (M + m) xdd + m l edd = F, I edd + m l xdd = m g l e
    const det = (cart + pole) * inertia - lever ** 2;
    const a = [
      [0, 0, 1, 0],
      [0, 0, 0, 1],
      [0, (-lever * lever * G) / det, 0, 0],
      [0, ((cart + pole) * lever * G) / det, 0, 0],
    ];
    const { A, B } = hold(a, [0, 0, inertia / det, -lever / det], 0.02);
    expectClose(CARTPOLE_GAINS, regulator(A, B, diagonal([1, 10, 0.1, 0.1]), 0.2).K);
  });

  it.each([
    ['acrobot', 1, ACROBOT_REGULATOR, [5000, 5000, 10, 10]],
    ['pendubot', 0, PENDUBOT_REGULATOR, [10, 10, 1, 1]],
  ] as [string, 0 | 1, Regulator, number[]][])('of the %s, and its cost-to-go', (_, driven, wanted, cost) => {
    const { a, b } = uprightDoublePendulum(driven);
    const { A, B } = hold(a, b, 0.01);
    const { K, S } = regulator(A, B, diagonal(cost), 1);
    expectClose(wanted.gains, K);
    expectClose(
      wanted.cost,
      S.flatMap((row, i) => row.slice(i)),
    );
  });
});
