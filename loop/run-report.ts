/** What can be said of a run from its directory: its record, its settings beside the experiment's, its evaluations. */

import { existsSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import { type Difference, differences } from '../configs/differences.ts';
import { type ExperimentConfig, parseConfig } from '../configs/schema.ts';
import { checkpointNamed } from '../policy/checkpoint.ts';
import type { Evaluation } from '../policy/evaluate.ts';
import { type RunRecord, readJson, readRecord } from '../policy/run-directory.ts';
import { evaluationsOf, readMetrics } from '../policy/run-log.ts';
import { NAN_FOLDER } from './nan-dump.ts';
import { builtIn, loadProject } from './project.ts';

export interface JudgedIteration extends Evaluation {
  readonly iteration: number;
  readonly envSteps: number;
}

export interface RunReport {
  /** Directory. */
  readonly path: string;
  readonly record: RunRecord;
  readonly config: ExperimentConfig;
  /** The experiment it was started from; null when it cannot be found any more. */
  readonly experiment: string | null;
  /** Settings that are not the experiment's: `a` is the experiment's, `b` the run's. */
  readonly changed: readonly Difference[];
  /** Mean return of training by iteration, where episodes ended. */
  readonly returns: readonly number[];
  readonly evaluations: readonly JudgedIteration[];
  /** Of the highest mean return; null before the first. */
  readonly best: JudgedIteration | null;
  readonly latest: JudgedIteration | null;
  /** Their checkpoints, from the run's directory. */
  readonly bestCheckpoint: string | null;
  readonly latestCheckpoint: string | null;
  readonly stepsPerSecond: number;
  /** The recording of an episode in which a number was not finite. */
  readonly nanEpisode: string | null;
}

/** @throws InputError when it is no run */
export async function reportRun(path: string): Promise<RunReport> {
  const record = await readRecord(path);
  const config = parseConfig(await readJson(join(path, 'config.json')), join(path, 'config.json'));
  const lines = await readMetrics(path);
  const evaluations = evaluationsOf(lines).map(({ iteration, envSteps, evaluation }) => ({
    iteration,
    envSteps,
    ...evaluation,
  }));
  const checkpoint = async (name: 'best' | 'latest') => {
    const folder = await checkpointNamed(path, name);
    return folder === undefined ? null : relative(path, folder);
  };
  const nanEpisode = join(path, NAN_FOLDER, 'episode.mcap');
  const from = await experimentOfRun(record, config);
  return {
    path,
    record,
    config,
    experiment: from?.name ?? null,
    changed: from === null ? [] : differences({ ...from.config, module: config.module }, config),
    returns: lines.flatMap(({ meanReturn }) => (meanReturn === null ? [] : [meanReturn])),
    evaluations,
    best: evaluations.reduce<JudgedIteration | null>(
      (best, one) => (best === null || one.meanReturn > best.meanReturn ? one : best),
      null,
    ),
    latest: evaluations.at(-1) ?? null,
    bestCheckpoint: await checkpoint('best'),
    latestCheckpoint: await checkpoint('latest'),
    stepsPerSecond: record.seconds === 0 ? 0 : record.envSteps / record.seconds,
    nanEpisode: existsSync(nanEpisode) ? nanEpisode : null,
  };
}

/** The experiment that the run's command named, else one of its task. */
async function experimentOfRun({ argv }: RunRecord, { module, task }: ExperimentConfig) {
  const { experiments } = await loadProject(module).catch(() => builtIn);
  const known = Object.entries(experiments).filter(([, config]) => config.task === task);
  const [name, config] = known.find(([candidate]) => argv.includes(candidate)) ?? known[0] ?? [];
  return name === undefined || config === undefined ? null : { name, config };
}

/** What sets two runs apart: `a` of the first, `b` of the second. */
export interface RunComparison {
  readonly settings: readonly Difference[];
  /** Versions, commit, backend, workers and host. */
  readonly circumstances: readonly Difference[];
  /** Of the best evaluations' mean returns: which run's interval lies wholly above the other's; null when they overlap. */
  readonly better: 'a' | 'b' | null;
}

export function compareRuns(a: RunReport, b: RunReport): RunComparison {
  const circumstances = ({ record: { versions, git, backend, workers, host } }: RunReport) => ({
    versions,
    git,
    backend,
    workers,
    host,
  });
  return {
    settings: differences(a.config, b.config),
    circumstances: differences(circumstances(a), circumstances(b)),
    better: above(a.best, b.best) ? 'a' : above(b.best, a.best) ? 'b' : null,
  };
}

function above(one: JudgedIteration | null, other: JudgedIteration | null): boolean {
  return one !== null && other !== null && one.ci95[0] > other.ci95[1];
}

/**
 * What its owner may want to do next, as commands.
 * @param place,modulePlace of the run and of its module, as the commands shall name them
 */
export function nextCommands(report: RunReport, place: string, modulePlace: string | null): string[] {
  const { record, config, nanEpisode, experiment, latestCheckpoint } = report;
  const name = (experiment ?? config.task) + (modulePlace === null ? '' : ` --with ${modulePlace}`);
  const more = config.train.iterations > record.iteration ? '' : ` train.iterations=${2 * config.train.iterations}`;
  const commands: string[] = [];
  if (nanEpisode !== null && record.status === 'failed')
    commands.push(`landfall view ${join(place, NAN_FOLDER, basename(nanEpisode))}`);
  if (report.bestCheckpoint !== null) {
    commands.push(`landfall eval ${place} --engine mujoco`, `landfall view ${place}`);
  }
  if (latestCheckpoint !== null) commands.push(`landfall train ${name} --resume ${place}${more}`);
  else commands.push(`landfall train ${name}`);
  return commands;
}
