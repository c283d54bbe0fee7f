/**
 * Resuming does not drop: a run that was saved, loaded and gone on with is, to the byte, the one that never stopped. On the
 * pendulum with ADR, and on the legged robot on rough ground: floating base, curriculum, a critic of its own.
 */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { experimentNamed } from '../../configs/index.ts';
import type { ExperimentConfig } from '../../configs/schema.ts';
import { systemClock } from '../../core/clock.ts';
import { InputError } from '../../core/errors.ts';
import { foldIn, keyOf } from '../../core/rng.ts';
import { type Experiment, evaluationRecipe, openExperiment, PURPOSE, trainingRecipe } from '../../loop/experiment.ts';
import { type Backend, openBackend } from '../../policy/backend.ts';
import {
  ENVIRONMENTS,
  loadBundle,
  loadTrainingState,
  saveCheckpoint,
  type TrainingState,
} from '../../policy/checkpoint.ts';
import { WorkerPool } from '../../policy/collector.ts';
import type { IterationReport } from '../../policy/iteration-report.ts';
import { train } from '../../policy/runner.ts';
import type { Snapshot } from '../../policy/training-job.ts';

const N = 2;
const M = 3;

let backend: Backend;
let folder = '';
const pools = { one: new WorkerPool(1), two: new WorkerPool(2) };
beforeAll(async () => {
  backend = await openBackend('wasm');
  folder = await mkdtemp(join(tmpdir(), 'landfall-resume-'));
});
afterAll(async () => {
  backend.close();
  await Promise.all([pools.one.close(), pools.two.close()]);
  await rm(folder, { recursive: true, force: true });
});

function small(config: ExperimentConfig, horizon: number): Promise<Experiment> {
  return openExperiment({
    ...config,
    network: { ...config.network, hidden: [16], criticHidden: [16] },
    ppo: { ...config.ppo, epochs: 2, minibatches: 2 },
    train: { ...config.train, numEnvs: 5, horizon, iterations: N + M, evalEvery: 99, evalEpisodes: 1 },
  });
}

/** What an iteration came to, without the time it took. */
function figures({ stepsPerSecond: _, collectSeconds: __, learnSeconds: ___, ...rest }: IterationReport) {
  return rest;
}

async function learn(experiment: Experiment, pool: WorkerPool, until: number, resume?: TrainingState) {
  const reports: ReturnType<typeof figures>[] = [];
  const snapshot = await train({
    recipe: trainingRecipe(experiment),
    evalRecipe: evaluationRecipe(experiment, experiment.contract, 'rapier'),
    settings: { ...experiment.config.train, ppo: experiment.config.ppo, network: experiment.network },
    backend,
    pool,
    key: foldIn(keyOf(1), PURPOSE.learner),
    clock: systemClock,
    ...(resume === undefined ? {} : { resume }),
    onIteration: (report) => {
      reports.push(figures(report));
      return report.iteration === until;
    },
  });
  return { reports, snapshot };
}

async function throughDisk(experiment: Experiment, { contract, actor, state }: Snapshot) {
  const saved = await saveCheckpoint(join(folder, experiment.task.name), contract, actor, state, false);
  const { normalizer } = (await loadBundle(saved)).contract;
  return {
    saved,
    state: await loadTrainingState(saved),
    experiment: { ...experiment, contract: { ...experiment.contract, normalizer } },
  };
}

const cases = {
  'the pendulum with ADR': () => small({ ...experimentNamed('pendulum'), adr: true }, 150),
  'the quadruped on rough ground': () => small(experimentNamed('quadruped-rough'), 24),
};

describe.each(Object.entries(cases))('a run of %s that is gone on with', (_, open) => {
  it('is the run that never stopped, to the byte, with another number of workers too', async () => {
    const experiment = await open();
    const whole = await learn(experiment, pools.two, N + M);
    const first = await learn(experiment, pools.two, N);
    const loaded = await throughDisk(experiment, first.snapshot);
    expect(loaded.state).toEqual(first.snapshot.state);
    const rest = await learn(loaded.experiment, pools.one, N + M, loaded.state);
    // Losses, KL, rewards, returns of the next iterations.
    expect([...first.reports, ...rest.reports]).toEqual(whole.reports);
    expect(rest.snapshot).toEqual(whole.snapshot);
    // It was in the middle of episodes, and they differ.
    const lengths = loaded.state.environments!.snapshots.map(({ actions }) => actions.length);
    expect(Math.max(...lengths)).toBeGreaterThan(0);
    expect(rest.snapshot.state.environments!.snapshots).not.toEqual(first.snapshot.state.environments!.snapshots);
  });
});

describe('a checkpoint without environments', () => {
  it('goes on with new episodes, and from then on in their middle', async () => {
    const experiment = await cases['the pendulum with ADR']();
    const { snapshot } = await learn(experiment, pools.one, N);
    const loaded = await throughDisk(experiment, snapshot);
    await rm(join(loaded.saved, ENVIRONMENTS));
    const older = await loadTrainingState(loaded.saved);
    expect(older.environments).toBeUndefined();
    const whole = await learn(loaded.experiment, pools.one, N + M, older);
    const whence = whole.reports.map(({ iteration }) => iteration);
    expect(whence).toEqual([N + 1, N + 2, N + 3]);
    expect(whole.snapshot.state.environments!.begun).toBe(N);

    // Cut once more: its environments are those of the resumption, not of the first start.
    const cut = await learn(loaded.experiment, pools.one, N + 1, older);
    const again = await throughDisk(experiment, cut.snapshot);
    const rest = await learn(again.experiment, pools.one, N + M, again.state);
    expect(rest.snapshot).toEqual(whole.snapshot);
  });
});

describe('environments that do not come to where they were', () => {
  it('are refused, with the way on', async () => {
    const experiment = await cases['the pendulum with ADR']();
    const { snapshot } = await learn(experiment, pools.one, 1);
    const { environments } = snapshot.state;
    // As if the simulator had become another: the episodes that they hold are longer than any.
    const longer = environments!.snapshots.map((one) => ({ ...one, actions: new Float32Array(501) }));
    const changed = { ...snapshot.state, environments: { begun: 0, snapshots: longer } };
    const error = await learn(experiment, pools.one, 3, changed).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(InputError);
    expect((error as InputError).message).toBe('environment 0 does not come to where it was in its episode');
    expect((error as InputError).repair).toContain(ENVIRONMENTS);
    const fewer = { ...snapshot.state, environments: { begun: 0, snapshots: environments!.snapshots.slice(1) } };
    await expect(learn(experiment, pools.one, 3, fewer)).rejects.toThrow('has 4 environments, the run 5');
  });
});
