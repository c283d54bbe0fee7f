/**
 * Split conformal calibration per episode (Vovk, Gammerman and Shafer 2005; Angelopoulos and Bates 2021, 2107.07511): a limit that
 * a fresh exchangeable episode exceeds with probability at most alpha, whatever the scores are. Knows no score.
 */

/** Rounding must not cost a rank: 20 * 0.05 is 1, not 0.99... */
const ROUNDING = 1e-9;

/** The fewest calibration episodes that give a finite limit: ceil(1 / alpha) - 1. */
export function episodesNeeded(alpha: number): number {
  return Math.ceil(1 / alpha - ROUNDING) - 1;
}

/** k = ceil((n + 1)(1 - alpha)) of n calibration episodes; n + 1 where they are too few. */
export function conformalRank(n: number, alpha: number): number {
  return n + 1 - exceedances(n, alpha);
}

/**
 * The k-th smallest of the episodes' levels; +inf where they are too few for this alpha.
 * @param levels one an episode, of episodes that nothing was fitted to
 */
export function conformalThreshold(levels: readonly number[], alpha: number): number {
  const sorted = Float64Array.from(levels).sort();
  return sorted[conformalRank(levels.length, alpha) - 1] ?? Infinity;
}

/** P(false alarm in a fresh episode) = (n + 1 - k) / (n + 1), on average over calibration sets; less where scores tie. */
export function expectedFalseAlarms(n: number, alpha: number): number {
  return exceedances(n, alpha) / (n + 1);
}

/**
 * What the false-alarm rate of this one calibration set stays under with probability `level`: it is Beta(n + 1 - k, k).
 * 0 where there is no finite limit.
 */
export function falseAlarmBound(n: number, alpha: number, level = 0.95): number {
  const m = exceedances(n, alpha);
  if (m === 0) return 0;
  let [lower, upper] = [0, 1];
  // Bisection to the last bit of a double.
  for (let i = 0; i < 60; i++) {
    const x = (lower + upper) / 2;
    // P(Beta(m, n + 1 - m) <= x) = P(Binomial(n, x) >= m) = 1 - sum_(i < m) C(n, i) x^i (1 - x)^(n - i)
    if (1 - binomialBelow(m, n, x) < level) lower = x;
    else upper = x;
  }
  return upper;
}

/** n + 1 - k: how many of n + 1 episodes may exceed the limit. */
function exceedances(n: number, alpha: number): number {
  return Math.floor((n + 1) * alpha + ROUNDING);
}

/** P(Binomial(n, x) < m), 0 < x < 1. */
function binomialBelow(m: number, n: number, x: number): number {
  let term = (1 - x) ** n;
  let sum = 0;
  for (let i = 0; i < m; i++) {
    sum += term;
    term *= ((n - i) / (i + 1)) * (x / (1 - x));
  }
  return sum;
}
