/**
 * The arithmetic of the fast learner, in AssemblyScript: built into ../kernel-binary.ts by `npm run build:kernel`. Plain functions
 * over pointers into a shared memory; no state, no allocation, and sums in an order that the arguments alone decide, so
 * every thread and every machine computes the same bits. Knows no network: `simd-mlp.ts` strings these together.
 *
 * Parameters and gradients are dense, W [inputs, outputs] row-major. Activations are [rows, stride]: `stride` floats a row, a
 * multiple of 8 that holds the columns, and what lies beyond the columns is padding that may be overwritten.
 */

/** Activations, numbered as in ../simd-mlp.ts; any other number is none. */
const TANH: i32 = 1;
const ELU: i32 = 2;
const RELU: i32 = 3;

/** e^x - 1 with a relative error of a few 1e-7, also near 0 (exponent split, Cephes' polynomial). */
function expm1x4(x: v128): v128 {
  const clamped = f32x4.max(f32x4.min(x, f32x4.splat(88.0)), f32x4.splat(-87.0));
  // x = n ln 2 + r, |r| <= ln 2 / 2
  const n = f32x4.nearest(f32x4.mul(clamped, f32x4.splat(<f32>Math.LOG2E)));
  let r = f32x4.sub(clamped, f32x4.mul(n, f32x4.splat(0.693359375)));
  r = f32x4.add(r, f32x4.mul(n, f32x4.splat(2.1219444e-4)));
  let p = f32x4.splat(1.98756915e-4);
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(1.3981999507e-3));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(8.3334519073e-3));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(4.1665795894e-2));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(1.6666665459e-1));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(5.0000001201e-1));
  const q = f32x4.add(f32x4.mul(f32x4.mul(p, r), r), r);
  // e^x - 1 = 2^n (e^r - 1) + (2^n - 1)
  const scale = i32x4.shl(i32x4.add(i32x4.trunc_sat_f32x4_s(n), i32x4.splat(127)), 23);
  return f32x4.add(f32x4.mul(scale, q), f32x4.sub(scale, f32x4.splat(1)));
}

function exp1(x: f32): f32 {
  return <f32>1 + f32x4.extract_lane(expm1x4(f32x4.splat(x)), 0);
}

/** tanh x = e / (e + 2), e = e^2x - 1 */
function tanhx4(x: v128): v128 {
  const bounded = f32x4.max(f32x4.min(x, f32x4.splat(10)), f32x4.splat(-10));
  const e = expm1x4(f32x4.add(bounded, bounded));
  return f32x4.div(e, f32x4.add(e, f32x4.splat(2)));
}

function sumLanes(v: v128): f32 {
  return f32x4.extract_lane(v, 0) + f32x4.extract_lane(v, 1) + (f32x4.extract_lane(v, 2) + f32x4.extract_lane(v, 3));
}

// ---- matrix products ----

/** Rows of `w` into a panel [1 + inner, 8] of which the first row is the bias; columns from `width` on are 0. */
function pack(panel: usize, w: usize, ldw: i32, b: usize, inner: i32, width: i32): void {
  if (width >= 8) {
    v128.store(panel, b === 0 ? f32x4.splat(0) : v128.load(b));
    v128.store(panel, b === 0 ? f32x4.splat(0) : v128.load(b, 16), 16);
    for (let k = 0; k < inner; k++) {
      panel += 32;
      v128.store(panel, v128.load(w));
      v128.store(panel, v128.load(w, 16), 16);
      w += (<usize>ldw) << 2;
    }
    return;
  }
  memory.fill(panel, 0, (<usize>(inner + 1)) << 5);
  for (let c = 0; c < width; c++) {
    const column = panel + ((<usize>c) << 2);
    if (b !== 0) store<f32>(column, load<f32>(b + ((<usize>c) << 2)));
    for (let k = 0; k < inner; k++) {
      store<f32>(column + ((<usize>(k + 1)) << 5), load<f32>(w + ((<usize>(k * ldw + c)) << 2)));
    }
  }
}

