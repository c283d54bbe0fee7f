/**
 * `landfall demo` (`npm start`): the whole loop on the pendulum, in a few minutes. Train in Rapier, judge in both engines,
 * land on the twin over a WebSocket, record, adapt, and say how it went.
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join, relative } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { deployPolicy } from '../bridge/deploy.ts';
import { DeployFault, type DeployReport } from '../bridge/deploy-report.ts';
import { listEpisodes } from '../bridge/episode-files.ts';
import { experimentNamed } from '../configs/index.ts';
import { applyOverrides } from '../configs/schema.ts';
import { systemClock } from '../core/clock.ts';
import { LandfallError, messageOf } from '../core/errors.ts';
import { foldIn, keyOf } from '../core/rng.ts';
import { type AdaptationReport, adapt } from '../loop/adaptation.ts';
import { explain, learnedParameters, saveAdaptation } from '../loop/adapted-policy.ts';
import { type Experiment, openExperiment } from '../loop/experiment.ts';
import { fitterOf } from '../loop/fitting.ts';
import { scorerOf, succeeded } from '../loop/scoring.ts';
import { runTraining, type TrainingResult } from '../loop/training.ts';
import { Actor } from '../policy/actor.ts';
import { type Bundle, loadBundle } from '../policy/checkpoint.ts';
import { WorkerPool } from '../policy/collector.ts';
import type { Evaluation } from '../policy/evaluate.ts';
import { createRun } from '../policy/run-directory.ts';
import { startViewer, type Viewer } from '../viewer/server/index.ts';
import { DeployView } from './deploy-view.ts';
import { evaluateBundle } from './eval.ts';
import { percent, TrainProgress } from './progress.ts';

/** The robot that the demo lands on: heavier, stickier and slower than the simulator believes. */
const TWIN = ['--mass', '1.1', '--friction', '1.3', '--latency', '0.01', '--noise', '0.002'];
const EPISODES = 3;
const EPISODE_SECONDS = 10;
const EVAL_EPISODES = 100;
const ADAPT_ITERATIONS = 10;
const ADAPT_PAIRS = 30;

interface DemoOptions {
  readonly json?: boolean;
  readonly seed: string;
  readonly runs: string;
}

interface DemoResult {
  readonly training: TrainingResult;
  readonly backend: string;
  readonly rapier: Evaluation;
  readonly mujoco: Evaluation;
  readonly deploy: DeployReport;
  readonly deploySuccesses: number;
  readonly adaptation: AdaptationReport;
}

export function register(program: Command): void {
  program
    .command('demo')
    .summary('the whole loop on the pendulum')
    .description('Train, watch, land on the twin, record, adapt: the whole loop on the pendulum, in a few minutes.')
    .option('--json', 'print one JSON object last; exit code 0 only if every stage worked')
    .option('--seed <n>', 'of everything random', '1')
    .option('--runs <dir>', 'where runs are kept', 'runs')
    .action(run);
}

async function run(options: DemoOptions): Promise<void> {
  const started = systemClock.now();
  const json = options.json === true;
  const viewer = json ? null : await startViewer({ root: options.runs });
  const stage = (text: string) => process.stderr.write(`${text}\n`);
  if (viewer !== null) stage(`Viewer  ${viewer.url}   (open it: it shows every stage; Ctrl-C ends)\n`);
  try {
    const result = await wholeLoop(options, viewer, stage);
    const seconds = systemClock.now() - started;
    process.stdout.write(json ? `${JSON.stringify(summaryOf(result, seconds))}\n` : table(result, seconds));
    if (viewer !== null) {
      stage(`\nthe viewer stays open at ${viewer.url} until Ctrl-C`);
      await interrupted();
    }
  } catch (error) {
    if (json)
      process.stdout.write(
        `${JSON.stringify({ ok: false, seconds: systemClock.now() - started, error: messageOf(error) })}\n`,
      );
    throw error;
  } finally {
    await viewer?.close();
  }
}

