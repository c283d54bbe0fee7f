/** Made-up episodes of two domains, for the tests of distances between them. */

import { foldIn, keyOf, RandomStream } from '../../../core/rng.ts';
import type { TransitionRows } from '../../../policy/similarity/dynamics-gap.ts';
import { type GroupedRows, groupRows } from '../../../policy/similarity/grouped-rows.ts';

/** Independent normal rows. */
export function normalRows(
  episodes: number,
  steps: number,
  mean: readonly number[],
  sd: readonly number[],
  seed: number,
): GroupedRows {
  const random = new RandomStream(keyOf(seed));
  return groupRows(
    Array.from({ length: episodes }, () =>
      Array.from({ length: steps }, () => mean.map((m, k) => m + sd[k]! * random.normal())),
    ),
  );
}

/** Rows of an AR(1) process with unit variance, each episode begun from its stationary state: x' = rho x + sqrt(1 - rho^2) n. */
export function correlatedRows(episodes: number, steps: number, dim: number, rho: number, seed: number): GroupedRows {
  const random = new RandomStream(keyOf(seed));
  const draw = () => Array.from({ length: dim }, () => random.normal());
  return groupRows(
    Array.from({ length: episodes }, () => {
      const rows = [draw()];
      while (rows.length < steps) {
        rows.push(draw().map((x, k) => rho * rows.at(-1)![k]! + Math.sqrt(1 - rho * rho) * x));
      }
      return rows;
    }),
  );
}

/** s' = s + a + N(drift, sigma^2), s and a independent normals about `centre`. */
export function drifting(
  { drift = 0, sigma = 0.5, centre = 0 }: { drift?: number; sigma?: number; centre?: number },
  episodes: number,
  steps: number,
  seed: number,
): TransitionRows {
  const rows: number[][][] = [];
  for (let e = 0; e < episodes; e++) {
    const random = new RandomStream(foldIn(keyOf(seed), e));
    rows.push(
      Array.from({ length: steps }, () => {
        const [s, a] = [centre + random.normal(), centre + random.normal()];
        return [s, a, s + a + drift + sigma * random.normal()];
      }),
    );
  }
  return { ...groupRows(rows), obsDim: 1, actionDim: 1 };
}