/** The same of W^T: `width` rows of w, each of `inner` numbers, become columns; no bias. */
function packTransposed(panel: usize, w: usize, ldw: i32, inner: i32, width: i32): void {
  memory.fill(panel, 0, width >= 8 ? 32 : (<usize>(inner + 1)) << 5);
  const row = (<usize>ldw) << 2;
  let k = 0;
  let c = 0;
  for (; c + 3 < width; c += 4) {
    let from = w + <usize>c * row;
    let to = panel + 32 + ((<usize>c) << 2);
    for (k = 0; k + 3 < inner; k += 4) {
      const r0 = v128.load(from);
      const r1 = v128.load(from + row);
      const r2 = v128.load(from + 2 * row);
      const r3 = v128.load(from + 3 * row);
      const a = v128.shuffle<i32>(r0, r1, 0, 4, 1, 5);
      const b = v128.shuffle<i32>(r2, r3, 0, 4, 1, 5);
      const d = v128.shuffle<i32>(r0, r1, 2, 6, 3, 7);
      const e = v128.shuffle<i32>(r2, r3, 2, 6, 3, 7);
      v128.store(to, v128.shuffle<i64>(a, b, 0, 2));
      v128.store(to, v128.shuffle<i64>(a, b, 1, 3), 32);
      v128.store(to, v128.shuffle<i64>(d, e, 0, 2), 64);
      v128.store(to, v128.shuffle<i64>(d, e, 1, 3), 96);
      from += 16;
      to += 128;
    }
    for (; k < inner; k++) {
      store<f32>(to, load<f32>(from), 0);
      store<f32>(to, load<f32>(from + row), 4);
      store<f32>(to, load<f32>(from + 2 * row), 8);
      store<f32>(to, load<f32>(from + 3 * row), 12);
      from += 4;
      to += 32;
    }
  }
  for (; c < width; c++) {
    for (k = 0; k < inner; k++) {
      store<f32>(
        panel + ((<usize>(k + 1)) << 5) + ((<usize>c) << 2),
        load<f32>(w + <usize>c * row + ((<usize>k) << 2)),
      );
    }
  }
}

