/** `landfall train EXPERIMENT [key=value ...]`: trains a policy, shows it in the browser meanwhile, saves checkpoints. */

import { join, relative, resolve } from 'node:path';
import type { Command } from 'commander';
import { applyOverrides, type ExperimentConfig, parseConfig } from '../configs/schema.ts';
import { systemClock } from '../core/clock.ts';
import { actionDim } from '../core/contract.ts';
import { InputError } from '../core/errors.ts';
import { foldIn, keyOf } from '../core/rng.ts';
import { type Experiment, openExperiment } from '../loop/experiment.ts';
import { loadProject, named, type Project } from '../loop/project.ts';
import { runTraining, type TrainingResult } from '../loop/training.ts';
import { type BackendName, backendNames } from '../policy/backend.ts';
import { checkpointNamed, loadBundle, loadTrainingState, type TrainingState } from '../policy/checkpoint.ts';
import { stepsToLive } from '../policy/environment-states.ts';
import { createRun, listRuns, readJson, readRecord, resolveRun } from '../policy/run-directory.ts';
import { startViewer, type Viewer } from '../viewer/server/index.ts';
import { numberWithin } from './option-values.ts';
import { percent, TrainProgress } from './progress.ts';

interface TrainOptions {
  readonly name?: string;
  readonly seed?: number;
  readonly resume?: string | true;
  readonly until?: number;
  readonly backend: string;
  readonly workers: number;
  readonly view: boolean;
  readonly dryRun?: boolean;
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly runs: string;
  readonly with?: string;
}

/** Settings that a resumed run may change. */
const RESUMABLE = ['train.iterations', 'train.stopAtSuccess', 'train.evalEvery', 'train.evalEpisodes'];

export function register(program: Command): void {
  program
    .command('train')
    .summary('train a policy')
    .description(
      [
        'Train a policy in simulation; the printed URL shows it while it learns.',
        '',
        'Examples:',
        '  landfall train pendulum',
        '  landfall train pendulum ppo.learningRate=3e-4 reward.smoothness=-0.5',
        '  landfall train pendulum algorithm=sac',
        '  landfall train pendulum algorithm=iql data=episodes',
        '  landfall train pendulum --resume',
        '  landfall train pendulum --until 40          and later: --resume, as if it had never stopped',
        '  landfall train quadruped-velocity network.kind=privileged --name teacher',
        '  landfall train quadruped-velocity algorithm=distill teacher=runs/teacher network.kind=gru',
        '  landfall train my-task --with my-robot.mjs',
        '',
        'A checkpoint is saved at every evaluation and at the end; the best, the latest and at most ten more stay.',
        'tensorboard --logdir runs shows the same figures as metrics.jsonl.',
      ].join('\n'),
    )
    .argument('<experiment>', 'one of configs/, such as pendulum')
    .argument('[settings...]', 'settings that differ, such as ppo.learningRate=3e-4')
    .option('--name <name>', 'name of the run, instead of two words')
    .option('--seed <n>', 'the same as seed=<n>', numberWithin({ min: 0, integer: true }))
    .option('--resume [run]', 'go on with a run (the newest of this experiment without a name)')
    .option('--until <n>', 'stop after iteration n, to be resumed', numberWithin({ min: 1, integer: true }))
    .option('--backend <name>', `auto, ${backendNames.join(', ')}`, 'auto')
    .option('--workers <n>', 'worker threads; 0: one a core', numberWithin({ min: 0, max: 64, integer: true }), 0)
    .option('--no-view', 'without the viewer')
    .option('--with <module>', 'a JavaScript module with robots, tasks or experiments of your own')
    .option('--runs <dir>', 'where runs are kept', 'runs')
    .option('--dry-run', 'print the resolved settings and stop')
    .option('--json', 'one JSON object a line')
    .option('--quiet', 'print the result alone')
    .action(run);
}

