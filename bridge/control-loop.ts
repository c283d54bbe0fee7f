/**
 * The control loop as a state machine that is ticked: observe, check, infer, check, command, record. It sends one
 * command for each new state and none without, so that silence stops it at once. Time is a passed clock; it knows
 * neither timers, nor sockets, nor files.
 */

import type { Clock } from '../core/clock.ts';
import type { Contract } from '../core/contract.ts';
import type { EpisodeStep } from '../core/episode.ts';
import { type JointCommand, makeCommand } from '../core/robot.ts';
import { Commander } from './commander.ts';
import { EpisodeSteps, type Score } from './episode-steps.ts';
import { type Fault, makeFault, milliseconds } from './faults.ts';
import { FinalDamping } from './final-damping.ts';
import { type GuardLike, guardFault } from './guard-fault.ts';
import { type LoopMetrics, Samples } from './loop-metrics.ts';
import { mappingOf } from './mappings/registry.ts';
import { type ActorLike, PolicyStep } from './policy-step.ts';
import { Posture } from './posture.ts';
import type { RobotPort } from './ros-robot.ts';
import { checkState, STOP_SLACK } from './safety.ts';
import { Schedule } from './schedule.ts';
import { type LoopEvent, type LoopState, nextState } from './states.ts';

export interface LoopPlan {
  readonly episodes: number;
  /** Of one episode. */
  readonly seconds: number;
  /** At the default pose before an episode. */
  readonly holdSeconds: number;
}

/** What the loop tells while it runs. Nothing here may block. */
export interface LoopListener {
  transition?(from: LoopState, to: LoopState, event: LoopEvent): void;
  episodeStart?(now: number): void;
  /** The step is reused: copy what must last. */
  step?(step: EpisodeStep): void;
  /** @param reason `completed`, or why not */
  episodeEnd?(reason: string, completed: boolean): void;
}

export interface LoopSettings {
  readonly contract: Contract;
  readonly actor: ActorLike;
  /** Watches the policy at work; no hard limit depends on it. @default nobody */
  readonly anomalyGuard?: GuardLike | undefined;
  readonly robot: RobotPort;
  readonly clock: Clock;
  readonly plan: LoopPlan;
  readonly score?: Score | undefined;
  readonly listener?: LoopListener;
  /** What the robot is asked to do, as the contract names it. @default 0, within the ranges */
  readonly taskCommand?: Float64Array | undefined;
}

export class ControlLoop {
  readonly schedule: Schedule;
  readonly commander: Commander;
  readonly #settings: LoopSettings;
  readonly #policy: PolicyStep;
  readonly #posture: Posture;
  readonly #finalDamping: FinalDamping;
  readonly #steps: EpisodeSteps;
  readonly #stepsPerEpisode: number;
  /** Of the states in which no policy runs. */
  readonly #command: JointCommand;
  readonly #periods = new Samples();
  readonly #latencies = new Samples();
  #state: LoopState = 'disarmed';
  #begun = false;
  #fault: Fault | null = null;
  #stopReason = 'completed';
  /** When the present state was entered, s. */
  #since = 0;
  /** States that existed when a command was last computed. */
  #answered = 0;
  /** Completed episodes. */
  #episodes = 0;
  #lastTick = NaN;
  #missedStates = 0;