/** Eight columns of y = x panel + bias: four rows at a time, their sums in registers. */
function multiplyPanel(y: usize, ldy: i32, x: usize, ldx: i32, panel: usize, rows: i32, inner: i32): void {
  const rowX = (<usize>ldx) << 2;
  const rowY = (<usize>ldy) << 2;
  const b0 = v128.load(panel);
  const b1 = v128.load(panel, 16);
  const end = panel + 32 + ((<usize>inner) << 5);
  const paired = panel + 32 + ((<usize>(inner & ~1)) << 5);
  let i = 0;
  for (; i + 3 < rows; i += 4) {
    let x0 = x;
    let x1 = x0 + rowX;
    let x2 = x1 + rowX;
    let x3 = x2 + rowX;
    let s00 = b0;
    let s01 = b1;
    let s10 = b0;
    let s11 = b1;
    let s20 = b0;
    let s21 = b1;
    let s30 = b0;
    let s31 = b1;
    let p = panel + 32;
    while (p < paired) {
      let w0 = v128.load(p);
      let w1 = v128.load(p, 16);
      let v = v128.load32_splat(x0);
      s00 = f32x4.add(s00, f32x4.mul(v, w0));
      s01 = f32x4.add(s01, f32x4.mul(v, w1));
      v = v128.load32_splat(x1);
      s10 = f32x4.add(s10, f32x4.mul(v, w0));
      s11 = f32x4.add(s11, f32x4.mul(v, w1));
      v = v128.load32_splat(x2);
      s20 = f32x4.add(s20, f32x4.mul(v, w0));
      s21 = f32x4.add(s21, f32x4.mul(v, w1));
      v = v128.load32_splat(x3);
      s30 = f32x4.add(s30, f32x4.mul(v, w0));
      s31 = f32x4.add(s31, f32x4.mul(v, w1));
      w0 = v128.load(p, 32);
      w1 = v128.load(p, 48);
      v = v128.load32_splat(x0, 4);
      s00 = f32x4.add(s00, f32x4.mul(v, w0));
      s01 = f32x4.add(s01, f32x4.mul(v, w1));
      v = v128.load32_splat(x1, 4);
      s10 = f32x4.add(s10, f32x4.mul(v, w0));
      s11 = f32x4.add(s11, f32x4.mul(v, w1));
      v = v128.load32_splat(x2, 4);
      s20 = f32x4.add(s20, f32x4.mul(v, w0));
      s21 = f32x4.add(s21, f32x4.mul(v, w1));
      v = v128.load32_splat(x3, 4);
      s30 = f32x4.add(s30, f32x4.mul(v, w0));
      s31 = f32x4.add(s31, f32x4.mul(v, w1));
      p += 64;
      x0 += 8;
      x1 += 8;
      x2 += 8;
      x3 += 8;
    }
    if (p < end) {
      const w0 = v128.load(p);
      const w1 = v128.load(p, 16);
      let v = v128.load32_splat(x0);
      s00 = f32x4.add(s00, f32x4.mul(v, w0));
      s01 = f32x4.add(s01, f32x4.mul(v, w1));
      v = v128.load32_splat(x1);
      s10 = f32x4.add(s10, f32x4.mul(v, w0));
      s11 = f32x4.add(s11, f32x4.mul(v, w1));
      v = v128.load32_splat(x2);
      s20 = f32x4.add(s20, f32x4.mul(v, w0));
      s21 = f32x4.add(s21, f32x4.mul(v, w1));
      v = v128.load32_splat(x3);
      s30 = f32x4.add(s30, f32x4.mul(v, w0));
      s31 = f32x4.add(s31, f32x4.mul(v, w1));
    }
    v128.store(y, s00);
    v128.store(y, s01, 16);
    y += rowY;
    v128.store(y, s10);
    v128.store(y, s11, 16);
    y += rowY;
    v128.store(y, s20);
    v128.store(y, s21, 16);
    y += rowY;
    v128.store(y, s30);
    v128.store(y, s31, 16);
    y += rowY;
    x += rowX << 2;
  }
  for (; i < rows; i++) {
    let s0 = b0;
    let s1 = b1;
    let x0 = x;
    for (let p = panel + 32; p < end; p += 32) {
      const v = v128.load32_splat(x0);
      s0 = f32x4.add(s0, f32x4.mul(v, v128.load(p)));
      s1 = f32x4.add(s1, f32x4.mul(v, v128.load(p, 16)));
      x0 += 4;
    }
    v128.store(y, s0);
    v128.store(y, s1, 16);
    y += rowY;
    x += rowX;
  }
}

/** y [rows, ldy] = x [rows, ldx] W [inner, cols] + b [cols]; b may be 0. @param panel scratch of 8 (inner + 1) floats */
export function linear(
  y: usize,
  ldy: i32,
  x: usize,
  ldx: i32,
  w: usize,
  b: usize,
  rows: i32,
  inner: i32,
  cols: i32,
  panel: usize,
): void {
  for (let j = 0; j < cols; j += 8) {
    const at = (<usize>j) << 2;
    pack(panel, w + at, cols, b === 0 ? 0 : b + at, inner, cols - j);
    multiplyPanel(y + at, ldy, x, ldx, panel, rows, inner);
  }
}

/** dx [rows, lddx] = dy [rows, lddy] W^T, W [cols, inner]. @param panel scratch of 8 (inner + 1) floats */
export function linearInputGradient(
  dx: usize,
  lddx: i32,
  dy: usize,
  lddy: i32,
  w: usize,
  rows: i32,
  inner: i32,
  cols: i32,
  panel: usize,
): void {
  for (let j = 0; j < cols; j += 8) {
    packTransposed(panel, w + ((<usize>(j * inner)) << 2), inner, inner, min(8, cols - j));
    multiplyPanel(dx + ((<usize>j) << 2), lddx, dy, lddy, panel, rows, inner);
  }
}

