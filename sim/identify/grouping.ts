/**
 * Which recordings one parameter set explains together. The rule: a joint fit stands for a group when, on the held-out
 * part of every member, its error is at most 1.15 times that of the member's own fit. Groups grow by the merger that
 * harms its worst member least (agglomerative clustering); what cannot be merged stays alone.
 */

/** A joint fit may be worse than a recording's own by this much. */
export const TOLERANCE = 1.15;

export interface Fitted {
  /** Indices of recordings. */
  readonly members: readonly number[];
  /** Held-out error of each member. */
  readonly errors: readonly { readonly test: number }[];
}

/** The largest ratio of a fit's held-out error to that of a member's own fit. */
export function worstRatio(fitted: Fitted, singles: readonly Fitted[]): number {
  return Math.max(...fitted.members.map((index, k) => fitted.errors[k]!.test / singles[index]!.errors[0]!.test));
}

/**
 * @param singles the fits of each recording alone, in order
 * @param all the fit of all recordings together
 * @param fitTogether fits some of them together
 */
export async function group<F extends Fitted>(
  singles: readonly F[],
  all: F,
  fitTogether: (members: readonly number[]) => Promise<F>,
): Promise<F[]> {
  if (worstRatio(all, singles) <= TOLERANCE) return [all];
  let groups = [...singles];
  const known = new Map<string, F>([[nameOf(all.members), all]]);
  while (groups.length > 1) {
    let best: { readonly merged: F; readonly ratio: number; readonly a: F; readonly b: F } | undefined;
    for (const [i, a] of groups.entries()) {
      for (const b of groups.slice(i + 1)) {
        const members = [...a.members, ...b.members].sort((x, y) => x - y);
        const merged = known.get(nameOf(members)) ?? (await fitTogether(members));
        known.set(nameOf(members), merged);
        const ratio = worstRatio(merged, singles);
        if (ratio <= TOLERANCE && (best === undefined || ratio < best.ratio)) best = { merged, ratio, a, b };
      }
    }
    if (best === undefined) break;
    const { merged, a, b } = best;
    groups = [...groups.filter((g) => g !== a && g !== b), merged];
  }
  return groups;
}

function nameOf(members: readonly number[]): string {
  return members.join('+');
}
