/**
 * How a guard does on one task: false alarms over many calibration draws, and what it finds of each fault, on the MuJoCo twin; and
 * what a limit calibrated in simulation is worth there. Knows no table.
 */

import { foldIn, type Key, keyOf, RandomStream } from '../../core/rng.ts';
import { type Experiment, evaluationRecipe } from '../../loop/experiment.ts';
import type { Bundle } from '../../policy/checkpoint.ts';
import { AlarmWindow } from '../../policy/guard/alarm-window.ts';
import { conformalThreshold, expectedFalseAlarms, falseAlarmBound } from '../../policy/guard/conformal.ts';
import { largestOf } from '../../policy/guard/guard.ts';
import type { GuardModel, PartName, PartScale } from '../../policy/guard/guard-model.ts';
import { GuardScores } from '../../policy/guard/guard-scores.ts';
import { DEFAULT_WINDOW, guardLevels, trainGuard } from '../../policy/guard/train-guard.ts';
import type { Dynamics } from '../../sim/dynamics.ts';
import type { EnvironmentRecipe } from '../../sim/recipe.ts';
import { type FaultyRobot, injectedFaults } from './guard-faults.ts';
import { onsetOf, runTrials, type Trial } from './guard-trials.ts';

export interface StudySettings {
  readonly alpha: number;
  /** Episodes that the guard is fitted to and scaled by, of each calibration draw, and of the pool these are drawn from. */
  readonly own: number;
  readonly calibration: number;
  readonly pool: number;
  readonly draws: number;
  /** Episodes of each fault. */
  readonly faulty: number;
  readonly seed: number;
}

export interface FarFigures {
  /** Mean over the draws, its standard error, and the share of draws' mean that theory expects. */
  readonly far: number;
  readonly se: number;
  readonly expected: number;
  /** 95% of the draws are below, and what theory says of one set. */
  readonly q95: number;
  readonly bound: number;
}

export interface FaultFigures {
  readonly isHard: boolean;
  readonly episodes: number;
  /** Of these, ended by the task's own limits before the window had filled: no guard of this kind is as quick. */
  readonly byLimits: number;
  /** Alarms after the onset over the other episodes without an alarm before it, mean over the draws. */
  readonly tpr: number;
  /** Median steps from the onset to the alarm. */
  readonly delay: number;
  readonly auroc: number;
}

export interface GuardStudy {
  readonly task: string;
  readonly policy: string;
  /** Of the nominal episodes on the twin. */
  readonly success: number;
  readonly far: FarFigures;
  /** By part alone, each with a limit of its own. */
  readonly faults: Readonly<Record<string, FaultFigures>>;
  readonly byPart: Readonly<Record<string, Readonly<Record<string, FaultFigures>>>>;
  /** Limits from simulated episodes: FAR on the twin as it is and on a twin of another robot, and hard faults found. */
  readonly fromSimulation: Readonly<
    Record<string, { readonly twin: number; readonly other: number; readonly tpr: number }>
  >;
}

/** Of the twin's and the simulator's encoders, rad and rad/s, where the robot has none of its own. */
const NOISE = { positionNoise: 0.002, velocityNoise: 0.02 } as const;
const KEYS = { draws: 1, training: 2 } as const;
/** Episodes of a fault are numbered from its own multiple of this. */
const APART = 10_000;

