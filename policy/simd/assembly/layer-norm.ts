/** Layer normalisation (Ba, Kiros & Hinton 2016), forward and backward. AssemblyScript. */

import { sumLanes } from './vectors.ts';

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
