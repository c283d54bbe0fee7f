/**
 * The kernel against the same sums in double precision, at sizes that leave tails in every loop, and against its source.
 * Tolerances: a float32 sum of n terms of size 1 is off by about sqrt(n) 6e-8; 1e-5 relative to the largest entry is ample
 * for n <= 300 and fails on any wrong index.
 */

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { keyOf, RandomStream } from '../../../core/rng.ts';
import { SimdMemory, strideOf } from '../../../policy/simd/simd-memory.ts';
import { ACTIVATION_CODES, SimdMlp } from '../../../policy/simd/simd-mlp.ts';

const memory = new SimdMemory();
const { kernel } = memory;

function random(length: number, seed: number, scale = 1): Float32Array {
  const stream = new RandomStream(keyOf(seed));
  return Float32Array.from({ length }, () => scale * stream.normal());
}

/** In the kernel's memory. */
function place(values: ArrayLike<number>): number {
  const pointer = memory.allocate(values.length);
  memory.floats(pointer, values.length).set(values);
  return pointer;
}

/** [rows, cols] to [rows, stride] in the kernel's memory, its padding full of what must not matter. */
function placeRows(values: Float32Array, cols: number): number {
  const rows = values.length / cols;
  const stride = strideOf(cols);
  const padded = new Float32Array(rows * stride).fill(1e6);
  for (let i = 0; i < rows; i++) padded.set(values.subarray(i * cols, (i + 1) * cols), i * stride);
  return place(padded);
}

function readRows(pointer: number, rows: number, cols: number): Float32Array {
  const stride = strideOf(cols);
  const out = new Float32Array(rows * cols);
  for (let i = 0; i < rows; i++) out.set(memory.floats(pointer + 4 * i * stride, cols), i * cols);
  return out;
}

function expectNear(found: ArrayLike<number>, expected: ArrayLike<number>, tolerance = 1e-5): void {
  expect(found.length).toBe(expected.length);
  const scale = Math.max(1e-30, ...Array.from(expected, Math.abs));
  let worst = 0;
  for (let i = 0; i < expected.length; i++) worst = Math.max(worst, Math.abs(found[i]! - expected[i]!) / scale);
  expect(worst).toBeLessThan(tolerance);
}

/** a [n, k] b [k, m] in double precision, with either operand transposed. */
function product(a: Float32Array, b: Float32Array, n: number, k: number, m: number, flip: 'none' | 'a' | 'b') {
  const out = new Float64Array(n * m);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < m; j++) {
      let sum = 0;
      for (let c = 0; c < k; c++) {
        sum += (flip === 'a' ? a[c * n + i]! : a[i * k + c]!) * (flip === 'b' ? b[j * k + c]! : b[c * m + j]!);
      }
      out[i * m + j] = sum;
    }
  }
  return out;
}

