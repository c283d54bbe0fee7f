/** Statistics, covariances and features of a target without labels, brought to the source's. */

import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { pendulum } from '../../../configs/pendulum.ts';
import type { Contract } from '../../../core/contract.ts';
import { foldIn, keyOf, RandomStream } from '../../../core/rng.ts';
import { openExperiment } from '../../../loop/experiment.ts';
import { Actor } from '../../../policy/actor.ts';
import { coralLoss } from '../../../policy/adaptation/coral-loss.ts';
import {
  domainAccuracy,
  domainLoss,
  reversalStrength,
  reverseGradient,
} from '../../../policy/adaptation/domain-adversary.ts';
import { alignedNormalizer } from '../../../policy/adaptation/observation-alignment.ts';
import { openBackend } from '../../../policy/backend.ts';
import { splitTensors, tensorSizes } from '../../../policy/mlp.ts';
import { forward, initialWeights } from '../../../policy/network.ts';
import { RunningNormalizer } from '../../../policy/normalizer.ts';
import { coralDistance, momentsOf } from '../../../policy/similarity/gaussian-distances.ts';
import { groupRows } from '../../../policy/similarity/grouped-rows.ts';

const seed = Number(process.env.LANDFALL_TEST_SEED ?? 1);

beforeAll(async () => {
  await openBackend('cpu');
});

describe('alignedNormalizer', () => {
  it("undoes a sensor's scale and offset: the frozen policy acts as it did", async () => {
    const { contract } = await openExperiment({ ...pendulum, network: { ...pendulum.network, hidden: [16, 16] } });
    const dim = contract.network.layers[0]!;
    const random = new RandomStream(keyOf(seed));
    const rows = 400;
    const seen = Float32Array.from({ length: rows * dim }, (_, i) => (i % dim) + 2 * random.normal());
    const [a, b] = [
      Float64Array.from({ length: dim }, (_, k) => (k % 2 === 0 ? 1.7 : -0.6)),
      Float64Array.from({ length: dim }, (_, k) => 3 - k),
    ];
    const moved = seen.map((x, i) => a[i % dim]! * x + b[i % dim]!);
    const running = new RunningNormalizer(contract.normalizer);
    running.update(seen, rows);
    const source = running.toContract();
    const weights = splitTensors(
      initialWeights(contract.network.layers, 1, keyOf(seed)),
      tensorSizes(contract.network.layers),
    );
    const act = (normalizer: Contract['normalizer'], obs: Float32Array) => {
      const actor = new Actor({ ...contract, normalizer }, weights);
      const out = new Float32Array(1);
      return Array.from({ length: rows }, (_, i) => {
        actor.act(obs.subarray(i * dim, (i + 1) * dim), out);
        return out[0]!;
      });
    };
    const before = act(source, seen);
    const largest = (x: number[]) => Math.max(...x.map((y, i) => Math.abs(y - before[i]!)));
    // A negative scale turns a column over, which no mean and variance can know: those columns are turned back here.
    const turned = moved.map((x, i) => (a[i % dim]! < 0 ? -x : x));
    expect(largest(act(alignedNormalizer(source, turned, rows), turned))).toBeLessThan(1e-4);
    expect(largest(act(source, turned))).toBeGreaterThan(0.1);
  });

  it("keeps the source's statistics of a column that the target holds still, and changes nothing else", () => {
    const source = { mean: [1, 2], variance: [4, 9], count: 50, epsilon: 1e-5, clip: 7 };
    const aligned = alignedNormalizer(source, Float32Array.of(10, 5, 14, 5), 2);
    expect(aligned).toEqual({ mean: [12, 2], variance: [4, 9], count: 2, epsilon: 1e-5, clip: 7 });
  });
});

/** Central differences of a scalar function of a matrix. */
function numericGradient(f: (x: tf.Tensor2D) => tf.Scalar, rows: number, cols: number, x: Float32Array): number[] {
  const step = 1e-2;
  const at = (i: number, d: number) => {
    const moved = x.slice();
    moved[i] = moved[i]! + d;
    return tf.tidy(() => f(tf.tensor2d(moved, [rows, cols])).dataSync()[0]!);
  };
  return Array.from(x, (_, i) => (at(i, step) - at(i, -step)) / (2 * step));
}

const normal = (count: number, key: number, scale = 1) => {
  const random = new RandomStream(keyOf(key));
  return Float32Array.from({ length: count }, () => scale * random.normal());
};

describe('coralLoss', () => {
  it('is the distance of the covariances, with its gradient', () => {
    const [s, t] = [normal(15, 1), normal(21, 2, 2)];
    const rows = (x: Float32Array) =>
      groupRows([Array.from({ length: x.length / 3 }, (_, i) => x.subarray(3 * i, 3 * i + 3))]);
    const target = tf.tensor2d(t, [7, 3]);
    const f = (x: tf.Tensor2D) => coralLoss(x, target);
    const source = tf.tensor2d(s, [5, 3]);
    // float32
    expect(f(source).dataSync()[0]).toBeCloseTo(coralDistance(momentsOf(rows(s)), momentsOf(rows(t))), 5);
    const gradient = tf
      .grad((x: tf.Tensor) => f(x as tf.Tensor2D))(source)
      .dataSync();
    for (const [i, value] of numericGradient(f, 5, 3, s).entries()) {
      expect(Math.abs(gradient[i]! - value)).toBeLessThan(2e-3);
    }
    expect(coralLoss(source, source).dataSync()[0]).toBe(0);
    // The mean is not its affair.
    expect(coralLoss(source, tf.add(source, 5) as tf.Tensor2D).dataSync()[0]).toBeLessThan(1e-6);
  });
});

