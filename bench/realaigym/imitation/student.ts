/**
 * What the network sees and what a bundle of it says: sines and cosines of the angles, the same enlarged around upright, and velocities
 * made from two readings of the positions, which know no noise. Knows no learning.
 */

import type { Contract, ObservationContract } from '../../../core/contract.ts';
import { clamp, cos, sin } from '../../../core/math.ts';
import { splitTensors, tensorSizes } from '../../../policy/mlp.ts';
import { judged } from '../judge.ts';
import type { DoublePendulumTask } from './swing.ts';

/** Sines and cosines 4, velocities 2, enlarged sines and cosines 4. */
export const FEATURES = 10;
export const RATE_HZ = 500;
/** rad/s that a feature of 1 stands for. */
const SPEED = 10;
/** How much the enlarged ones are, before they are cut at 1. */
const ENLARGED = 5;

/** @param x [4]: angles, velocities @param out from `offset` on, [FEATURES] */
export function writeFeatures(x: ArrayLike<number>, out: Float32Array, offset: number): void {
  for (let j = 0; j < 2; j++) {
    const s = sin(x[j]!);
    const c = cos(x[j]!);
    out[offset + 2 * j] = s;
    out[offset + 2 * j + 1] = c;
    out[offset + 4 + j] = x[2 + j]! / SPEED;
    out[offset + 6 + 2 * j] = clamp(ENLARGED * s, -1, 1);
    out[offset + 7 + 2 * j] = clamp(ENLARGED * c, -1, 1);
  }
}

/** Of the contract, in the order of its observation: 4 sines and cosines, positions now, one and two steps ago, 4 enlarged. */
function observationsOf(joints: readonly string[]): ObservationContract[] {
  const each = { joints: [...joints], frame: 'joint', delay: 0 };
  return [
    { ...each, name: 'angles', term: 'joint_sin_cos', size: 4, unit: '1', scale: 1, clip: null, history: 1 },
    { ...each, name: 'positions', term: 'joint_position', size: 6, unit: 'rad', scale: 1, clip: null, history: 3 },
    { ...each, name: 'near', term: 'joint_sin_cos', size: 4, unit: '1', scale: ENLARGED, clip: [-1, 1], history: 1 },
  ];
}

/** The contract of a task's run, for this network at this rate. @param hidden sizes of its hidden layers */
export function studentContract(run: Contract, task: DoublePendulumTask, hidden: readonly number[]): Contract {
  const observations = observationsOf(judged[task].joints);
  const inputs = observations.reduce((sum, term) => sum + term.size, 0);
  return {
    ...run,
    control: { ...run.control, rateHz: RATE_HZ },
    observations,
    // As it comes: positions are not bounded.
    normalizer: {
      mean: new Array<number>(inputs).fill(0),
      variance: new Array<number>(inputs).fill(1),
      count: 1,
      epsilon: 0,
      clip: 1e6,
    },
    network: { kind: 'mlp', layers: [inputs, ...hidden, 1], activation: 'elu' },
  };
}

/**
 * The parameters for the contract's observation, of parameters for the features: velocity j is (q - q'') rate / 2, so its weights go to
 * two positions with opposite signs. Over one step the rounding of a turned angle to float32 would be heard in the torque.
 * @returns the actor's, log-std last
 */
export function bundleParameters(parameters: Float32Array, hidden: readonly number[]): Float32Array {
  const first = hidden[0]!;
  const [weights, ...rest] = splitTensors(parameters, tensorSizes([FEATURES, ...hidden, 1]));
  const row = (feature: number) => weights!.subarray(feature * first, (feature + 1) * first);
  const scaled = (feature: number, by: number) => row(feature).map((w) => w * by);
  const rate = RATE_HZ / SPEED / 2;
  const rows = [
    ...[0, 1, 2, 3].map(row),
    ...[4, 5].map((feature) => scaled(feature, rate)),
    ...[4, 5].map((feature) => scaled(feature, 0)),
    ...[4, 5].map((feature) => scaled(feature, -rate)),
    ...[6, 7, 8, 9].map(row),
  ];
  return Float32Array.of(...rows.flatMap((r) => Array.from(r)), ...rest.flatMap((t) => Array.from(t)), LOG_STD);
}

/** Of a policy that nobody samples from; fine-tuning begins with it. */
const LOG_STD = -3;
