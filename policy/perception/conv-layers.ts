/**
 * What a convolutional encoder is made of, as plain data: its layers, and the names, shapes and first values of their tensors.
 * One dimension (a scan, height 1) or two (a depth image). Layer normalisation only, which has no statistics that could drift
 * in a frozen network. Knows no backend: `encoder.ts` runs it anywhere, `encoder-network.ts` on tfjs, `simd-conv.ts` on the kernel.
 */

import { type Key, RandomStream, split } from '../../core/rng.ts';

export interface ConvLayer {
  /** Neighbouring cells joined into one before the convolution: rows and columns, [1, 2] halves a scan's resolution. */
  readonly fold: readonly [rows: number, columns: number];
  /** Channels that come out. */
  readonly channels: number;
}

export interface EncoderSpec {
  readonly kind: 'lidar' | 'depth';
  /** Of the input, [height, width, channels]; a scan has height 1. */
  readonly input: readonly [height: number, width: number, channels: number];
  /** Does the last column border on the first? */
  readonly circular: boolean;
  /** Each: fold, convolve 3 wide (3 x 3 where higher than 1), normalise each cell over its channels, and, but the last, ReLU. */
  readonly layers: readonly ConvLayer[];
}

export const KERNEL = 3;
/** Under the root of the layer normalisation. */
export const NORM_EPSILON = 1e-5;

/** A layer with the sizes that follow. */
export interface ConvShape {
  /** After folding. */
  readonly height: number;
  readonly width: number;
  readonly inputs: number;
  readonly outputs: number;
  /** Cells under the kernel. */
  readonly taps: number;
  readonly isLast: boolean;
}

export function convShapes({ input, layers }: EncoderSpec): ConvShape[] {
  let [height, width, channels] = input;
  return layers.map(({ fold, channels: outputs }, l) => {
    height /= fold[0];
    width /= fold[1];
    const inputs = channels * fold[0] * fold[1];
    channels = outputs;
    return {
      height,
      width,
      inputs,
      outputs,
      taps: height === 1 ? KERNEL : KERNEL * KERNEL,
      isLast: l + 1 === layers.length,
    };
  });
}

/** [height, width, channels] that an encoder gives. */
export function mapShape(spec: EncoderSpec): readonly [number, number, number] {
  const { height, width, outputs } = convShapes(spec).at(-1)!;
  return [height, width, outputs];
}

export interface TensorShape {
  readonly name: string;
  readonly shape: readonly number[];
}

/** W [taps, inputs, outputs], b, gain and shift [outputs] of each layer. */
export function encoderTensors(spec: EncoderSpec): TensorShape[] {
  return convShapes(spec).flatMap(({ taps, inputs, outputs }, l) => convTensors(`encoder.${l}`, taps, inputs, outputs));
}

export function convTensors(name: string, taps: number, inputs: number, outputs: number): TensorShape[] {
  return [
    { name: `${name}.weight`, shape: [taps, inputs, outputs] },
    { name: `${name}.bias`, shape: [outputs] },
    { name: `${name}.gain`, shape: [outputs] },
    { name: `${name}.shift`, shape: [outputs] },
  ];
}

export function sizeOf(tensors: readonly TensorShape[]): number {
  return tensors.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
}

/** Weights with variance 2 / inputs (He et al. 2015), gains 1, the rest 0; heads (`head.`) a tenth of that. One flat vector. */
export function initialTensors(tensors: readonly TensorShape[], key: Key): Float32Array {
  const flat = new Float32Array(sizeOf(tensors));
  const keys = split(key, tensors.length);
  let at = 0;
  for (const [t, { name, shape }] of tensors.entries()) {
    const size = shape.reduce((a, b) => a * b, 1);
    if (name.endsWith('.gain')) flat.fill(1, at, at + size);
    if (name.endsWith('.weight')) {
      const random = new RandomStream(keys[t]!);
      const sd = Math.sqrt(2 / (size / shape.at(-1)!)) * (name.startsWith('head.') ? 0.1 : 1);
      for (let i = 0; i < size; i++) flat[at + i] = sd * random.normal();
    }
    at += size;
  }
  return flat;
}