async function wholeLoop(
  options: DemoOptions,
  viewer: Viewer | null,
  stage: (text: string) => void,
): Promise<DemoResult> {
  const config = applyOverrides(experimentNamed('pendulum'), [`seed=${options.seed}`]);
  const experiment = await openExperiment(config);
  const run = await createRun(
    options.runs,
    config.task,
    null,
    systemClock.now(),
    foldIn(keyOf(Math.floor(systemClock.now() * 1000)), 0),
  );
  let backend = '';

  stage('1/5 training: swing up a pendulum whose motor is too weak to lift it');
  const progress = new TrainProgress(process.stderr, 'auto', config.train.iterations, systemClock.now());
  const training = await runTraining({
    experiment,
    run,
    overrides: [],
    argv: process.argv.slice(2),
    backend: 'auto',
    workers: 0,
    viewer,
    onStart: (info) => {
      backend = info.backend;
      stage(`    ${info.backend}, ${info.workers} workers, run ${relative(process.cwd(), run)}`);
    },
    onIteration: (report, best) => progress.iteration(report, best, systemClock.now()),
  });
  const bundle = await loadBundle(run);

  const pool = new WorkerPool(2);
  try {
    stage('2/5 judging it: in Rapier, and in MuJoCo, which it has never seen');
    const rapier = await evaluateBundle(pool, experiment, bundle, 'rapier', EVAL_EPISODES, 1000);
    const mujoco = await evaluateBundle(pool, experiment, bundle, 'mujoco', EVAL_EPISODES, 1000);
    stage(`    success ${percent(rapier.successRate)} in Rapier, ${percent(mujoco.successRate)} in MuJoCo`);

    stage(`3/5 landing it on the twin over rosbridge: ${EPISODES} episodes of ${EPISODE_SECONDS} s, in real time`);
    const episodesDirectory = join(run, 'episodes');
    const deploy = await land(bundle, experiment, episodesDirectory, viewer, stage);

    stage('4/5 reading the recordings');
    const recorded = (await listEpisodes(episodesDirectory)).map(({ episode }) => episode);
    const deploySuccesses = recorded.filter((episode) => succeeded(episode, experiment.task)).length;
    stage(
      `    ${recorded.length} episodes in ${relative(process.cwd(), episodesDirectory)}, ${deploySuccesses} of them standing at the end`,
    );

    stage('5/5 adapting the last layer to the recordings');
    const adaptation = await adapt({
      bundle,
      learned: await learnedParameters(bundle),
      experiment,
      episodes: recorded.filter((episode) => episode.outcome?.completed === true),
      pool,
      fit: fitterOf(experiment, config.seed),
      seed: config.seed,
      iterations: ADAPT_ITERATIONS,
      pairs: ADAPT_PAIRS,
      onStage: (text) => stage(`    ${text}`),
    });
    await saveAdaptation(join(run, 'adapted'), adaptation);
    return { training, backend, rapier, mujoco, deploy, deploySuccesses, adaptation: adaptation.report };
  } finally {
    await pool.close();
  }
}

/** Times that a stopped twin is landed on again: a busy laptop may hold up a control loop for longer than it allows. */
const RETRIES = 3;