export async function guardStudy(
  experiment: Experiment,
  bundle: Bundle | null,
  settings: StudySettings,
  onProgress: (text: string) => void,
): Promise<GuardStudy> {
  const { task } = experiment;
  const contract = bundle?.contract ?? experiment.contract;
  const key = keyOf(settings.seed);
  const hasOwnNoise = experiment.robot.config.spec?.quality?.encoders !== undefined;
  const dynamics = hasOwnNoise ? experiment.dynamics : { ...experiment.dynamics, ...NOISE };
  const recipe = (engine: 'rapier' | 'mujoco', changed: Dynamics, randomization: number): EnvironmentRecipe => ({
    ...evaluationRecipe(experiment, contract, engine, settings.seed),
    dynamics: changed,
    randomization,
  });
  const twin = recipe('mujoco', dynamics, 0);
  const trials = (of: EnvironmentRecipe, first: number, count: number) =>
    runTrials({ recipe: of, task, bundle, first, count });

  onProgress('nominal episodes');
  const nominal = await trials(twin, 0, settings.own + settings.pool);
  const features = bundle === null ? 0 : nominal[0]!.trace.features.length / nominal[0]!.trace.steps;
  const train = async (own: readonly Trial[]) => {
    const traces = own.map(({ trace }) => trace);
    // Calibration is ours: the trainer's own split would take from these.
    return (
      await trainGuard({ contract, policy: 'bench', traces, features, alpha: 0.5, key: foldIn(key, KEYS.training) })
    ).model;
  };
  onProgress('training the guard');
  const model = await train(nominal.slice(0, settings.own));
  const pool = nominal.slice(settings.own).map(({ trace }) => trace);
  const robot = faultyRobot(experiment, nominal);
  const faulty: Record<string, Trial[]> = {};
  for (const [number, [name, fault]] of Object.entries(injectedFaults).entries()) {
    onProgress(name);
    const first = APART * (number + 1);
    const found = await runTrials({
      recipe: twin,
      task,
      bundle,
      first,
      count: settings.faulty,
      fault: { fault, robot },
    });
    if (found.length > 0) faulty[name] = found;
  }

  const scored = (of: GuardModel, episodes: readonly Trial[]) =>
    episodes.map((trial) => scoreTrial(contract, of, trial));
  const poolScores = scored(model, nominal.slice(settings.own));
  const faultScores = Object.entries(faulty).map(([name, episodes]) => [name, scored(model, episodes)] as const);
  const measure = (parts: readonly PartScale[]) => {
    const of = { ...model, parts };
    const levels = poolScores.map((scores) => riseOf(of, scores).before);
    // What a good episode reaches from where a fault would have begun.
    const peaks = poolScores.map((scores, i) => peakOf(riseOf(of, { ...scores, onset: onsetOf(twin.key, task, i) })));
    const drawn = drawThresholds(levels, settings, foldIn(key, KEYS.draws));
    const faults = Object.fromEntries(
      faultScores.map(([name, episodes]) => {
        const rises = episodes.map((scores) => riseOf(of, scores));
        return [name, faultFigures(rises, peaks, drawn.thresholds, injectedFaults[name]!.isHard)];
      }),
    );
    return { levels, drawn, faults };
  };
  onProgress('scoring');
  const whole = measure(model.parts);
  const found = Object.entries(whole.faults).map(([name, { tpr }]) => `${name} ${tpr.toFixed(2)}`);
  onProgress(`false alarms ${whole.drawn.far.far.toFixed(3)}; found ${found.join(', ')}`);
  const byPart = Object.fromEntries(model.parts.map((part) => [part.name, measure([part]).faults])) as Record<
    PartName,
    Record<string, FaultFigures>
  >;

  const other = await trials(recipe('mujoco', otherRobot(dynamics), 0), 5 * APART + 5000, settings.faulty);
  const fromSimulation: Record<string, { twin: number; other: number; tpr: number }> = {};
  for (const [name, randomization] of [
    ['nominal', 0],
    ['randomised', 1],
  ] as const) {
    onProgress(`a limit from the ${name} simulation`);
    const simulated = await trials(recipe('rapier', dynamics, randomization), 0, settings.own + settings.calibration);
    const learned = await train(simulated.slice(0, settings.own));
    const limits = guardLevels(
      contract,
      learned,
      simulated.slice(settings.own).map(({ trace }) => trace),
    );
    const threshold = conformalThreshold(limits, settings.alpha);
    const over = (levels: readonly number[]) => levels.filter((level) => level > threshold).length / levels.length;
    const hard = Object.entries(faulty).filter(([fault]) => injectedFaults[fault]!.isHard);
    const rates = hard.map(
      ([, episodes]) =>
        faultFigures(
          scored(learned, episodes).map((scores) => riseOf(learned, scores)),
          [0],
          [threshold],
          true,
        ).tpr,
    );
    fromSimulation[name] = {
      twin: over(guardLevels(contract, learned, pool)),
      other: over(
        guardLevels(
          contract,
          learned,
          other.map(({ trace }) => trace),
        ),
      ),
      tpr: mean(rates),
    };
  }
  return {
    task: task.name,
    policy: bundle === null ? 'reference' : 'learned',
    success: mean(nominal.map(({ success }) => Number(success))),
    far: whole.drawn.far,
    faults: whole.faults,
    byPart,
    fromSimulation,
  };
}

/** Another robot of the same kind. */
function otherRobot(dynamics: Dynamics): Dynamics {
  const times = (scale: number) => (value: number) => scale * value;
  return {
    ...dynamics,
    massScale: dynamics.massScale.map(times(1.1)),
    damping: dynamics.damping.map(times(1.2)),
    friction: dynamics.friction.map(times(1.2)),
    latency: dynamics.latency + 0.005,
  };
}

function faultyRobot({ contract, robot }: Experiment, nominal: readonly Trial[]): FaultyRobot {
  const joints = contract.joints.map(({ name }) => name);
  const driven = new Set(contract.actions.flatMap((action) => action.joints));
  const spread = joints.map((_, j) => {
    const readings = nominal.flatMap(({ q }) => Array.from(q.filter((__, i) => i % joints.length === j)));
    const centre = mean(readings);
    return Math.sqrt(mean(readings.map((value) => (value - centre) ** 2)));
  });
  return {
    driven: joints.flatMap((name, j) => (driven.has(name) ? [j] : [])),
    rateHz: contract.control.rateHz,
    spread,
    floats: robot.model.base === 'floating',
  };
}

