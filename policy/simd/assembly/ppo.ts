/** The losses of PPO (Schulman et al. 2017) and their gradients, a row at a time. AssemblyScript. */

import { exp1 } from './activations.ts';
import { sumLanes } from './vectors.ts';

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
