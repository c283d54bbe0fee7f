/** Medians, spreads that a few wild readings do not move, and the noise of a sampled signal. Knows no robot. */

/** Of a normal distribution, standard deviation over median absolute deviation. */
const MAD_TO_SD = 1.4826;

/** Not-a-number for an empty list. */
export function median(values: ArrayLike<number>): number {
  const sorted = Float64Array.from(values).sort();
  const half = sorted.length >> 1;
  if (sorted.length === 0) return Number.NaN;
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
}

/** Standard deviation about `centre` as the median absolute deviation tells it. */
export function robustDeviation(values: ArrayLike<number>, centre = 0): number {
  return MAD_TO_SD * median(Float64Array.from(values, (value) => Math.abs(value - centre)));
}

/** Population standard deviation. */
export function deviation(values: ArrayLike<number>): number {
  let mean = 0;
  for (let i = 0; i < values.length; i++) mean += values[i]! / values.length;
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += (values[i]! - mean) ** 2;
  return Math.sqrt(sum / Math.max(1, values.length));
}

/**
 * Standard deviation of the white noise on a smooth signal, from its third differences: those of a parabola vanish,
 * those of noise have variance 20 sigma^2.
 */
export function noiseOf(values: ArrayLike<number>): number {
  const n = Math.max(0, values.length - 3);
  const differences = Float64Array.from(
    { length: n },
    (_, i) => values[i + 3]! - 3 * values[i + 2]! + 3 * values[i + 1]! - values[i]!,
  );
  return n === 0 ? 0 : robustDeviation(differences) / Math.sqrt(20);
}
