/**
 * Settings of the learning algorithms beside PPO, as an experiment written for PPO gets them with `algorithm=NAME`: what they
 * ask of a task is the same for all, so one table serves every experiment, which may still carry its own.
 */

import { InputError } from '../core/errors.ts';
import type { ExperimentConfig } from './schema.ts';

export type Algorithm = NonNullable<ExperimentConfig['algorithm']>;

type SacConfig = NonNullable<ExperimentConfig['sac']>;
type OfflineConfig = NonNullable<ExperimentConfig['offline']>;

const SAC: Omit<SacConfig, 'gamma'> = {
  learningRate: 1e-3,
  tau: 0.02,
  batchSize: 128,
  bufferSize: 300_000,
  learnAfter: 1000,
  updateRatio: 1,
  actorEvery: 1,
  critics: 2,
  subset: 2,
  layerNorm: false,
  // Rewards are per step, a fiftieth or so of their weights: at 1 entropy would be all that counts.
  initialTemperature: 0.01,
  // A policy is judged by its mean: what explores must be close enough to it to meet where that mean gets stuck.
  actionEntropy: -1,
  backupEntropy: true,
  priorShare: 0.5,
};

const OFFLINE: Omit<OfflineConfig, 'gamma'> = {
  learningRate: 1e-3,
  batchSize: 256,
  updates: 250,
  heldOut: 0.1,
  tau: 0.005,
  expectile: 0.7,
  sharpness: 3,
};

/** Of SAC: few environments and short rollouts, so that what is learned from is fresh. */
const COLLECTION = { numEnvs: 16, horizon: 16 } as const;
/** Iterations of learning from logged episodes, of `updates` each. */
const OFFLINE_ITERATIONS = 40;

/** An experiment with the settings of another algorithm, where it has none of its own, and loops of a size that suits it. */
export function withAlgorithm(config: ExperimentConfig, algorithm: Algorithm): ExperimentConfig {
  if (algorithm === (config.algorithm ?? 'ppo')) return config;
  const { train, ppo } = config;
  switch (algorithm) {
    case 'ppo':
    case 'distill':
    case 'rma':
      return { ...config, algorithm };
    case 'sac': {
      // A quarter of PPO's control steps, judged as often in time.
      const steps = (train.numEnvs * train.horizon * train.iterations) / 4;
      const iterations = Math.ceil(steps / (COLLECTION.numEnvs * COLLECTION.horizon));
      return {
        ...config,
        algorithm,
        train: { ...train, ...COLLECTION, iterations, evalEvery: 20 },
        // The kinks of ReLU served critics best: with ELU the pendulum was lost again and again.
        network: { ...config.network, activation: 'relu' },
        sac: { ...SAC, gamma: ppo.gamma, ...config.sac },
      };
    }
    case 'bc':
    case 'iql':
      return {
        ...config,
        algorithm,
        train: { ...train, iterations: OFFLINE_ITERATIONS, evalEvery: 5 },
        offline: { ...OFFLINE, gamma: ppo.gamma, ...config.offline },
      };
    default:
      return algorithm satisfies never;
  }
}

/** @throws InputError when an algorithm's settings or episodes are missing or do not fit each other */
export function checkAlgorithm({ algorithm = 'ppo', sac, offline, data, network }: ExperimentConfig): void {
  if (algorithm === 'ppo' || algorithm === 'distill' || algorithm === 'rma') return;
  if ((network.kind ?? 'mlp') !== 'mlp') {
    throw new InputError(`algorithm=${algorithm} learns perceptrons, network.kind is ${network.kind}`, {
      repair: 'network.kind=mlp, or algorithm=ppo',
    });
  }
  const block = algorithm === 'sac' ? 'sac' : 'offline';
  if ((block === 'sac' ? sac : offline) === undefined) {
    throw new InputError(`algorithm=${algorithm} needs the settings ${block}`, {
      repair: `add ${block} to the experiment, or choose the algorithm on the command line: algorithm=${algorithm}`,
    });
  }
  if (algorithm !== 'sac' && data === undefined) {
    throw new InputError(`algorithm=${algorithm} learns from recorded episodes, and there are none`, {
      repair: 'data=DIRECTORY of .mcap recordings; landfall deploy RUN --url ws://... records some',
    });
  }
  if (algorithm === 'sac' && sac!.subset > sac!.critics) {
    throw new InputError(`sac.subset should be at most sac.critics, ${sac!.critics}, found ${sac!.subset}`, {
      repair: `sac.subset=${sac!.critics}`,
    });
  }
}