  constructor(settings: LoopSettings) {
    const { contract, actor, robot, clock, plan } = settings;
    this.#settings = settings;
    this.schedule = new Schedule(1 / contract.control.rateHz);
    this.commander = new Commander(contract, robot, clock);
    this.#policy = new PolicyStep(contract, actor, settings.taskCommand);
    this.#posture = new Posture(contract.joints, mappingOf(contract).takes);
    this.#finalDamping = new FinalDamping(contract, robot, this.commander, this.#posture);
    this.#steps = new EpisodeSteps(contract, this.#policy, this.commander.guard, settings.score, (step) =>
      settings.listener?.step?.(step),
    );
    this.#stepsPerEpisode = Math.round(plan.seconds * contract.control.rateHz);
    this.#command = makeCommand(contract.joints.length);
  }

  get state(): LoopState {
    return this.#state;
  }

  /** It has been armed or watching, and is disarmed again. */
  get finished(): boolean {
    return this.#begun && this.#state === 'disarmed';
  }

  /** What stopped the robot; null when nothing was wrong. */
  get fault(): Fault | null {
    return this.#fault;
  }

  /** True when a state has come that no command has answered. */
  get ready(): boolean {
    return this.#settings.robot.stateCount !== this.#answered;
  }

  /** How the damping at the end went, for a person; null before it. */
  get dampingReport(): string | null {
    return this.#finalDamping.report;
  }

  get metrics(): LoopMetrics {
    const [period, latency] = [this.#periods, this.#latencies];
    return {
      ticks: period.count,
      periodP99Ms: 1000 * period.percentile(0.99),
      periodMaxMs: 1000 * period.percentile(1),
      latencyP50Ms: 1000 * latency.percentile(0.5),
      latencyP99Ms: 1000 * latency.percentile(0.99),
      latencyMaxMs: 1000 * latency.percentile(1),
      missedDeadlines: this.schedule.missed,
      missedStates: this.#missedStates,
    };
  }

  /** The operator has armed the robot. */
  arm(): void {
    this.#begin('arm');
  }

  /** Run the policy without sending anything. */
  watch(): void {
    this.#begin('watch');
  }

  /** End in good order, from any state. */
  stop(reason: string): void {
    this.#end('stop', reason);
  }

  /** Something is wrong. */
  raise(fault: Fault): void {
    if (!this.#isEnding) this.#fault ??= fault;
    this.#end('fault', `${fault.name}: ${fault.message}`);
  }

  /** One turn of the loop; due at `schedule.deadline`. */
  tick(): void {
    const { robot, contract, clock } = this.#settings;
    const now = clock.now();
    const late = this.schedule.advance(now, robot.receiptTime, robot.stateInterval);
    const policyRuns = this.#state === 'running' || this.#state === 'shadow';
    if (policyRuns && !Number.isNaN(this.#lastTick)) {
      this.#periods.add(Math.abs(now - this.#lastTick - this.schedule.period));
    }
    this.#lastTick = now;
    const fault = this.#isEnding ? null : (overrun(late, contract.safety.stateAge) ?? this.#findFault(now));
    if (fault !== null) this.raise(fault);
    this.#act(now);
  }

  get #isEnding(): boolean {
    return this.#state === 'disarmed' || this.#state === 'final-damping';
  }

  #begin(event: 'arm' | 'watch'): void {
    const now = this.#settings.clock.now();
    this.#begun = true;
    this.commander.guard.reset();
    this.schedule.start(now);
    this.#answered = this.#settings.robot.stateCount;
    this.#dispatch(event, now);
    if (this.#state === 'shadow') this.#startEpisode(now);
  }

  #end(event: 'stop' | 'fault', reason: string): void {
    if (this.#isEnding) return;
    this.#stopReason = reason;
    this.#dispatch(event, this.#settings.clock.now());
  }

  /** Everything that may be wrong with link, state or motion. */
  #findFault(now: number): Fault | null {
    const { robot, contract } = this.#settings;
    if (robot.fault !== null) return robot.fault;
    const limit = contract.safety.stateAge;
    const age = robot.age(now);
    if (age > limit) return tooOld(age, robot.sinceReceipt(now), limit);
    return checkState(robot.state, contract.joints, STOP_SLACK) ?? robot.checkSensors(now);
  }

  #act(now: number): void {
    switch (this.#state) {
      case 'disarmed':
        return;
      case 'damping':
        this.#tickDamping(now);
        return;
      case 'to-default':
        this.#tickToDefault(now);
        return;
      case 'holding':
        this.#tickHolding(now);
        return;
      case 'running':
      case 'shadow':
        this.#tickPolicy(now);
        return;
      case 'final-damping':
        if (this.#finalDamping.tick(now)) this.#dispatch('damped', now);
        return;
      default:
        this.#state satisfies never;
    }
  }

  #tickDamping(now: number): void {
    if (now - this.#since >= this.#settings.contract.safety.damping) {
      this.#dispatch('damped', now);
      this.#act(now);
    } else if (this.#takeState()) {
      this.#posture.pause(this.#command);
      this.#send(this.#command);
    }
  }

  #tickToDefault(now: number): void {
    if (!this.#takeState()) return;
    const arrived = this.#posture.arrived(this.#settings.robot.state, now);
    if (typeof arrived === 'object') {
      this.raise(arrived);
      return;
    }
    this.#posture.approach(now, this.#command);
    if (this.#send(this.#command) && arrived) this.#dispatch('arrived', now);
  }

  #tickHolding(now: number): void {
    if (now - this.#since >= this.#settings.plan.holdSeconds) {
      this.#dispatch('start', now);
      this.#startEpisode(now);
      this.#act(now);
    } else if (this.#takeState()) {
      this.#posture.approach(now, this.#command);
      this.#sendTracked(this.#command, now);
    }
  }

  #tickPolicy(now: number): void {
    const { robot } = this.#settings;
    if (!this.ready) {
      this.#missedStates++;
      return;
    }
    const over = this.#steps.count === this.#stepsPerEpisode;
    this.#steps.complete(robot.state, over);
    if (over) {
      this.#finishEpisode(now);
      return;
    }
    this.#takeState();
    const broken = this.#policy.compute(robot.state) ?? this.#findAnomaly();
    if (broken !== null) {
      this.raise(broken);
      return;
    }
    if (!this.#sendTracked(this.#policy.command, now)) return;
    const { lastSentAt } = this.commander;
    this.#latencies.add(lastSentAt - robot.receiptTime);
    this.#steps.begin(robot.state, robot.receiptTime, lastSentAt);
  }

  /** Asked before the action is sent: what looks wrong is not driven on. */
  #findAnomaly(): Fault | null {
    const { anomalyGuard: guard } = this.#settings;
    const { obs, action, features } = this.#policy;
    return guard?.step(obs, action, features) === true ? guardFault(guard) : null;
  }

  /** True when there is a new state; it is answered by what the caller does now. */
  #takeState(): boolean {
    if (!this.ready) return false;
    this.#answered = this.#settings.robot.stateCount;
    return true;
  }

  #sendTracked(command: JointCommand, now: number): boolean {
    const lost = this.commander.guard.checkTracking(command, this.#settings.robot.state, now);
    if (lost === null) return this.#send(command);
    this.raise(lost);
    return false;
  }

  /** @returns whether the command left; in shadow, whether it would have */
  #send(command: JointCommand): boolean {
    const sent = this.#state === 'shadow' ? this.commander.pretend(command) : this.commander.send(command);
    if (typeof sent === 'boolean') return sent;
    this.raise(sent);
    return false;
  }

  #startEpisode(now: number): void {
    this.#policy.reset();
    this.#settings.anomalyGuard?.reset();
    this.#steps.reset();
    this.#settings.listener?.episodeStart?.(now);
  }

  /** The state that ended the episode is answered by what comes next. */
  #finishEpisode(now: number): void {
    this.#episodes++;
    this.#settings.listener?.episodeEnd?.('completed', true);
    this.#dispatch(this.#episodes < this.#settings.plan.episodes ? 'finish' : 'stop', now);
    if (this.#state === 'shadow') this.#startEpisode(now);
    this.#act(now);
  }

  #dispatch(event: LoopEvent, now: number): void {
    const from = this.#state;
    const to = nextState(from, event);
    // The state comes first: whatever a listener throws, the loop has moved on.
    this.#state = to;
    this.#since = now;
    if (to === 'to-default') this.#posture.begin(this.#settings.robot.state, now);
    if (to === 'damping' || to === 'final-damping') this.#posture.beginStop(this.#settings.robot.state);
    if (to === 'final-damping') this.#finalDamping.begin(now, this.#answered);
    if ((from === 'running' || from === 'shadow') && !this.#isComplete(event)) {
      this.#steps.flush();
      this.#settings.listener?.episodeEnd?.(this.#stopReason, false);
    }
    this.#settings.listener?.transition?.(from, to, event);
  }

  /** The event comes after the end of an episode, not into one. */
  #isComplete(event: LoopEvent): boolean {
    return event === 'finish' || (event === 'stop' && this.#episodes >= this.#settings.plan.episodes);
  }
}

/** The loop itself may be what is late. @param late s @param limit s */
function overrun(late: number, limit: number): Fault | null {
  if (late <= limit) return null;
  return makeFault(
    'overrun',
    `the control loop was ${milliseconds(late)} late (limit ${milliseconds(limit)})`,
    'free the processor, or give this program priority (chrt -f 20 landfall deploy ...), or lower the control rate',
  );
}

/** Nothing comes, or what comes is old. @param age,silence,limit s */
function tooOld(age: number, silence: number, limit: number): Fault {
  if (silence > limit / 2) {
    return makeFault(
      'silence',
      `no new state for ${milliseconds(silence)}, the last one is ${milliseconds(age)} old (limit ${milliseconds(limit)})`,
      'look whether the robot, its server and the network are alive',
    );
  }
  return makeFault(
    'stale-state',
    `the newest state is ${milliseconds(age)} old (limit ${milliseconds(limit)}) though it has just come`,
    'states pile up on the way: lower their rate, or the load of the server and the network',
  );
}
