/**
 * The ways to tell the motion between two real scans that the lidar study compares: pre-trained, frozen, refitted, fine-tuned,
 * from nothing. Each is given pairs to learn from and pairs to be judged on. Knows no protocol and no file.
 */

import { foldIn, type Key, RandomStream } from '../../core/rng.ts';
import { encoderTensors, initialTensors, sizeOf } from '../../policy/perception/conv-layers.ts';
import { bodyTensors, LABEL_SCALE, LIDAR_PAIR, POSE } from '../../policy/perception/pair-spec.ts';
import { type PairSample, PairTrainer } from '../../policy/perception/pair-trainer.ts';
import { rateAt, type Schedule } from '../../policy/perception/simd-adam.ts';
import { inverse } from './lidar-pairs.ts';
import { applyHead, type LinearHead, ridgeHead } from './ridge.ts';

export interface Learned {
  /** Pre-trained on motion: encoder and body, one vector. */
  readonly motion: Float32Array;
  /** An encoder pre-trained without motion. */
  readonly scenes: Float32Array;
}

/** Rates at which arms learn that start from what is known, and from nothing. */
const FINE_RATE = 3e-4;
const FRESH_RATE = 1e-3;

/** What trained arms do: fixed before any result. */
export const ARM_SCHEDULE = { steps: 200, batch: 16, warmUp: 20 } as const;
export type ArmSchedule = Omit<Schedule, 'learningRate'>;

export interface ArmInput {
  readonly learned: Learned;
  /** Groups of a pair's four views. */
  readonly groups: readonly (readonly PairSample[])[];
  readonly test: readonly PairSample[];
  readonly key: Key;
  readonly schedule: ArmSchedule;
}

/** Motions of the test pairs, m, m, rad, [test, 3]. */
type Arm = (input: ArmInput) => ArrayLike<number>;

const encoderSize = sizeOf(encoderTensors(LIDAR_PAIR.encoder));

/** By name, in the order of the table. */
export const ARMS: Readonly<Record<string, Arm>> = {
  'frozen, last layer by ridge': ({ learned, groups, test }) => refitted(learned.motion, groups, test, false),
  'frozen, last layer shrunk to the simulated one': ({ learned, groups, test }) =>
    refitted(learned.motion, groups, test, true),
  'full fine-tune': (input) => trained(input.learned.motion, true, FINE_RATE, input),
  'frozen encoder, new body': (input) =>
    trained(withBody(encoderOf(input.learned.motion), input), false, FRESH_RATE, input),
  'from scratch': (input) => trained(fresh(input), true, FRESH_RATE, input),
  'random frozen encoder, new body': (input) => trained(calibrated(fresh(input), input), false, FRESH_RATE, input),
  'random frozen, last layer by ridge': (input) =>
    refitted(calibrated(fresh(input), input), input.groups, input.test, false),
  'frozen encoder without pose, new body': (input) =>
    trained(withBody(input.learned.scenes, input), false, FRESH_RATE, input),
  // Added when the arm above it had learned nothing.
  'frozen encoder without pose, calibrated, new body': (input) =>
    trained(calibrated(withBody(input.learned.scenes, input), input), false, FRESH_RATE, input),
};

export function zeroShot(motion: Float32Array, test: readonly PairSample[]): Float32Array {
  return new PairTrainer(LIDAR_PAIR, motion, false).predict(test).motion;
}

/**
 * The same, each pair seen from both ends and in a mirror, the four answers brought into the pair's frame and averaged.
 * @param straight n pairs as logged, then from their other end, [2 n] @param mirror the same in a mirror
 */
export function zeroShotFourViews(
  motion: Float32Array,
  straight: readonly PairSample[],
  mirror: readonly PairSample[],
): Float64Array {
  const trainer = new PairTrainer(LIDAR_PAIR, motion, false);
  const told = trainer.predict(straight).motion;
  const flipped = trainer.predict(mirror).motion;
  const out = new Float64Array(told.length);
  const pairs = straight.length / 2;
  for (let i = 0; i < pairs; i++) {
    const back = i + pairs;
    const at = (from: Float32Array, k: number, sign: number) =>
      [from[POSE * k]!, sign * from[POSE * k + 1]!, sign * from[POSE * k + 2]!] as const;
    const ahead = [at(told, i, 1), at(flipped, i, -1)];
    const behind = [at(told, back, 1), at(flipped, back, -1)];
    for (let k = 0; k < POSE; k++) {
      out[POSE * i + k] = mean([...ahead.map((one) => one[k]!), ...behind.map((one) => inverse(one)[k]!)]);
      out[POSE * back + k] = mean([...behind.map((one) => one[k]!), ...ahead.map((one) => inverse(one)[k]!)]);
    }
  }
  return out;
}