describe('the kernel', () => {
  it('is what its source gives', () => {
    const script = fileURLToPath(new URL('../../../scripts/build-kernel.mjs', import.meta.url));
    const { status, stderr } = spawnSync(process.execPath, [script, '--check'], { encoding: 'utf8' });
    expect(stderr).toMatch(/^kernel: \d+ bytes\n$/);
    expect(status).toBe(0);
  }, 60_000);

  it.each([
    [7, 5, 13],
    [4, 1, 1],
    [1, 48, 12],
    [130, 64, 24],
    [6, 31, 8],
  ])('multiplies forwards and backwards: %i rows, %i inputs, %i outputs', (rows, inputs, outputs) => {
    const [x, w, b] = [random(rows * inputs, 1), random(inputs * outputs, 2), random(outputs, 3)];
    const dy = random(rows * outputs, 4);
    const [px, pw, pb, pdy] = [placeRows(x, inputs), place(w), place(b), placeRows(dy, outputs)];
    const panel = memory.allocate((8 + rows) * (Math.max(inputs, outputs) + 1));
    const [ldx, ldy] = [strideOf(inputs), strideOf(outputs)];

    const y = memory.allocate(rows * ldy);
    kernel.linear(y, ldy, px, ldx, pw, pb, rows, inputs, outputs, panel);
    expectNear(
      readRows(y, rows, outputs),
      product(x, w, rows, inputs, outputs, 'none').map((v, i) => v + b[i % outputs]!),
    );

    const dx = memory.allocate(rows * ldx);
    kernel.linearInputGradient(dx, ldx, pdy, ldy, pw, rows, outputs, inputs, panel);
    expectNear(readRows(dx, rows, inputs), product(dy, w, rows, outputs, inputs, 'b'));

    // Followed by a guard: nothing is written behind the dense gradients.
    const dw = place(new Float32Array(inputs * outputs + 8).fill(7));
    const db = place(new Float32Array(outputs + 8).fill(7));
    kernel.linearWeightGradient(dw, db, px, ldx, pdy, ldy, rows, inputs, outputs, 0);
    const expected = product(x, dy, inputs, rows, outputs, 'a');
    const sums = product(new Float32Array(rows).fill(1), dy, 1, rows, outputs, 'none');
    expectNear(memory.floats(dw, inputs * outputs), expected);
    expectNear(memory.floats(db, outputs), sums);
    expect([...memory.floats(dw + 4 * inputs * outputs, 8), ...memory.floats(db + 4 * outputs, 8)]).toEqual(
      new Array(16).fill(7),
    );
    kernel.linearWeightGradient(dw, db, px, ldx, pdy, ldy, rows, inputs, outputs, 1);
    expectNear(
      memory.floats(dw, inputs * outputs),
      expected.map((v) => 2 * v),
    );
    expectNear(
      memory.floats(db, outputs),
      sums.map((v) => 2 * v),
    );
  });

  it('gives a row the same bits whatever rows are around it', () => {
    const [x, w] = [random(7 * 33, 5), place(random(33 * 20, 6))];
    const panel = memory.allocate((8 + 7) * 34);
    const y = memory.allocate(7 * strideOf(20));
    const all = placeRows(x, 33);
    kernel.linear(y, strideOf(20), all, strideOf(33), w, 0, 7, 33, 20, panel);
    const together = readRows(y, 7, 20);
    for (let i = 0; i < 7; i++) {
      kernel.linear(y, strideOf(20), all + 4 * i * strideOf(33), strideOf(33), w, 0, 1, 33, 20, panel);
      expect(readRows(y, 1, 20)).toEqual(together.slice(i * 20, (i + 1) * 20));
    }
  });

  // Cephes' polynomial has 1e-7; tanh is a quotient of two of them.
  it.each([
    ['tanh', Math.tanh, 5e-7],
    ['elu', (x: number) => (x < 0 ? Math.expm1(x) : x), 5e-7],
    ['relu', (x: number) => Math.max(0, x), 0],
  ] as const)('%s: relative error of every value, large and small', (kind, exact, tolerance) => {
    const magnitudes = Array.from({ length: 400 }, (_, i) => 10 ** (-8 + i / 40));
    const x = Float32Array.from([...magnitudes, ...magnitudes.map((m) => -m), 0, -0, 88, -88, 500, -500, 1e30, -1e30]);
    const y = place(x);
    kernel.activate(ACTIVATION_CODES[kind], y, 8, x.length / 8);
    const found = memory.floats(y, x.length);
    for (let i = 0; i < x.length; i++) {
      const expected = Math.fround(exact(x[i]!));
      expect(Math.abs(found[i]! - expected)).toBeLessThanOrEqual(tolerance * Math.abs(expected));
    }
    const nan = place([NaN, 1, 2, 3, 4, 5, 6, 7]);
    kernel.activate(ACTIVATION_CODES[kind], nan, 8, 1);
    expect(memory.floats(nan, 1)[0]).toBeNaN();
  });

  it('averages, sums and norms, with a tail', () => {
    const [a, b, c] = [random(11, 7), random(11, 8), random(11, 9)];
    const parts = place([...a, ...b, ...c]);
    const out = memory.allocate(11);
    kernel.sumParts(out, parts, 11, 3, 11);
    expect(memory.floats(out, 11)).toEqual(a.map((v, i) => Math.fround(v + b[i]!) + c[i]!));
    expect(kernel.squaredNorm(parts, 11)).toBeCloseTo(
      a.reduce((sum, v) => sum + v * v, 0),
      10,
    );
    const target = place(b);
    kernel.polyak(target, parts, 11, 0.25);
    expectNear(
      memory.floats(target, 11),
      b.map((v, i) => 0.75 * v + 0.25 * a[i]!),
      1e-6,
    );
  });

  it('steps as Adam, in the tail too', () => {
    const n = 7;
    const [p, m, v, g] = [random(n, 10), random(n, 11, 0.1), random(n, 12, 0.1).map(Math.abs), random(n, 13)];
    const [pp, pm, pv, pg] = [place(p), place(m), place(v), place(g)];
    kernel.adam(pp, pm, pv, pg, n, 0.5, 0.01, 0.9, 0.999, 1 - 0.9 ** 3, 1 - 0.999 ** 3, 1e-8);
    const m1 = m.map((x, i) => 0.9 * x + 0.1 * 0.5 * g[i]!);
    const v1 = v.map((x, i) => 0.999 * x + 0.001 * (0.5 * g[i]!) ** 2);
    expectNear(memory.floats(pm, n), m1, 1e-6);
    expectNear(memory.floats(pv, n), v1, 1e-6);
    expectNear(
      memory.floats(pp, n),
      p.map((x, i) => x - (0.01 * (m1[i]! / (1 - 0.9 ** 3))) / (Math.sqrt(v1[i]! / (1 - 0.999 ** 3)) + 1e-8)),
      1e-6,
    );
  });

  it('gathers rows', () => {
    const x = random(5 * 6, 14);
    const order = memory.allocate(3);
    memory.ints(order, 3).set([4, 0, 4]);
    const out = memory.allocate(3 * strideOf(6));
    kernel.gatherRows(out, strideOf(6), place(x), 6, order, 3, 6);
    expect(readRows(out, 3, 6)).toEqual(Float32Array.from([...x.slice(24), ...x.slice(0, 6), ...x.slice(24)]));
  });
});

