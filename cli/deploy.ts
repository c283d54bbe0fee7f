/** `landfall deploy RUN --url ws://...`: lands a policy on a robot behind rosbridge. The operator's end of bridge/deploy.ts. */

import { existsSync } from 'node:fs';
import { join, relative } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { deployPolicy } from '../bridge/deploy.ts';
import { DeployFault, type DeployReport, type EpisodeResult } from '../bridge/deploy-report.ts';
import type { Preflight } from '../bridge/preflight.ts';
import { InputError, messageOf } from '../core/errors.ts';
import type { Experiment } from '../loop/experiment.ts';
import { experimentOf } from '../loop/experiment.ts';
import { scorerOf } from '../loop/scoring.ts';
import { Actor } from '../policy/actor.ts';
import { type Bundle, guardPath, loadBundle } from '../policy/checkpoint.ts';
import { expectedFalseAlarms } from '../policy/guard/conformal.ts';
import { Guard } from '../policy/guard/guard.ts';
import { type FoundGuard, findGuard } from '../policy/guard/guard-file.ts';
import { resolveRun } from '../policy/run-directory.ts';
import { startViewer, type Viewer } from '../viewer/server/index.ts';
import type { Register } from './commands.ts';
import { DeployView } from './deploy-view.ts';
import { commandValues, numberWithin } from './option-values.ts';

interface DeployFlags {
  readonly url: string;
  readonly episodes: number;
  readonly seconds?: number;
  readonly out?: string;
  readonly runs: string;
  readonly shadow?: boolean;
  readonly yes?: boolean;
  readonly command?: Readonly<Record<string, number>>;
  readonly acceptNoWatchdog?: boolean;
  readonly acceptOtherUrdf?: boolean;
  readonly view?: boolean;
  readonly json?: boolean;
}

/** Of an episode whose task is not known here, s. */
const DEFAULT_SECONDS = 10;
/** Exit status of a program ended by Ctrl-C. */
const INTERRUPTED = 130;

export const register: Register = (program) => {
  program
    .command('deploy')
    .summary('run a policy on a robot behind rosbridge')
    .description(
      'Run a policy on a robot behind rosbridge: check, arm, run, record, damp. Ctrl-C damps and ends.\n\nExamples:\n  landfall deploy latest --url ws://127.0.0.1:9090 --shadow\n  landfall deploy latest --url ws://127.0.0.1:9090 --episodes 10 --out episodes',
    )
    .argument('<run>', 'a run, a checkpoint, a file, or latest')
    .requiredOption('--url <url>', 'of the rosbridge server: ws://HOST:PORT')
    .option('--episodes <n>', 'how many', numberWithin({ min: 1, integer: true }), 1)
    .option('--seconds <s>', "of one episode (default: the task's)", numberWithin({ min: 0.01 }))
    .option('--out <dir>', 'where episodes are recorded (default: episodes/ of the run)')
    .option(
      '--command <name=value,...>',
      'what the robot is asked to do, such as vx=0.5,wz=0.2; 0 where left out',
      commandValues,
    )
    .option('--shadow', 'compute and record commands, send none')
    .option('--yes', 'arm without asking, for scripts')
    .option('--accept-no-watchdog', 'go on although nobody stops the robot when commands stop')
    .option('--accept-other-urdf', 'go on although the robot describes itself differently than in training')
    .option('--view', 'show it in the browser')
    .option('--json', 'print one JSON object at the end')
    .option('--runs <dir>', 'where runs are kept', 'runs')
    .action(run);
};

async function run(name: string, flags: DeployFlags): Promise<void> {
  const path = await resolveRun(name, flags.runs);
  const bundle = await loadBundle(path);
  const found = findGuard(bundle.guard, bundle.contract, bundle.weights, guardPath(bundle.path));
  say(guardLine(found, name));
  const guard = found.kind === 'armed' ? new Guard(bundle.contract, found.model) : undefined;
  const experiment = await knownExperiment(bundle, flags);
  const recordTo = flags.out ?? (existsSync(join(path, 'run.json')) ? join(path, 'episodes') : 'episodes');
  const operator = new Operator();
  const viewer = flags.view === true ? await startViewer() : null;
  try {
    if (viewer !== null) say(`view  ${viewer.url}`);
    const report = await deploy(bundle, guard, experiment, recordTo, operator, viewer, flags);
    print(report, recordTo, name, flags);
    if (report.stopped) process.exitCode = INTERRUPTED;
  } catch (error) {
    if (error instanceof DeployFault) print(error.report, recordTo, name, flags);
    throw error;
  } finally {
    operator.close();
    await viewer?.close();
  }
}

