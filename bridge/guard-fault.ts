/**
 * What the control loop needs of a learned guard, and the fault that its alarm is: the robot is damped like after any other, and
 * only an operator arms it again. Knows no model.
 */

import { type Fault, makeFault } from './faults.ts';

/** policy/guard/guard.ts is one. */
export interface GuardLike {
  /** An episode begins. */
  reset(): void;
  /**
   * Once a control step, before the action is sent; allocates nothing.
   * @param features of the policy's last hidden layer; no numbers where it shows none
   * @returns whether to stop
   */
  step(obs: Float32Array, action: Float32Array, features: Float32Array): boolean;
  /** What the last steps reached, in the unit of the threshold; +inf once a score was not finite. */
  readonly level: number;
  readonly part: 'dynamics' | 'drift' | 'novelty' | 'features';
  readonly model: {
    readonly threshold: number;
    readonly window: { readonly over: number; readonly of: number };
  };
}

const meanings: Readonly<Record<GuardLike['part'], string>> = {
  dynamics: 'it moves otherwise than predicted',
  drift: 'it keeps moving a little otherwise than predicted',
  novelty: 'it is where it has not been',
  features: 'the policy sees what it has not seen',
};

export function guardFault({ level, part, model: { threshold, window } }: GuardLike): Fault {
  const how = Number.isFinite(level)
    ? `score ${level.toFixed(1)}, limit ${threshold.toFixed(1)}, in ${window.over} of the last ${window.of} steps`
    : 'a score is not finite';
  return makeFault(
    'guard',
    `the robot does not behave as in the episodes the guard learned from: ${meanings[part]} (${part} ${how})`,
    'look at the robot and at the end of the recording; if it is well, record more episodes and run landfall guard again',
  );
}
