/** Implicit drives on a chain of two rods: solved alone, each told what it moves while the other is free, and together. */

import { describe, expect, it } from 'vitest';
import { makeCommand, makeState } from '../../../core/robot.ts';
import { Drives } from '../../../sim/actuators/drives.ts';
import type { JointInertia } from '../../../sim/actuators/implicit-pd.ts';
import { at, dynamicsOf } from './rig.ts';

const DT = 0.005;
/** 1 / (M^-1)_jj of two uniform rods, 1 m and 1 kg each, stretched: M = [8/3, 5/6; 5/6, 1/3]. */
const FREE = [(8 / 9 - 25 / 36) / (1 / 3), (8 / 9 - 25 / 36) / (8 / 3)];

/** The mass matrix of the same rods. */
const TOGETHER: JointInertia = {
  among(_joints, { q }, out) {
    const c = Math.cos(q[1]!);
    out.set([5 / 3 + c, 1 / 3 + c / 2, 1 / 3 + c / 2, 1 / 3]);
  },
};

/** Joint angles and largest speed after 10 s towards (0.5, 0.3), by semi-implicit Euler of the full equations. */
function settle(kind: 'pd' | 'implicit-pd', kp: number, kd: number, told: readonly number[], coupled?: JointInertia) {
  const drives = new Drives([{ kind }, { kind }], DT);
  drives.reset(dynamicsOf(2, { torqueLimit: [1e9, 1e9] }), told, coupled);
  const command = makeCommand(2);
  command.kp.fill(kp);
  command.kd.fill(kd);
  command.q.set([0.5, 0.3]);
  const state = makeState(2);
  state.q.set([1, -0.5]);
  state.qd.set([1, 2]);
  const out = new Float64Array(2);
  let peak = 0;
  for (let i = 0; i < 2000 && peak < 1e4; i++) {
    if (i % 8 === 0) drives.push(command, i * DT);
    drives.torques(at(state, i * DT), out);
    const [q1, q2] = state.q as unknown as [number, number];
    const [v1, v2] = state.qd as unknown as [number, number];
    // M qdd + h = tau, angles from hanging
    const c = Math.cos(q2);
    const s = Math.sin(q2);
    const [m11, m12, m22] = [5 / 3 + c, 1 / 3 + c / 2, 1 / 3];
    const outer = 0.5 * 9.81 * Math.sin(q1 + q2);
    const b1 = out[0]! + (s / 2) * (2 * v1 * v2 + v2 * v2) - 1.5 * 9.81 * Math.sin(q1) - outer;
    const b2 = out[1]! - (s / 2) * v1 * v1 - outer;
    const det = m11 * m22 - m12 * m12;
    state.qd[0] = v1 + (DT * (m22 * b1 - m12 * b2)) / det;
    state.qd[1] = v2 + (DT * (m11 * b2 - m12 * b1)) / det;
    state.q[0] = q1 + DT * state.qd[0]!;
    state.q[1] = q2 + DT * state.qd[1]!;
    peak = Math.max(peak, Math.abs(state.qd[0]!), Math.abs(state.qd[1]!));
  }
  return { q: [...state.q], qd: [...state.qd], peak };
}

describe('implicit-pd drives in a chain', () => {
  it.each([
    [500, 20],
    [1000, 50],
    [5000, 200],
    [1e5, 1e3],
  ])('hold both rods where statics puts them, kp %d, kd %d', (kp, kd) => {
    for (const scale of [0.5, 1]) {
      const told = FREE.map((inertia) => scale * inertia);
      const { q, qd } = settle('implicit-pd', kp, kd, told);
      expect(Math.max(...qd.map(Math.abs))).toBeLessThan(1e-6);
      // kp (q* - q) = the weight's torque; after 10 s the stiffest, told half, is 0.2% short
      const outer = 0.5 * 9.81 * Math.sin(q[0]! + q[1]!);
      expect(Math.abs((kp * (0.5 - q[0]!)) / (1.5 * 9.81 * Math.sin(q[0]!) + outer) - 1)).toBeLessThan(5e-3);
      expect(Math.abs((kp * (0.3 - q[1]!)) / outer - 1)).toBeLessThan(5e-3);
    }
  });

  it('go on where explicit ones are gone, unless told the inertia with the other joint locked', () => {
    expect(settle('pd', 1000, 50, FREE).peak).toBeGreaterThan(1e4);
    expect(settle('implicit-pd', 5000, 200, [8 / 3, 1 / 3]).peak).toBeGreaterThan(1e4);
  });

  it('solved together hold whatever the gains, told anything of each alone', () => {
    for (const [kp, kd] of [
      [5000, 200],
      [1e6, 1e4],
    ] as const) {
      const { q, qd } = settle('implicit-pd', kp, kd, [8 / 3, 1 / 3], TOGETHER);
      expect(Math.max(...qd.map(Math.abs))).toBeLessThan(1e-6);
      const outer = 0.5 * 9.81 * Math.sin(q[0]! + q[1]!);
      expect((kp * (0.5 - q[0]!)) / (1.5 * 9.81 * Math.sin(q[0]!) + outer)).toBeCloseTo(1, 3);
      expect((kp * (0.3 - q[1]!)) / outer).toBeCloseTo(1, 3);
    }
  });

  it('solved together give the torques of the plain law at the end of the step', () => {
    const matrix = [8 / 3, 5 / 6, 5 / 6, 1 / 3] as const;
    const drives = new Drives([{ kind: 'implicit-pd' }, { kind: 'implicit-pd' }], DT);
    const source: JointInertia = { among: (_joints, _state, out) => out.set(matrix) };
    drives.reset(dynamicsOf(2, { torqueLimit: [1e9, 1e9] }), [1, 1], source);
    const command = makeCommand(2);
    command.q.set([0.5, 0.3]);
    command.qd.set([0.1, -0.2]);
    command.effort.set([2, 1]);
    command.kp.set([900, 300]);
    command.kd.set([40, 9]);
    drives.push(command, 0);
    const state = makeState(2);
    state.q.set([1, -0.5]);
    state.qd.set([1, 2]);
    const tau = new Float64Array(2);
    const det = matrix[0] * matrix[3] - matrix[1] ** 2;
    for (let i = 0; i < 50; i++) {
      drives.torques(at(state, i * DT), tau);
      state.qd[0] = state.qd[0]! + (DT * (matrix[3] * tau[0]! - matrix[1] * tau[1]!)) / det;
      state.qd[1] = state.qd[1]! + (DT * (matrix[0] * tau[1]! - matrix[1] * tau[0]!)) / det;
      for (const j of [0, 1]) {
        state.q[j] = state.q[j]! + DT * state.qd[j]!;
        // No load: exact to rounding.
        const law =
          command.kp[j]! * (command.q[j]! - state.q[j]!) +
          command.kd[j]! * (command.qd[j]! - state.qd[j]!) +
          command.effort[j]!;
        expect(tau[j]!).toBeCloseTo(law, 7);
      }
    }
  });
});