async function run(name: string, words: string[], given: TrainOptions): Promise<void> {
  const { settings, options } = withoutSwallowed(words, given);
  const backend = backendNamed(options.backend);
  const overrides = options.seed === undefined ? settings : [...settings, `seed=${options.seed}`];
  const project = await loadProject(options.with);
  const resumed = options.resume === undefined ? null : await openResume(name, options, overrides, project);
  const config = await withAbsolutePaths(
    resumed?.config ?? applyOverrides(named(project.experiments, name, 'experiment'), overrides),
    options.runs,
  );
  const fresh = await openExperiment(config);
  if (options.dryRun === true) {
    process.stdout.write(`${JSON.stringify(config, null, 2)}\n`);
    return;
  }
  // A resumed policy goes on with the observation statistics it has.
  const experiment: Experiment =
    resumed === null ? fresh : { ...fresh, contract: { ...fresh.contract, normalizer: resumed.normalizer } };
  const started = systemClock.now();
  const directory =
    resumed?.run ??
    (await createRun(
      options.runs,
      config.task,
      options.name ?? null,
      started,
      foldIn(keyOf(Math.floor(started * 1000)), 0),
    ));
  const viewer = options.view && options.json !== true ? await startViewer({ root: options.runs }) : null;
  try {
    await trainWithProgress({
      name,
      options,
      backend,
      overrides,
      experiment,
      directory,
      viewer,
      state: resumed?.state,
      speed: resumed?.speed ?? 0,
      started,
    });
  } finally {
    await viewer?.close();
  }
}

/** `--resume key=value` resumes the newest run: the word after it is a setting, not a run's name. */
function withoutSwallowed(words: string[], given: TrainOptions): { settings: string[]; options: TrainOptions } {
  if (typeof given.resume !== 'string' || !given.resume.includes('=')) return { settings: words, options: given };
  return { settings: [...words, given.resume], options: { ...given, resume: true } };
}

/**
 * The run must find its parameter file, its episodes and its teacher wherever it is judged or resumed from.
 * @param runs where runs are kept
 */
async function withAbsolutePaths(config: ExperimentConfig, runs: string): Promise<ExperimentConfig> {
  return {
    ...config,
    dynamics: config.dynamics === null ? null : resolve(config.dynamics),
    ...(config.delta === undefined ? {} : { delta: resolve(config.delta) }),
    ...(config.data === undefined ? {} : { data: resolve(config.data) }),
    ...(config.teacher === undefined ? {} : { teacher: await resolveRun(config.teacher, runs) }),
  };
}

interface Session {
  readonly name: string;
  readonly options: TrainOptions;
  readonly backend: BackendName | 'auto';
  readonly overrides: readonly string[];
  readonly experiment: Experiment;
  readonly directory: string;
  readonly viewer: Viewer | null;
  readonly state: TrainingState | undefined;
  readonly started: number;
  /** Steps per second that a resumed run has made so far, learning included; 0 when unknown. */
  readonly speed: number;
}

async function trainWithProgress(session: Session): Promise<void> {
  const { name, options, experiment, directory, viewer, state, started } = session;
  const { config } = experiment;
  const mode = options.json === true ? 'json' : options.quiet === true ? 'quiet' : 'auto';
  const progress = new TrainProgress(
    mode === 'json' ? process.stdout : process.stderr,
    mode,
    config.train.iterations,
    started,
  );
  const say = (text: string) => mode === 'auto' && process.stderr.write(`${text}\n`);
  let interrupted = 0;
  const onInterrupt = () => {
    interrupted++;
    if (interrupted > 1) process.exit(130);
    process.stderr.write('\nstopping after this iteration; Ctrl-C again stops at once\n');
  };
  process.on('SIGINT', onInterrupt);
  let result: TrainingResult;
  try {
    result = await runTraining({
      experiment,
      run: directory,
      overrides: session.overrides,
      argv: process.argv.slice(2),
      backend: session.backend,
      workers: options.workers,
      viewer,
      ...(state === undefined ? {} : { resume: state }),
      onStart({ backend, workers }) {
        const { seed, train } = config;
        say(
          `${config.task}  seed ${seed}  ${train.numEnvs} environments  ${backend}, ${workers} worker${workers === 1 ? '' : 's'}`,
        );
        if (session.overrides.length > 0) say(`with  ${session.overrides.join(' ')}`);
        if (state !== undefined)
          say(`from  iteration ${state.iteration} of ${directory}${episodesOf(state, experiment, session.speed)}`);
        if (viewer !== null) say(`view  ${viewer.url}`);
        say(`run   ${directory}`);
        if (mode === 'json')
          process.stdout.write(
            `${JSON.stringify({ event: 'start', run: directory, task: config.task, seed, backend, workers })}\n`,
          );
      },
      onIteration: (report, best) => progress.iteration(report, best, systemClock.now()),
      shouldStop: (iteration) => interrupted > 0 || iteration >= (options.until ?? Infinity),
    });
  } finally {
    process.off('SIGINT', onInterrupt);
  }
  printResult(result, name, experiment, directory, mode === 'json');
}

/** Where its environments go on: living an episode again takes as long as it took. */
function episodesOf({ environments }: TrainingState, { contract }: Experiment, speed: number): string {
  if (environments === undefined) return ', with new episodes';
  const steps = stepsToLive(environments, actionDim(contract));
  const time = speed > 0 ? `, about ${Math.ceil(steps / speed)} s` : '';
  return ` (${steps} steps to live again first${time})`;
}

