/** A small policy, batches and learners for the tests of fine-tuning. */

import { pendulum } from '../../../configs/pendulum.ts';
import { keyOf, RandomStream } from '../../../core/rng.ts';
import { openExperiment } from '../../../loop/experiment.ts';
import type { Backend } from '../../../policy/backend.ts';
import { makePpo } from '../../../policy/make-ppo.ts';
import { Mlp, splitTensors, tensorSizes } from '../../../policy/mlp.ts';
import type { NetworkSettings, PpoBatch, PpoLearner, PpoSettings } from '../../../policy/ppo-learner.ts';
import type { ArmSettings, PolicySource } from '../../../policy/transfer/arms.ts';
import type { PreparedArm } from '../../../policy/transfer/fine-tune.ts';

export const settings: PpoSettings = {
  learningRate: 1e-2,
  minLearningRate: 1e-5,
  maxLearningRate: 1,
  gamma: 0.99,
  lam: 0.95,
  clip: 0.2,
  valueClip: null,
  valueCoef: 0.5,
  entropyCoef: 0.01,
  maxGradNorm: 1,
  targetKl: null,
  epochs: 1,
  minibatches: 1,
};

export const ITERATIONS = 50;
export const armSettings: ArmSettings = { iterations: ITERATIONS, key: keyOf(5) };

const { contract: pendulumContract } = await openExperiment({
  ...pendulum,
  network: { ...pendulum.network, hidden: [12, 8] },
});

/** The pendulum's policy, 12 and 8 hidden units, its weights at random: as if it had learned. */
export function sourceOf(activation: 'elu' | 'relu' | 'tanh' = 'elu'): PolicySource {
  const layers = [5, 12, 8, 1];
  const network: NetworkSettings = {
    actor: { kind: 'mlp', layers, activation },
    criticHidden: [9],
    initialLogStd: -0.5,
    finalLogStd: -2,
  };
  const random = new RandomStream(keyOf(11));
  const size = [layers, [5, 9, 1]].flatMap(tensorSizes).reduce((a, b) => a + b) + 1;
  const parameters = Float32Array.from({ length: size }, () => 0.4 * random.normal());
  const observations = Float32Array.from({ length: 5 * 40 }, () => random.normal());
  return { contract: { ...pendulumContract, network: network.actor }, network, parameters, observations };
}

export function batchOf(key: number, size = 16, advantage = 1): PpoBatch {
  const random = new RandomStream(keyOf(key));
  const normal = (length: number, scale = 1) => Float32Array.from({ length }, () => scale * random.normal());
  return {
    size,
    obs: normal(5 * size),
    action: normal(size),
    logProb: normal(size, 0.1).map((x) => x - 1.4),
    advantage: normal(size, advantage),
    target: normal(size),
    value: normal(size),
  };
}

/** The learner of a prepared arm, at its start. */
export function learnerOf(
  backend: Backend,
  { source, arm, plan, initial }: PreparedArm,
  changes: Partial<PpoSettings> = {},
  threads = 2,
): PpoLearner {
  const network = { ...source.network, actor: arm.network };
  const learner = makePpo(backend, network, { ...settings, ...changes }, keyOf(3), plan, threads);
  learner.loadParameters(initial);
  return learner;
}

/** The mean actions of 30 random observations. @param actor begins with the network's tensors */
export function meansOf({ layers, activation }: NetworkSettings['actor'], actor: Float32Array): Float32Array {
  const random = new RandomStream(keyOf(77));
  const tensors = splitTensors(actor, tensorSizes(layers));
  const mlp = new Mlp(layers, activation);
  const out = new Float32Array(30);
  for (let i = 0; i < out.length; i++) {
    const obs = Float32Array.from({ length: layers[0]! }, () => 1.5 * random.normal());
    mlp.forward(tensors, obs, out.subarray(i, i + 1));
  }
  return out;
}

export function furthest(a: Float32Array, b: Float32Array): number {
  return a.reduce((most, x, i) => Math.max(most, Math.abs(x - b[i]!)), 0);
}