/** The highest level before the onset, and after it up to each step. */
interface Rise {
  readonly before: number;
  readonly after: Float64Array;
}

/** Log scores of every transition, [steps - 1, parts]: asked for once, whatever parts are then looked at. */
interface Scored {
  readonly logs: Float64Array;
  readonly parts: readonly PartName[];
  readonly onset: number;
}

function scoreTrial(contract: Experiment['contract'], { tensors }: GuardModel, { trace, onset }: Trial): Scored {
  const { steps, obs, action, features } = trace;
  const size = features.length / steps;
  const scores = new GuardScores(contract, tensors, size);
  const { parts } = scores;
  const logs = new Float64Array((steps - 1) * parts.length);
  for (let t = 0; t < steps; t++) {
    const at = (t * obs.length) / steps;
    if (!scores.step(obs, at, action, (t * action.length) / steps, features, t * size)) continue;
    logs.set(scores.logs, (t - 1) * parts.length);
  }
  return { logs, parts, onset };
}

function peakOf({ after }: Rise): number {
  return after.at(-1) ?? -Infinity;
}

/** As the guard on the robot has it. */
function riseOf({ parts, window: rule }: GuardModel, { logs, parts: names, onset }: Scored): Rise {
  const window = new AlarmWindow(rule);
  const index = Int32Array.from(parts, ({ name }) => names.indexOf(name));
  const largest = new Float64Array(1);
  let before = -Infinity;
  const after: number[] = [];
  for (let step = 1; (step - 1) * names.length < logs.length; step++) {
    largestOf(parts, index, logs, (step - 1) * names.length, largest);
    window.push(largest, 0);
    const level = window.level[0]!;
    if (step <= onset) before = Math.max(before, level);
    else after.push(Math.max(after.at(-1) ?? -Infinity, level));
  }
  return { before, after: Float64Array.from(after) };
}

function drawThresholds(levels: readonly number[], { alpha, calibration, draws }: StudySettings, key: Key) {
  const random = new RandomStream(key);
  const order = new Int32Array(levels.length);
  const thresholds: number[] = [];
  const rates: number[] = [];
  for (let draw = 0; draw < draws; draw++) {
    random.permutation(order);
    const threshold = conformalThreshold(
      Array.from(order.subarray(0, calibration), (i) => levels[i]!),
      alpha,
    );
    thresholds.push(threshold);
    const fresh = Array.from(order.subarray(calibration), (i) => levels[i]!);
    rates.push(fresh.filter((level) => level > threshold).length / fresh.length);
  }
  const far = mean(rates);
  const sorted = rates.toSorted((a, b) => a - b);
  return {
    thresholds,
    far: {
      far,
      se: Math.sqrt(mean(rates.map((rate) => (rate - far) ** 2)) / draws),
      expected: expectedFalseAlarms(calibration, alpha),
      q95: sorted[Math.ceil(0.95 * draws) - 1]!,
      bound: falseAlarmBound(calibration, alpha),
    },
  };
}

function faultFigures(
  rises: readonly Rise[],
  nominal: readonly number[],
  thresholds: readonly number[],
  isHard: boolean,
): FaultFigures {
  const delays: number[] = [];
  const lasting = rises.filter(({ after }) => after.length >= DEFAULT_WINDOW.of);
  const rates = thresholds.map((threshold) => {
    const quiet = lasting.filter(({ before }) => before <= threshold);
    const found = quiet.map(({ after }) => after.findIndex((level) => level > threshold)).filter((at) => at >= 0);
    // The first state that the fault can have changed is one step after its onset.
    delays.push(...found.map((at) => at + 1));
    return quiet.length === 0 ? 0 : found.length / quiet.length;
  });
  const sorted = delays.toSorted((a, b) => a - b);
  const peaks = lasting.map(peakOf);
  return {
    isHard,
    episodes: rises.length,
    byLimits: rises.length - lasting.length,
    tpr: mean(rates),
    delay: sorted[Math.floor(sorted.length / 2)] ?? Number.NaN,
    auroc: auroc(peaks, nominal),
  };
}

/** P(a faulty episode's level is above a nominal one's), ties counting half (Mann and Whitney 1947). */
function auroc(faulty: readonly number[], nominal: readonly number[]): number {
  let sum = 0;
  for (const a of faulty) for (const b of nominal) sum += a > b ? 1 : a === b ? 0.5 : 0;
  return sum / (faulty.length * nominal.length);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
