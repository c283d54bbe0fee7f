/**
 * A drive's network from logs with measured torque (Hwangbo et al. 2019), and the laws it has to beat: torque linear in
 * error and velocity with friction, and the same within a motor's torque-speed line. What a position drive sees is its
 * error, a torque drive the torque it is asked for. Knows no file and no engine.
 */

import { clamp } from '../../core/math.ts';
import { foldIn, type Key } from '../../core/rng.ts';
import { Perceptron } from '../perceptron.ts';
import type { ActuatorNetwork } from '../robot-spec.ts';
import { minimize } from './cma-es.ts';
import { identity, solvePositive } from '../../core/linear-algebra.ts';
import { fitPerceptron, type Samples } from './perceptron-fit.ts';

/** One joint of one recording, [T]. */
export interface DriveLog {
  /** s, increasing */
  readonly times: Float64Array;
  /** rad of a position drive, or N m asked of a torque drive; held until the next. */
  readonly asked: Float64Array;
  /** rad/s */
  readonly velocity: Float64Array;
  /** As measured, N m. */
  readonly torque: Float64Array;
}

export interface ActuatorFitOptions {
  readonly input: NonNullable<ActuatorNetwork['input']>;
  readonly key: Key;
  /** Readings in the network's input and the time between them, s. @default 3 at 10 ms */
  readonly history?: number;
  readonly period?: number;
  /** @default [32, 32, 32] */
  readonly hidden?: readonly number[];
  /** @default 60 */
  readonly epochs?: number;
}

/** Share of the rows, in blocks, that the weights are chosen on. */
const HELD = 0.2;
const BLOCKS = 10;

export interface DriveModel {
  readonly name: string;
  /** N m from a row: what was asked and the velocity, each newest first. */
  readonly torque: (row: Float64Array) => number;
}

export interface Rows {
  /** [rows * 2 history], rad or N m, rad/s */
  readonly inputs: Float64Array;
  /** [rows], N m */
  readonly torques: Float64Array;
}

/** Readings every `period`, interpolated: velocity and torque along lines, what is asked held. */
export function rowsOf(logs: readonly DriveLog[], history: number, period: number): Rows {
  const inputs: number[] = [];
  const torques: number[] = [];
  for (const { times, asked, velocity, torque } of logs) {
    const count = Math.floor((times.at(-1)! - times[0]!) / period);
    const grid = { asked: new Float64Array(count), velocity: new Float64Array(count), torque: new Float64Array(count) };
    let k = 0;
    for (let i = 0; i < count; i++) {
      const t = times[0]! + i * period;
      while (k + 2 < times.length && times[k + 1]! <= t + 1e-9) k++;
      const share = clamp((t - times[k]!) / (times[k + 1]! - times[k]!), 0, 1);
      grid.asked[i] = asked[k]!;
      grid.velocity[i] = velocity[k]! + share * (velocity[k + 1]! - velocity[k]!);
      grid.torque[i] = torque[k]! + share * (torque[k + 1]! - torque[k]!);
    }
    for (let i = history - 1; i < count; i++) {
      for (let h = 0; h < history; h++) inputs.push(grid.asked[i - h]!);
      for (let h = 0; h < history; h++) inputs.push(grid.velocity[i - h]!);
      torques.push(grid.torque[i]!);
    }
  }
  return { inputs: Float64Array.from(inputs), torques: Float64Array.from(torques) };
}

