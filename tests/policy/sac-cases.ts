/** Networks, settings and batches for the tests of soft actor-critic learners. */

import { keyOf, RandomStream } from '../../core/rng.ts';
import { drawSubset, type SacBatch, type SacNetworks, type SacSettings } from '../../policy/sac-learner.ts';

export const seed = Number(process.env.LANDFALL_TEST_SEED ?? 1);

export const networks: SacNetworks = {
  actor: { kind: 'mlp', layers: [3, 16, 9, 2], activation: 'elu', output: 'tanh' },
  criticHidden: [12, 7],
  criticInputs: 5,
  initialLogStd: -0.3,
};

export const settings: SacSettings = {
  learningRate: 1e-3,
  gamma: 0.97,
  tau: 0.1,
  batchSize: 32,
  bufferSize: 1000,
  learnAfter: 10,
  updateRatio: 1,
  actorEvery: 1,
  critics: 3,
  subset: 2,
  layerNorm: true,
  initialTemperature: 0.2,
  targetEntropy: -1,
  backupEntropy: true,
  priorShare: 0.5,
};

/** A batch of random numbers; every fourth transition ends its episode. */
export function batchOf(key: number, nets: SacNetworks = networks, s: SacSettings = settings): SacBatch {
  const random = new RandomStream(keyOf(key));
  const { layers } = nets.actor;
  const actions = layers.at(-1)!;
  const normal = (width: number) => Float32Array.from({ length: s.batchSize * width }, () => random.normal());
  return {
    obs: normal(layers[0]!),
    nextObs: normal(layers[0]!),
    criticObs: normal(nets.criticInputs ?? 0),
    nextCriticObs: normal(nets.criticInputs ?? 0),
    action: normal(actions).map(Math.tanh),
    reward: normal(1),
    bootstrap: Float32Array.from({ length: s.batchSize }, (_, i) => (i % 4 === 0 ? 0 : 1)),
    noise: normal(actions),
    nextNoise: normal(actions),
    subset: drawSubset(random, s.critics, s.subset),
  };
}

const ACTIVATIONS = {
  elu: (x: number) => (x < 0 ? Math.expm1(x) : x),
  tanh: Math.tanh,
  relu: (x: number) => Math.max(0, x),
};

/** A perceptron in double precision. @param tensors W1, b1, (gain, shift), W2, ... in one vector */
export function perceptron(
  layers: readonly number[],
  tensors: Float32Array,
  activation: keyof typeof ACTIVATIONS,
  layerNorm: boolean,
  input: readonly number[],
): number[] {
  let at = 0;
  const take = (n: number) => {
    at += n;
    return tensors.subarray(at - n, at);
  };
  let x = [...input];
  for (let l = 0; l + 1 < layers.length; l++) {
    const [inputs, outputs] = [layers[l]!, layers[l + 1]!];
    const [w, b] = [take(inputs * outputs), take(outputs)];
    x = Array.from({ length: outputs }, (_, j) => x.reduce((sum, v, i) => sum + v * w[i * outputs + j]!, b[j]!));
    if (l + 2 === layers.length) break;
    if (layerNorm) {
      const [gain, shift] = [take(outputs), take(outputs)];
      const mean = x.reduce((a, v) => a + v, 0) / outputs;
      const variance = x.reduce((a, v) => a + (v - mean) ** 2, 0) / outputs;
      x = x.map((v, j) => (gain[j]! * (v - mean)) / Math.sqrt(variance + 1e-5) + shift[j]!);
    }
    x = x.map(ACTIVATIONS[activation]);
  }
  return x;
}

/** Rows of a [rows, width] array. */
export function row(data: Float32Array, i: number, rows: number): number[] {
  const width = data.length / rows;
  return [...data.subarray(i * width, (i + 1) * width)];
}
