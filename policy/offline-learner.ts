/**
 * What learns from logged episodes alone, behaviour cloning and implicit Q-learning: settings and figures.
 */

/** Means over the updates of an iteration. */
export interface OfflineStats {
  readonly policyLoss: number;
}