/** Eight numbers, of which the first `width` count, into a dense row: stored or added. */
function put(to: usize, v0: v128, v1: v128, width: i32, add: bool): void {
  if (width >= 8) {
    v128.store(to, add ? f32x4.add(v128.load(to), v0) : v0);
    v128.store(to, add ? f32x4.add(v128.load(to, 16), v1) : v1, 16);
    return;
  }
  let v = v0;
  for (let c = 0; c < width; c++) {
    if (c === 4) v = v1;
    const at = to + ((<usize>c) << 2);
    const value = f32x4.extract_lane(v, 0);
    store<f32>(at, add ? load<f32>(at) + value : value);
    v = v128.shuffle<i32>(v, v, 1, 2, 3, 0);
  }
}

/** dW [inner, cols] (+)= x^T dy, db [cols] (+)= sum over rows of dy; db may be 0. @param add 0 to overwrite */
export function linearWeightGradient(
  dw: usize,
  db: usize,
  x: usize,
  ldx: i32,
  dy: usize,
  lddy: i32,
  rows: i32,
  inner: i32,
  cols: i32,
  add: i32,
): void {
  const rowX = (<usize>ldx) << 2;
  const rowY = (<usize>lddy) << 2;
  const row = (<usize>cols) << 2;
  const more = add !== 0;
  for (let j = 0; j < cols; j += 8) {
    const width = cols - j;
    const at = (<usize>j) << 2;
    const end = dy + at + <usize>rows * rowY;
    let to = dw + at;
    let i = 0;
    for (; i + 3 < inner; i += 4) {
      let s00 = f32x4.splat(0);
      let s01 = s00;
      let s10 = s00;
      let s11 = s00;
      let s20 = s00;
      let s21 = s00;
      let s30 = s00;
      let s31 = s00;
      let px = x + ((<usize>i) << 2);
      for (let py = dy + at; py < end; py += rowY) {
        const g0 = v128.load(py);
        const g1 = v128.load(py, 16);
        let v = v128.load32_splat(px);
        s00 = f32x4.add(s00, f32x4.mul(v, g0));
        s01 = f32x4.add(s01, f32x4.mul(v, g1));
        v = v128.load32_splat(px, 4);
        s10 = f32x4.add(s10, f32x4.mul(v, g0));
        s11 = f32x4.add(s11, f32x4.mul(v, g1));
        v = v128.load32_splat(px, 8);
        s20 = f32x4.add(s20, f32x4.mul(v, g0));
        s21 = f32x4.add(s21, f32x4.mul(v, g1));
        v = v128.load32_splat(px, 12);
        s30 = f32x4.add(s30, f32x4.mul(v, g0));
        s31 = f32x4.add(s31, f32x4.mul(v, g1));
        px += rowX;
      }
      put(to, s00, s01, width, more);
      to += row;
      put(to, s10, s11, width, more);
      to += row;
      put(to, s20, s21, width, more);
      to += row;
      put(to, s30, s31, width, more);
      to += row;
    }
    for (; i < inner; i++) {
      let s0 = f32x4.splat(0);
      let s1 = s0;
      let px = x + ((<usize>i) << 2);
      for (let py = dy + at; py < end; py += rowY) {
        const v = v128.load32_splat(px);
        s0 = f32x4.add(s0, f32x4.mul(v, v128.load(py)));
        s1 = f32x4.add(s1, f32x4.mul(v, v128.load(py, 16)));
        px += rowX;
      }
      put(to, s0, s1, width, more);
      to += row;
    }
    if (db !== 0) {
      let s0 = f32x4.splat(0);
      let s1 = s0;
      for (let py = dy + at; py < end; py += rowY) {
        s0 = f32x4.add(s0, v128.load(py));
        s1 = f32x4.add(s1, v128.load(py, 16));
      }
      put(db + at, s0, s1, width, more);
    }
  }
}

// ---- activations ----

