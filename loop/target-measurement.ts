/**
 * How much there is to learn from and how far the target is from the simulation: every figure that the choice of a strategy
 * rests on, and the distances that explain it, each against what two simulations of the same robot are apart. Prints nothing.
 */

import type { Contract } from '../core/contract.ts';
import { type Episode, episodeReturn } from '../core/episode.ts';
import { foldIn, type Key, keyOf } from '../core/rng.ts';
import { Actor } from '../policy/actor.ts';
import { sizesOf } from '../policy/architecture.ts';
import type { Bundle } from '../policy/checkpoint.ts';
import { bootstrapMean, mean } from '../policy/evaluate.ts';
import { type DomainSeparation, proxyADistance } from '../policy/similarity/domain-classifier.ts';
import { dynamicsGap, pickTransitions, type TransitionRows } from '../policy/similarity/dynamics-gap.ts';
import { type EffectiveSample, effectiveSample } from '../policy/similarity/effective-sample.ts';
import { observationRows, transitionRows } from '../policy/similarity/episode-rows.ts';
import { coralDistance, frechetDistance, momentsOf } from '../policy/similarity/gaussian-distances.ts';
import { type GroupedRows, projected, scaleOf, standardised, thinRows } from '../policy/similarity/grouped-rows.ts';
import { bandwidthOf, mmd2, mmdTest } from '../policy/similarity/mmd.ts';
import { type Calibrated, calibrated } from '../policy/similarity/null-calibration.ts';
import type { TransferFacts } from '../policy/transfer/selector.ts';
import { type Experiment, evaluationRecipe } from './experiment.ts';
import { type HorizonError, openLoopErrors } from './open-loop-error.ts';
import { aimlessPolicy, recordEpisodes } from './recorded-episodes.ts';

export interface MeasurementRequest {
  /** Of the policy that shall be adapted. */
  readonly contract: Contract;
  readonly experiment: Experiment;
  /** Simulated episodes of the same policy, at least twice as many as the target's. */
  readonly source: readonly Episode[];
  /** Those that may be learned from. */
  readonly target: readonly Episode[];
  /** Mean return of aimless actions in the source; without it the retention stays unknown. */
  readonly randomReturn?: number;
  readonly seed: number;
  /** Source-vs-source splits of the cheap distances and of the dynamics gap. */
  readonly splits?: { readonly distances: number; readonly dynamics: number };
}

export interface TargetMeasurement {
  readonly facts: TransferFacts;
  readonly sample: EffectiveSample;
  /** Of the observations: another policy or start moves them as well as another physics. */
  readonly observations: {
    readonly mmd: Calibrated & { readonly p: number };
    readonly coral: Calibrated;
    readonly frechet: Calibrated;
    /** null with a single episode. */
    readonly separation: DomainSeparation | null;
  };
  /** Of what follows from an observation and an action, nats a step; null with fewer than four episodes. */
  readonly dynamics: (Calibrated & { readonly ci95: readonly [number, number] }) | null;
  /** null where the simulator cannot be run beside the recordings. */
  readonly openLoop: readonly HorizonError[] | null;
}

const SPLITS = { distances: 40, dynamics: 12 } as const;
/** Rows of each side: kernels grow with the square of them. */
const KERNEL_ROWS = 300;
const TRANSITION_ROWS = 3000;
/** Columns of a covariance whose eigenvalues are affordable. */
const COLUMNS = 32;
const PERMUTATIONS = 500;
/** Episodes of each domain that the dynamics gap needs. */
const LEAST_FOR_DYNAMICS = 4;
/** Nats a step. Between halves of a source without noise the gap is 0 each time, and any gap would be infinitely far from it. */
const NEGLIGIBLE_GAP = 0.01;
/** Steps ahead that the selector goes by. */
const DECIDING_HORIZON = 10;

