/** The learned drive: its forward pass against Python, its history by hand, and a net made to be a PD law. */

import { describe, expect, it } from 'vitest';
import { Drives } from '../../../sim/actuators/drives.ts';
import type { ActuatorNetwork, ActuatorSpec } from '../../../sim/robot-spec.ts';
import { at, commandOf, course, drivesOf, dynamicsOf, jointState, torqueAt } from './rig.ts';

const DT = 0.005;

const small: ActuatorNetwork = {
  history: 2,
  period: 0.01,
  layers: [4, 2, 1],
  activation: 'softsign',
  // W1, b1, W2, b2
  weights: [0.5, -0.25, 0.1, 0.2, -0.3, 0.4, 0.6, -0.1, 0.05, -0.1, 1.5, -2.0, 0.3],
  errorScale: 2,
  velocityScale: 4,
  torqueScale: 10,
};

const of = (network: ActuatorNetwork): ActuatorSpec => ({ kind: 'network', network });

/** Linear: the output is `weights` times the inputs. */
function linear(weights: readonly number[], period: number): ActuatorNetwork {
  const layers = [weights.length, 1];
  const scales = { errorScale: 1, velocityScale: 1, torqueScale: 1 };
  return { history: weights.length / 2, period, layers, activation: 'tanh', weights: [...weights, 0], ...scales };
}

/** Torques while the position error and the velocity run through these readings, one a step. */
function readings(network: ActuatorNetwork, errors: readonly number[], velocities: readonly number[], dt = DT) {
  const drives = drivesOf(of(network), dt, commandOf({ q: 1, kp: 20 }));
  const out = new Float64Array(1);
  return errors.map((error, i) => {
    drives.torques(at(jointState(1 - error, velocities[i]!), i * dt), out);
    return out[0]!;
  });
}

describe('a network drive', () => {
  it.each([
    // python3: x = [0.8/2, 0.3/2, -1/4, 0.6/4]; h = [f(sum(w*v for w, v in zip(r, x)) + b) for r, b in zip(W1, b1)];
    // 10 * (sum(w*v for w, v in zip(W2[0], h)) + b2[0]), f softsign, math.tanh, elu
    ['softsign', 10.585331835264034],
    ['tanh', 12.49242814909106],
    ['elu', 11.811952927158556],
  ] as const)('is the same sum as in Python, %s', (activation, expected) => {
    const torques = readings({ ...small, activation }, [0.3, 9, 0.8], [0.6, 9, -1]);
    // Two steps of 5 ms are the period; a few roundings apart.
    expect(torques[2]).toBeCloseTo(expected, 12);
  });

  it('sees errors, then velocities, newest first, 0 before the episode', () => {
    const errors = [1, 2, 3, 4, 5];
    const velocities = [10, 20, 30, 40, 50];
    expect(readings(linear([1, 0, 0, 0, 0, 0], DT), errors, velocities)).toEqual([1, 2, 3, 4, 5]);
    expect(readings(linear([0, 1, 0, 0, 0, 0], DT), errors, velocities)).toEqual([0, 1, 2, 3, 4]);
    expect(readings(linear([0, 0, 1, 0, 0, 0], 2 * DT), errors, velocities)).toEqual([0, 0, 0, 0, 1]);
    expect(readings(linear([0, 0, 0, 0, 1, 0], 3 * DT), errors, velocities)).toEqual([0, 0, 0, 10, 20]);
  });

  it('draws a line between readings where the period is no whole number of steps', () => {
    const errors = [1, 2, 4, 8, 16];
    // 7.5 ms ago: halfway between one step and two.
    const found = readings(linear([0, 1, 0, 0], 0.0075), errors, errors);
    for (const [i, value] of [0, 0.5, 1.5, 3, 6].entries()) expect(found[i]).toBeCloseTo(value, 12);
  });

  it('of a period works alike at other steps', () => {
    // A reading that grows evenly: 10 ms ago it was 0.01 less, at 2 ms as at 5 ms.
    for (const dt of [0.002, 0.005, 0.01]) {
      const ramp = Array.from({ length: 30 }, (_, i) => 1 + i * dt);
      expect(readings(linear([1, -1, 0, 0], 0.01), ramp, ramp, dt).at(-1)).toBeCloseTo(0.01, 12);
    }
  });

  it('made of a PD law, moves a joint as the PD drive does', () => {
    const command = commandOf({ q: 0.7, kp: 12, kd: 0.8 });
    const asNet = course(drivesOf(of(linear([12, -0.8], DT)), DT, command), DT, 0.05, () => -0.5, 200);
    const asPd = course(drivesOf({ kind: 'pd' }, DT, command), DT, 0.05, () => -0.5, 200);
    for (const [i, q] of asPd.q.entries()) expect(asNet.q[i]).toBeCloseTo(q, 10);
  });

  it('mixes two commands within a step by time, and remembers the later one', () => {
    const drives = new Drives([of(linear([1, 10, 0, 0], DT))], DT);
    drives.reset(dynamicsOf(1), [1]);
    const out = new Float64Array(1);
    drives.push(commandOf({ q: 1, kp: 1 }), 0);
    drives.push(commandOf({ q: 3, kp: 1 }), 0.4 * DT);
    drives.torques(at(jointState(0, 0), 0), out);
    expect(out[0]).toBeCloseTo(0.4 * 1 + 0.6 * 3, 12);
    drives.torques(at(jointState(0, 0), DT), out);
    expect(out[0]).toBeCloseTo(3 + 10 * 3, 12);
  });

  it('takes the biased encoder, adds effort, keeps to the limit', () => {
    const spec = of(linear([2, 0], DT));
    const command = commandOf({ q: 1, kp: 5, effort: 0.25 });
    expect(torqueAt(spec, command, 0.5, 0, { encoderBias: [0.1] })).toBeCloseTo(2 * 0.4 + 0.25, 12);
    expect(torqueAt(spec, command, 0.5, 0, { torqueLimit: [0.6] })).toBe(0.6);
  });

  it('answers damping and torque commands as pd does', () => {
    const spec = of(linear([100, 100], DT));
    expect(torqueAt(spec, commandOf({ kd: 2 }), 0.5, 3)).toBe(-6);
    expect(torqueAt(spec, commandOf({ effort: 1.5 }), 0.5, 3)).toBe(1.5);
  });
});
