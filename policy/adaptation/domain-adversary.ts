/**
 * DANN (Ganin et al. 2016, 1505.07818): a discriminator learns to tell the features of two domains apart while the encoder,
 * which receives its gradient reversed, learns to give it nothing to tell by. For perception encoders; of what feeds a
 * controller, invariance can take away the very signal that adapting needs.
 */

import * as tf from '@tensorflow/tfjs';
import { forward } from '../network.ts';

/** The identity, whose gradient is -lambda dy. */
export function reverseGradient<T extends tf.Tensor>(x: T, lambda: number): T {
  const reversed = tf.customGrad((input) => ({
    value: (input as tf.Tensor).clone(),
    gradFunc: (dy: tf.Tensor) => tf.mul(dy, -lambda),
  }));
  return reversed(x) as T;
}

/**
 * lambda_p = 2 / (1 + exp(-steepness p)) - 1: 0 at the start, while the discriminator knows nothing, near 1 at the end.
 * @param progress p in [0, 1] @param steepness 10 in the paper; with 1 it never passes .46
 */
export function reversalStrength(progress: number, steepness = 10): number {
  return 2 / (1 + Math.exp(-steepness * progress)) - 1;
}

/**
 * Mean log loss of the discriminator over both domains, weighed alike. Minimised over encoder and discriminator together: what
 * lowers it for one raises it for the other.
 * @param source,target features, [n, d] and [m, d] @param discriminator W1, b1, ... to one logit, of being the target
 */
export function domainLoss(
  source: tf.Tensor2D,
  target: tf.Tensor2D,
  discriminator: readonly tf.Tensor[],
  lambda: number,
): tf.Scalar {
  return tf.tidy(() => {
    const ofSource = domainLogits(source, discriminator, lambda);
    const ofTarget = domainLogits(target, discriminator, lambda);
    // -log(1 - sigma(z)) = softplus(z), -log sigma(z) = softplus(-z)
    const losses = tf.add(tf.mean(tf.softplus(ofSource)), tf.mean(tf.softplus(tf.neg(ofTarget))));
    return tf.div(losses, 2) as tf.Scalar;
  });
}

/** Balanced share of the rows that the discriminator assigns to their own domain; about .5 when the adversary has won. */
export function domainAccuracy(source: tf.Tensor2D, target: tf.Tensor2D, discriminator: readonly tf.Tensor[]): number {
  return tf.tidy(() => {
    const share = (x: tf.Tensor2D, isOwn: (logits: tf.Tensor2D) => tf.Tensor) =>
      tf.mean(tf.cast(isOwn(domainLogits(x, discriminator, 0)), 'float32')).dataSync()[0]!;
    return (share(source, (logits) => tf.less(logits, 0)) + share(target, (logits) => tf.greater(logits, 0))) / 2;
  });
}

function domainLogits(features: tf.Tensor2D, discriminator: readonly tf.Tensor[], lambda: number): tf.Tensor2D {
  return forward(discriminator, 'relu', reverseGradient(features, lambda));
}