function printResult(
  { record, checkpoint, seconds, stepsPerSecond }: TrainingResult,
  name: string,
  { task, config, network }: Experiment,
  directory: string,
  json: boolean,
): void {
  const stopped = record.status === 'stopped';
  if (json) {
    process.stdout.write(
      `${JSON.stringify({ event: 'end', ...record, run: directory, checkpoint, seconds, stepsPerSecond })}\n`,
    );
    return;
  }
  const run = relative(process.cwd(), directory);
  const withModule = config.module === undefined ? '' : ` --with ${relative(process.cwd(), config.module)}`;
  const lines = [
    `${stopped ? 'stopped' : 'done'}: ${record.envSteps} steps in ${seconds.toFixed(0)} s (${Math.round(stepsPerSecond)} steps/s); best return ${record.bestReturn?.toFixed(2) ?? '-'}, success ${percent(record.bestSuccess)}`,
    ...(stopped ? [`  landfall train ${name} --resume ${run}`] : []),
    `  landfall eval ${run} --engine mujoco`,
    `  landfall view ${run}`,
    // A teacher sees what no robot measures: its student is what lands.
    ...(network.actor.kind === 'privileged'
      ? [`  landfall train ${name} algorithm=distill teacher=${run}`]
      : [
          `  landfall robot ${task.robot}${withModule}        and, in another terminal:`,
          `  landfall deploy ${run} --url ws://127.0.0.1:9090`,
        ]),
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}

interface Resumed {
  readonly run: string;
  readonly config: ExperimentConfig;
  readonly normalizer: Experiment['contract']['normalizer'];
  readonly state: TrainingState;
  /** Steps per second so far, learning included; 0 when unknown. */
  readonly speed: number;
}

/** @throws InputError when there is nothing to resume, or a setting may not change */
async function openResume(
  name: string,
  options: TrainOptions,
  overrides: readonly string[],
  { experiments }: Project,
): Promise<Resumed> {
  // A run knows the module it came from; without it at hand, an experiment goes by its task's name.
  const task = experiments[name]?.task ?? name;
  const run =
    options.resume === true ? await newestRun(task, options.runs) : await resolveRun(options.resume!, options.runs);
  const refused = overrides.find((override) => !RESUMABLE.includes(override.split('=')[0]!));
  if (refused !== undefined) {
    throw new InputError(`a resumed run cannot change ${refused.split('=')[0]}`, {
      repair: `only ${RESUMABLE.join(', ')} may change; start a new run for the rest`,
    });
  }
  const stored = parseConfig(await readJson(join(run, 'config.json')), join(run, 'config.json'));
  if (stored.task !== task) {
    throw new InputError(`${run}: is a run of ${stored.task}, not of ${name}`, {
      repair: `landfall train ${stored.task} --resume ${run}`,
    });
  }
  const folder = await checkpointNamed(run, 'latest');
  if (folder === undefined)
    throw new InputError(`${run}: has no checkpoint to resume from`, { repair: 'start it again' });
  const { contract } = await loadBundle(folder);
  const config = applyOverrides(stored, overrides);
  const state = await loadTrainingState(folder);
  if (state.iteration >= config.train.iterations) {
    throw new InputError(`${run}: has done all its ${config.train.iterations} iterations`, {
      repair: `give it more: train.iterations=${2 * config.train.iterations}`,
    });
  }
  if (options.until !== undefined && state.iteration >= options.until) {
    throw new InputError(`${run}: has done ${state.iteration} iterations, --until asks for ${options.until}`, {
      repair: 'ask for more, or leave --until out',
    });
  }
  const { envSteps, seconds } = await readRecord(run);
  const speed = seconds > 0 ? envSteps / seconds : 0;
  return { run, config, normalizer: contract.normalizer, state, speed };
}

async function newestRun(task: string, root: string): Promise<string> {
  const newest = (await listRuns(root)).find(({ record }) => record.task === task);
  if (newest === undefined)
    throw new InputError(`there is no run of ${task} in ${root} to resume`, { repair: `landfall train ${task}` });
  return newest.path;
}

function backendNamed(name: string): BackendName | 'auto' {
  const known = ['auto', ...backendNames] as const;
  const found = known.find((candidate) => candidate === name);
  if (found === undefined)
    throw new InputError(`there is no backend named ${name}`, { repair: `backends: ${known.join(', ')}` });
  return found;
}
