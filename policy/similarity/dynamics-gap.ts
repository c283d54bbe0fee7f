/**
 * How much less likely a transition is in one domain than in the other, whoever acted there: DARC's correction (Eysenbach et
 * al. 2021, 2006.13916) from two classifiers, one of (s, a) and one of (s, a, s'). Its mean over target transitions estimates
 * the divergence of the dynamics, E_T KL(p_T(s'|s,a) || p_S(s'|s,a)), in nats a step. Another policy or start does not move
 * it, as long as both domains were visited; another physics does.
 *
 * Two changes of coordinates leave the quantity as it is and make it learnable. Instead of s' the classifier sees what s'
 * departs from a linear prediction of the source, in units of that departure: at 50 Hz s' is s to a few percent, and the
 * noise on the inputs would drown the dynamics. And the second network learns only what (s, a, s') adds to the first one's
 * answer, so that without evidence the correction is exactly 0.
 */

import { identity, solvePositive } from '../../core/linear-algebra.ts';
import { clamp } from '../../core/math.ts';
import { foldIn, type Key } from '../../core/rng.ts';
import {
  episodeFolds,
  type GroupedRows,
  otherEpisodes,
  pickEpisodes,
  type Scale,
  scaleOf,
  standardised,
} from './grouped-rows.ts';
import { LogRatioNetwork, type LogRatioSettings, type Side } from './log-ratio-network.ts';

/** Rows s, a, s'. */
export interface TransitionRows extends GroupedRows {
  readonly obsDim: number;
  readonly actionDim: number;
}

export const dynamicsGapSettings: LogRatioSettings = {
  hidden: 32,
  steps: 600,
  batch: 128,
  learningRate: 2e-2,
  noise: 0.1,
  decay: 1e-3,
};

/** Nats beyond which a correction says no more than "impossible there". */
export const LARGEST_CORRECTION = 10;

/** Share of the episodes, at least one of each domain, that choose when to stop. */
const HELD = 0.2;
/** In deviations of s': a departure this small is rounding, not noise. */
const EXACT = 1e-5;
/** Standardised inputs beyond this look alike: a source that hardly departs makes any target's departure huge. */
const CLIP = 10;

export class DynamicsGap {
  readonly #shape: { readonly obsDim: number; readonly actionDim: number };
  /** Of (s, a), and of the departure of s'. */
  readonly #known: Scale;
  readonly #novel: Scale;
  /** s' = row of [1, (s, a) standardised] times this, [1 + known, obsDim]. */
  readonly #prediction: Float64Array;
  readonly #ofStateAction: LogRatioNetwork;
  readonly #ofNext: LogRatioNetwork;

