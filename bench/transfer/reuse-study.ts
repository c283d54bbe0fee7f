/**
 * The study behind part `tasks`: the body of a policy of one task begins another (policy/transfer/body-reuse.ts), and the control
 * steps that each way of going on takes are counted against learning from nothing. A body whose weights were shuffled is the
 * control: what is left then is the shape of the network.
 */

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { experimentNamed } from '../../configs/index.ts';
import { applyOverrides } from '../../configs/schema.ts';
import { systemClock } from '../../core/clock.ts';
import { foldIn, keyOf } from '../../core/rng.ts';
import { type Experiment, evaluationRecipe, openExperiment, PURPOSE, trainingRecipe } from '../../loop/experiment.ts';
import { openBackend } from '../../policy/backend.ts';
import { WorkerPool } from '../../policy/collector.ts';
import { train } from '../../policy/runner.ts';
import type { TrainJob } from '../../policy/training-job.ts';
import type { FineTuneArm } from '../../policy/transfer/arms.ts';
import { reuseBody } from '../../policy/transfer/body-reuse.ts';
import { fineTune } from '../../policy/transfer/fine-tune.ts';
import { keptPolicy } from '../kept-policy.ts';
import type { Adapted } from './arms.ts';
import { Ledger } from './ledger.ts';
import { policyOf, shuffled } from './sources.ts';

export interface TaskPair {
  readonly name: string;
  /** Experiments, and settings that make another task of the second. */
  readonly from: string;
  readonly to: string;
  readonly overrides?: readonly string[];
}

/** One evaluation of a run. */
export interface LearningPoint {
  /** Control steps of all environments. */
  readonly steps: number;
  readonly meanReturn: number;
  readonly success: number;
}

export interface LearningRun {
  readonly arm: string;
  readonly seed: number;
  readonly curve: readonly LearningPoint[];
}

/** Ways to go on; each also ends where scratch would: at the experiment's own bound and success. */
const ARMS = ['head', 'gradual', 'full'] as const satisfies readonly FineTuneArm[];

/** Iterations in which a new critic learns before the policy moves. */
const CRITIC_WARMUP = 3;

export interface ReuseOptions {
  readonly seeds: number;
  readonly workers: number;
  readonly directory: string;
  /** More settings of the target, for a small study. */
  readonly overrides?: readonly string[];
  readonly onProgress: (text: string) => void;
}

export async function studyPair(pair: TaskPair, options: ReuseOptions): Promise<LearningRun[]> {
  const folder = join(options.directory, 'tasks', pair.name);
  await mkdir(folder, { recursive: true });
  const ledger = await Ledger.open(join(folder, 'ledger.json'));
  const pool = new WorkerPool(options.workers === 0 ? 2 : options.workers);
  const runs: LearningRun[] = [];
  try {
    for (let seed = 1; seed <= options.seeds; seed++) {
      const settings = [`seed=${seed}`, ...(pair.overrides ?? []), ...(options.overrides ?? [])];
      const target = await openExperiment(applyOverrides(experimentNamed(pair.to), settings));
      const once = async (arm: string, learn: () => Promise<LearningPoint[]>) => {
        const curve = await ledger.once(`${arm} ${settings.join(' ')}`, learn);
        const end = curve.at(-1)!;
        options.onProgress(`${pair.name}, seed ${seed}, ${arm}: success ${end.success} after ${end.steps} steps`);
        runs.push({ arm, seed, curve });
      };
      await once('scratch', () => learnTarget(target, pool, (job) => train(job)));
      const home = await openExperiment(applyOverrides(experimentNamed(pair.from), [`seed=${seed}`]));
      const bundle = await keptPolicy(home, join(folder, `source-${seed}`), options.workers, () =>
        options.onProgress(`${pair.name}, seed ${seed}: training ${pair.from}`),
      );
      const source = policyOf(bundle);
      for (const arm of ARMS) await once(arm, () => learnReused(target, source, arm, pool));
      await once('head, shuffled', () => learnReused(target, shuffled(source, seed), 'head', pool));
    }
  } finally {
    await pool.close();
  }
  return runs;
}

function learnReused(target: Experiment, source: Adapted, arm: FineTuneArm, pool: WorkerPool) {
  const { contract, network, config } = target;
  const { initialLogStd } = config.network;
  // Another reward wants another last layer.
  const reused = reuseBody(source, contract, foldIn(keyOf(config.seed), 81), { newHead: true, initialLogStd });
  const policy = {
    contract: { ...contract, normalizer: reused.normalizer },
    network,
    parameters: reused.actor,
    copied: reused.copied,
    known: reused.known,
    isNewHead: reused.isNewHead,
  };
  return learnTarget(target, pool, (job) => fineTune(arm, policy, job, { criticWarmup: CRITIC_WARMUP }));
}

/** @param learn goes through a training job; its evaluations are the curve */
async function learnTarget(
  experiment: Experiment,
  pool: WorkerPool,
  learn: (job: TrainJob) => Promise<unknown>,
): Promise<LearningPoint[]> {
  const { config, network, contract, symmetry } = experiment;
  const backend = await openBackend('auto', contract.network.kind);
  const curve: LearningPoint[] = [];
  try {
    await learn({
      recipe: trainingRecipe(experiment),
      evalRecipe: evaluationRecipe(experiment, contract, 'rapier'),
      settings: {
        ...config.train,
        ppo: config.ppo,
        network,
        ...(symmetry === undefined ? {} : { symmetry }),
      },
      backend,
      pool,
      key: foldIn(keyOf(config.seed), PURPOSE.learner),
      clock: systemClock,
      onIteration({ envSteps, evaluation }) {
        if (evaluation !== null) {
          curve.push({ steps: envSteps, meanReturn: evaluation.meanReturn, success: evaluation.successRate });
        }
        return false;
      },
    });
  } finally {
    backend.close();
  }
  return curve;
}