export function fitActuator(logs: readonly DriveLog[], options: ActuatorFitOptions): ActuatorNetwork {
  const { history = 3, period = 0.01, hidden = [32, 32, 32], epochs = 60, input, key } = options;
  const { inputs, torques } = rowsOf(logs, history, period);
  const width = 2 * history;
  const rms = (pick: (i: number) => boolean) => {
    const values = inputs.filter((_, i) => pick(i % width));
    return Math.max(1e-6, Math.sqrt(values.reduce((sum, x) => sum + x * x, 0) / values.length));
  };
  const scales = {
    errorScale: rms((i) => i < history),
    velocityScale: rms((i) => i >= history),
    torqueScale: Math.max(1e-6, Math.sqrt(torques.reduce((sum, x) => sum + x * x, 0) / torques.length)),
  };
  const scaled = inputs.map((x, i) => x / (i % width < history ? scales.errorScale : scales.velocityScale));
  // The last fifth of each of ten blocks: neighbours in time are not independent.
  const block = Math.ceil(torques.length / BLOCKS);
  const isHeld = (row: number) => (row % block) / block >= 1 - HELD;
  const part = (held: boolean): Samples => ({
    inputs: scaled.filter((_, i) => isHeld(Math.floor(i / width)) === held),
    outputs: torques.filter((_, row) => isHeld(row) === held).map((x) => x / scales.torqueScale),
  });
  const layers = [width, ...hidden, 1];
  const { weights, activation } = fitPerceptron(part(false), part(true), {
    layers,
    activation: 'softsign',
    key,
    epochs,
  });
  return { history, period, input, ...scales, layers, activation, weights: [...weights] };
}

export function networkModel(network: ActuatorNetwork): DriveModel {
  const perceptron = new Perceptron(network);
  const { history, errorScale, velocityScale, torqueScale } = network;
  return {
    name: 'network',
    torque: (row) => {
      for (let i = 0; i < row.length; i++) perceptron.input[i] = row[i]! / (i < history ? errorScale : velocityScale);
      perceptron.forward();
      return torqueScale * perceptron.output[0]!;
    },
  };
}

/** tau = kp asked - kd qd - c sign(qd) + offset, by least squares; the friction rounded off within 0.1 rad/s. */
export function linearModel({ inputs, torques }: Rows, history: number): DriveModel {
  const features = (row: Float64Array) => {
    const qd = row[history]!;
    return [row[0]!, qd, clamp(qd / 0.1, -1, 1), 1];
  };
  const width = 2 * history;
  const matrix = identity(4).map((one) => 1e-6 * one);
  const right = new Float64Array(4);
  for (const [k, torque] of torques.entries()) {
    const x = features(inputs.subarray(k * width, (k + 1) * width));
    for (let a = 0; a < 4; a++) {
      right[a] = right[a]! + x[a]! * torque;
      for (let b = 0; b < 4; b++) matrix[a * 4 + b] = matrix[a * 4 + b]! + x[a]! * x[b]!;
    }
  }
  const weights = solvePositive(matrix, right, 4)!;
  return { name: 'linear', torque: (row) => features(row).reduce((sum, x, a) => sum + x * weights[a]!, 0) };
}

/** The linear law within tau_stall (+-1 - qd / qd_0), both found by search. */
export async function motorModel(rows: Rows, history: number, key: Key): Promise<DriveModel> {
  const linear = linearModel(rows, history);
  const largest = rows.torques.reduce((most, x) => Math.max(most, Math.abs(x)), 1e-3);
  const fastest = rows.inputs.reduce(
    (most, x, i) => (i % (2 * history) >= history ? Math.max(most, Math.abs(x)) : most),
    1e-3,
  );
  const within = ([stall, noLoad]: readonly number[]): DriveModel => ({
    name: 'dc-motor',
    torque: (row) => {
      const speed = row[history]! / noLoad!;
      return clamp(linear.torque(row), Math.min(0, stall! * (-1 - speed)), Math.max(0, stall! * (1 - speed)));
    },
  });
  const found = await minimize((points) => points.map((x) => torqueError(within(x), rows)), {
    lower: [0.2 * largest, 0.5 * fastest],
    upper: [3 * largest, 10 * fastest],
    start: [1.5 * largest, 3 * fastest],
    maxEvaluations: 90,
    key: foldIn(key, 3),
  });
  return within(found.x);
}

/** Root mean square, N m. */
export function torqueError(model: DriveModel, { inputs, torques }: Rows): number {
  const width = inputs.length / torques.length;
  let sum = 0;
  for (let k = 0; k < torques.length; k++) {
    sum += (model.torque(inputs.subarray(k * width, (k + 1) * width)) - torques[k]!) ** 2;
  }
  return Math.sqrt(sum / torques.length);
}
