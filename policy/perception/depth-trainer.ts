/** Trains an encoder of depth images on tfjs to tell where an object is: encoder, one linear head, squared error. Knows no simulator. */

import * as tf from '@tensorflow/tfjs';
import { Adam } from '../adam.ts';
import { type EncoderSpec, encoderTensors, mapShape, sizeOf, type TensorShape } from './conv-layers.ts';
import { encodeWith, unpack } from './encoder-network.ts';

/** Depth and whether there is one. */
export const DEPTH_CHANNELS = 2;

/** The 24 x 18 image of `arm-push`'s camera. */
export const DEPTH_ENCODER: EncoderSpec = {
  kind: 'depth',
  input: [18, 24, DEPTH_CHANNELS],
  circular: false,
  layers: [
    { fold: [1, 2], channels: 16 },
    { fold: [2, 2], channels: 32 },
    { fold: [3, 2], channels: 32 },
  ],
};

/** What an encoder sees of an image: depth about its middle in units of its spread, and 1 where there is one. @param out [pixels, 2] */
export function depthFeatures(image: Float32Array, maxRange: number, out: Float32Array): void {
  for (let i = 0; i < image.length; i++) {
    const seen = image[i]! < maxRange;
    out[2 * i] = seen ? (image[i]! - MIDDLE) / SPREAD : 0;
    out[2 * i + 1] = seen ? 1 : 0;
  }
}

/** Of the camera's view of the table, m. */
const MIDDLE = 0.92;
const SPREAD = 0.15;

/** Encoder, then the head of `outputs`. */
export function depthTensors(spec: EncoderSpec, outputs: number): TensorShape[] {
  const [height, width, channels] = mapShape(spec);
  return [
    ...encoderTensors(spec),
    { name: 'head.weight', shape: [height * width * channels, outputs] },
    { name: 'head.bias', shape: [outputs] },
  ];
}

export class DepthTrainer {
  readonly #spec: EncoderSpec;
  readonly #outputs: number;
  readonly #adam: Adam;
  #parameters: tf.Tensor1D;
  #steps = 0;

  /** @param parameters of `depthTensors` */
  constructor(spec: EncoderSpec, outputs: number, parameters: Float32Array) {
    this.#spec = spec;
    this.#outputs = outputs;
    this.#parameters = tf.tensor1d(parameters);
    this.#adam = new Adam(parameters.length);
  }

  get encoder(): Float32Array {
    return (this.#parameters.dataSync() as Float32Array).slice(0, sizeOf(encoderTensors(this.#spec)));
  }

  /** @param features [n, height, width, channels] @param labels [n, outputs] @returns mean squared error, summed over outputs */
  step(features: Float32Array, labels: Float32Array, learningRate: number): number {
    const count = labels.length / this.#outputs;
    const x = tf.tensor4d(features, [count, ...this.#spec.input]);
    const y = tf.tensor2d(labels, [count, this.#outputs]);
    const loss = (flat: tf.Tensor): tf.Scalar =>
      tf.div(tf.sum(tf.square(tf.sub(this.#told(flat as tf.Tensor1D, x), y))), count);
    const { value, grad } = tf.tidy(() => tf.valueAndGrad(loss)(this.#parameters));
    this.#parameters = this.#adam.step(this.#parameters, grad as tf.Tensor1D, learningRate, ++this.#steps);
    const told = value.dataSync()[0]!;
    tf.dispose([x, y, value, grad]);
    return told;
  }

  /** @returns [n, outputs] */
  predict(features: Float32Array): Float32Array {
    const { input } = this.#spec;
    const count = features.length / (input[0] * input[1] * input[2]);
    return tf.tidy(
      () => this.#told(this.#parameters, tf.tensor4d(features, [count, ...input])).dataSync() as Float32Array,
    );
  }

  #told(flat: tf.Tensor1D, x: tf.Tensor4D): tf.Tensor2D {
    const tensors = unpack(flat, depthTensors(this.#spec, this.#outputs));
    const map = encodeWith(this.#spec, tensors.slice(0, -2), x);
    return tf.add(tf.matMul(tf.reshape(map, [x.shape[0], -1]), tensors.at(-2)! as tf.Tensor2D), tensors.at(-1)!);
  }

  dispose(): void {
    this.#adam.dispose();
    this.#parameters.dispose();
  }
}
