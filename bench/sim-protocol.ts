/** What the simulation benchmark and its worker threads say to each other. Data only. */

import type { EnvironmentRecipe } from '../sim/recipe.ts';

/** Build environments first..first+count-1 and an actor with random weights. */
export interface OpenRequest {
  readonly op: 'open';
  readonly recipe: EnvironmentRecipe;
  readonly first: number;
  readonly count: number;
}

/** Step them as a rollout does for some seconds. `split` also says where the time went (Rapier alone). */
export interface RunRequest {
  readonly op: 'run' | 'split';
  readonly seconds: number;
}

/** Measure what a control step allocates. */
export interface AllocateRequest {
  readonly op: 'allocate';
}

export type SimRequest = OpenRequest | RunRequest | AllocateRequest;

/** Seconds of each part, and of all together. */
export interface Split {
  readonly physics: number;
  readonly observation: number;
  readonly actor: number;
  readonly total: number;
}

/** Control steps, and the seconds they took: by the clock, and of processor time of the whole process. */
export interface Pace {
  readonly steps: number;
  readonly wall: number;
  readonly cpu: number;
}

export type SimReply =
  | { readonly op: 'open' }
  | { readonly op: 'run'; readonly pace: Pace }
  | { readonly op: 'split'; readonly split: Split }
  /** null where no 20 steps in a row stayed within an episode. */
  | { readonly op: 'allocate'; readonly bytesPerStep: number | null }
  | { readonly op: 'failed'; readonly message: string };
