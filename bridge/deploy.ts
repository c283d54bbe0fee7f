/**
 * Lands a policy on a robot: check the contract, let the operator arm, run episodes at a fixed rate, record them, damp,
 * let go. One deployment is one connection: when it is lost, the deployment is over. Knows no terminal.
 */

import type { Contract } from '../core/contract.ts';
import type { EpisodeMeta, EpisodeSource, EpisodeStep } from '../core/episode.ts';
import { InputError, messageOf } from '../core/errors.ts';
import { taskCommandOf } from '../core/task-command.ts';
import { BackgroundRecording } from './background-recording.ts';
import { ControlLoop, type LoopListener } from './control-loop.ts';
import { DeployFault, type DeployReport, type EpisodeResult } from './deploy-report.ts';
import type { Score } from './episode-steps.ts';
import { faultError, makeFault } from './faults.ts';
import type { GuardLike } from './guard-fault.ts';
import { RosLink } from './link.ts';
import { nodePacer, type Pacer } from './pacer.ts';
import type { ActorLike } from './policy-step.ts';
import { type Preflight, preflight, refuseFailed, requireNoRivals } from './preflight.ts';
import { recordEpisode } from './recorder.ts';
import { RosRobot } from './ros-robot.ts';
import type { LoopState } from './states.ts';

export interface DeployOptions {
  readonly contract: Contract;
  readonly actor: ActorLike;
  /** Stops the robot when it does not behave as in the episodes that the guard was made from. @default nobody watches */
  readonly guard?: GuardLike | undefined;
  /** Of the rosbridge server: ws://HOST:PORT */
  readonly url: string;
  readonly episodes: number;
  /** Of one episode. */
  readonly seconds: number;
  /** Compute and record, send nothing. @default false */
  readonly shadow?: boolean;
  /** At the default pose before an episode, s. @default 0.5 */
  readonly holdSeconds?: number;
  /** Directory for the recordings; none are made without it. */
  readonly recordTo?: string;
  /** @default 'robot' */
  readonly source?: EpisodeSource;
  readonly score?: Score | undefined;
  /** What the robot is asked to do, by the contract's names; 0, within the ranges, for what is not given. */
  readonly taskCommand?: Readonly<Record<string, number>>;
  /** Whatever belongs to the episodes, such as the twin's parameters. */
  readonly parameters?: Readonly<Record<string, number>>;
  /** The operator's word; asked when every check has passed, never in shadow. */
  readonly confirmArm: (preflight: Preflight) => Promise<boolean>;
  readonly onPreflight?: (preflight: Preflight) => void;
  readonly onTransition?: (from: LoopState, to: LoopState) => void;
  /** The step is reused: copy what must last. May not block. */
  readonly onStep?: (step: EpisodeStep) => void;
  readonly onEpisode?: (result: EpisodeResult) => void;
  readonly acceptNoWatchdog?: boolean;
  readonly acceptOtherUrdf?: boolean;
  /** Aborted: the robot is damped and the deployment ends. */
  readonly signal?: AbortSignal;
  /** @default nodePacer */
  readonly pacer?: Pacer;
}

/** The robot's description is on the service connection, and may be long. */
const SERVICE_BYTES = 32 * 2 ** 20;
/** Exceptions in a row after which the loop is given up. */
const MAX_DEFECTS = 10;

/**
 * @throws MismatchError when a check fails, InputError when nobody is there or nobody arms: nothing was sent then
 * @throws DeployFault when a fault stopped the robot
 */
export async function deployPolicy(options: DeployOptions): Promise<DeployReport> {
  const { contract, url, signal, shadow = false, pacer = nodePacer } = options;
  // What cannot be asked for is refused before anything is opened.
  taskCommandOf(contract, options.taskCommand ?? {});
  const { clock } = pacer;
  const { stateAge, roundTrip } = contract.safety;
  const link = await RosLink.open({ url, clock, pongSeconds: stateAge + roundTrip });
  let silent = false;
  try {
    const robot = new RosRobot(contract, link, clock);
    const checked = await checkAndArm(options, link, robot);
    if (signal?.aborted === true) throw new InputError('stopped before arming, nothing was sent to the robot');
    const fault = robot.fault ?? robot.checkSensors(clock.now());
    if (fault !== null) throw faultError(fault);
    if (!shadow) robot.advertise(checked.commandType);
    const deployment = new Deployment(options, robot, pacer);
    const report = await deployment.run(checked.roundTripMs);
    silent = report.fault?.name === 'silence';
    robot.unadvertise();
    if (report.fault !== null) throw new DeployFault(report.fault, report, deployment.defect);
    return report;
  } finally {
    if (silent) link.terminate();
    else await link.close();
  }
}

/** Everything up to the moment in which commands may be sent. */
async function checkAndArm(options: DeployOptions, link: RosLink, robot: RosRobot): Promise<Preflight> {
  const { contract, url, shadow = false, acceptNoWatchdog = false, acceptOtherUrdf = false } = options;
  const { clock } = options.pacer ?? nodePacer;
  const services = await RosLink.open({ url, clock, messageBytes: SERVICE_BYTES });
  try {
    const policy = { shadow, acceptNoWatchdog, acceptOtherUrdf };
    const checked = await preflight({ contract, link, services, robot, clock, ...policy });
    options.onPreflight?.(checked);
    refuseFailed(checked);
    if (shadow) return checked;
    if (!(await options.confirmArm(checked))) {
      throw new InputError('not armed, nothing was sent to the robot', { repair: 'deploy again and arm' });
    }
    if (link.isOpen) await requireNoRivals(services, contract);
    return checked;
  } finally {
    await services.close();
  }
}

