/**
 * Where the learner's threads find everything: pointers into their shared memory, and what they are asked. Plain data that
 * goes to a thread as it is. Knows no arithmetic.
 */

import type { NetworkContract } from '../../core/contract.ts';
import type { Run } from '../fine-tune-plan.ts';
import type { PpoSettings } from '../ppo-learner.ts';
import type { AdapterSpec } from '../transfer/adapter.ts';

/** Pieces of a minibatch whose gradients are summed in order: fixed, so that any number of threads gives the same bits. */
export const SHARDS = 8;
/** Pieces of the parameter vector that are summed and stepped. */
export const SLICES = 16;
/** policy loss, KL, clip fraction, value loss */
export const SHARD_STATS = 4;
/** policy loss, value loss, KL, clip fraction, gradient norm */
export const STATS = 5;

/** Pointers of what stays for the life of a learner. */
export interface PpoPlan {
  readonly actor: readonly number[];
  readonly critic: readonly number[];
  readonly activation: NetworkContract['activation'];
  /** The critic sees what the actor sees. */
  readonly sameSight: boolean;
  /** Floats in the parameter vector: actor, log-std, critic; and of a slice of it. */
  readonly size: number;
  readonly slice: number;
  readonly parameters: number;
  readonly firstMoment: number;
  readonly secondMoment: number;
  readonly gradient: number;
  /** [SHARDS, shardStride] */
  readonly shards: number;
  readonly shardStride: number;
  /** Of a pull, [size]; 0 without one. */
  readonly anchor: number;
  readonly stiffness: number;
  readonly adapter: AdapterPlan | null;
  /** Float64, [SHARDS, SHARD_STATS], [SLICES + 1] (the last is the adapter's) and [STATS], the sum over an epoch's minibatches. */
  readonly shardStats: number;
  readonly norms: number;
  readonly totals: number;
  /** Int32, the threads' team. */
  readonly team: number;
}

/** Pointers of numbers that stand in for weights: [adapterSize] each, and the weights without them, [size]. */
export interface AdapterPlan {
  readonly spec: AdapterSpec;
  readonly length: number;
  readonly theta: number;
  readonly firstMoment: number;
  readonly secondMoment: number;
  readonly gradient: number;
  readonly base: number;
}

/** Pointers of what is not to be forgotten, as in Rehearsal. */
export interface RehearsalPlan {
  readonly coefficient: number;
  /** Rows of a minibatch. */
  readonly rows: number;
  readonly obs: number;
  readonly mean: number;
  readonly logStd: number;
}

/** Pointers of one iteration's data, as in PpoBatch. */
export interface BatchPlan {
  readonly obs: number;
  readonly criticObs: number;
  readonly action: number;
  readonly logProb: number;
  readonly advantage: number;
  readonly target: number;
  readonly value: number;
  /** Int32, [batch] */
  readonly order: number;
}

export interface EpochRequest {
  readonly op: 'epoch';
  readonly batch: BatchPlan;
  readonly settings: PpoSettings;
  readonly learningRate: number;
  /** Adam steps taken before. */
  readonly steps: number;
  /** Rows of a minibatch. */
  readonly rows: number;
  /** What learns. */
  readonly runs: readonly Run[];
  /** 0: the adapter rests, or there is none. */
  readonly adapterRate: number;
  readonly rehearsal: RehearsalPlan | null;
}

/** The critic's estimates of `rows` observations, [rows]. */
export interface ValuesRequest {
  readonly op: 'values';
  readonly obs: number;
  readonly values: number;
  readonly rows: number;
}

export type LearnerRequest = EpochRequest | ValuesRequest;

/** What a thread starts with. */
export interface LearnerStart {
  readonly memory: WebAssembly.Memory;
  readonly plan: PpoPlan;
  readonly index: number;
  readonly threads: number;
}

export type LearnerReply = { readonly op: 'done' } | { readonly op: 'failed'; readonly message: string };
