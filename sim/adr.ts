/**
 * Automatic domain randomisation: each range starts narrow and its two bounds move apart while the policy succeeds at them.
 * Algorithm 1 of OpenAI et al., "Solving Rubik's cube with a robot hand", arXiv 1910.07113, with the limits of DeXtreme
 * (arXiv 2210.13702): never narrower than at the start, never wider than the limit. The state is plain JSON and functions
 * return a new one. Knows no simulator and no learner.
 */

import { InputError } from '../core/errors.ts';
import { log } from '../core/math.ts';
import { type Key, RandomStream } from '../core/rng.ts';
import type { DynamicsParameter } from './dynamics.ts';
import { checkRandomization, type RandomizationTable, type Range } from './randomization-terms.ts';

export interface AdrParameter {
  /** A parameter of the task's randomisation, or anything else that is drawn from a range. */
  readonly name: string;
  /** The range to start from, and the narrowest. Both bounds may be the same. */
  readonly initial: Range;
  /** The widest range. */
  readonly limits: Range;
  /** How far a bound moves at a time. */
  readonly delta: number;
}

export interface AdrSettings {
  readonly parameters: readonly AdrParameter[];
  /**
   * Share of episodes that test a bound (p_b); the others draw every parameter from its range. DeXtreme's code has a setting
   * of that name which is the share of the others.
   */
  readonly boundaryFraction: number;
  /** Episodes at a bound before it is judged by their mean performance (m). */
  readonly episodes: number;
  /** Performance, a normalised success in [0, 1]: at or below `lower` the bound moves in, at or above `upper` out. */
  readonly lower: number;
  readonly upper: number;
}

export const ADR_DEFAULTS = { boundaryFraction: 0.5, episodes: 256, lower: 0.5, upper: 0.8 } as const;

/** Bounds and buffers are numbered 2 i for the lower bound of parameter i and 2 i + 1 for its upper one. */
export interface AdrState {
  readonly bounds: readonly number[];
  /** Performances at each bound since it last was judged. */
  readonly buffers: readonly (readonly number[])[];
}

/** What an episode at a bound came to. */
export interface AdrOutcome {
  readonly bound: number;
  /** The bound's value when the episode began. */
  readonly value: number;
  readonly performance: number;
}

/** @throws InputError for settings that cannot be met */
export function initialAdr(settings: AdrSettings): AdrState {
  const { lower, upper, episodes, boundaryFraction } = settings;
  for (const { name, initial, limits, delta } of settings.parameters) {
    if (!(limits[0] <= initial[0] && initial[0] <= initial[1] && initial[1] <= limits[1] && delta > 0)) {
      throw new InputError(
        `ADR of ${name} needs limits around the initial range and a delta above 0, found initial [${initial.join(', ')}], limits [${limits.join(', ')}], delta ${delta}`,
        { repair: 'limits[0] <= initial[0] <= initial[1] <= limits[1]' },
      );
    }
  }
  if (!(lower < upper && episodes >= 1 && boundaryFraction >= 0 && boundaryFraction <= 1)) {
    throw new InputError(
      `ADR needs lower < upper, episodes >= 1 and a boundaryFraction in [0, 1], found ${lower}, ${upper}, ${episodes}, ${boundaryFraction}`,
      { repair: `the defaults: ${JSON.stringify(ADR_DEFAULTS)}` },
    );
  }
  const bounds = settings.parameters.flatMap((parameter) => [...parameter.initial]);
  return { bounds, buffers: bounds.map(() => []) };
}

/** @throws InputError for settings that cannot be met, or that a task with this randomisation cannot follow */
export function checkAdr(settings: AdrSettings, table: RandomizationTable): void {
  initialAdr(settings);
  const limits: Record<string, Range> = {};
  for (const { name, limits: widest } of settings.parameters) {
    const known = Object.hasOwn(table, name) && name !== 'pseudoInertia';
    const mode = known ? (table[name as DynamicsParameter]?.mode ?? 'reset') : 'none';
    if (mode !== 'reset') {
      throw new InputError(`ADR of ${name} needs it drawn at every reset, found mode ${mode}`, {
        repair: `give the task's randomisation a term ${name} of mode reset`,
      });
    }
    limits[name] = widest;
  }
  checkRandomization(withRanges(table, limits));
}

/** The bound that an episode tests, or null for one that draws from the ranges. @param key of the episode and purpose */
export function boundOf(settings: AdrSettings, key: Key): number | null {
  const random = new RandomStream(key);
  if (settings.parameters.length === 0 || random.uniform() >= settings.boundaryFraction) return null;
  return random.below(2 * settings.parameters.length);
}

/** The range of each parameter in an episode; one point for the parameter whose bound it tests. @param state its bounds */
export function adrRanges(
  settings: AdrSettings,
  state: { readonly bounds: ArrayLike<number> },
  bound: number | null,
): Record<string, Range> {
  const ranges: Record<string, Range> = {};
  for (const [i, { name }] of settings.parameters.entries()) {
    const [low, high] = [state.bounds[2 * i]!, state.bounds[2 * i + 1]!];
    ranges[name] = bound === 2 * i ? [low, low] : bound === 2 * i + 1 ? [high, high] : [low, high];
  }
  return ranges;
}

/** A task's randomisation with the ranges of ADR in the place of its own; names that it does not have are left out. */
export function withRanges(table: RandomizationTable, ranges: Readonly<Record<string, Range>>): RandomizationTable {
  const { pseudoInertia, ...terms } = table;
  const merged: RandomizationTable = pseudoInertia === undefined ? {} : { pseudoInertia };
  for (const [key, term] of Object.entries(terms)) {
    const name = key as DynamicsParameter;
    const range = ranges[name];
    if (range !== undefined && term.distribution === 'gaussian') {
      throw new InputError(`ADR moves the bounds of ${name}, but a gaussian has none`, {
        repair: `randomise ${name} uniformly`,
      });
    }
    merged[name] = range === undefined ? term : { ...term, range };
  }
  return merged;
}

/**
 * The state after these episodes. Give them in an order that does not depend on the workers: by environment, then episode.
 * An episode that began when its bound stood elsewhere says nothing of where it is now and is left out.
 */
export function updateAdr(settings: AdrSettings, state: AdrState, outcomes: readonly AdrOutcome[]): AdrState {
  const bounds = [...state.bounds];
  const buffers = state.buffers.map((buffer) => [...buffer]);
  for (const { bound, value, performance } of outcomes) {
    const buffer = buffers[bound]!;
    if (value !== bounds[bound]) continue;
    buffer.push(performance);
    if (buffer.length < settings.episodes) continue;
    const mean = buffer.reduce((sum, p) => sum + p, 0) / buffer.length;
    buffer.length = 0;
    const { initial, limits, delta } = settings.parameters[bound >> 1]!;
    // Out is down for a lower bound and up for an upper one.
    const step = mean >= settings.upper ? delta : mean <= settings.lower ? -delta : 0;
    bounds[bound] =
      (bound & 1) === 0
        ? Math.min(initial[0], Math.max(limits[0], value - step))
        : Math.max(initial[1], Math.min(limits[1], value + step));
  }
  return { bounds, buffers };
}

/** Entropy of the distribution, 1/d sum_i log(H_i - L_i), nats per parameter; -Infinity while any range is a point. */
export function adrEntropy(state: AdrState): number {
  let sum = 0;
  for (let i = 0; i < state.bounds.length; i += 2) {
    const width = state.bounds[i + 1]! - state.bounds[i]!;
    sum += width > 0 ? log(width) : -Infinity;
  }
  return (2 * sum) / state.bounds.length;
}
