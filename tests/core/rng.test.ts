/** The generator against the published vectors of Random123, and its streams against what chance would give. */

import { describe, expect, it } from 'vitest';
import { foldIn, type Key, keyOf, RandomStream, split, threefry2x32 } from '../../core/rng.ts';

describe('threefry2x32', () => {
  // Random123, tests/kat_vectors, lines "threefry2x32 20".
  it.each<[string, Key, Key, Key]>([
    ['zeros', [0, 0], [0, 0], [0x6b200159, 0x99ba4efe]],
    ['ones', [0xffffffff, 0xffffffff], [0xffffffff, 0xffffffff], [0x1cb996fc, 0xbb002be7]],
    ['digits of pi', [0x13198a2e, 0x03707344], [0x243f6a88, 0x85a308d3], [0xc4923a9c, 0x483df7a0]],
  ])('gives the known answer for %s', (_, key, counter, answer) => {
    expect(threefry2x32(key, counter)).toEqual(answer);
  });
});

describe('keys', () => {
  it('hold every bit of a seed', () => {
    expect(keyOf(0)).toEqual([0, 0]);
    expect(keyOf(2 ** 32 + 5)).toEqual([1, 5]);
    expect(keyOf(Number.MAX_SAFE_INTEGER)).toEqual([0x1fffff, 0xffffffff]);
  });

  it('derived from one key all differ, whatever the order they are made in', () => {
    const key = keyOf(3);
    const forward = Array.from({ length: 2000 }, (_, i) => foldIn(key, i).join());
    const backward = Array.from({ length: 2000 }, (_, i) => foldIn(key, 1999 - i).join()).reverse();
    expect(backward).toEqual(forward);
    const all = new Set([...forward, ...split(key, 2000).map((k) => k.join()), key.join()]);
    expect(all.size).toBe(4001);
  });

  it('resetFolded is foldIn without a key', () => {
    const key = keyOf(9);
    const folded = new RandomStream(foldIn(key, 12));
    const reset = new RandomStream(key);
    reset.uniform();
    reset.normal();
    reset.resetFolded(key, 12);
    for (let i = 0; i < 10; i++) expect(reset.normal()).toBe(folded.normal());
  });
});

describe('streams', () => {
  const N = 200_000;

  it('repeat from their key and forget the spare normal', () => {
    const stream = new RandomStream(keyOf(1));
    const first = [stream.normal(), stream.uniform(), stream.normal()];
    stream.reset(keyOf(1));
    expect([stream.normal(), stream.uniform(), stream.normal()]).toEqual(first);
  });

  it('uniform: in [0, 1), flat, and successive values unrelated', () => {
    const stream = new RandomStream(keyOf(2));
    const bins = new Float64Array(100);
    let product = 0;
    let previous = stream.uniform() - 0.5;
    for (let i = 0; i < N; i++) {
      const u = stream.uniform();
      if (u < 0 || u >= 1) expect.fail(`outside [0, 1): ${u}`);
      bins[Math.floor(u * 100)]!++;
      product += previous * (u - 0.5);
      previous = u - 0.5;
    }
    // chi2 with 99 degrees of freedom: mean 99, sd 14; five sd.
    const chi2 = bins.reduce((sum, count) => sum + (count - N / 100) ** 2 / (N / 100), 0);
    expect(Math.abs(chi2 - 99)).toBeLessThan(5 * Math.sqrt(2 * 99));
    // Lag-1 correlation of N values has sd 1/sqrt(N); variance of a uniform is 1/12.
    expect(Math.abs((12 * product) / N)).toBeLessThan(5 / Math.sqrt(N));
  });

  it('uniform: all 53 bits move', () => {
    const stream = new RandomStream(keyOf(4));
    const ones = new Float64Array(53);
    for (let i = 0; i < 20_000; i++) {
      let bits = BigInt(stream.uniform() * 2 ** 53);
      for (let b = 0; b < 53; b++, bits >>= 1n) ones[b]! += Number(bits & 1n);
    }
    for (const count of ones) expect(Math.abs(count - 10_000)).toBeLessThan(5 * Math.sqrt(20_000 / 4));
  });

  it('normal: moments and tails of a standard normal', () => {
    const stream = new RandomStream(keyOf(5));
    let [m1, m2, m3, m4, beyond] = [0, 0, 0, 0, 0];
    for (let i = 0; i < N; i++) {
      const z = stream.normal();
      m1 += z / N;
      m2 += z ** 2 / N;
      m3 += z ** 3 / N;
      m4 += z ** 4 / N;
      if (Math.abs(z) > 3) beyond++;
    }
    // Standard deviations of the sample moments: 1, sqrt 2, sqrt 15, sqrt 96, over sqrt N; five of each.
    const tolerance = (variance: number) => 5 * Math.sqrt(variance / N);
    expect(Math.abs(m1)).toBeLessThan(tolerance(1));
    expect(Math.abs(m2 - 1)).toBeLessThan(tolerance(2));
    expect(Math.abs(m3)).toBeLessThan(tolerance(15));
    expect(Math.abs(m4 - 3)).toBeLessThan(tolerance(96));
    // P(|z| > 3) = 0.0026998
    expect(Math.abs(beyond - 540)).toBeLessThan(5 * Math.sqrt(540));
  });

  it('of neighbouring keys are unrelated', () => {
    const [a, b] = [new RandomStream(foldIn(keyOf(6), 0)), new RandomStream(foldIn(keyOf(6), 1))];
    let product = 0;
    for (let i = 0; i < N; i++) product += a.normal() * b.normal();
    expect(Math.abs(product / N)).toBeLessThan(5 / Math.sqrt(N));
  });

  it('below: every integer as often', () => {
    const stream = new RandomStream(keyOf(7));
    const counts = new Float64Array(7);
    for (let i = 0; i < 70_000; i++) counts[stream.below(7)]!++;
    const chi2 = counts.reduce((sum, count) => sum + (count - 10_000) ** 2 / 10_000, 0);
    // chi2 with 6 degrees of freedom exceeds 35 once in 200 000.
    expect(chi2).toBeLessThan(35);
  });

  it('permutation: each value once, each order as often', () => {
    const stream = new RandomStream(keyOf(8));
    const orders = new Map<string, number>();
    const out = new Int32Array(4);
    for (let i = 0; i < 24_000; i++) {
      stream.permutation(out);
      const order = out.join('');
      orders.set(order, (orders.get(order) ?? 0) + 1);
    }
    expect([...orders.keys()].every((order) => [...order].sort().join('') === '0123')).toBe(true);
    expect(orders.size).toBe(24);
    const chi2 = [...orders.values()].reduce((sum, count) => sum + (count - 1000) ** 2 / 1000, 0);
    // 23 degrees of freedom, mean 23, sd 6.8; five sd.
    expect(Math.abs(chi2 - 23)).toBeLessThan(34);
  });
});