/** y = act(y) in place over [rows, ld], padding included. */
export function activate(kind: i32, y: usize, ld: i32, rows: i32): void {
  const end = y + ((<usize>(rows * ld)) << 2);
  const zero = f32x4.splat(0);
  if (kind === TANH) {
    for (; y < end; y += 16) v128.store(y, tanhx4(v128.load(y)));
  } else if (kind === ELU) {
    for (; y < end; y += 16) {
      const v = v128.load(y);
      v128.store(y, v128.bitselect(expm1x4(v), v, f32x4.lt(v, zero)));
    }
  } else if (kind === RELU) {
    for (; y < end; y += 16) v128.store(y, f32x4.max(v128.load(y), zero));
  }
}

/** dy = dy act'(x) in place, act' from y = act(x); both [rows, ld]. */
export function activateGradient(kind: i32, dy: usize, y: usize, ld: i32, rows: i32): void {
  const end = y + ((<usize>(rows * ld)) << 2);
  const zero = f32x4.splat(0);
  const one = f32x4.splat(1);
  for (; y < end; y += 16) {
    const v = v128.load(y);
    const g = v128.load(dy);
    if (kind === TANH) v128.store(dy, f32x4.mul(g, f32x4.sub(one, f32x4.mul(v, v))));
    else if (kind === ELU) v128.store(dy, f32x4.mul(g, f32x4.add(one, f32x4.min(v, zero))));
    else if (kind === RELU) v128.store(dy, v128.and(g, f32x4.gt(v, zero)));
    dy += 16;
  }
}

// ---- layer normalisation (Ba, Kiros & Hinton 2016) ----

/**
 * xhat = (x - mean) / sqrt(var + epsilon), y = gain xhat + bias, a row at a time; y may be x.
 * @param xhat [rows, ld], kept for the gradient @param inv 1 / sqrt(var + epsilon), [rows]
 */
export function layerNorm(
  y: usize,
  x: usize,
  ld: i32,
  xhat: usize,
  inv: usize,
  gain: usize,
  bias: usize,
  rows: i32,
  cols: i32,
  epsilon: f32,
): void {
  const row = (<usize>ld) << 2;
  const size = (<usize>cols) << 2;
  const whole = size & ~15;
  const n = <f32>cols;
  for (let i = 0; i < rows; i++) {
    let sums = f32x4.splat(0);
    let k: usize = 0;
    for (; k < whole; k += 16) sums = f32x4.add(sums, v128.load(x + k));
    let sum = sumLanes(sums);
    for (; k < size; k += 4) sum += load<f32>(x + k);
    const mean = sum / n;
    const means = f32x4.splat(mean);
    sums = f32x4.splat(0);
    for (k = 0; k < whole; k += 16) {
      const d = f32x4.sub(v128.load(x + k), means);
      sums = f32x4.add(sums, f32x4.mul(d, d));
    }
    sum = sumLanes(sums);
    for (; k < size; k += 4) {
      const d = load<f32>(x + k) - mean;
      sum += d * d;
    }
    const scale: f32 = <f32>1 / sqrt<f32>(sum / n + epsilon);
    const scales = f32x4.splat(scale);
    store<f32>(inv, scale);
    for (k = 0; k < whole; k += 16) {
      const h = f32x4.mul(f32x4.sub(v128.load(x + k), means), scales);
      v128.store(xhat + k, h);
      v128.store(y + k, f32x4.add(f32x4.mul(h, v128.load(gain + k)), v128.load(bias + k)));
    }
    for (; k < size; k += 4) {
      const h = (load<f32>(x + k) - mean) * scale;
      store<f32>(xhat + k, h);
      store<f32>(y + k, h * load<f32>(gain + k) + load<f32>(bias + k));
    }
    x += row;
    y += row;
    xhat += row;
    inv += 4;
  }
}

