/** Intervals of the lidar study: four buildings are four observations, whatever the number of pairs; seeds add their own spread. */

import type { Errors } from './lidar-study.ts';

/** Student's t, 97.5%, by degrees of freedom. */
const T975 = [Infinity, 12.706, 4.303, 3.182, 2.776, 2.571] as const;

type Measure = keyof Errors;

/** Mean over seeds, by building. @param cells by building, then seed */
export function overBuildings(cells: readonly (readonly Errors[])[], measure: Measure): number[] {
  return cells.map((seeds) => meanOf(seeds.map((errors) => errors[measure])));
}

/** Mean and half of its 95% interval. */
export function interval(values: readonly number[]): { readonly mean: number; readonly half: number } {
  return { mean: meanOf(values), half: t975(values.length - 1) * Math.sqrt(varianceOf(values) / values.length) };
}

export interface EndPoint {
  readonly diff: number;
  readonly ci95: readonly [number, number];
  /** Mean over buildings, by seed. */
  readonly seeds: readonly number[];
}

/**
 * Paired difference of two arms. Buildings and seeds are crossed, so the mean's variance is at most
 *   s_buildings^2 / B + s_seeds^2 / S,
 * each of the means over the other; t with B - 1 degrees of freedom.
 * @param arm,other by building, then seed
 */
export function endPoint(
  arm: readonly (readonly Errors[])[],
  other: readonly (readonly Errors[])[],
  measure: Measure,
): EndPoint {
  const differences = arm.map((seeds, b) => seeds.map((errors, s) => errors[measure] - other[b]![s]![measure]));
  const buildings = differences.map(meanOf);
  const seeds = differences[0]!.map((_, s) => meanOf(differences.map((one) => one[s]!)));
  const variance = varianceOf(buildings) / buildings.length + (seeds.length > 1 ? varianceOf(seeds) / seeds.length : 0);
  const diff = meanOf(buildings);
  const half = t975(buildings.length - 1) * Math.sqrt(variance);
  return { diff, ci95: [diff - half, diff + half], seeds };
}

function t975(freedom: number): number {
  return T975[freedom] ?? 1.96;
}

function meanOf(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0) / values.length;
}

/** Of a sample: over n - 1. */
function varianceOf(values: readonly number[]): number {
  const mean = meanOf(values);
  return values.length < 2 ? 0 : values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1);
}
