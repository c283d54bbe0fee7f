/**
 * Generalised advantage estimation (Schulman et al. 2016) with the two ways an episode ends kept apart: a terminated one
 * is worth nothing afterwards, a truncated one goes on and is worth V of the observation it was cut off in
 * (Pardo et al. 2018). Knows no network.
 */

export interface GaeInput {
  readonly horizon: number;
  readonly numEnvs: number;
  /** [T, N] */
  readonly reward: ArrayLike<number>;
  readonly terminated: ArrayLike<number>;
  readonly truncated: ArrayLike<number>;
  /** V(obs), [T + 1, N] */
  readonly value: ArrayLike<number>;
  /** V(finalObs) where an episode was truncated, [T, N]; other entries are not read. */
  readonly finalValue: ArrayLike<number>;
  readonly gamma: number;
  readonly lam: number;
}

/** Advantages and value targets into `advantage` and `target`, [T, N]. */
export function computeGae(input: GaeInput, advantage: Float32Array, target: Float32Array): void {
  const { horizon, numEnvs, reward, terminated, truncated, value, finalValue, gamma, lam } = input;
  for (let n = 0; n < numEnvs; n++) {
    let next = 0;
    for (let t = horizon - 1; t >= 0; t--) {
      const i = t * numEnvs + n;
      const ended = terminated[i]! !== 0 || truncated[i]! !== 0;
      const nextValue = terminated[i]! !== 0 ? 0 : truncated[i]! !== 0 ? finalValue[i]! : value[i + numEnvs]!;
      // delta_t = r_t + gamma V(s_t+1) - V(s_t)
      const delta = reward[i]! + gamma * nextValue - value[i]!;
      // A_t = delta_t + gamma lam A_t+1, cut where the episode ended
      next = delta + (ended ? 0 : gamma * lam * next);
      advantage[i] = next;
      target[i] = next + value[i]!;
    }
  }
}
