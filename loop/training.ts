/**
 * A training run from configuration to directory: what `landfall train`, the demo and the benchmarks share. Prints
 * nothing: reports go to the callbacks.
 */

import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { availableParallelism, cpus } from 'node:os';
import { join } from 'node:path';

import { systemClock } from '../core/clock.ts';
import { messageOf } from '../core/errors.ts';
import { type FrameRing, makeFrameRing } from '../core/frame-ring.ts';
import { foldIn, keyOf, RandomStream } from '../core/rng.ts';
import { type BackendName, openBackend } from '../policy/backend.ts';
import { saveCheckpoint, type TrainingState, writeJson } from '../policy/checkpoint.ts';
import { thinCheckpoints } from '../policy/checkpoint-retention.ts';
import { WorkerPool } from '../policy/collector.ts';
import type { IterationReport } from '../policy/iteration-report.ts';
import { type RunRecord, readRecord, writeRecord } from '../policy/run-directory.ts';
import { RunLog } from '../policy/run-log.ts';
import type { Snapshot } from '../policy/training-job.ts';
import { channelsOf } from '../policy/watch.ts';
import type { Viewer } from '../viewer/server/index.ts';
import { type Experiment, evaluationRecipe, PURPOSE, trainingRecipe } from './experiment.ts';
import { learn } from './learning.ts';
import { writeNanDump } from './nan-dump.ts';
import { teachingOf } from './teaching.ts';

/** Environments a viewer is shown. */
const WATCHED = 64;
/** Scenes sampled to know how many objects a frame must hold. */
const SAMPLED_SCENES = 8;

export interface TrainingRequest {
  readonly experiment: Experiment;
  /** Directory of the run, made by createRun. */
  readonly run: string;
  readonly overrides: readonly string[];
  readonly argv: readonly string[];
  readonly backend: BackendName | 'auto';
  /** 0 for one a core. */
  readonly workers: number;
  readonly viewer?: Viewer | null;
  readonly resume?: TrainingState;
  readonly onStart?: (info: TrainingStart) => void;
  readonly onIteration?: (report: IterationReport, best: boolean) => void;
  /** After each evaluation, when its checkpoint is on disk; true ends the run. */
  readonly onCheckpoint?: (folder: string, report: IterationReport) => Promise<boolean>;
  /** Asked after every iteration; true ends the run with a checkpoint. @param iteration iterations done */
  readonly shouldStop?: (iteration: number) => boolean;
}

export interface TrainingStart {
  readonly backend: string;
  readonly workers: number;
}

export interface TrainingResult {
  readonly record: RunRecord;
  readonly snapshot: Snapshot;
  /** Directory of the last checkpoint. */
  readonly checkpoint: string;
  readonly seconds: number;
  readonly stepsPerSecond: number;
}