describe('SimdMlp', () => {
  // Finite differences of the same network in double precision would need a second network; its own loss in float32 with a step
  // of 1e-2 is good to about 1e-3 of the largest gradient, and a wrong term is off by its whole size.
  it.each([
    ['tanh', false],
    ['elu', false],
    ['elu', true],
    ['tanh', true],
  ] as const)('its gradient is the slope of its loss: %s, layer norm %s', (activation, layerNorm) => {
    const rows = 6;
    const mlp = new SimdMlp(memory, [5, 9, 10, 3], activation, { layerNorm, rows: 8 });
    expect(mlp.size).toBe(5 * 9 + 9 + 9 * 10 + 10 + 10 * 3 + 3 + (layerNorm ? 2 * (9 + 10) : 0));
    const parameters = place(random(mlp.size, 15, 0.5));
    const direction = random(rows * 3, 16);
    const inputs = random(rows * 5, 17);
    for (let i = 0; i < rows; i++) {
      memory.floats(mlp.input + 4 * i * mlp.inputStride, 5).set(inputs.subarray(i * 5, (i + 1) * 5));
    }
    const loss = () => {
      mlp.forward(parameters, rows);
      return readRows(mlp.output, rows, 3).reduce((sum, y, i) => sum + y * direction[i]!, 0);
    };
    loss();
    const dy = placeRows(direction, 3);
    const gradient = place(new Float32Array(mlp.size).fill(3));
    const dx = memory.allocate(8 * mlp.inputStride);
    mlp.backward(parameters, gradient, rows, false, dy, dx);
    const found = Float32Array.from(memory.floats(gradient, mlp.size));
    const weights = memory.floats(parameters, mlp.size);
    const slope = (view: Float32Array, i: number) => {
      const [at, step] = [view[i]!, 1e-2];
      view[i] = at + step;
      const up = loss();
      view[i] = at - step;
      const down = loss();
      view[i] = at;
      return (up - down) / (2 * step);
    };
    expectNear(
      found,
      Array.from(found, (_, i) => slope(weights, i)),
      3e-3,
    );
    const input = memory.floats(mlp.input, rows * mlp.inputStride);
    expectNear(
      readRows(dx, rows, 5),
      Array.from({ length: rows * 5 }, (_, i) => slope(input, Math.floor(i / 5) * mlp.inputStride + (i % 5))),
      3e-3,
    );
    loss();
    mlp.backward(parameters, gradient, rows, true, placeRows(direction, 3));
    expectNear(
      memory.floats(gradient, mlp.size),
      found.map((g) => 2 * g),
      1e-6,
    );
  });
});