describe('gradient reversal', () => {
  it('passes values on and multiplies the gradient by -lambda', () => {
    const x = normal(6, 3);
    const w = tf.tensor2d(normal(6, 4), [2, 3]);
    const plain = (y: tf.Tensor2D) => tf.sum(tf.mul(w, tf.sin(y))) as tf.Scalar;
    const input = tf.tensor2d(x, [2, 3]);
    expect([...reverseGradient(input, 0.7).dataSync()]).toEqual([...x]);
    const gradient = tf
      .grad((y: tf.Tensor) => plain(reverseGradient(y as tf.Tensor2D, 0.7)))(input)
      .dataSync();
    for (const [i, value] of numericGradient(plain, 2, 3, x).entries()) {
      expect(Math.abs(gradient[i]! + 0.7 * value)).toBeLessThan(1e-3);
    }
  });

  it('reverses for the encoder only: the discriminator descends its own loss', () => {
    const [s, t] = [tf.tensor2d(normal(8, 5), [4, 2]), tf.tensor2d(normal(8, 6), [4, 2])];
    const flat = initialWeights([2, 4, 1], 1, keyOf(2));
    const tensors = splitTensors(flat, tensorSizes([2, 4, 1])).map((x, i) =>
      i % 2 === 0 ? tf.tensor2d(x, i === 0 ? [2, 4] : [4, 1]) : tf.tensor1d(x),
    );
    const of = (lambda: number) =>
      tf.grads((x: tf.Tensor, w: tf.Tensor) => domainLoss(x as tf.Tensor2D, t, [w, ...tensors.slice(1)], lambda))([
        s,
        tensors[0]!,
      ]);
    const [reversed, weights] = of(0.5);
    const [forwards, same] = of(-1);
    for (const [i, value] of forwards!.dataSync().entries())
      expect(reversed!.dataSync()[i]).toBeCloseTo(-0.5 * value, 6);
    expect([...weights!.dataSync()]).toEqual([...same!.dataSync()]);
    expect(Math.max(...forwards!.dataSync().map(Math.abs))).toBeGreaterThan(1e-3);
  });

  it('grows as the paper says', () => {
    expect(reversalStrength(0)).toBe(0);
    expect(reversalStrength(0.5)).toBeCloseTo(2 / (1 + Math.exp(-5)) - 1, 12);
    expect(reversalStrength(1)).toBeGreaterThan(0.9999);
    // A public library's default.
    expect(reversalStrength(1, 1)).toBeCloseTo(0.462, 3);
  });
});

describe('an encoder against its adversary', () => {
  /** x = (signal, nuisance): the label is the signal, the nuisance is the domain. */
  const rows = 64;
  const domain = (shift: number, key: number) => {
    const random = new RandomStream(foldIn(keyOf(seed), key));
    return tf.tensor2d(
      Array.from({ length: rows }, () => [random.normal(), shift + 0.3 * random.normal()]),
      [rows, 2],
    );
  };
  const shapes = { encoder: [2, 8, 2], label: [2, 1], discriminator: [2, 8, 1] };
  const start = () =>
    Object.values(shapes).flatMap((layers, net) =>
      splitTensors(initialWeights(layers, 1, keyOf(10 * seed + net)), tensorSizes(layers)).map((x, i) =>
        tf.variable(i % 2 === 0 ? tf.tensor2d(x, [layers[i >> 1]!, layers[(i >> 1) + 1]!]) : tf.tensor1d(x)),
      ),
    );

  function train(lambdaMax: number): { sourceLoss: number; accuracy: number } {
    const [source, target] = [domain(-1, 1), domain(1, 2)];
    const labels = tf.slice(source, [0, 0], [-1, 1]);
    const variables = start();
    const encoder = variables.slice(0, 4);
    const head = variables.slice(4, 6);
    const discriminator = variables.slice(6);
    const encode = (x: tf.Tensor2D) => forward(encoder, 'tanh', x);
    const sourceLoss = () => tf.mean(tf.square(tf.sub(forward(head, 'tanh', encode(source)), labels))) as tf.Scalar;
    const optimizer = tf.train.adam(0.02);
    const steps = 200;
    for (let step = 0; step < steps; step++) {
      const lambda = lambdaMax * reversalStrength(step / steps);
      optimizer.minimize(
        () => tf.add(sourceLoss(), domainLoss(encode(source), encode(target), discriminator, lambda)) as tf.Scalar,
      );
    }
    return {
      sourceLoss: sourceLoss().dataSync()[0]!,
      accuracy: domainAccuracy(encode(source), encode(target), discriminator),
    };
  }

  it('loses the domain and keeps the label', () => {
    const without = train(0);
    const against = train(1);
    expect(without.accuracy).toBeGreaterThan(0.95);
    expect(Math.abs(against.accuracy - 0.5)).toBeLessThan(0.1);
    // Of the labels' variance, 1: at most a tenth more is left unexplained.
    expect(against.sourceLoss - without.sourceLoss).toBeLessThan(0.1);
  });
});
