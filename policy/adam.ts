/** Adam (Kingma & Ba 2015, 1412.6980) of one flat vector on tfjs. Who counts the steps and sets the rate is not its affair. */

import * as tf from '@tensorflow/tfjs';

const BETA1 = 0.9;
const BETA2 = 0.999;
const EPSILON = 1e-8;

export class Adam {
  #m: tf.Tensor1D;
  #v: tf.Tensor1D;

  constructor(size: number) {
    this.#m = tf.zeros([size]);
    this.#v = tf.zeros([size]);
  }

  get moments(): readonly [tf.Tensor1D, tf.Tensor1D] {
    return [this.#m, this.#v];
  }

  load(m: Float32Array, v: Float32Array): void {
    this.dispose();
    this.#m = tf.tensor1d(m);
    this.#v = tf.tensor1d(v);
  }

  /**
   * @param parameters are disposed @param step counts from 1
   * @returns the parameters after the step
   */
  step(parameters: tf.Tensor1D, gradient: tf.Tensor1D, learningRate: number, step: number): tf.Tensor1D {
    // m = b1 m + (1 - b1) g,  v = b2 v + (1 - b2) g^2,  p -= lr m^ / (sqrt(v^) + eps)
    const [m, v, next] = tf.tidy(() => {
      const m1 = tf.add(tf.mul(BETA1, this.#m), tf.mul(1 - BETA1, gradient));
      const v1 = tf.add(tf.mul(BETA2, this.#v), tf.mul(1 - BETA2, tf.square(gradient)));
      const mHat = tf.div(m1, 1 - BETA1 ** step);
      const vHat = tf.div(v1, 1 - BETA2 ** step);
      const change = tf.mul(learningRate, tf.div(mHat, tf.add(tf.sqrt(vHat), EPSILON)));
      return [m1, v1, tf.sub(parameters, change)] as [tf.Tensor1D, tf.Tensor1D, tf.Tensor1D];
    });
    this.dispose();
    parameters.dispose();
    this.#m = m;
    this.#v = v;
    return next;
  }

  dispose(): void {
    tf.dispose([this.#m, this.#v]);
  }
}