/** dx from dy, in place: inv (g - mean g - xhat mean(g xhat)), g = dy gain; dGain += dy xhat, dBias += dy. */
export function layerNormGradient(
  dy: usize,
  ld: i32,
  xhat: usize,
  inv: usize,
  gain: usize,
  dGain: usize,
  dBias: usize,
  rows: i32,
  cols: i32,
): void {
  const row = (<usize>ld) << 2;
  const size = (<usize>cols) << 2;
  const whole = size & ~15;
  const n = <f32>cols;
  for (let i = 0; i < rows; i++) {
    let sums = f32x4.splat(0);
    let products = sums;
    let k: usize = 0;
    for (; k < whole; k += 16) {
      const d = v128.load(dy + k);
      const h = v128.load(xhat + k);
      v128.store(dBias + k, f32x4.add(v128.load(dBias + k), d));
      const dh = f32x4.mul(d, h);
      v128.store(dGain + k, f32x4.add(v128.load(dGain + k), dh));
      const w = v128.load(gain + k);
      sums = f32x4.add(sums, f32x4.mul(d, w));
      products = f32x4.add(products, f32x4.mul(dh, w));
    }
    let sum = sumLanes(sums);
    let product = sumLanes(products);
    for (; k < size; k += 4) {
      const d = load<f32>(dy + k);
      const dh = d * load<f32>(xhat + k);
      store<f32>(dBias + k, load<f32>(dBias + k) + d);
      store<f32>(dGain + k, load<f32>(dGain + k) + dh);
      sum += d * load<f32>(gain + k);
      product += dh * load<f32>(gain + k);
    }
    const scale = load<f32>(inv);
    const scales = f32x4.splat(scale);
    const mean = sum / n;
    const along = product / n;
    for (k = 0; k < whole; k += 16) {
      const g = f32x4.mul(v128.load(dy + k), v128.load(gain + k));
      const off = f32x4.add(f32x4.splat(mean), f32x4.mul(v128.load(xhat + k), f32x4.splat(along)));
      v128.store(dy + k, f32x4.mul(scales, f32x4.sub(g, off)));
    }
    for (; k < size; k += 4) {
      const g = load<f32>(dy + k) * load<f32>(gain + k);
      store<f32>(dy + k, scale * (g - (mean + load<f32>(xhat + k) * along)));
    }
    dy += row;
    xhat += row;
    inv += 4;
  }
}

// ---- rows and vectors ----

/** dst [rows, ldd] = src [order[i], lds], `cols` numbers of each row; order 0 for the first rows as they come. */
export function gatherRows(dst: usize, ldd: i32, src: usize, lds: i32, order: usize, rows: i32, cols: i32): void {
  const size = (<usize>cols) << 2;
  const whole = size & ~15;
  for (let i = 0; i < rows; i++) {
    const index = order === 0 ? i : load<i32>(order + ((<usize>i) << 2));
    const from = src + <usize>index * ((<usize>lds) << 2);
    let k: usize = 0;
    for (; k < whole; k += 16) v128.store(dst + k, v128.load(from + k));
    for (; k < size; k += 4) store<f32>(dst + k, load<f32>(from + k));
    dst += (<usize>ldd) << 2;
  }
}

/** out [n] = parts[0] + parts[1] + ..., each `stride` floats after the one before. */
export function sumParts(out: usize, parts: usize, stride: i32, count: i32, n: i32): void {
  const step = (<usize>stride) << 2;
  const size = (<usize>n) << 2;
  const whole = size & ~15;
  let k: usize = 0;
  for (; k < whole; k += 16) {
    let from = parts + k;
    let sum = v128.load(from);
    for (let c = 1; c < count; c++) {
      from += step;
      sum = f32x4.add(sum, v128.load(from));
    }
    v128.store(out + k, sum);
  }
  for (; k < size; k += 4) {
    let from = parts + k;
    let sum = load<f32>(from);
    for (let c = 1; c < count; c++) {
      from += step;
      sum += load<f32>(from);
    }
    store<f32>(out + k, sum);
  }
}

/** sum x^2 in double precision */
export function squaredNorm(x: usize, n: i32): f64 {
  const size = (<usize>n) << 2;
  const whole = size & ~15;
  let sums = f64x2.splat(0);
  let k: usize = 0;
  for (; k < whole; k += 16) {
    const v = v128.load(x + k);
    const low = f64x2.promote_low_f32x4(v);
    const high = f64x2.promote_low_f32x4(v128.shuffle<i64>(v, v, 1, 0));
    sums = f64x2.add(sums, f64x2.add(f64x2.mul(low, low), f64x2.mul(high, high)));
  }
  let sum = f64x2.extract_lane(sums, 0) + f64x2.extract_lane(sums, 1);
  for (; k < size; k += 4) {
    const v = <f64>load<f32>(x + k);
    sum += v * v;
  }
  return sum;
}

