/** Dry friction by itself, on a point mass integrated here: it holds, slides, stops where the equation says, and never drives. */

import { describe, expect, it } from 'vitest';
import { CoulombFriction } from '../../sim/coulomb-friction.ts';

const DT = 0.005;

/** Semi-implicit Euler of I qdd = tau(t) + friction; what it passes through, [steps, 3]: q, qd, friction. */
function simulate(
  inertia: number,
  limit: number,
  seconds: number,
  tau: (t: number) => number,
  qd0 = 0,
  guess = inertia,
) {
  const friction = new CoulombFriction(1, DT);
  friction.reset(0, limit, guess);
  let [q, qd] = [0, qd0];
  return Array.from({ length: Math.round(seconds / DT) }, (_, i) => {
    const torque = new Float64Array(1);
    friction.resist(Float64Array.of(qd), torque);
    const dry = torque[0]!;
    qd += (DT * (tau(i * DT) + dry)) / inertia;
    q += DT * qd;
    return [q, qd, dry] as const;
  });
}

describe.each([1e-4, 0.14, 50])('an inertia of %d kg m2', (inertia) => {
  it('stops after J qd0 / F, at J qd0^2 / 2F, and stays there', () => {
    const limit = 2 * inertia;
    const path = simulate(inertia, limit, 4, () => 0, 3);
    const stop = path.findIndex(([, qd]) => Math.abs(qd) < 1e-3) * DT;
    expect(Math.abs(stop - 1.5)).toBeLessThan(0.03);
    expect(Math.abs(path.at(-1)![0] - 2.25)).toBeLessThan(0.01);
    expect(Math.abs(path.at(-1)![1])).toBeLessThan(1e-9);
  });

  it('gives way to a torque above the limit only', () => {
    const limit = 2 * inertia;
    const ramp = simulate(inertia, limit, 2, (t) => t * limit);
    // At 0.9 s the ramp stands at 0.9 of the limit: less than the spring's stretch at the limit, F / k.
    expect(ramp[180]![0]).toBeLessThan((limit * DT ** 2) / (0.1 * inertia));
    // From 1 s on J qdd = F (t - 1): at 2 s q = F / 6J = 1/3
    expect(Math.abs(ramp.at(-1)![0] - 1 / 3)).toBeLessThan(0.01);
  });

  it('takes energy, whatever the torque, and stays within the limit', () => {
    const limit = 2 * inertia;
    const path = simulate(inertia, limit, 10, (t) => 3 * inertia * Math.sin(7 * t) + 2.5 * inertia * Math.sin(1.3 * t));
    expect(Math.max(...path.map(([, , dry]) => Math.abs(dry)))).toBe(limit);
    const work = path.reduce((sum, [, qd, dry]) => sum + dry * qd * DT, 0);
    expect(work).toBeLessThan(0);
  });

  it('stays calm when the inertia it was told is a tenth of the true one', () => {
    const limit = 2 * inertia;
    const path = simulate(inertia, limit, 6, () => limit / 2, 3, inertia / 10);
    expect(Math.abs(path.at(-1)![1])).toBeLessThan(1e-6);
  });
});

it('is nothing where there is none', () => {
  const friction = new CoulombFriction(2, DT);
  friction.reset(0, 1, 0.1);
  const torques = new Float64Array(2);
  friction.resist(Float64Array.of(5, 5), torques);
  expect([...torques]).toEqual([-1, 0]);
});
