/** Every network kind: plain arrays against tfjs, gradients against differences, tensors, bundles, and what memory is worth. */

import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ExperimentConfig } from '../../configs/schema.ts';
import { type NetworkContract, obsDim, parseContract } from '../../core/contract.ts';
import { keyOf, RandomStream } from '../../core/rng.ts';
import type { Experiment } from '../../loop/experiment.ts';
import { Actor } from '../../policy/actor.ts';
import { initialActor, meanAction } from '../../policy/actor-network.ts';
import {
  currentIndex,
  frameIndex,
  type HistoryEncoderContract,
  sizesOf,
  stateSize,
  tensorsOf,
} from '../../policy/architecture.ts';
import { type Backend, openBackend } from '../../policy/backend.ts';
import { decodeBundle, encodeBundle } from '../../policy/checkpoint.ts';
import { GruCell } from '../../policy/gru-cell.ts';
import { inferenceOf } from '../../policy/inference.ts';
import { minibatchRows } from '../../policy/minibatches.ts';
import { splitTensors } from '../../policy/mlp.ts';
import { blindExperiment, learn } from './blind-pendulum.ts';
import { LocalPool } from './local-pool.ts';

let backend: Backend;
beforeAll(async () => {
  backend = await openBackend('wasm');
});
afterAll(() => backend.close());

const normalizer = { mean: [0, 0], variance: [1, 1], count: 1, epsilon: 1e-5, clip: 10 };
const terms = [
  { width: 2, steps: 1 },
  { width: 1, steps: 3 },
];
const networks: Readonly<Record<string, NetworkContract>> = {
  mlp: { kind: 'mlp', layers: [5, 7, 2], activation: 'elu' },
  gru: { kind: 'gru', layers: [5, 7, 2], activation: 'elu', cell: 6 },
  'history, all steps at once': {
    kind: 'history',
    layers: [36, 7, 2],
    activation: 'tanh',
    encoder: { steps: 12, terms, embed: 5, convolutions: [], latent: 3 },
  },
  'history with convolutions': {
    kind: 'history',
    layers: [36, 7, 2],
    activation: 'elu',
    encoder: {
      steps: 12,
      terms,
      embed: 5,
      convolutions: [
        { channels: 4, kernel: 4, stride: 2 },
        { channels: 3, kernel: 2, stride: 1 },
      ],
      latent: 3,
    },
  },
  privileged: {
    kind: 'privileged',
    layers: [5, 7, 2],
    activation: 'relu',
    encoder: { inputs: 2, hidden: [4], latent: 3, normalizer },
  },
};

/** Weights in which no layer is negligible, bias and last layer included. */
function weightsOf(network: NetworkContract): Float32Array {
  const random = new RandomStream(keyOf(12));
  return initialActor(network, 1, keyOf(11)).map((w) => w + 0.1 * random.normal());
}

function split(network: NetworkContract, flat: tf.Tensor1D): tf.Tensor[] {
  return tf.split(flat, sizesOf(network)).map((part, i) => tf.reshape(part, [...tensorsOf(network)[i]!.shape]));
}

const T = 4;
const N = 3;
/** Environment 1 begins an episode with step 2. */
const KEEP = Array.from({ length: T * N }, (_, i) => (i === 2 * N + 1 ? 0 : 1));

function sequence(network: NetworkContract, state: Float32Array) {
  return {
    horizon: T,
    state: tf.tensor2d(state, [N, Math.max(1, stateSize(network))]),
    keep: Array.from({ length: T }, (_, t) => tf.tensor2d(KEEP.slice(t * N, (t + 1) * N), [N, 1])),
  };
}

