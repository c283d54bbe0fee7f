/** Activations, their derivatives and the exponential they rest on, four numbers at a time. AssemblyScript. */

/** Activations, numbered as in ../simd-mlp.ts; any other number is none. */
const TANH: i32 = 1;
const ELU: i32 = 2;
const RELU: i32 = 3;

/** 1.5 * 2^23: a float32 that this is added to loses its fraction, rounded, and its last bits are that whole number. */
const ROUNDER: f32 = 12582912;

/** e^x - 1 for -87 <= x <= 88 with a relative error of a few 1e-7, also near 0 (exponent split, Cephes' polynomial). */
function expm1x4(x: v128): v128 {
  // x = n ln 2 + r, |r| <= ln 2 / 2
  const shifted = f32x4.add(f32x4.mul(x, f32x4.splat(<f32>Math.LOG2E)), f32x4.splat(ROUNDER));
  const n = f32x4.sub(shifted, f32x4.splat(ROUNDER));
  let r = f32x4.sub(x, f32x4.mul(n, f32x4.splat(0.693359375)));
  r = f32x4.add(r, f32x4.mul(n, f32x4.splat(2.1219444e-4)));
  let p = f32x4.splat(1.98756915e-4);
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(1.3981999507e-3));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(8.3334519073e-3));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(4.1665795894e-2));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(1.6666665459e-1));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(5.0000001201e-1));
  const q = f32x4.add(f32x4.mul(f32x4.mul(p, r), r), r);
  // e^x - 1 = 2^n (e^r - 1) + (2^n - 1)
  const scale = i32x4.shl(i32x4.add(shifted, i32x4.splat(127)), 23);
  return f32x4.add(f32x4.mul(scale, q), f32x4.sub(scale, f32x4.splat(1)));
}

export function exp1(x: f32): f32 {
  return <f32>1 + f32x4.extract_lane(expm1x4(f32x4.splat(x)), 0);
}

/** tanh x = e / (e + 2), e = e^2x - 1 */
function tanhx4(x: v128): v128 {
  const bounded = f32x4.pmax(f32x4.pmin(x, f32x4.splat(10)), f32x4.splat(-10));
  const e = expm1x4(f32x4.add(bounded, bounded));
  return f32x4.div(e, f32x4.add(e, f32x4.splat(2)));
}

/** y = act(y) in place over [rows, ld], padding included. `pmin` and `pmax` keep a NaN that stands first. */
export function activate(kind: i32, y: usize, ld: i32, rows: i32): void {
  const end = y + ((<usize>(rows * ld)) << 2);
  const zero = f32x4.splat(0);
  if (kind === TANH) {
    for (; y < end; y += 16) v128.store(y, tanhx4(v128.load(y)));
  } else if (kind === ELU) {
    for (; y < end; y += 16) {
      const v = v128.load(y);
      const below = f32x4.pmax(f32x4.pmin(v, zero), f32x4.splat(-87));
      v128.store(y, f32x4.add(expm1x4(below), f32x4.pmax(v, zero)));
    }
  } else if (kind === RELU) {
    for (; y < end; y += 16) v128.store(y, f32x4.pmax(v128.load(y), zero));
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
    else if (kind === ELU) v128.store(dy, f32x4.mul(g, f32x4.add(one, f32x4.pmin(v, zero))));
    else if (kind === RELU) v128.store(dy, v128.and(g, f32x4.gt(v, zero)));
    dy += 16;
  }
}
