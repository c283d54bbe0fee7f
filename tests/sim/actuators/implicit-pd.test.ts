/** The implicit drive by hand and on a joint alone: backward Euler without a load, the right sag with one, stable always. */

import { describe, expect, it } from 'vitest';
import type { ActuatorSpec } from '../../../sim/robot-spec.ts';
import { commandOf, course, drivesOf, torqueAt } from './rig.ts';

const SPEC: ActuatorSpec = { kind: 'implicit-pd' };
const DT = 0.005;
const noLoad = () => 0;

describe('an implicit-pd drive', () => {
  it('is the formula worked out by hand', () => {
    // I 1, D = 0.005 * 4 + 0.005^2 * 800 = 0.04; kp (1 - 0.2 - 0.005 * 3) = 628, kd (1 - 3) = -8
    const command = commandOf({ q: 1, qd: 1, kp: 800, kd: 4 });
    expect(torqueAt(SPEC, command, 0.2, 3)).toBeCloseTo(620 / 1.04, 10);
    // effort alone goes through; with gains the motion that it will make is foreseen: (620 + 5) / 1.04
    expect(torqueAt(SPEC, commandOf({ effort: 5 }), 0.2, 3)).toBe(5);
    expect(torqueAt(SPEC, { ...command, effort: Float64Array.of(5) }, 0.2, 3)).toBeCloseTo(625 / 1.04, 10);
    expect(torqueAt(SPEC, command, 0.2, 3, { torqueLimit: [30] })).toBe(30);
    // scaled gains: 2 * 800, 0.5 * 4; D = 0.01 + 0.04; and q read 0.1 more
    const changed = torqueAt(SPEC, command, 0.1, 3, {
      kpScale: [2],
      kdScale: [0.5],
      encoderBias: [0.1],
      torqueLimit: [2000],
    });
    expect(changed).toBeCloseTo((1600 * 0.785 - 4) / 1.05, 10);
  });

  it('gives the torque that the plain law gives at the end of the step', () => {
    const [kp, kd, inertia] = [900, 7, 0.03];
    const drives = drivesOf(SPEC, DT, commandOf({ q: 0.5, qd: 0.2, effort: 1.5, kp, kd }), {}, inertia);
    const { q, qd, tau } = course(drives, DT, inertia, noLoad, 30, -1, 2);
    for (const [i, torque] of tau.entries()) {
      expect(torque).toBeCloseTo(kp * (0.5 - q[i]!) + kd * (0.2 - qd[i]!) + 1.5, 8);
    }
  });

  it.each([
    [25, 0.5],
    [1e4, 10],
    [1e7, 0],
    [0, 1e6],
    [1e9, 1e6],
  ])(
    'comes to rest with kp %d, kd %d, where the explicit law blows up, for every inertia of a wide range',
    (kp, kd) => {
      const command = commandOf({ kp, kd });
      for (const told of [0.15, 0.5, 1, 1.25]) {
        // The drive believes in 0.04; the joint has another.
        const inertia = 0.04 / told;
        const { q, qd } = course(drivesOf(SPEC, DT, command, {}, 0.04), DT, inertia, noLoad, 8000, 1, 3);
        expect(Math.abs(qd.at(-1)!)).toBeLessThan(1e-3);
        if (kp > 0) expect(Math.abs(q.at(-1)!)).toBeLessThan(1e-3);
        // Never out of bounds on the way: free flight for the first steps takes it 3 rad/s far at most.
        expect(Math.max(...q.map(Math.abs))).toBeLessThan(3);
      }
      // Explicit, kd dt / I or kp dt^2 / I above 2: gone. The first row is an ordinary robot, stable both ways.
      const explicit = course(
        drivesOf({ kind: 'pd' }, DT, command, { torqueLimit: [1e300] }),
        DT,
        0.04,
        noLoad,
        400,
        1,
        3,
      );
      if (kp > 25 || kd > 16) expect(Math.abs(explicit.qd.at(-1)!)).not.toBeLessThan(1e3);
    },
  );

  it.each([0.001, 0.005, 0.02])('sags by load / kp under a constant load, dt %d s', (dt) => {
    for (const [kp, kd] of [
      [25, 0.5],
      [2000, 20],
    ] as const) {
      const drives = drivesOf(SPEC, dt, commandOf({ kp, kd }), {}, 0.04);
      const { q } = course(drives, dt, 0.04, () => -1.96, Math.max(1000, 4 / dt));
      expect(q.at(-1)! * kp).toBeCloseTo(-1.96, 4);
    }
  });

  it('takes no impact for a load beyond the motor', () => {
    const drives = drivesOf(SPEC, DT, commandOf({ kp: 25, kd: 0.5 }), { torqueLimit: [5] }, 0.04);
    // 100 N m for one step at rest: the drive brakes at its limit, then settles.
    const { tau, q } = course(drives, DT, 0.04, (_q, i) => (i === 20 ? 100 : 0), 4000);
    expect(Math.max(...tau.map(Math.abs))).toBe(5);
    expect(Math.abs(q.at(-1)!)).toBeLessThan(1e-6);
  });
});