describe.each(Object.entries(networks))('%s', (_, network) => {
  const [inputs, outputs] = [network.layers[0]!, network.layers.at(-1)!];
  const random = new RandomStream(keyOf(5));
  const x = Float32Array.from({ length: T * N * inputs }, () => random.normal());
  const state = Float32Array.from({ length: N * Math.max(1, stateSize(network)) }, () => random.normal() / 2);
  const flat = weightsOf(network);

  it('is the same on plain arrays and on tfjs', () => {
    const on = tf.tidy(() => {
      const rows = tf.tensor2d(x, [T * N, inputs]);
      return meanAction(network, split(network, tf.tensor1d(flat)), rows, sequence(network, state)).dataSync();
    });
    const inference = inferenceOf(network);
    const weights = splitTensors(flat, sizesOf(network));
    const own = state.slice();
    const size = stateSize(network);
    const out = new Float32Array(outputs);
    let worst = 0;
    for (let i = 0; i < T * N; i++) {
      const n = i % N;
      const remembered = own.subarray(n * size, (n + 1) * size);
      if (KEEP[i] === 0) remembered.fill(0);
      inference.forward(weights, x.subarray(i * inputs, (i + 1) * inputs), out, remembered);
      for (let k = 0; k < outputs; k++) worst = Math.max(worst, Math.abs(out[k]! - on[i * outputs + k]!));
    }
    expect(worst).toBeLessThan(1e-5);
    expect(Math.max(...on.map(Math.abs))).toBeGreaterThan(0.1);
  });

  it('has the gradient that differences have', () => {
    const loss = (parameters: tf.Tensor1D) =>
      tf.sum(
        tf.square(
          meanAction(network, split(network, parameters), tf.tensor2d(x, [T * N, inputs]), sequence(network, state)),
        ),
      ) as tf.Scalar;
    const gradient = tf.tidy(() =>
      tf
        .grad(loss as (p: tf.Tensor) => tf.Tensor)(tf.tensor1d(flat))
        .dataSync(),
    ) as Float32Array;
    const direction = new RandomStream(keyOf(6));
    for (let trial = 0; trial < 5; trial++) {
      const v = flat.map(() => direction.normal());
      const along = (h: number) => tf.tidy(() => loss(tf.tensor1d(flat.map((w, i) => w + h * v[i]!))).dataSync()[0]!);
      // Central differences of float32 sums: of the order of sqrt(1e-7).
      const measured = (along(1e-3) - along(-1e-3)) / 2e-3;
      const expected = gradient.reduce((sum, g, i) => sum + g * v[i]!, 0);
      expect(Math.abs(measured - expected)).toBeLessThan(0.02 * Math.abs(expected) + 0.02);
    }
    // Every tensor learns.
    for (const part of splitTensors(gradient, sizesOf(network)))
      expect(Math.max(...part.map(Math.abs))).toBeGreaterThan(0);
  });

  it('names its tensors once each, and they are all its parameters', () => {
    const names = tensorsOf(network).map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(initialActor(network, 0.01, keyOf(1)).length).toBe(sizesOf(network).reduce((a, b) => a + b));
  });
});

describe('a gated recurrent unit', () => {
  it('does what its equations say', () => {
    // One input, one number of state: r = s(0.5 x + 0.1 + 0.3 h - 0.2), z = s(-x + 0.4 h), n = tanh(2 x + r (0.7 h + 0.1))
    const weights = [
      Float32Array.of(0.5, -1, 2),
      Float32Array.of(0.1, 0, 0),
      Float32Array.of(0.3, 0.4, 0.7),
      Float32Array.of(-0.2, 0, 0.1),
    ];
    const [x, h] = [0.6, -0.5];
    const s = (v: number) => 1 / (1 + Math.exp(-v));
    const r = s(0.5 * x + 0.1 + 0.3 * h - 0.2);
    const z = s(-x + 0.4 * h);
    const n = Math.tanh(2 * x + r * (0.7 * h + 0.1));
    const state = Float32Array.of(h);
    new GruCell(1).step(weights, Float32Array.of(x), state);
    expect(state[0]).toBeCloseTo((1 - z) * n + z * h, 6);
  });
});

describe('a history', () => {
  const encoder: HistoryEncoderContract = {
    steps: 3,
    terms: [
      { width: 2, steps: 1 },
      { width: 1, steps: 2 },
    ],
    embed: 1,
    convolutions: [],
    latent: 1,
  };
  // a0 b0 a1 b1 a2 b2, then c0 c1 c2: newest first.
  it('is cut into frames, oldest first', () => {
    expect(frameIndex(encoder)).toEqual([4, 5, 8, 2, 3, 7, 0, 1, 6]);
  });
  it('is seen by the body as the task observes it', () => {
    expect(currentIndex(encoder)).toEqual([0, 1, 6, 7]);
  });
});

describe('minibatches', () => {
  it('hold whole environments where the network has a state', () => {
    const sequence = { horizon: 3, numEnvs: 4, state: new Float32Array(4), keep: new Float32Array(12) };
    const cut = minibatchRows({ size: 12, sequence }, 2, new RandomStream(keyOf(1)));
    expect(cut.flatMap(({ environments }) => [...environments]).sort()).toEqual([0, 1, 2, 3]);
    for (const { rows, environments } of cut) {
      const [a, b] = environments as unknown as [number, number];
      expect([...rows]).toEqual([a, b, 4 + a, 4 + b, 8 + a, 8 + b]);
    }
  });
  it('are refused where there are too few', () => {
    const sequence = { horizon: 3, numEnvs: 1, state: new Float32Array(1), keep: new Float32Array(3) };
    expect(() => minibatchRows({ size: 3, sequence }, 2, new RandomStream(keyOf(1)))).toThrow(
      /1 environments cannot be cut into 2 minibatches/,
    );
  });
});

const kinds: Readonly<Record<'mlp' | 'gru' | 'history' | 'privileged', Partial<ExperimentConfig['network']>>> = {
  mlp: {},
  gru: { kind: 'gru', cell: 32 },
  history: { kind: 'history', steps: 4, embed: 8, latent: 8 },
  privileged: { kind: 'privileged', encoderHidden: [], latent: 8 },
};

