/** Rows copied, vectors summed and stepped: what an optimiser does. AssemblyScript. */

/** In pairs: the same order everywhere. */
export function sumLanes(v: v128): f32 {
  return f32x4.extract_lane(v, 0) + f32x4.extract_lane(v, 1) + (f32x4.extract_lane(v, 2) + f32x4.extract_lane(v, 3));
}

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
