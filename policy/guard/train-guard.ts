/**
 * Trains and calibrates a guard from episodes of a policy at work. Three disjoint sets of whole episodes: one to fit the models,
 * one to say where each score usually lies, one to calibrate the limit; steps of one episode are never in two. Knows no file.
 */

import { actionDim, type Contract, obsDim } from '../../core/contract.ts';
import { InputError } from '../../core/errors.ts';
import { foldIn, type Key, RandomStream } from '../../core/rng.ts';
import { AlarmWindow, type WindowRule } from './alarm-window.ts';
import { conformalThreshold, episodesNeeded } from './conformal.ts';
import { type FittedModels, fitModels } from './fit-models.ts';
import type { FitSettings } from './fit-network.ts';
import { Guard } from './guard.ts';
import { type GuardModel, guardShape, type PartScale, partsOf } from './guard-model.ts';
import { GuardScores } from './guard-scores.ts';
import { eachTransition, type Trace } from './trace.ts';

export interface GuardTraining {
  readonly contract: Contract;
  /** SHA-256 of the policy. */
  readonly policy: string;
  readonly traces: readonly Trace[];
  /** Numbers of the policy's last hidden layer in the traces; 0 for none. */
  readonly features: number;
  readonly alpha: number;
  readonly key: Key;
  /** @default 10 of the last 20 steps */
  readonly window?: WindowRule;
  readonly fit?: FitSettings;
}

export interface TrainedGuard extends Omit<FittedModels, 'tensors'> {
  readonly model: GuardModel;
  /** What the calibration episodes reached, in the threshold's unit. */
  readonly levels: readonly number[];
}

export const DEFAULT_WINDOW: WindowRule = { over: 10, of: 20 };
const DEFAULT_FIT: FitSettings = { updates: 1500, batch: 256, learningRate: 2e-3 };
/** Of the key; policy/guard/fit-models.ts has others. */
const SPLIT = 1;

/** Fewest episodes to fit and to scale by. */
const LEAST = { fit: 2, scale: 2 } as const;
export const LEAST_OWN = LEAST.fit + LEAST.scale;
/** Of what is not calibrated with, the share that scales. */
const SCALE_SHARE = 0.3;
/** Least deviation of a part's log levels between episodes: few episodes may agree by chance. */
const LEAST_SPREAD = 0.1;

export interface GuardSplit {
  readonly fit: readonly number[];
  readonly scale: readonly number[];
  readonly calibration: readonly number[];
}

/**
 * At random, so that sets are exchangeable though a robot ages: half to calibrate with, or more if alpha needs it.
 * @throws InputError for too few episodes to learn anything
 */
export function splitEpisodes(count: number, alpha: number, key: Key): GuardSplit {
  const least = LEAST_OWN;
  if (count <= least) {
    throw new InputError(`a guard needs at least ${least + 1} complete episodes, found ${count}`, {
      repair: `record more: ${least + episodesNeeded(alpha)} are enough to calibrate it for alpha ${alpha}`,
    });
  }
  const order = new Int32Array(count);
  new RandomStream(key).permutation(order);
  const wanted = Math.max(episodesNeeded(alpha), Math.floor(count / 2));
  const own = Math.max(least, count - wanted);
  const scale = Math.max(LEAST.scale, Math.round(SCALE_SHARE * own));
  const all = Array.from(order);
  return { fit: all.slice(0, own - scale), scale: all.slice(own - scale, own), calibration: all.slice(own) };
}

/** tfjs must have a backend. @throws InputError for too few episodes */
export async function trainGuard(training: GuardTraining): Promise<TrainedGuard> {
  const { contract, traces, alpha, key, window = DEFAULT_WINDOW } = training;
  const split = splitEpisodes(traces.length, alpha, foldIn(key, SPLIT));
  const at = (indices: readonly number[]) => indices.map((i) => traces[i]!);
  const { features, fit = DEFAULT_FIT } = training;
  const fitted = await fitModels(contract, features, at(split.fit), at(split.scale), fit, key);
  const parts = scaleParts(contract, fitted.tensors, features, at(split.scale), window);
  const model: GuardModel = {
    policy: training.policy,
    alpha,
    threshold: Infinity,
    window,
    episodes: { fit: split.fit.length, scale: split.scale.length, calibration: split.calibration.length },
    parts,
    tensors: fitted.tensors,
  };
  const levels = guardLevels(contract, model, at(split.calibration));
  const { forward, novelty } = fitted;
  return { forward, novelty, levels, model: { ...model, threshold: conformalThreshold(levels, alpha) } };
}

/** What each episode reached, in the threshold's unit: its largest level. */
export function guardLevels(contract: Contract, model: GuardModel, traces: readonly Trace[]): number[] {
  const guard = new Guard(contract, model);
  return traces.map((trace) => {
    let most = -Infinity;
    eachStep(guard, contract, trace, () => {
      most = Math.max(most, guard.level);
    });
    return most;
  });
}

/** A trace as if it happened now. @param after each step, with its number */
export function eachStep(guard: Guard, contract: Contract, trace: Trace, after: (step: number) => void): void {
  const [seen, done] = [obsDim(contract), actionDim(contract)];
  const size = trace.steps === 0 ? 0 : trace.features.length / trace.steps;
  guard.reset();
  for (let t = 0; t < trace.steps; t++) {
    guard.stepAt(trace.obs, t * seen, trace.action, t * done, trace.features, t * size);
    after(t);
  }
}

/** Where each part's log level usually peaks in an episode, and how much that differs between episodes. */
function scaleParts(
  contract: Contract,
  tensors: GuardModel['tensors'],
  features: number,
  traces: readonly Trace[],
  window: WindowRule,
): PartScale[] {
  const scores = new GuardScores(contract, tensors, features);
  const windows = scores.parts.map(() => new AlarmWindow(window));
  const peaks = scores.parts.map(() => new Float64Array(traces.length).fill(-Infinity));
  let last = -1;
  eachTransition(scores, contract, traces, (number) => {
    if (number !== last) for (const each of windows) each.reset();
    last = number;
    for (const [k, each] of windows.entries()) {
      each.push(scores.logs, k);
      peaks[k]![number] = Math.max(peaks[k]![number]!, each.level[0]!);
    }
  });
  return partsOf(guardShape(contract, features)).map((name, k) => {
    const levels = peaks[k]!.filter(Number.isFinite);
    if (levels.length === 0) {
      throw new InputError(`no ${name} score of the episodes is finite, or all are shorter than ${window.of} steps`, {
        repair: 'record longer episodes, or look for numbers that are not finite in them',
      });
    }
    const mean = levels.reduce((sum, x) => sum + x, 0) / levels.length;
    const variance = levels.reduce((sum, x) => sum + (x - mean) ** 2, 0) / Math.max(1, levels.length - 1);
    return { name, mean, sd: Math.max(LEAST_SPREAD, Math.sqrt(variance)) };
  });
}