function mean(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0) / values.length;
}

function encoderOf(parameters: Float32Array): Float32Array {
  return parameters.subarray(0, encoderSize);
}

function fresh({ key }: ArmInput): Float32Array {
  const encoder = initialTensors(encoderTensors(LIDAR_PAIR.encoder), foldIn(key, 1));
  return joined(encoder, initialTensors(bodyTensors(LIDAR_PAIR), foldIn(key, 2)));
}

function withBody(encoder: Float32Array, { key }: ArmInput): Float32Array {
  return joined(encoder, initialTensors(bodyTensors(LIDAR_PAIR), foldIn(key, 2)));
}

function joined(encoder: Float32Array, body: Float32Array): Float32Array {
  const all = new Float32Array(encoder.length + body.length);
  all.set(encoder);
  all.set(body, encoder.length);
  return all;
}

/**
 * The last layer's gains and shifts so that each channel of the map has mean 0 and standard deviation 1 over real scans: without it
 * a frozen encoder that never saw a cost volume gives one in which every cell is like every other. Needs no labels.
 */
function calibrated(parameters: Float32Array, { groups }: ArmInput): Float32Array {
  const all = parameters.slice();
  const trainer = new PairTrainer(LIDAR_PAIR, all, false);
  const maps = trainer.encode(groups.flat().slice(0, 64));
  const { channels } = trainer.network.encoder.output;
  // They are the encoder's last numbers.
  const [gain, shift] = [encoderSize - 2 * channels, encoderSize - channels];
  for (let c = 0; c < channels; c++) {
    let [sum, squares, count] = [0, 0, 0];
    for (let i = c; i < maps.length; i += channels) {
      sum += maps[i]!;
      squares += maps[i]! ** 2;
      count++;
    }
    const sd = Math.sqrt(squares / count - (sum / count) ** 2 + 1e-6);
    all[gain + c] = all[gain + c]! / sd;
    all[shift + c] = (all[shift + c]! - sum / count) / sd;
  }
  return all;
}

function trained(start: Float32Array, learnsEncoder: boolean, rate: number, input: ArmInput): Float32Array {
  const { groups, test, key, schedule } = input;
  const samples = groups.flat();
  const random = new RandomStream(foldIn(key, 3));
  const trainer = new PairTrainer(LIDAR_PAIR, start, learnsEncoder);
  const all = { ...schedule, learningRate: rate };
  for (let step = 0; step < schedule.steps; step++) {
    const batch = Array.from({ length: schedule.batch }, () => samples[random.below(samples.length)]!);
    trainer.step(batch, rateAt(all, step));
  }
  return trainer.predict(test).motion;
}

function refitted(
  parameters: Float32Array,
  groups: readonly (readonly PairSample[])[],
  test: readonly PairSample[],
  isShrunk: boolean,
): Float64Array {
  const trainer = new PairTrainer(LIDAR_PAIR, parameters, false);
  const samples = groups.flat();
  const group = groups.flatMap((views, g) => views.map(() => g));
  const { hidden } = LIDAR_PAIR;
  const targets = Float64Array.from({ length: samples.length * POSE }, (_, i) => {
    const k = i % POSE;
    return samples[Math.floor(i / POSE)]!.label[k]! / LABEL_SCALE[k]!;
  });
  const base: LinearHead | null = isShrunk
    ? {
        weight: Float64Array.from(
          parameters.subarray(parameters.length - (hidden + 1) * POSE, parameters.length - POSE),
        ),
        bias: Float64Array.from(parameters.subarray(parameters.length - POSE)),
      }
    : null;
  const head = ridgeHead(trainer.predict(samples).hidden, targets, hidden, POSE, group, base);
  return applyHead(head, trainer.predict(test).hidden, hidden, POSE).map((value, i) => value * LABEL_SCALE[i % POSE]!);
}
