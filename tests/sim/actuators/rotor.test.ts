/** The propeller: its lag against the exact exponential, impulse, limits, reaction. */

import { describe, expect, it } from 'vitest';
import { rotorReaction } from '../../../sim/actuators/rotor.ts';
import { commandOf, course, drivesOf, torqueAt } from './rig.ts';

const rotor = (timeConstant: number, spin: 1 | -1 = 1) =>
  ({ kind: 'rotor', spin, torqueRatio: 0.016, timeConstant }) as const;
const noLoad = () => 0;

describe('a rotor drive', () => {
  it.each([0.001, 0.005, 0.02, 0.5])('averages the exact exponential over every step, dt %d s', (dt) => {
    const T = 0.03;
    const { tau } = course(drivesOf(rotor(T), dt, commandOf({ effort: 4 })), dt, 1, noLoad, 50);
    for (const [i, thrust] of tau.entries()) {
      // 1/dt of the integral of 4 (1 - exp(-t / T)) from t to t + dt
      const t = i * dt;
      const mean = 4 * (1 - (T / dt) * (Math.exp(-t / T) - Math.exp(-(t + dt) / T)));
      expect(thrust).toBeCloseTo(mean, 12);
    }
  });

  it('loses no impulse: what comes late at the start goes on after the end', () => {
    const dt = 0.005;
    const drives = drivesOf(rotor(0.03), dt, commandOf({ effort: 4 }), { latency: 0.0123 });
    drives.push(commandOf({ effort: 0 }), 0.1);
    const { tau } = course(drives, dt, 1, noLoad, 400);
    expect(tau.reduce((sum, thrust) => sum + thrust * dt, 0)).toBeCloseTo(4 * 0.1, 12);
  });

  it('follows at once without a time constant', () => {
    expect(torqueAt(rotor(0), commandOf({ effort: 3 }), 0, 0)).toBe(3);
  });

  it('pushes one way, up to the limit, and minds no gains', () => {
    const command = commandOf({ effort: 9, q: 5, qd: 5, kp: 7, kd: 7 });
    expect(torqueAt(rotor(0), command, 1, 1, { torqueLimit: [6] })).toBe(6);
    expect(torqueAt(rotor(0), commandOf({ effort: -1 }), 0, 0)).toBe(0);
    expect(torqueAt(rotor(0), commandOf({ effort: 5 }), 0, 0, { torqueScale: [0.9] })).toBe(4.5);
  });

  it('turns its link against its own spin', () => {
    expect(rotorReaction(rotor(0), 5)).toBeCloseTo(-0.08, 15);
    expect(rotorReaction(rotor(0, -1), 5)).toBeCloseTo(0.08, 15);
  });
});
