/** What the study of part `twin` is told and what it measures, as rows. Types alone. */

import type { Reference } from './metrics.ts';
import type { Judged, Target } from './targets.ts';

/** How much is spent. */
export interface StudySize {
  readonly seeds: number;
  /** Numbers of target episodes, the one that lines are drawn at first. */
  readonly budgets: readonly number[];
  /** Of each figure on a target. */
  readonly evalEpisodes: number;
  /** Of learning on the target, for the oracle. */
  readonly oracleIterations: number;
  /** Of learning in the fitted simulator. */
  readonly iterations: number;
  /** Paired episodes of the judgement that may roll back, over both engines. */
  readonly judgePairs: number;
  /** Episodes up to which the online arms go; 0: they do not run. */
  readonly onlineBudget: number;
}

export type SourceName = 'randomised' | 'fixed' | 'shuffled';

export interface ZeroShot extends Judged {
  readonly target: string;
  readonly seed: number;
  readonly source: SourceName;
}

export interface Recovered extends Judged {
  readonly target: string;
  readonly seed: number;
  readonly arm: string;
  readonly episodes: number;
  readonly source: SourceName;
  /** Whether the judge would keep it; null where nothing judged. */
  readonly accepted: boolean | null;
  /** Mean return in the simulator it was trained in. */
  readonly home: number;
}

/** What a selector may know of a cell: nothing of it was measured by trying an arm. */
export interface CellFacts {
  readonly target: string;
  readonly seed: number;
  readonly episodes: number;
  /** Of those, that may be learned from; and independent readings that their steps are worth. */
  readonly learned: number;
  readonly effectiveSteps: number;
  /** Open-loop error of the simulator as it was, on them. */
  readonly nominalError: number;
}

export interface TaskStudy {
  readonly task: string;
  readonly size: StudySize;
  readonly targets: readonly Pick<Target, 'name' | 'kind'>[];
  readonly references: Readonly<Record<string, Reference>>;
  readonly zeroShot: readonly ZeroShot[];
  readonly recovered: readonly Recovered[];
  readonly facts: readonly CellFacts[];
  /** Numbers in the policy's last layer. */
  readonly headParameters: number;
  /** Of the randomised sources at home, by seed, and of random actions there. */
  readonly home: readonly number[];
  readonly homeRandom: number;
}

export interface StudyOptions {
  readonly size: StudySize;
  readonly workers: number;
  readonly directory: string;
  readonly onProgress: (text: string) => void;
  /** The targets. @default test */
  readonly set?: 'dev' | 'test' | 'hard';
}