/** @throws what training throws; the run's record then says `failed` */
export async function runTraining(request: TrainingRequest): Promise<TrainingResult> {
  const { run, resume } = request;
  const teaching = await teachingOf(request.experiment);
  const experiment = teaching?.experiment ?? request.experiment;
  const { config, contract, task } = experiment;
  const workers = request.workers === 0 ? availableParallelism() : request.workers;
  const backend = await openBackend(request.backend, experiment.network.actor.kind, methodOf(config));
  const pool = new WorkerPool(workers);
  const started = systemClock.now();
  const earlier = resume === undefined ? null : await readRecord(run);
  let record: RunRecord = {
    id: run.split(/[/\\]/).at(-1)!,
    task: task.name,
    status: 'running',
    argv: request.argv,
    seed: config.seed,
    startedAt: started,
    seconds: 0,
    iteration: resume?.iteration ?? 0,
    envSteps: resume?.envSteps ?? 0,
    bestReturn: resume?.bestScore ?? null,
    bestSuccess: earlier?.bestSuccess ?? null,
    backend: backend.description,
    workers,
    host: `${cpus()[0]?.model.trim() ?? 'unknown processor'}, ${availableParallelism()} cores`,
    versions: versions(),
    git: gitState(),
  };
  const update = (change: Partial<RunRecord>) => {
    record = { ...record, ...change, seconds: (earlier?.seconds ?? 0) + systemClock.now() - started };
    return writeRecord(run, record);
  };
  await writeJson(join(run, 'config.json'), config);
  await writeJson(join(run, 'overrides.json'), request.overrides);
  await update({});
  request.onStart?.({ backend: backend.description, workers });

  const ring = request.viewer == null ? null : watchRing(experiment);
  if (ring !== null) {
    request.viewer!.show({
      title: record.id,
      kind: 'train',
      urdf: experiment.robot.model.urdf,
      meshes: experiment.robot.model.meshes,
      joints: contract.joints.map((joint) => joint.name),
      ring,
    });
  }

  const log = await RunLog.open(run, experiment.rewardNames, started, resume ?? null);
  let checkpoint = '';
  let saved = -1;
  let stopped = false;
  const save = async ({ contract: learned, actor, state }: Snapshot, best: boolean) => {
    checkpoint = await saveCheckpoint(run, learned, actor, state, best);
    saved = state.iteration;
    await thinCheckpoints(run, config.train.evalEvery);
  };
  try {
    const snapshot = await learn(experiment, {
      recipe: trainingRecipe(experiment),
      evalRecipe: evaluationRecipe(experiment, contract, 'rapier'),
      ...(teaching === null ? {} : { teacher: teaching.teacher }),
      backend,
      pool,
      key: foldIn(keyOf(config.seed), PURPOSE.learner),
      clock: systemClock,
      ring,
      onScene: ({ env, frame, scene }) => request.viewer?.scene(env, frame, scene),
      ...(resume === undefined ? {} : { resume }),
      async onDivergence(error, before, recipe) {
        throw await writeNanDump(run, error, before, recipe, experiment, systemClock.now());
      },
      async onIteration(report, takeSnapshot) {
        const { evaluation } = report;
        const best = evaluation !== null && evaluation.meanReturn > (record.bestReturn ?? -Infinity);
        // Before the checkpoint: a run that is killed between the two forgets the line when it goes on.
        await log.write(report, systemClock.now());
        if (evaluation !== null) {
          await save(await takeSnapshot(), best);
          if (best) await update({ bestReturn: evaluation.meanReturn, bestSuccess: evaluation.successRate });
        }
        request.viewer?.metrics(curvesOf(report));
        await update({ iteration: report.iteration, envSteps: report.envSteps });
        request.onIteration?.(report, best);
        const passed = evaluation !== null && ((await request.onCheckpoint?.(checkpoint, report)) ?? false);
        stopped = !passed && (request.shouldStop?.(report.iteration) ?? false);
        return passed || stopped;
      },
    });
    // What it remembers comes with the last one alone.
    if (saved !== snapshot.state.iteration || snapshot.state.replay !== undefined) await save(snapshot, false);
    await update({ status: stopped && snapshot.state.iteration < config.train.iterations ? 'stopped' : 'finished' });
    const seconds = systemClock.now() - started;
    const steps = snapshot.state.envSteps - (resume?.envSteps ?? 0);
    return { record, snapshot, checkpoint, seconds, stepsPerSecond: steps / seconds };
  } catch (error) {
    await update({ status: 'failed', error: messageOf(error) });
    throw error;
  } finally {
    await pool.close();
    backend.close();
  }
}

/** The algorithm; a mirror loss is one more thing that not every backend learns by. */
function methodOf({ algorithm = 'ppo', ppo }: Experiment['config']): string {
  return ppo.symmetry === 'loss' ? 'a mirror loss' : algorithm;
}

function watchRing({ config, contract, rewardNames, robot, task }: Experiment): FrameRing {
  const { numEnvs, horizon } = config.train;
  const random = new RandomStream(keyOf(config.seed));
  const scenes = Array.from({ length: SAMPLED_SCENES }, (_, i) => task.scene?.(random, i % 2));
  return makeFrameRing({
    capacity: 4 * horizon,
    numEnvs: Math.min(WATCHED, numEnvs),
    nJoints: contract.joints.length,
    base: robot.model.base,
    nObjects: Math.max(...scenes.map((scene) => scene?.objects.length ?? 0)),
    channels: channelsOf(contract, rewardNames),
    dt: 1 / contract.control.rateHz,
  });
}

/** The figures the page draws as curves. */
function curvesOf(report: IterationReport): Record<string, number> {
  const curves: Record<string, number> = { iteration: report.iteration, stepsPerSecond: report.stepsPerSecond };
  if (report.meanReturn !== null) curves.return = report.meanReturn;
  if (report.successRate !== null) curves.success = report.successRate;
  return curves;
}

function versions(): Record<string, string> {
  const require = createRequire(import.meta.url);
  const version = (name: string) => (require(`${name}/package.json`) as { version: string }).version;
  return { node: process.version, tfjs: version('@tensorflow/tfjs'), rapier: '0.20.0' };
}

/** The commit of the current directory, with `+` when the work tree differs from it. */
function gitState(): string | null {
  try {
    const git = (...args: string[]) =>
      execFileSync('git', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
    return git('rev-parse', 'HEAD') + (git('status', '--porcelain') === '' ? '' : '+');
  } catch {
    return null;
  }
}