describe.each(Object.entries(kinds))('a bundle of %s', (kind, network) => {
  let experiment: Experiment;
  beforeAll(async () => {
    experiment = await blindExperiment(network);
  });

  it('is read as it was written', () => {
    const { contract } = experiment;
    const size = sizesOf(contract.network).reduce((a, b) => a + b) + 1;
    const parameters = Float32Array.from({ length: size }, (_, i) => Math.sin(i));
    const bundle = decodeBundle(encodeBundle(contract, parameters), 'test');
    expect(bundle.contract).toEqual(contract);
    expect(Float32Array.from([...bundle.weights.flatMap((part) => [...part]), ...bundle.logStd])).toEqual(parameters);
  });

  it('has the contract of its kind, and says what is wrong with another', () => {
    const { contract } = experiment;
    expect(contract.network.kind).toBe(kind);
    expect(contract.network.layers[0]).toBe(obsDim(contract) + (kind === 'privileged' ? 5 : 0));
    const text = JSON.parse(JSON.stringify(contract)) as { network: Record<string, unknown> };
    expect(() => parseContract({ ...text, network: { ...text.network, kind: 'lstm' } }, 'test')).toThrow(
      /network\.kind/,
    );
    expect(() => parseContract({ ...text, network: { ...text.network, more: 1 } }, 'test')).toThrow(/network\.more/);
  });

  it('acts on a robot unless it needs what only a simulation knows', () => {
    const { contract } = experiment;
    const weights = splitTensors(initialActor(contract.network, 1, keyOf(2)), sizesOf(contract.network));
    if (kind === 'privileged') {
      expect(() => new Actor(contract, weights)).toThrow(/a teacher, whose network needs what only a simulation knows/);
      return;
    }
    const actor = new Actor(contract, weights);
    const obs = new Float32Array(obsDim(contract)).fill(0.5);
    const [first, second, again] = [new Float32Array(1), new Float32Array(1), new Float32Array(1)];
    actor.act(obs, first);
    actor.act(obs, second);
    actor.reset();
    actor.act(obs, again);
    expect(again).toEqual(first);
    // Only a recurrent one remembers.
    expect(second[0] === first[0]).toBe(kind !== 'gru');
  });
});

describe('memory', () => {
  it('reaches what a policy without it does not: power for a swing whose velocity is unseen', {
    timeout: 90_000,
  }, async () => {
    const score = async (kind: keyof typeof kinds) => (await learn(await blindExperiment(kinds[kind]), backend)).score;
    const [mlp, gru, history] = [await score('mlp'), await score('gru'), await score('history')];
    // Seeds 1 to 3: 0.15 to 0.34, 3.5 to 6.7, 1.1 to 1.6.
    expect(gru).toBeGreaterThan(5 * mlp);
    expect(history).toBeGreaterThan(3 * mlp);
  });

  it('is of each environment its own: the same bytes for any number of workers', async () => {
    const experiment = await blindExperiment(kinds.gru, 2);
    const [one, three] = [
      await learn(experiment, backend),
      await learn(experiment, backend, { pool: new LocalPool(3) }),
    ];
    expect(three.actor).toEqual(one.actor);
    // An evaluation of 20 episodes, of which the three slices have 7, 7 and 6: each begins without a memory.
    expect(three.score).toBe(one.score);
  });

  it('goes on in the middle of an episode after a checkpoint: the same bytes', async () => {
    const experiment = await blindExperiment(kinds.gru, 4);
    const settings = { ...experiment.config.train, ppo: experiment.config.ppo, network: experiment.network };
    const whole = await learn(experiment, backend);
    const half = await learn(experiment, backend, { onIteration: ({ iteration }) => iteration === 2, settings });
    expect(half.state.actorState!.some((value) => value !== 0)).toBe(true);
    const from = { ...experiment, contract: { ...experiment.contract, normalizer: half.contract.normalizer } };
    expect((await learn(from, backend, { resume: half.state })).actor).toEqual(whole.actor);
  });

  it('begins where the rollout began: the ratio of the first minibatch is 1', async () => {
    const experiment = await blindExperiment(kinds.gru, 3);
    const { ppo } = experiment.config;
    const kl: number[] = [];
    await learn(experiment, backend, {
      settings: {
        ...experiment.config.train,
        evalEvery: 9,
        ppo: { ...ppo, epochs: 1, minibatches: 1, learningRate: 1e-5, maxLearningRate: 1e-5 },
        network: experiment.network,
      },
      onIteration({ approxKl, clipFraction }) {
        kl.push(approxKl, clipFraction);
        return false;
      },
    });
    // Log-probabilities in float32, of policies that have carried their state over three iterations.
    for (const value of kl) expect(Math.abs(value)).toBeLessThan(1e-6);
  });
});