/** Deploy on a twin in a process of its own, as a robot would be, until enough episodes are complete. */
async function land(
  bundle: Bundle,
  experiment: Experiment,
  recordTo: string,
  viewer: Viewer | null,
  stage: (text: string) => void,
): Promise<DeployReport> {
  const twin = await startTwin();
  const { contract } = bundle;
  const view = viewer === null ? null : new DeployView(viewer, contract, experiment, 'landing on the twin');
  let done = 0;
  const attempt = () =>
    deployPolicy({
      contract,
      actor: new Actor(contract, bundle.weights),
      url: twin.url,
      episodes: EPISODES - done,
      seconds: EPISODE_SECONDS,
      recordTo,
      source: 'twin',
      score: scorerOf(experiment.task, experiment.rewardWeights),
      // The operator of a demonstration on a simulated robot is the one who started it.
      confirmArm: () => Promise.resolve(true),
      onStep: (step) => view?.add(step),
      onEpisode: (episode) => {
        if (episode.completed) done++;
        stage(`    ${episode.id}: return ${episode.return?.toFixed(2) ?? '-'}, ${episode.reason}`);
      },
    });
  try {
    for (let retry = 0; ; retry++) {
      try {
        return { ...(await attempt()), episodes: done };
      } catch (error) {
        if (!(error instanceof DeployFault) || retry === RETRIES) throw error;
        stage('    the bridge stopped the robot; landing again');
      }
    }
  } finally {
    await twin.stop();
  }
}

async function startTwin(): Promise<{ url: string; stop: () => Promise<void> }> {
  const source = import.meta.url.endsWith('.ts');
  const main = fileURLToPath(new URL(source ? './main.ts' : './main.js', import.meta.url));
  const args = [...(source ? ['--import', 'tsx'] : []), main, 'robot', 'pendulum', '--port', '0', '--json', ...TWIN];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
  });
  const ended = once(child, 'exit');
  const lines = createInterface({ input: child.stdout });
  const first = await Promise.race([once(lines, 'line'), ended.then(() => null)]);
  if (first === null) throw new LandfallError(`the twin did not start: ${errors.trim()}`);
  const { url } = JSON.parse(String(first[0])) as { url: string };
  return {
    url,
    async stop() {
      child.kill('SIGINT');
      await ended;
    },
  };
}

function summaryOf({ training, backend, rapier, mujoco, deploy, adaptation }: DemoResult, seconds: number) {
  const scores = ({ successRate, meanReturn }: Evaluation) => ({ successRate, meanReturn });
  return {
    ok: true,
    seconds,
    train: {
      seconds: training.seconds,
      envSteps: training.record.envSteps,
      stepsPerSecond: training.stepsPerSecond,
      backend,
    },
    eval: { rapier: scores(rapier), mujoco: scores(mujoco) },
    deploy: { episodes: deploy.episodes, periodP99Ms: deploy.periodP99Ms },
    adapt: {
      accepted: adaptation.accepted,
      before: adaptation.verdict.before,
      after: adaptation.verdict.after,
      scratch: adaptation.scratch.after,
    },
  };
}

function table(
  { training, backend, rapier, mujoco, deploy, deploySuccesses, adaptation }: DemoResult,
  seconds: number,
): string {
  const row = (name: string, text: string) => `  ${name.padEnd(10)} ${text}`;
  return [
    '',
    row(
      'train',
      `${training.record.envSteps} steps in ${training.seconds.toFixed(0)} s (${Math.round(training.stepsPerSecond)} steps/s), ${backend}`,
    ),
    row(
      'eval',
      `success ${percent(rapier.successRate)} in Rapier, ${percent(mujoco.successRate)} in MuJoCo (${EVAL_EPISODES} randomised episodes each)`,
    ),
    row(
      'deploy',
      `${deploySuccesses} of ${deploy.episodes} episodes stood on the twin; period error p99 ${deploy.periodP99Ms.toFixed(2)} ms, state to command p99 ${deploy.latencyP99Ms.toFixed(2)} ms`,
    ),
    row(
      'adapt',
      `${adaptation.accepted ? 'accepted' : 'rolled back'}: return ${adaptation.verdict.before.toFixed(2)} before, ${adaptation.verdict.after.toFixed(2)} after, ${adaptation.scratch.after.toFixed(2)} from scratch`,
    ),
    row('total', `${seconds.toFixed(0)} s`),
    '',
    explain(adaptation),
    '',
  ].join('\n');
}

function interrupted(): Promise<unknown> {
  return Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
}