function deploy(
  bundle: Bundle,
  guard: Guard | undefined,
  experiment: Experiment | null,
  recordTo: string,
  operator: Operator,
  viewer: Viewer | null,
  flags: DeployFlags,
): Promise<DeployReport> {
  const { contract } = bundle;
  const view =
    viewer === null || experiment === null
      ? null
      : new DeployView(viewer, contract, experiment, `deploy on ${flags.url}`);
  return deployPolicy({
    contract,
    actor: new Actor(contract, bundle.weights),
    guard,
    url: flags.url,
    episodes: flags.episodes,
    seconds: flags.seconds ?? experiment?.task.episodeSeconds ?? DEFAULT_SECONDS,
    shadow: flags.shadow === true,
    taskCommand: flags.command ?? {},
    recordTo,
    score: experiment === null ? undefined : scorerOf(experiment.task, experiment.rewardWeights),
    acceptNoWatchdog: flags.acceptNoWatchdog === true,
    acceptOtherUrdf: flags.acceptOtherUrdf === true,
    signal: operator.signal,
    onPreflight: (preflight) => say(preflightTable(preflight)),
    confirmArm: () => (flags.yes === true ? Promise.resolve(true) : operator.arms(contract.robot.name)),
    onTransition: (_, to) => say(`  ${to}`),
    onStep: (step) => view?.add(step),
    onEpisode: (episode) => say(episodeLine(episode)),
  });
}

/** Whether a guard watches, for the operator. */
function guardLine(found: FoundGuard, name: string): string {
  const make = `landfall guard ${name} --episodes DIR`;
  switch (found.kind) {
    case 'none':
      return `guard: none; limits alone stop the robot. ${make} makes one`;
    case 'other-policy':
      return `guard: none; the one beside this policy was made for another. ${make} makes one`;
    case 'not-calibrated':
      return `guard: not calibrated, too few episodes; limits alone stop the robot. ${make}, with more, makes one that can`;
    case 'armed': {
      const { alpha, episodes } = found.model;
      const percent = (100 * expectedFalseAlarms(episodes.calibration, alpha)).toFixed(1);
      return `guard: armed, calibrated with ${episodes.calibration} episodes; expect it to stop ${percent}% of good ones`;
    }
  }
}

/** What the policy was made in, for its rewards; a robot of the user's own may be unknown here. */
async function knownExperiment(bundle: Bundle, flags: DeployFlags): Promise<Experiment | null> {
  try {
    return await experimentOf(bundle);
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    if (flags.view === true) throw error;
    say(`rewards are not scored: ${messageOf(error)}`);
    return null;
  }
}

/** The person at the terminal: arms by typing it, ends by Ctrl-C, as often as they like. */
class Operator {
  readonly #abort = new AbortController();
  readonly #end = () => {
    if (!this.#abort.signal.aborted) say('stopping: damping the robot');
    this.#abort.abort();
  };
  /** A defect elsewhere in the program must not leave the robot driven. */
  readonly #defect = (error: unknown) => {
    say(`unexpected: ${messageOf(error)}`);
    process.exitCode = 1;
    this.#end();
  };

  constructor() {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, this.#end);
    process.on('uncaughtException', this.#defect);
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** @throws InputError when there is nobody to ask */
  async arms(robot: string): Promise<boolean> {
    if (!process.stdin.isTTY) {
      throw new InputError('arming needs an operator at a terminal, nothing was sent', {
        repair: 'run it in a terminal and type arm; in a script that somebody watches: --yes',
      });
    }
    const terminal = createInterface({ input: process.stdin, output: process.stderr });
    terminal.on('SIGINT', this.#end);
    try {
      const answer = await terminal.question(`type arm to let the policy move ${robot}: `, { signal: this.signal });
      return answer.trim() === 'arm';
    } catch (error) {
      if (this.signal.aborted) return false;
      throw error;
    } finally {
      terminal.close();
    }
  }

  close(): void {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.off(signal, this.#end);
    process.off('uncaughtException', this.#defect);
  }
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

function preflightTable({ findings }: Preflight): string {
  const width = Math.max(...findings.map(({ check }) => check.length));
  return findings
    .flatMap(({ check, verdict, found, repair }) => [
      `${verdict.padEnd(4)}  ${check.padEnd(width)}  ${found}`,
      ...(repair === undefined ? [] : [`${' '.repeat(width + 8)}-> ${repair}`]),
    ])
    .join('\n');
}

function episodeLine({ id, steps, return: total, reason }: EpisodeResult): string {
  return `${id}: ${steps} steps${total === null ? '' : `, return ${total.toFixed(2)}`}, ${reason}`;
}

function print(report: DeployReport, recordTo: string, name: string, { json }: DeployFlags): void {
  if (json === true) {
    process.stdout.write(`${JSON.stringify(report)}\n`);
    return;
  }
  const { results, episodes, rateHz, damping } = report;
  const ms = (value: number) => `${value.toFixed(2)} ms`;
  const lines = [
    `episodes  ${episodes} of ${results.length} completed${report.shadow ? ' (shadow: nothing was sent)' : ''}`,
    `rate      ${rateHz} Hz, period error p99 ${ms(report.periodP99Ms)}, largest ${ms(report.periodMaxMs)}`,
    `latency   state to command p50 ${ms(report.latencyP50Ms)}, p99 ${ms(report.latencyP99Ms)}; round trip ${ms(report.roundTripMs)}`,
    `missed    ${report.missedDeadlines} deadlines, ${report.missedStates} states; ${report.clampedCommands} commands clamped, ${report.refusedCommands} refused by the link`,
    ...(damping === null ? [] : [`end       ${damping}`]),
    ...(results.length === 0 ? [] : [`next: landfall adapt ${name} --episodes ${shortest(recordTo)}`]),
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}

/** The path as a person would type it. */
function shortest(path: string): string {
  const fromHere = relative('.', path) || '.';
  return fromHere.length < path.length ? fromHere : path;
}