/** @throws RangeError when the source has fewer than twice the target's episodes */
export async function measureTarget(request: MeasurementRequest): Promise<TargetMeasurement> {
  const { contract, experiment, source, target, randomReturn, seed, splits = SPLITS } = request;
  const key = foldIn(keyOf(seed), 61);
  const [ownObs, theirObs] = comparable(observationRows(source), observationRows(target), foldIn(key, 0));
  const observations = await compareObservations(ownObs, theirObs, splits.distances, key);
  const dynamics = await compareDynamics(
    transitionRows(source),
    transitionRows(target),
    splits.dynamics,
    foldIn(key, 1),
  );
  const openLoop = await openLoopErrors(experiment, source, target);
  const sample = effectiveSample(theirObs);
  return {
    facts: {
      episodes: target.length,
      effectiveSteps: sample.size,
      headParameters: sizesOf(contract.network)
        .slice(-2)
        .reduce((sum, size) => sum + size, 0),
      dynamicsZ: dynamics?.z ?? null,
      openLoopRatio: openLoop?.find(({ steps }) => steps === DECIDING_HORIZON)?.ratio ?? null,
      retention: randomReturn === undefined ? null : retentionOf(source, target, randomReturn),
    },
    sample,
    observations,
    dynamics,
    openLoop,
  };
}

/** The same with the source simulated here: the bundle's policy in the nominal simulation, and aimless actions beside it. */
export async function measureAgainstSimulation(
  bundle: Bundle,
  experiment: Experiment,
  target: readonly Episode[],
  seed: number,
): Promise<TargetMeasurement> {
  const { contract } = bundle;
  const recipe = { ...evaluationRecipe(experiment, contract, 'rapier', seed), randomization: 0 };
  const count = Math.max(LEAST_SOURCE, 2 * target.length);
  const source = await recordEpisodes(recipe, new Actor(contract, bundle.weights), count);
  const aimless = await recordEpisodes(recipe, aimlessPolicy(foldIn(recipe.key, 62)), LEAST_SOURCE / 2);
  return measureTarget({
    contract,
    experiment,
    source,
    target,
    randomReturn: mean(aimless.map(episodeReturn)),
    seed,
  });
}

const LEAST_SOURCE = 20;

/** Standardised by the source, without columns that say nothing, few enough for a covariance. */
function comparable(source: GroupedRows, target: GroupedRows, key: Key): [GroupedRows, GroupedRows] {
  const scale = scaleOf(source, target);
  return [projected(standardised(source, scale), COLUMNS, key), projected(standardised(target, scale), COLUMNS, key)];
}

async function compareObservations(source: GroupedRows, target: GroupedRows, splits: number, key: Key) {
  const measure = (distance: (a: GroupedRows, b: GroupedRows) => number, purpose: number) =>
    calibrated(distance, source, target, { splits }, foldIn(key, purpose));
  const bandwidth = bandwidthOf(source);
  const thin = (rows: GroupedRows) => thinRows(rows, KERNEL_ROWS);
  const { p } = mmdTest(thin(source), thin(target), bandwidth, PERMUTATIONS, foldIn(key, 2));
  return {
    mmd: { ...(await measure((a, b) => mmd2(thin(a), thin(b), bandwidth), 3)), p },
    coral: await measure((a, b) => coralDistance(momentsOf(a), momentsOf(b)), 4),
    frechet: await measure((a, b) => frechetDistance(momentsOf(a), momentsOf(b)), 5),
    separation: target.episodes < 2 ? null : proxyADistance(source, target, foldIn(key, 6)),
  };
}

async function compareDynamics(source: TransitionRows, target: TransitionRows, splits: number, key: Key) {
  if (target.episodes < LEAST_FOR_DYNAMICS || source.episodes < LEAST_FOR_DYNAMICS + target.episodes) return null;
  const thin = (rows: TransitionRows) => ({ ...rows, ...thinRows(rows, TRANSITION_ROWS) });
  const perEpisode = new Float64Array(target.episodes);
  const found = await calibrated<TransitionRows>(
    (a, b, split) => {
      const estimate = dynamicsGap(thin(a), thin(b), split);
      if (b === target) for (const [e, gap] of estimate.perEpisode.entries()) perEpisode[e]! += gap / splits;
      return estimate.mean;
    },
    source,
    target,
    { splits, leastSd: NEGLIGIBLE_GAP, pick: pickTransitions },
    foldIn(key, 0),
  );
  return { ...found, ci95: bootstrapMean([...perEpisode], 0.95, foldIn(key, 2 ** 20)) };
}

/** (J_T - J_random) / (J_S - J_random); null where the source itself is no better than chance. */
function retentionOf(source: readonly Episode[], target: readonly Episode[], randomReturn: number): number | null {
  const [own, theirs] = [mean(source.map(episodeReturn)), mean(target.map(episodeReturn))];
  return own - randomReturn > 1e-9 ? (theirs - randomReturn) / (own - randomReturn) : null;
}