  /** @throws RangeError with fewer than two episodes on a side: some are held out */
  constructor(source: TransitionRows, target: TransitionRows, key: Key, settings = dynamicsGapSettings) {
    const { obsDim, actionDim } = source;
    if (source.episodes < 2 || target.episodes < 2) {
      throw new RangeError(`expected 2 episodes of each domain, found ${source.episodes} and ${target.episodes}`);
    }
    this.#shape = { obsDim, actionDim };
    const stateAction = (data: TransitionRows) => columnsOf(data, 0, obsDim + actionDim);
    const next = (data: TransitionRows) => columnsOf(data, obsDim + actionDim, 2 * obsDim + actionDim);
    this.#known = scaleOf(stateAction(source), stateAction(target));
    this.#prediction = linearPrediction(standardised(stateAction(source), this.#known), next(source));
    const spread = scaleOf(next(source), next(source));
    const least = new Float64Array(obsDim).fill(1e-9);
    for (const [i, k] of spread.columns.entries()) least[k] = EXACT * spread.sd[i]!;
    this.#novel = scaleOf(this.#departures(source), this.#departures(target), least);
    const [learnS, heldS] = heldApart(source, foldIn(key, 0));
    const [learnT, heldT] = heldApart(target, foldIn(key, 1));
    const sets = [learnS, learnT, heldS, heldT] as const;

    const short = sets.map((data) => this.#sideOf(data, false));
    this.#ofStateAction = new LogRatioNetwork(this.#known.columns.length, settings.hidden, foldIn(key, 2));
    this.#ofStateAction.fit(short[0]!, short[1]!, short[2]!, short[3]!, settings, foldIn(key, 3));

    const long = sets.map((data, i) => {
      const side = this.#sideOf(data, true);
      for (let t = 0; t < side.offset.length; t++) side.offset[t] = this.#ofStateAction.logRatio(short[i]!.rows, t);
      return side;
    });
    const inputs = this.#known.columns.length + this.#novel.columns.length;
    this.#ofNext = new LogRatioNetwork(inputs, settings.hidden, foldIn(key, 4));
    this.#ofNext.fit(long[0]!, long[1]!, long[2]!, long[3]!, settings, foldIn(key, 5));
  }

  /**
   * Dr = log p(T|s,a,s') - log p(T|s,a) - log p(S|s,a,s') + log p(S|s,a) of each row, nats: added to a reward of the source,
   * it makes what the target cannot do not worth doing.
   */
  corrections(data: TransitionRows): Float64Array {
    const { rows, offset } = this.#sideOf(data, true);
    // The second network's logit is the first one's plus its own: their difference is its own.
    return offset.map((_, i) => clamp(this.#ofNext.logRatio(rows, i), -LARGEST_CORRECTION, LARGEST_CORRECTION));
  }

  #sideOf(data: TransitionRows, withNext: boolean): Side {
    const { obsDim, actionDim } = this.#shape;
    const n = data.episode.length;
    const known = standardised(columnsOf(data, 0, obsDim + actionDim), this.#known);
    const offset = new Float64Array(n);
    if (!withNext) return { rows: clipped(known.rows), offset };
    const novel = standardised(this.#departures(data), this.#novel);
    const dim = known.dim + novel.dim;
    const rows = new Float64Array(n * dim);
    for (let i = 0; i < n; i++) {
      rows.set(known.rows.subarray(i * known.dim, (i + 1) * known.dim), i * dim);
      rows.set(novel.rows.subarray(i * novel.dim, (i + 1) * novel.dim), i * dim + known.dim);
    }
    return { rows: clipped(rows), offset };
  }

  /** s' less its linear prediction. */
  #departures(data: TransitionRows): GroupedRows {
    const { obsDim, actionDim } = this.#shape;
    const known = standardised(columnsOf(data, 0, obsDim + actionDim), this.#known);
    const out = columnsOf(data, obsDim + actionDim, 2 * obsDim + actionDim);
    const b = this.#prediction;
    for (let i = 0; i < data.episode.length; i++) {
      for (let k = 0; k < obsDim; k++) {
        let predicted = b[k]!;
        for (let j = 0; j < known.dim; j++) predicted += known.rows[i * known.dim + j]! * b[(j + 1) * obsDim + k]!;
        out.rows[i * obsDim + k] = out.rows[i * obsDim + k]! - predicted;
      }
    }
    return out;
  }
}

export interface GapEstimate {
  /** E_T[Dr], nats a step: 0 for equal dynamics. */
  readonly mean: number;
  /** Mean over each target episode, by classifiers that did not see it. */
  readonly perEpisode: Float64Array;
}

const FOLDS = 2;

/**
 * Every target episode is judged by classifiers learned on others.
 * @throws RangeError with fewer than four episodes on a side: of two that learn, one is held out
 */
export function dynamicsGap(
  source: TransitionRows,
  target: TransitionRows,
  key: Key,
  settings = dynamicsGapSettings,
): GapEstimate {
  if (source.episodes < 4 || target.episodes < 4) {
    throw new RangeError(`expected 4 episodes of each domain, found ${source.episodes} and ${target.episodes}`);
  }
  const ofSource = episodeFolds(source.episodes, FOLDS, foldIn(key, 10));
  const ofTarget = episodeFolds(target.episodes, FOLDS, foldIn(key, 11));
  const perEpisode = new Float64Array(target.episodes);
  let [sum, count] = [0, 0];
  for (let fold = 0; fold < FOLDS; fold++) {
    const gap = new DynamicsGap(
      pickTransitions(source, otherEpisodes(source.episodes, ofSource[fold]!)),
      pickTransitions(target, otherEpisodes(target.episodes, ofTarget[fold]!)),
      foldIn(key, fold),
      settings,
    );
    for (const e of ofTarget[fold]!) {
      const corrections = gap.corrections(pickTransitions(target, [e]));
      const total = corrections.reduce((a, b) => a + b, 0);
      perEpisode[e] = total / Math.max(1, corrections.length);
      sum += total;
      count += corrections.length;
    }
  }
  return { mean: sum / count, perEpisode };
}

export function pickTransitions(data: TransitionRows, episodes: readonly number[]): TransitionRows {
  return { ...data, ...pickEpisodes(data, episodes) };
}

function heldApart(data: TransitionRows, key: Key): [learned: TransitionRows, held: TransitionRows] {
  const parts = Math.max(2, Math.min(data.episodes, Math.round(1 / HELD)));
  const held = episodeFolds(data.episodes, parts, key)[0]!;
  return [pickTransitions(data, otherEpisodes(data.episodes, held)), pickTransitions(data, held)];
}

function clipped(rows: Float64Array): Float64Array {
  return rows.map((x) => clamp(x, -CLIP, CLIP));
}

function columnsOf({ rows, dim, episode, episodes }: GroupedRows, from: number, to: number): GroupedRows {
  const width = to - from;
  const out = new Float64Array(episode.length * width);
  for (let i = 0; i < episode.length; i++) {
    for (let k = 0; k < width; k++) out[i * width + k] = rows[i * dim + from + k]!;
  }
  return { dim: width, rows: out, episode, episodes };
}

/** Ridge regression, hardly any ridge: columns may repeat each other. @returns [1 + x.dim, y.dim] */
function linearPrediction(x: GroupedRows, y: GroupedRows): Float64Array {
  const n = x.episode.length;
  const size = x.dim + 1;
  const normal = identity(size).map((value) => value * 1e-6 * n);
  const right = Array.from({ length: y.dim }, () => new Float64Array(size));
  const row = new Float64Array(size).fill(1);
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < x.dim; k++) row[k + 1] = x.rows[i * x.dim + k]!;
    for (let a = 0; a < size; a++) {
      for (let b = 0; b < size; b++) normal[a * size + b] = normal[a * size + b]! + row[a]! * row[b]!;
      for (let k = 0; k < y.dim; k++) right[k]![a] = right[k]![a]! + row[a]! * y.rows[i * y.dim + k]!;
    }
  }
  const out = new Float64Array(size * y.dim);
  for (let k = 0; k < y.dim; k++) {
    const column = solvePositive(normal, right[k]!, size) ?? new Float64Array(size);
    for (let a = 0; a < size; a++) out[a * y.dim + k] = column[a]!;
  }
  return out;
}
