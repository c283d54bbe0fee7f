/** What the trainer's main thread and its workers say to each other. Data only. */

import type { Contract } from '../core/contract.ts';
import type { FrameRing } from '../core/frame-ring.ts';
import type { Key } from '../core/rng.ts';
import type { EnvironmentSnapshot } from '../sim/environment.ts';
import type { EnvironmentRecipe } from '../sim/recipe.ts';
import type { Origin } from './divergence.ts';
import type { EpisodeScore } from './evaluate.ts';
import type { RolloutShape } from './rollout-buffer.ts';
import type { SceneChange } from './watch.ts';

/** Prepare to collect environments first..first+count-1 into `memory`. */
export interface OpenRequest {
  readonly op: 'open';
  readonly recipe: EnvironmentRecipe;
  readonly first: number;
  readonly count: number;
  readonly shape: RolloutShape;
  readonly memory: SharedArrayBuffer;
  readonly noiseKey: Key;
  /** Where the first environments' states go for the viewer; null when nobody may watch. */
  readonly ring: FrameRing | null;
  /** Where the slice's environments shall stand. @default at the start of their first episodes */
  readonly environments?: readonly EnvironmentSnapshot[];
}

/** Say where the environments stand. */
export interface SnapshotRequest {
  readonly op: 'snapshot';
}

export interface CollectRequest {
  readonly op: 'collect';
  readonly iteration: number;
  /** The ring's frame number of this iteration's first step. */
  readonly firstFrame: number;
}

/** Run episodes from..from+count-1 of environment 0 of the recipe with the policy's mean action. */
export interface EvaluateRequest {
  readonly op: 'evaluate';
  readonly recipe: EnvironmentRecipe;
  readonly contract: Contract;
  readonly weights: readonly Float32Array[];
  readonly from: number;
  readonly count: number;
}

export type Request = OpenRequest | CollectRequest | SnapshotRequest | EvaluateRequest;

export type Reply =
  | { readonly op: 'done' }
  /** What was new around the watched environments. */
  | { readonly op: 'collected'; readonly scenes: readonly SceneChange[] }
  | { readonly op: 'snapshots'; readonly environments: readonly EnvironmentSnapshot[] }
  | { readonly op: 'scores'; readonly scores: readonly EpisodeScore[] }
  | {
      readonly op: 'failed';
      readonly kind: 'input' | 'numeric' | 'other';
      readonly message: string;
      readonly origin?: Origin;
      readonly repair?: string;
      readonly stack?: string;
    };
