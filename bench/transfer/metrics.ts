/**
 * What a transfer is measured by, on returns normalised so that 0 is a random policy on the target and 1 a policy that learned
 * on the target itself: J~ = (J - J_rand) / (J_oracle - J_rand). Definitions: Taylor and Stone, "Transfer learning for
 * reinforcement learning domains: a survey" (JMLR 2009); forward transfer as Continual World (Wolczyk et al., NeurIPS 2021).
 * Knows no policy and no domain.
 */

/** Mean returns on one domain that the others are measured against. */
export interface Reference {
  readonly random: number;
  readonly oracle: number;
}

/** A gap below this is "nothing to recover". */
export const LEAST_GAP = 0.1;

export function normalised(meanReturn: number, { random, oracle }: Reference): number {
  return (meanReturn - random) / (oracle - random);
}

/**
 * R@N = (J~(pi_N) - J~(pi_0)) / (1 - J~(pi_0)): the share of the gap that N episodes closed.
 * @param adapted,zeroShot normalised @returns null where the gap is below 0.1
 */
export function recovery(adapted: number, zeroShot: number): number | null {
  const gap = 1 - zeroShot;
  return gap < LEAST_GAP ? null : (adapted - zeroShot) / gap;
}

/** Harm, all normalised; above 0 is worse than having learned from nothing, or than having left the policy alone. */
export function negativeTransfer(adapted: number, zeroShot: number, scratch: number) {
  return { scratch: scratch - adapted, zero: zeroShot - adapted };
}

/**
 * F = (J_A(pi_0) - J_A(pi_N)) / (J_A(pi_0) - J_A(rand)): the share of what it could do at home that it can no more.
 * @param before,after,random returns on the source
 */
export function forgetting(before: number, after: number, random: number): number {
  return (before - after) / (before - random);
}

/** A learning curve: normalised score after so much was spent (target episodes, or control steps), by what was spent. */
export type Curve = readonly { readonly spent: number; readonly score: number }[];

/** J(pi_0) - J(scratch, 0): the head start. */
export function jumpstart(transfer: Curve, scratch: Curve): number {
  return transfer[0]!.score - scratch[0]!.score;
}

/** At the end of both. */
export function asymptoticGain(transfer: Curve, scratch: Curve): number {
  return transfer.at(-1)!.score - scratch.at(-1)!.score;
}

export interface Reached {
  readonly spent: number;
  /** It never was: `spent` is the last number that was tried, and the truth is above. */
  readonly censored: boolean;
}

export function timeToThreshold(curve: Curve, threshold: number): Reached {
  const first = curve.find(({ score }) => score >= threshold);
  return first === undefined ? { spent: curve.at(-1)!.spent, censored: true } : { spent: first.spent, censored: false };
}

export interface Ratio {
  readonly ratio: number;
  /** `>=`: scratch never got there. `<=`: the transfer never did. `unknown`: neither. */
  readonly bound: '=' | '>=' | '<=' | 'unknown';
}

/** What scratch needs over what the transfer needs. One that is there without any counts as needing one. */
export function efficiencyRatio(scratch: Curve, transfer: Curve, threshold: number): Ratio {
  const [s, t] = [timeToThreshold(scratch, threshold), timeToThreshold(transfer, threshold)];
  const ratio = Math.max(1, s.spent) / Math.max(1, t.spent);
  const bound = s.censored ? (t.censored ? 'unknown' : '>=') : t.censored ? '<=' : '=';
  return { ratio, bound };
}

/** Mean height of the curve between its first and its last point, by trapezia. */
export function areaUnder(curve: Curve): number {
  let area = 0;
  for (let i = 1; i < curve.length; i++) {
    const [a, b] = [curve[i - 1]!, curve[i]!];
    area += ((a.score + b.score) / 2) * (b.spent - a.spent);
  }
  return area / (curve.at(-1)!.spent - curve[0]!.spent);
}

/** (AUC_t - AUC_s) / (1 - AUC_s): the share of what scratch leaves to gain. @param transfer,scratch over the same range */
export function forwardTransfer(transfer: Curve, scratch: Curve): number {
  const [t, s] = [areaUnder(transfer), areaUnder(scratch)];
  return (t - s) / (1 - s);
}