interface OpenEpisode {
  readonly id: string;
  readonly recording: BackgroundRecording | null;
  steps: number;
  return: number;
}

/** One run of the loop, with what it records. */
class Deployment {
  /** What a callback or the loop threw. */
  defect: unknown;
  readonly #options: DeployOptions;
  readonly #robot: RosRobot;
  readonly #pacer: Pacer;
  readonly #loop: ControlLoop;
  readonly #taskCommand: Float64Array;
  readonly #endings: Promise<EpisodeResult>[] = [];
  #episode: OpenEpisode | null = null;

  constructor(options: DeployOptions, robot: RosRobot, pacer: Pacer) {
    this.#options = options;
    this.#robot = robot;
    this.#pacer = pacer;
    const { contract, actor, guard, episodes, seconds, holdSeconds = 0.5, score } = options;
    const listener: LoopListener = {
      transition: (from, to) => options.onTransition?.(from, to),
      episodeStart: (now) => this.#start(now),
      step: (step) => this.#step(step),
      episodeEnd: (reason, completed) => this.#end(reason, completed),
    };
    const plan = { episodes, seconds, holdSeconds };
    this.#taskCommand = taskCommandOf(contract, options.taskCommand ?? {});
    const taskCommand = this.#taskCommand;
    this.#loop = new ControlLoop({
      contract,
      actor,
      anomalyGuard: guard,
      robot,
      clock: pacer.clock,
      plan,
      score,
      listener,
      taskCommand,
    });
  }

  async run(roundTripMs: number): Promise<DeployReport> {
    const { contract, signal, shadow = false } = this.#options;
    const loop = this.#loop;
    const stop = () => loop.stop('stopped by the operator');
    signal?.addEventListener('abort', stop);
    if (shadow) loop.watch();
    else loop.arm();
    let defects = 0;
    while (!loop.finished && defects < MAX_DEFECTS) {
      await this.#pacer.wait(loop.schedule.deadline, loop.schedule.latest, () => loop.ready);
      try {
        loop.tick();
        defects = 0;
      } catch (error) {
        // Whatever is broken here, the robot is damped first.
        defects++;
        this.#broken(error);
      }
    }
    signal?.removeEventListener('abort', stop);
    const results = await Promise.all(this.#endings);
    return {
      episodes: results.filter(({ completed }) => completed).length,
      results,
      ...loop.metrics,
      shadow,
      rateHz: contract.control.rateHz,
      roundTripMs,
      clampedCommands: loop.commander.guard.clamped,
      refusedCommands: loop.commander.refused,
      damping: loop.dampingReport,
      stopped: signal?.aborted === true,
      fault: loop.fault,
    };
  }

  #broken(error: unknown): void {
    this.defect ??= error;
    this.#loop.raise(makeFault('defect', messageOf(error), 'run again with --debug and report what it prints'));
  }

  #start(now: number): void {
    const { recordTo } = this.#options;
    const number = String(this.#endings.length + 1).padStart(2, '0');
    const time = new Date(now * 1000).toISOString().replace(/[-:.]/g, '');
    const id = `${this.#options.contract.task}-${time}-${number}`;
    const recording =
      recordTo === undefined ? null : new BackgroundRecording(recordEpisode(recordTo, this.#meta(id, now)));
    this.#episode = { id, recording, steps: 0, return: 0 };
  }

  #meta(id: string, startedAt: number): EpisodeMeta {
    const { contract, source = 'robot', shadow = false, parameters = {} } = this.#options;
    const asked = Object.fromEntries(
      contract.command.names.map((name, i) => [`command.${name}`, this.#taskCommand[i]!]),
    );
    return {
      id,
      source,
      robot: contract.robot.name,
      task: contract.task,
      joints: contract.joints.map((joint) => joint.name),
      rateHz: contract.control.rateHz,
      startedAt,
      contract,
      shadow,
      parameters: { ...parameters, ...asked },
      ...(Object.keys(this.#robot.scans).length > 0 && { scans: this.#robot.scans }),
    };
  }

  #step(step: EpisodeStep): void {
    const episode = this.#episode;
    if (episode === null) return;
    episode.steps++;
    episode.return += step.reward;
    episode.recording?.write(step);
    this.#options.onStep?.(step);
    const error = episode.recording?.error ?? null;
    if (error === null) return;
    this.#loop.raise(
      makeFault('recording', messageOf(error), 'free the disk, or choose another directory for the recordings'),
    );
  }

  #end(reason: string, completed: boolean): void {
    const episode = this.#episode;
    if (episode === null) return;
    this.#episode = null;
    const { id, recording, steps } = episode;
    const result = { id, steps, return: this.#options.score ? episode.return : null, reason, completed };
    const ending = recording?.end({ reason, completed }) ?? Promise.resolve(null);
    this.#endings.push(
      ending.then((path) => {
        const ended = { ...result, path };
        this.#options.onEpisode?.(ended);
        return ended;
      }),
    );
  }
}