/**
 * Adam (Kingma & Ba 2015) on n parameters; g is multiplied by `scale` first.
 *   m = b1 m + (1 - b1) g,  v = b2 v + (1 - b2) g^2,  p -= lr (m / c1) / (sqrt(v / c2) + epsilon)
 * @param c1 1 - b1^t @param c2 1 - b2^t
 */
export function adam(
  p: usize,
  m: usize,
  v: usize,
  g: usize,
  n: i32,
  scale: f32,
  lr: f32,
  b1: f32,
  b2: f32,
  c1: f32,
  c2: f32,
  epsilon: f32,
): void {
  const end = p + ((<usize>n) << 2);
  const whole = p + ((<usize>(n & ~3)) << 2);
  const d1: f32 = <f32>1 - b1;
  const d2: f32 = <f32>1 - b2;
  while (p < whole) {
    const gradient = f32x4.mul(v128.load(g), f32x4.splat(scale));
    const m1 = f32x4.add(f32x4.mul(f32x4.splat(b1), v128.load(m)), f32x4.mul(f32x4.splat(d1), gradient));
    const v1 = f32x4.add(
      f32x4.mul(f32x4.splat(b2), v128.load(v)),
      f32x4.mul(f32x4.splat(d2), f32x4.mul(gradient, gradient)),
    );
    v128.store(m, m1);
    v128.store(v, v1);
    const root = f32x4.add(f32x4.sqrt(f32x4.div(v1, f32x4.splat(c2))), f32x4.splat(epsilon));
    const change = f32x4.mul(f32x4.splat(lr), f32x4.div(f32x4.div(m1, f32x4.splat(c1)), root));
    v128.store(p, f32x4.sub(v128.load(p), change));
    p += 16;
    m += 16;
    v += 16;
    g += 16;
  }
  while (p < end) {
    const gradient: f32 = load<f32>(g) * scale;
    const m1: f32 = b1 * load<f32>(m) + d1 * gradient;
    const v1: f32 = b2 * load<f32>(v) + d2 * (gradient * gradient);
    store<f32>(m, m1);
    store<f32>(v, v1);
    store<f32>(p, load<f32>(p) - lr * (m1 / c1 / (sqrt<f32>(v1 / c2) + epsilon)));
    p += 4;
    m += 4;
    v += 4;
    g += 4;
  }
}

/** target += tau (source - target) (Polyak averaging) */
export function polyak(target: usize, source: usize, n: i32, tau: f32): void {
  const end = target + ((<usize>n) << 2);
  const whole = target + ((<usize>(n & ~3)) << 2);
  while (target < whole) {
    const t = v128.load(target);
    v128.store(target, f32x4.add(t, f32x4.mul(f32x4.splat(tau), f32x4.sub(v128.load(source), t))));
    target += 16;
    source += 16;
  }
  while (target < end) {
    const t = load<f32>(target);
    store<f32>(target, t + tau * (load<f32>(source) - t));
    target += 4;
    source += 4;
  }
}

// ---- the losses of PPO (Schulman et al. 2017) ----

/**
 * The policy's loss on some rows. `mean` becomes its gradient; sums go to stats (f64: policy loss, KL, clip fraction).
 *   z = (a - mu) / sigma,  log pi = sum -z^2/2 - constant,  L = -scale sum min(r A, clip(r, 1 - eps, 1 + eps) A)
 * @param mean [rows, ld], 0 beyond `cols` @param action the same @param invStd 1 / sigma, [ld], 0 beyond `cols`
 * @param constant sum of log sigma + log(2 pi) / 2 @param dLogStd [cols], added to
 */
