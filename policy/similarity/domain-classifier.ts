/**
 * Proxy A-distance (Ben-David et al. 2010): can a classifier tell the two domains apart in episodes that it has not seen?
 * Logistic regression, both domains weighed alike, whole episodes held out: with steps of one episode on both sides it would
 * recognise the episode, not the domain.
 */

import { solvePositive } from '../../core/linear-algebra.ts';
import { exp } from '../../core/math.ts';
import { foldIn, type Key } from '../../core/rng.ts';
import { episodeFolds, type GroupedRows, otherEpisodes, pickEpisodes } from './grouped-rows.ts';

export interface DomainSeparation {
  /** 2 (1 - 2 error): 0 for domains that cannot be told apart, 2 for those that always can. */
  readonly proxyA: number;
  /** Chance that a row of the target looks more like the target than one of the source; .5 for equal domains. */
  readonly auc: number;
  /** Balanced, on episodes held out. */
  readonly error: number;
}

const FOLDS = 5;
/** Ridge on the weights of standardised columns, per row: a separable set would otherwise have no finite answer. */
const RIDGE = 1e-3;
const NEWTON_STEPS = 25;

/** @throws RangeError with fewer than two episodes on a side: there is none to hold out */
export function proxyADistance(source: GroupedRows, target: GroupedRows, key: Key): DomainSeparation {
  const folds = Math.min(FOLDS, source.episodes, target.episodes);
  if (folds < 2) {
    throw new RangeError(`expected 2 episodes of each domain, found ${source.episodes} and ${target.episodes}`);
  }
  const heldOfSource = episodeFolds(source.episodes, folds, foldIn(key, 0));
  const heldOfTarget = episodeFolds(target.episodes, folds, foldIn(key, 1));
  // A fold has both domains and is ranked by its own classifier: scores of different classifiers cannot be compared.
  let [auc, error] = [0, 0];
  for (let fold = 0; fold < folds; fold++) {
    const [heldS, heldT] = [heldOfSource[fold]!, heldOfTarget[fold]!];
    const weights = logisticRegression(
      pickEpisodes(source, otherEpisodes(source.episodes, heldS)),
      pickEpisodes(target, otherEpisodes(target.episodes, heldT)),
    );
    const ofSource = logits(pickEpisodes(source, heldS), weights);
    const ofTarget = logits(pickEpisodes(target, heldT), weights);
    auc += areaUnderCurve(ofSource, ofTarget) / folds;
    const wrong = (scores: Float64Array, isWrong: (logit: number) => boolean) =>
      scores.reduce((sum, score) => sum + (score === 0 ? 0.5 : isWrong(score) ? 1 : 0), 0) / scores.length;
    error += (wrong(ofSource, (logit) => logit > 0) + wrong(ofTarget, (logit) => logit < 0)) / 2 / folds;
  }
  return { proxyA: 2 * (1 - 2 * error), auc, error };
}

/** Chance that a number of `high` exceeds one of `low`, ties counted half (Mann & Whitney 1947). */
export function areaUnderCurve(low: ArrayLike<number>, high: ArrayLike<number>): number {
  const [a, b] = [Float64Array.from(low).sort(), Float64Array.from(high).sort()];
  let [below, equal, sum] = [0, 0, 0];
  for (const x of b) {
    while (below < a.length && a[below]! < x) below++;
    equal = Math.max(equal, below);
    while (equal < a.length && a[equal]! <= x) equal++;
    sum += below + (equal - below) / 2;
  }
  return sum / (a.length * b.length);
}

/**
 * Weights of the standardised columns and, last, the bias: Newton's method on the mean of both domains' log losses.
 * @returns [dim + 1]
 */
function logisticRegression(source: GroupedRows, target: GroupedRows): Float64Array {
  const { dim } = source;
  const size = dim + 1;
  const weights = new Float64Array(size);
  const gradient = new Float64Array(size);
  const hessian = new Float64Array(size * size);
  const x = new Float64Array(size).fill(1);
  for (let step = 0; step < NEWTON_STEPS; step++) {
    gradient.fill(0);
    hessian.fill(0);
    for (let k = 0; k < size; k++) {
      hessian[k * size + k] = k < dim ? RIDGE : 1e-9;
      gradient[k] = k < dim ? RIDGE * weights[k]! : 0;
    }
    for (const [label, { rows, episode }] of [source, target].entries()) {
      const share = 0.5 / episode.length;
      for (let i = 0; i < episode.length; i++) {
        for (let k = 0; k < dim; k++) x[k] = rows[i * dim + k]!;
        let logit = 0;
        for (let k = 0; k < size; k++) logit += weights[k]! * x[k]!;
        const p = 1 / (1 + exp(-logit));
        const slope = share * (p - label);
        const curve = share * Math.max(1e-6, p * (1 - p));
        for (let a = 0; a < size; a++) {
          gradient[a] = gradient[a]! + slope * x[a]!;
          for (let b = 0; b <= a; b++) hessian[a * size + b] = hessian[a * size + b]! + curve * x[a]! * x[b]!;
        }
      }
    }
    for (let a = 0; a < size; a++) for (let b = 0; b < a; b++) hessian[b * size + a] = hessian[a * size + b]!;
    const change = solvePositive(hessian, gradient, size);
    if (change === null) break;
    // Far from the minimum a whole step can overshoot where the loss is flat.
    const length = Math.sqrt(change.reduce((sum, d) => sum + d * d, 0));
    const damping = Math.min(1, 5 / Math.max(1e-12, length));
    for (let k = 0; k < size; k++) weights[k] = weights[k]! - damping * change[k]!;
    if (length < 1e-8) break;
  }
  return weights;
}

function logits({ rows, dim, episode }: GroupedRows, weights: Float64Array): Float64Array {
  return Float64Array.from(episode, (_, i) => {
    let logit = weights[dim]!;
    for (let k = 0; k < dim; k++) logit += weights[k]! * rows[i * dim + k]!;
    return logit;
  });
}
