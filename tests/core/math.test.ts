/**
 * The elementary functions against `Math`, whose error is below 1 ulp in V8, and their exact bits against a pinned hash:
 * another machine or engine that gives other bits fails here first.
 */

import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { atan2, clamp, cos, eluEach, exp, log, sin, tanh, wrapAngle } from '../../core/math.ts';
import { keyOf, RandomStream } from '../../core/rng.ts';

const seed = Number(process.env.LANDFALL_TEST_SEED ?? 1);
const view = new DataView(new ArrayBuffer(8));

/** Doubles in order, counted from zero. */
function ordinal(x: number): bigint {
  view.setFloat64(0, x);
  const bits = view.getBigInt64(0);
  return bits < 0n ? -(bits & 0x7fff_ffff_ffff_ffffn) : bits;
}

function ulps(a: number, b: number): number {
  if (a === b || (Number.isNaN(a) && Number.isNaN(b))) return 0;
  const distance = ordinal(a) - ordinal(b);
  return Math.abs(Number(distance));
}

type Draw = (random: RandomStream) => number;
const within =
  (limit: number): Draw =>
  (random) =>
    random.between(-limit, limit);

/** How far from `Math` each may be: the bound of core/math.ts and 1 ulp of `Math` itself. */
const cases: [string, (x: number) => number, (x: number) => number, number, Draw[]][] = [
  ['sin', sin, Math.sin, 3, [within(1), within(100), within(1e5), (r) => (r.below(60_000) * Math.PI) / 2]],
  ['cos', cos, Math.cos, 3, [within(1), within(100), within(1e5), (r) => (r.below(60_000) * Math.PI) / 2]],
  ['exp', exp, Math.exp, 3, [within(1), within(700), (r) => r.between(-745, -708)]],
  ['log', log, Math.log, 3, [(r) => r.between(0.5, 2), (r) => 2 ** r.between(-1074, 1023)]],
  ['tanh', tanh, Math.tanh, 13, [within(0.1), within(2), within(25), (r) => 2 ** r.between(-300, -3)]],
];

describe.each(cases)('%s', (name, f, reference, tolerance, draws) => {
  it(`is within ${tolerance} ulp of Math.${name} (LANDFALL_TEST_SEED=${seed})`, () => {
    const random = new RandomStream(keyOf(seed));
    let worst = 0;
    let at = 0;
    for (const draw of draws) {
      for (let i = 0; i < 20_000; i++) {
        const x = draw(random);
        const error = ulps(f(x), reference(x));
        if (error > worst) [worst, at] = [error, x];
      }
    }
    expect(worst, `at ${at}`).toBeLessThanOrEqual(tolerance);
  });
});

it(`atan2 is within 3 ulp of Math.atan2 on the whole circle (LANDFALL_TEST_SEED=${seed})`, () => {
  const random = new RandomStream(keyOf(seed));
  let worst = 0;
  for (let i = 0; i < 50_000; i++) {
    const [y, x] = [random.normal() * 10 ** random.between(-3, 3), random.normal()];
    worst = Math.max(worst, ulps(atan2(y, x), Math.atan2(y, x)));
  }
  expect(worst).toBeLessThanOrEqual(3);
});

it('special values', () => {
  expect([exp(0), exp(-Infinity), exp(Infinity), exp(1000), exp(NaN)]).toEqual([1, 0, Infinity, Infinity, NaN]);
  expect([log(1), log(0), log(Infinity), log(-1), log(NaN)]).toEqual([0, -Infinity, Infinity, NaN, NaN]);
  expect([tanh(0), tanh(100), tanh(-100), tanh(NaN)]).toEqual([0, 1, -1, NaN]);
  expect([sin(0), cos(0), sin(NaN), cos(Infinity)]).toEqual([0, 1, NaN, NaN]);
  const half = Math.PI / 2;
  expect([atan2(0, 0), atan2(1, 0), atan2(-1, 0), atan2(0, -1)]).toEqual([0, half, -half, Math.PI]);
  expect([clamp(2, -1, 1), clamp(-2, -1, 1), clamp(0.5, -1, 1), clamp(NaN, -1, 1)]).toEqual([1, -1, 0.5, NaN]);
});

it('wrapAngle gives the same angle in [-pi, pi)', () => {
  const random = new RandomStream(keyOf(seed));
  for (let i = 0; i < 10_000; i++) {
    const angle = random.between(-1000, 1000);
    const wrapped = wrapAngle(angle);
    expect(wrapped >= -Math.PI && wrapped < Math.PI + 1e-12).toBe(true);
    // 1000 rad has an ulp of 1.1e-13; the turns subtracted have that error.
    expect(Math.abs(Math.sin(wrapped) - Math.sin(angle))).toBeLessThan(1e-12);
  }
  expect(wrapAngle(Math.PI)).toBe(-Math.PI);
});

it('gives the same bits everywhere', () => {
  const random = new RandomStream(keyOf(20));
  const values = new Float64Array(6 * 10_000);
  for (let i = 0; i < values.length; i += 6) {
    const x = random.between(-30, 30);
    values.set([sin(x), cos(x), exp(x), log(Math.abs(x)), tanh(x), atan2(x, random.between(-30, 30))], i);
  }
  // Little-endian on every machine we run on; a change here changes every trained policy and every rollout hash.
  const hash = createHash('sha256').update(new Uint8Array(values.buffer)).digest('hex');
  expect(hash).toBe('699b9f14d20955b81f078d136f7740eed9a21bed576babd86a5cf7bd61978ff3');
});

describe('eluEach', () => {
  it('has the bits of exp(x) - 1 in float32 below zero, and leaves the rest', () => {
    const random = new RandomStream(keyOf(seed));
    const drawn = Float32Array.from(
      { length: 20_000 },
      (_, i) => (i % 2 === 0 ? -100 : -3) * random.uniform() ** 3 + 0.1,
    );
    const x = Float32Array.of(0, -0, 1, NaN, Infinity, -Infinity, -1e-30, -39.99, -40.01, -1000, ...drawn);
    const expected = x.map((value) => (value < 0 ? exp(value) - 1 : value));
    eluEach(x);
    expect(new Uint32Array(x.buffer)).toEqual(new Uint32Array(expected.buffer));
  });
});
