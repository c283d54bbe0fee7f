/**
 * Errors a person can act on: what was expected, what came, where, and the repair.
 * Knows nothing of processes or terminals; the command line turns `exitCode` into an exit status.
 */

/** 2: the input or the usage is wrong and nothing was done. 1: a run started and failed. */
export type ExitCode = 1 | 2;

export interface ErrorDetails {
  /** One line: how to mend it. */
  readonly repair?: string;
  readonly cause?: unknown;
}

/** Base of every error Landfall throws on purpose. */
export class LandfallError extends Error {
  readonly exitCode: ExitCode = 1;
  readonly repair: string | undefined;

  constructor(message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = new.target.name;
    this.repair = details.repair;
  }
}

/** Bad input: a file, a flag, a setting, a message. Nothing was written. */
export class InputError extends LandfallError {
  override readonly exitCode = 2;
}

/** Two things that must agree do not: a policy and a robot, a checkpoint and a task. Nothing was written. */
export class MismatchError extends InputError {}

/** A number that must be finite is not; names the tensor, the environment and the step. */
export class NumericError extends LandfallError {}

/** The robot or its link did something that must stop it. The robot has been sent to damping. */
export class FaultError extends LandfallError {}

/** The text of anything thrown, in one line. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The candidate closest to `word` by edit distance, when it is near enough to be a slip of the hand. */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.max(2, Math.floor(word.length / 3)) + 1;
  for (const candidate of candidates) {
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase());
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best;
}

/** Levenshtein distance, one row at a time. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, substitution));
    }
    row = next;
  }
  return row[b.length]!;
}