export function ppoPolicyGradient(
  mean: usize,
  action: usize,
  ld: i32,
  invStd: usize,
  constant: f32,
  oldLogProb: usize,
  advantage: usize,
  rows: i32,
  cols: i32,
  clip: f32,
  scale: f32,
  dLogStd: usize,
  stats: usize,
): void {
  const row = (<usize>ld) << 2;
  const size = (<usize>cols) << 2;
  let loss: f64 = 0;
  let kl: f64 = 0;
  let clipped: f64 = 0;
  for (let i = 0; i < rows; i++) {
    let squares = f32x4.splat(0);
    for (let k: usize = 0; k < size; k += 16) {
      const z = f32x4.mul(f32x4.sub(v128.load(action + k), v128.load(mean + k)), v128.load(invStd + k));
      squares = f32x4.add(squares, f32x4.mul(z, z));
    }
    const logProb: f32 = <f32>-0.5 * sumLanes(squares) - constant;
    const logRatio: f32 = logProb - load<f32>(oldLogProb);
    const ratio = exp1(max<f32>(-20, min<f32>(20, logRatio)));
    const a = load<f32>(advantage);
    const free: f32 = ratio * a;
    const bound: f32 = max<f32>(<f32>1 - clip, min<f32>(<f32>1 + clip, ratio)) * a;
    loss -= <f64>min<f32>(free, bound);
    kl += <f64>(ratio - <f32>1) - <f64>logRatio;
    if (abs<f32>(ratio - <f32>1) > clip) clipped += 1;
    // d min(..) / d log pi = r A where the free term is the smaller one, else 0
    const slope: f32 = free <= bound && abs<f32>(logRatio) <= 20 ? -scale * free : 0;
    const slopes = f32x4.splat(slope);
    for (let k: usize = 0; k < size; k += 16) {
      const inv = v128.load(invStd + k);
      const z = f32x4.mul(f32x4.sub(v128.load(action + k), v128.load(mean + k)), inv);
      v128.store(mean + k, f32x4.mul(slopes, f32x4.mul(z, inv)));
      // d log pi / d log sigma = z^2 - 1
      let d = f32x4.mul(slopes, f32x4.sub(f32x4.mul(z, z), f32x4.splat(1)));
      for (let c = k; c < min(size, k + 16); c += 4) {
        store<f32>(dLogStd + c, load<f32>(dLogStd + c) + f32x4.extract_lane(d, 0));
        d = v128.shuffle<i32>(d, d, 1, 2, 3, 0);
      }
    }
    mean += row;
    action += row;
    oldLogProb += 4;
    advantage += 4;
  }
  store<f64>(stats, load<f64>(stats) + loss);
  store<f64>(stats, load<f64>(stats, 8) + kl, 8);
  store<f64>(stats, load<f64>(stats, 16) + clipped, 16);
}

/**
 * The critic's loss on some rows: value [rows, ld], of which column 0 counts, becomes its gradient; stats (f64) gets the sum.
 *   L = scale sum max((V - R)^2, (V_old + clip(V - V_old) - R)^2)
 * @param limit of the change of a value; negative for none
 */
export function ppoValueGradient(
  value: usize,
  ld: i32,
  oldValue: usize,
  target: usize,
  rows: i32,
  limit: f32,
  scale: f32,
  stats: usize,
): void {
  let loss: f64 = 0;
  for (let i = 0; i < rows; i++) {
    const v = load<f32>(value);
    const old = load<f32>(oldValue);
    const goal = load<f32>(target);
    let error: f32 = v - goal;
    let slope: f32 = <f32>2 * error;
    if (limit >= 0) {
      const change: f32 = v - old;
      const other: f32 = old + max<f32>(-limit, min<f32>(limit, change)) - goal;
      if (error * error < other * other) {
        error = other;
        slope = abs<f32>(change) <= limit ? <f32>2 * other : 0;
      }
    }
    loss += <f64>(error * error);
    store<f32>(value, scale * slope);
    value += (<usize>ld) << 2;
    oldValue += 4;
    target += 4;
  }
  store<f64>(stats, load<f64>(stats) + loss);
}
