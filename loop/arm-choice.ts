/**
 * Who decides which arm an adaptation keeps if it proves no worse: before anything is judged, from what is known by then, so that
 * the judgement is not also the choice. Knows no arm's inside.
 */

import type { Episode } from '../core/episode.ts';
import type { Bundle } from '../policy/checkpoint.ts';
import type { ArmName } from '../policy/transfer/arms.ts';
import type { FittedSimulator } from './adaptation.ts';
import type { Experiment } from './experiment.ts';

/** What is known before an arm learns. */
export interface ArmFacts {
  /** Episodes to learn from; those held out only judge. */
  readonly episodes: number;
  /** Their control steps, and s. */
  readonly steps: number;
  readonly seconds: number;
  /** Numbers in the policy's last layer, and in the whole policy. */
  readonly headParameters: number;
  readonly parameters: number;
  /** Open-loop error of the simulator as it was over that of the one fitted to them: 1 says that nothing had to be fitted. */
  readonly errorRatio: number;
  /** For what else there is to measure. */
  readonly material: {
    readonly bundle: Bundle;
    readonly experiment: Experiment;
    readonly episodes: readonly Episode[];
    readonly fitted: FittedSimulator;
  };
}

export interface ArmChoice {
  readonly arm: ArmName;
  /** For someone who does this for the first time; may be of several lines. */
  readonly why: string;
  /** Weight of staying close to the old policy's actions. @default 0 */
  readonly retention?: number;
}

export type ChooseArm = (facts: ArmFacts) => ArmChoice | Promise<ArmChoice>;

/** The last layer, always: it can forget the least. */
export const chooseHead: ChooseArm = ({ episodes, errorRatio }) => ({
  arm: 'head',
  why: `${episodes} ${episodes === 1 ? 'episode is' : 'episodes are'} enough to fit a simulator to (it was ${errorRatio.toFixed(1)} times as wrong before), but few: of the policy only the last layer is learned, which can spoil the least`,
});

/** What a person asked for. */
export function chooseNamed(arm: ArmName): ChooseArm {
  return () => ({ arm, why: 'you asked for it' });
}
