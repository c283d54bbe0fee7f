/**
 * One encoder in three forms: by hand, on plain arrays, on tfjs and on the kernel. Tolerances: float32 sums of at most 200 terms of
 * size 1 differ by some 1e-6 with the order; gradients are sums of a few hundred such.
 */

import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { keyOf, RandomStream } from '../../../core/rng.ts';
import { splitTensors } from '../../../policy/mlp.ts';
import {
  type EncoderSpec,
  encoderTensors,
  initialTensors,
  mapShape,
  sizeOf,
} from '../../../policy/perception/conv-layers.ts';
import { Encoder } from '../../../policy/perception/encoder.ts';
import { encodeWith, unpack } from '../../../policy/perception/encoder-network.ts';
import { pairMotion } from '../../../policy/perception/pair-network.ts';
import { type PairSpec, POSE, pairTensors } from '../../../policy/perception/pair-spec.ts';
import { PairTrainer } from '../../../policy/perception/pair-trainer.ts';
import { SimdPair } from '../../../policy/perception/simd-pair.ts';
import { SimdMemory } from '../../../policy/simd/simd-memory.ts';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const SCAN: EncoderSpec = {
  kind: 'lidar',
  input: [1, 128, 8],
  circular: false,
  layers: [
    { fold: [1, 2], channels: 8 },
    { fold: [1, 2], channels: 16 },
  ],
};
const RING: EncoderSpec = { ...SCAN, circular: true };
const IMAGE: EncoderSpec = {
  kind: 'depth',
  input: [4, 6, 2],
  circular: false,
  layers: [
    { fold: [2, 1], channels: 8 },
    { fold: [1, 3], channels: 8 },
  ],
};

function normals(length: number, seed: number): Float32Array {
  const random = new RandomStream(keyOf(seed));
  return Float32Array.from({ length }, () => random.normal());
}

function tensorsOf(spec: EncoderSpec, flat: Float32Array): Float32Array[] {
  return splitTensors(
    flat,
    encoderTensors(spec).map(({ shape }) => shape.reduce((a, b) => a * b, 1)),
  );
}

function plain(spec: EncoderSpec, flat: Float32Array, input: Float32Array): Float32Array {
  return new Encoder(spec).encode(tensorsOf(spec, flat), input).slice();
}

function furthest(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length);
  return Math.max(...Array.from(a, (value, i) => Math.abs(value - b[i]!)));
}

describe('a layer by hand', () => {
  const spec: EncoderSpec = {
    kind: 'lidar',
    input: [1, 3, 1],
    circular: false,
    layers: [{ fold: [1, 1], channels: 2 }],
  };
  // Channel 0: 1, 2, 3 over left, middle, right; channel 1: nothing but its bias of 0. Gain 2 and shift 1 on both.
  const flat = Float32Array.of(1, 0, 2, 0, 3, 0, 0, 0, 2, 2, 1, 1);

  it('slides, pads with nothing and normalises each cell over its channels', () => {
    // x = 1, 0, -1: sums 2 + 0, 1 - 3, 0 - 2 = 2, -2, -2. Of (s, 0): mean s / 2, sd |s| / 2, so +-1 (epsilon takes 5e-6).
    const map = plain(spec, flat, Float32Array.of(1, 0, -1));
    expect([...map]).toEqual([3, -1, -1, 3, -1, 3].map((value) => expect.closeTo(value, 4)));
  });

  it('goes round where the last column borders on the first', () => {
    // The first sum gains 1 * -1, the last 3 * 1: 1, -2, 1.
    const map = plain({ ...spec, circular: true }, flat, Float32Array.of(1, 0, -1));
    expect([...map]).toEqual([3, -1, -1, 3, 3, -1].map((value) => expect.closeTo(value, 4)));
  });
});

describe.each([
  ['a scan', SCAN],
  ['a ring', RING],
  ['an image', IMAGE],
])('%s', (_, spec) => {
  const flat = initialTensors(encoderTensors(spec), keyOf(3));
  const input = normals(
    spec.input.reduce((a, b) => a * b, 1),
    5,
  );

  it('is the same on tfjs', () => {
    const tensors = unpack(tf.tensor1d(flat), encoderTensors(spec));
    const map = encodeWith(spec, tensors, tf.tensor4d(input, [1, ...spec.input]));
    expect(map.shape.slice(1)).toEqual(mapShape(spec));
    expect(furthest(plain(spec, flat, input), map.dataSync())).toBeLessThan(1e-5);
  });
});

it('a ring turned by a cell of its map gives the map turned by a cell', () => {
  const flat = initialTensors(encoderTensors(RING), keyOf(3));
  const input = normals(128 * 8, 5);
  const turned = Float32Array.from(input, (_, i) => input[(i + 4 * 8) % input.length]!);
  const map = plain(RING, flat, input);
  const expected = Float32Array.from(map, (_, i) => map[(i + 16) % map.length]!);
  expect(furthest(plain(RING, flat, turned), expected)).toBe(0);
  expect(furthest(plain(SCAN, flat, turned), expected)).toBeGreaterThan(0.1);
});

