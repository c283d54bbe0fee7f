/** The leaderboards' scores of the criteria: weights and scales as published. Knows no trajectory. */

import { tanh } from '../../core/math.ts';
import type { Criteria } from './criteria.ts';

type Criterion = Exclude<keyof Criteria, 'success'>;

/** What each criterion counts as 1, and its share of the score. */
type Weighting = Readonly<Partial<Record<Criterion, { readonly scale: number; readonly weight: number }>>>;

const DOUBLE: Readonly<Partial<Record<Criterion, number>>> = {
  swingUpTime: 20,
  energy: 60,
  torqueCost: 20,
  torqueSmoothness: 0.1,
  velocityCost: 400,
};

/** Double pendulum, second version: success (1 - mean of tanh(pi c / n)). */
export function doublePendulumScore(criteria: Criteria): number {
  if (!criteria.success) return 0;
  const terms = Object.entries(DOUBLE).map(([name, scale]) => tanh((Math.PI * criteria[name as Criterion]) / scale));
  return 1 - terms.reduce((sum, term) => sum + term, 0) / terms.length;
}

/** The simple pendulum's: the defaults of their scoring function. */
export const PENDULUM_DEFAULT: Weighting = {
  swingUpTime: { scale: 10, weight: 0.2 },
  maxTorque: { scale: 1, weight: 0.1 },
  integratedTorque: { scale: 10, weight: 0.1 },
  torqueSmoothness: { scale: 1, weight: 0.6 },
};

/** The simple pendulum's: what their leaderboard script passes to it. */
export const PENDULUM_SCRIPT: Weighting = {
  swingUpTime: { scale: 10, weight: 0.2 },
  maxTorque: { scale: 2, weight: 0.1 },
  energy: { scale: 100, weight: 0.1 },
  integratedTorque: { scale: 20, weight: 0.1 },
  torqueCost: { scale: 40, weight: 0.1 },
  torqueSmoothness: { scale: 4, weight: 0.2 },
  velocityCost: { scale: 100, weight: 0.2 },
};

/** Simple pendulum: success (1 - sum of w c / n); may be negative. */
export function simplePendulumScore(criteria: Criteria, weighting: Weighting): number {
  if (!criteria.success) return 0;
  let lost = 0;
  for (const [name, { scale, weight }] of Object.entries(weighting)) {
    lost += (weight * criteria[name as Criterion]) / scale;
  }
  return 1 - lost;
}
