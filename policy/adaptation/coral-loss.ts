/**
 * Deep CORAL (Sun & Saenko 2016, 1607.01719): a loss that pulls the covariance of an encoder's features in the target, which
 * has no labels, towards that in the source. To be added to the source's loss, weighed so that both end about equal. Meant for
 * perception; the mean is left alone, as in the paper.
 */

import * as tf from '@tensorflow/tfjs';

/** ||C_S - C_T||_F^2 / (4 d^2). @param source,target features, [n, d] and [m, d] @returns a scalar, nothing for n or m of 1 */
export function coralLoss(source: tf.Tensor2D, target: tf.Tensor2D): tf.Scalar {
  return tf.tidy(() => {
    const d = source.shape[1];
    return tf.div(tf.sum(tf.square(tf.sub(covariance(source), covariance(target)))), 4 * d * d) as tf.Scalar;
  });
}

function covariance(x: tf.Tensor2D): tf.Tensor2D {
  const centred = tf.sub(x, tf.mean(x, 0, true)) as tf.Tensor2D;
  return tf.div(tf.matMul(centred, centred, true, false), Math.max(1, x.shape[0] - 1));
}