describe.each([
  ['scans', SCAN],
  ['rings', RING],
])('the pair network of %s on the kernel', (_, encoder) => {
  const spec: PairSpec = { encoder, body: [8, 8], hidden: 16 };
  const flat = initialTensors(pairTensors(spec), keyOf(3));
  const count = 3;
  const size = 128 * 8;
  const scans = [normals(count * size, 11), normals(count * size, 12)] as const;
  const memory = new SimdMemory();
  const network = new SimdPair(memory, spec, 4);
  const parameters = memory.allocate(flat.length);
  memory.floats(parameters, flat.length).set(flat);
  for (let i = 0; i < 2 * count; i++)
    network.encoder.features(i).set(scans[i < count ? 0 : 1].subarray((i % count) * size, ((i % count) + 1) * size));
  network.forward(parameters, count);
  const [a, b] = scans.map((one) => tf.tensor4d(one, [count, 1, 128, 8])) as [tf.Tensor4D, tf.Tensor4D];
  const { head } = network;

  it('encodes as plain arrays do', () => {
    const map = plain(encoder, flat, scans[1].slice(0, size));
    const kernel = memory.floats(network.encoder.at(network.encoder.y, count), map.length);
    expect(furthest(map, kernel)).toBeLessThan(1e-5);
  });

  it('tells the same motion as tfjs', () => {
    const told = memory.floats(head.y, count * head.stride);
    const kernel = Array.from(
      { length: count * POSE },
      (_, i) => told[Math.floor(i / POSE) * head.stride + (i % POSE)]!,
    );
    expect(furthest(kernel, pairMotion(spec, tf.tensor1d(flat), a, b).dataSync())).toBeLessThan(1e-5);
  });

  it('has the gradient that tfjs finds, of every parameter', () => {
    const weights = normals(count * POSE, 13);
    const dy = memory.floats(head.dy, count * head.stride).fill(0);
    for (let i = 0; i < weights.length; i++) dy[Math.floor(i / POSE) * head.stride + (i % POSE)] = weights[i]!;
    const gradient = memory.allocate(flat.length);
    network.turn(parameters);
    network.backward(parameters, gradient, count, true);
    const loss = (f: tf.Tensor): tf.Scalar =>
      tf.sum(tf.mul(pairMotion(spec, f as tf.Tensor1D, a, b), tf.tensor2d(weights, [count, POSE])));
    const reference = tf.grad(loss)(tf.tensor1d(flat)).dataSync();
    // The largest entry is about 5.
    expect(furthest(memory.floats(gradient, flat.length), reference)).toBeLessThan(3e-5);
  });
});

describe('PairTrainer', () => {
  const spec: PairSpec = { encoder: SCAN, body: [8, 8], hidden: 16 };
  const flat = initialTensors(pairTensors(spec), keyOf(3));
  const encoderSize = sizeOf(encoderTensors(SCAN));
  const samples = Array.from({ length: 20 }, (_, i) => ({
    first: normals(1024, 100 + i),
    second: normals(1024, 200 + i),
    label: normals(3, 300 + i),
  }));

  it('leaves a frozen encoder to the byte, and moves every tensor of what is not frozen', () => {
    const trainer = new PairTrainer(spec, flat, false);
    for (let step = 0; step < 50; step++) trainer.step(samples, 1e-3);
    const after = trainer.parameters;
    expect(after.subarray(0, encoderSize)).toEqual(flat.subarray(0, encoderSize));
    expect(furthest(after.subarray(encoderSize), flat.subarray(encoderSize))).toBeGreaterThan(1e-3);
    // The check would see one that is not frozen.
    const loose = new PairTrainer(spec, flat, true);
    loose.step(samples, 1e-3);
    expect(loose.parameters.subarray(0, encoderSize)).not.toEqual(flat.subarray(0, encoderSize));
  });

  it('learns twenty pairs by heart', () => {
    const trainer = new PairTrainer(spec, flat);
    const first = trainer.step(samples, 3e-3);
    let last = first;
    for (let step = 0; step < 80; step++) last = trainer.step(samples, 3e-3);
    expect(last).toBeLessThan(first / 4);
  });

  it('takes the gradient of the whole batch, whatever its blocks', () => {
    // 20 samples are a block of 16 and one of 4; the same in another order gives the same step within rounding.
    const one = new PairTrainer(spec, flat);
    const other = new PairTrainer(spec, flat);
    one.step(samples, 1e-3);
    other.step([...samples].reverse(), 1e-3);
    // Adam's first step is lr times the gradient's sign: where it is nearly 0 the sign may differ.
    const moved = one.parameters.map((value, i) => Math.abs(value - other.parameters[i]!));
    expect(moved.filter((d) => d > 1e-5).length).toBeLessThan(moved.length / 100);
  });
});
