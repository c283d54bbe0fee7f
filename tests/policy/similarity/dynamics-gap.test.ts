/** DARC's correction where the truth is known: drifts, equal domains, shifted visits, and what a naive classifier says. */

import { describe, expect, it } from 'vitest';
import { keyOf } from '../../../core/rng.ts';
import {
  DynamicsGap,
  dynamicsGap,
  dynamicsGapSettings,
  type TransitionRows,
} from '../../../policy/similarity/dynamics-gap.ts';
import { scaleOf, standardised } from '../../../policy/similarity/grouped-rows.ts';
import { LogRatioNetwork } from '../../../policy/similarity/log-ratio-network.ts';
import { drifting } from './domains.ts';

const seed = Number(process.env.LANDFALL_TEST_SEED ?? 1);
const EPISODES = 20;
const STEPS = 250;

/** log N(s' - s - a; drift_T, sigma) - log N(s' - s - a; 0, sigma) */
function truth({ rows, episode }: TransitionRows, drift: number, sigma: number): Float64Array {
  return Float64Array.from(episode, (_, i) => {
    const e = rows[3 * i + 2]! - rows[3 * i]! - rows[3 * i + 1]!;
    return (e * e - (e - drift) ** 2) / (2 * sigma * sigma);
  });
}

function correlation(a: Float64Array, b: Float64Array): number {
  const mean = (x: Float64Array) => x.reduce((sum, v) => sum + v, 0) / x.length;
  const [ma, mb] = [mean(a), mean(b)];
  let [ab, aa, bb] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    ab += (a[i]! - ma) * (b[i]! - mb);
    aa += (a[i]! - ma) ** 2;
    bb += (b[i]! - mb) ** 2;
  }
  return ab / Math.sqrt(aa * bb);
}

describe('the dynamics gap', () => {
  it(`(i) finds a drift of half a nat: correlation >= .95, mean within 10%, seed ${seed}`, () => {
    // E_T[Dr] = drift^2 / (2 sigma^2) = .5 nats.
    const source = drifting({}, EPISODES, STEPS, seed);
    const target = drifting({ drift: 0.5 }, EPISODES, STEPS, seed + 1);
    const fresh = drifting({ drift: 0.5 }, EPISODES, STEPS, seed + 2);
    const found = new DynamicsGap(source, target, keyOf(seed)).corrections(fresh);
    expect(correlation(found, truth(fresh, 0.5, 0.5))).toBeGreaterThanOrEqual(0.95);
    const { mean, perEpisode } = dynamicsGap(source, target, keyOf(seed));
    expect(Math.abs(mean / 0.5 - 1)).toBeLessThan(0.1);
    expect(perEpisode.every((value) => value > 0.2 && value < 0.8)).toBe(true);
  });

  it('(ii) says less than .02 nats of equal domains', () => {
    const gap = dynamicsGap(drifting({}, EPISODES, STEPS, seed), drifting({}, EPISODES, STEPS, seed + 1), keyOf(seed));
    expect(Math.abs(gap.mean)).toBeLessThan(0.02);
  });

  it('(iii) says less than .05 of the same physics visited elsewhere; without the classifier of (s, a) it would not', () => {
    const source = drifting({}, EPISODES, STEPS, seed);
    const target = drifting({ centre: 1 }, EPISODES, STEPS, seed + 1);
    expect(Math.abs(dynamicsGap(source, target, keyOf(seed)).mean)).toBeLessThan(0.05);
    // The mutant: log p(T|s,a,s') - log p(S|s,a,s') alone, which is the divergence of where they have been as well:
    // two shifts by one standard deviation, 1 nat.
    const scale = scaleOf(source, target);
    const side = (data: TransitionRows) => ({
      rows: standardised(data, scale).rows,
      offset: new Float64Array(data.episode.length),
    });
    const naive = new LogRatioNetwork(3, dynamicsGapSettings.hidden, keyOf(seed));
    const [low, high] = [side(source), side(target)];
    naive.fit(low, high, low, high, dynamicsGapSettings, keyOf(seed));
    const mean = high.offset.reduce((sum, _, i) => sum + naive.logRatio(high.rows, i) / high.offset.length, 0);
    expect(mean).toBeGreaterThan(0.5);
  });

  it('does not change with units, and sees through columns that repeat others', () => {
    const [source, target] = [drifting({}, EPISODES, STEPS, seed), drifting({ drift: 0.5 }, EPISODES, STEPS, seed + 1)];
    /** s in other units, and the last action as a second, exact observation. */
    const widened = (data: TransitionRows): TransitionRows => {
      const n = data.episode.length;
      const rows = Float64Array.from({ length: n * 5 }, (_, at) => {
        const [i, k] = [Math.floor(at / 5), at % 5];
        const [s, a, next] = data.rows.subarray(3 * i, 3 * i + 3) as unknown as [number, number, number];
        return [1000 * s + 7, 0, a, 1000 * next + 7, a][k]!;
      });
      return { ...data, rows, dim: 5, obsDim: 2 };
    };
    const { mean } = dynamicsGap(widened(source), widened(target), keyOf(seed));
    expect(Math.abs(mean / 0.5 - 1)).toBeLessThan(0.15);
  });

  it('is finite, and large, where the target does what a source without noise cannot', () => {
    const exact = drifting({ sigma: 0 }, EPISODES, 100, seed);
    const { mean } = dynamicsGap(exact, drifting({ sigma: 0, drift: 0.1 }, EPISODES, 100, seed + 1), keyOf(seed));
    expect(mean).toBeGreaterThan(2);
    expect(Number.isFinite(mean)).toBe(true);
    expect(
      Math.abs(dynamicsGap(exact, drifting({ sigma: 0 }, EPISODES, 100, seed + 2), keyOf(seed)).mean),
    ).toBeLessThan(0.02);
  });

  it('refuses too few episodes to hold any out', () => {
    expect(() => dynamicsGap(drifting({}, 4, 9, 1), drifting({}, 3, 9, 2), keyOf(1))).toThrow('4 episodes');
  });
});
