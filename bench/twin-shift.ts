/**
 * How a policy fares on a twin that differs from its simulator, before and after adapting to ten recorded episodes, and
 * what learning from scratch on the same ten gives. Episodes run in simulated time, on the same code as a deployment's
 * observations and actions.
 */

import { foldIn, keyOf } from '../core/rng.ts';
import { adapt, type LearnedParameters } from '../loop/adaptation.ts';
import { type Experiment, evaluationRecipe } from '../loop/experiment.ts';
import { fitterOf } from '../loop/fitting.ts';
import { recordEpisodes } from '../loop/recorded-episodes.ts';
import { Actor } from '../policy/actor.ts';
import { sizesOf } from '../policy/architecture.ts';
import type { Bundle } from '../policy/checkpoint.ts';
import type { WorkerPool } from '../policy/collector.ts';
import { bootstrapMean, mean, summarise } from '../policy/evaluate.ts';
import { splitTensors } from '../policy/mlp.ts';
import type { Verdict } from '../policy/transfer/judge.ts';
import type { Dynamics } from '../sim/dynamics.ts';
import type { EnvironmentRecipe } from '../sim/recipe.ts';

/** Differences of the twin. Scales, and seconds. */
export interface Shift {
  readonly mass: number;
  readonly friction: number;
  readonly latency: number;
}

export interface ShiftScore {
  readonly success: number;
  readonly meanReturn: number;
}

/** One seed's figures on one twin. */
export interface ShiftRow {
  readonly seed: number;
  readonly zeroShot: ShiftScore;
  readonly adapted: ShiftScore;
  readonly scratch: ShiftScore;
  readonly accepted: boolean;
  /** What the judge saw, who knows the twin from three episodes only. */
  readonly verdict: Verdict;
  readonly fitted: Dynamics;
  readonly fittedHeld: Dynamics;
  /** The last layer on the twin even if it was rolled back: was the verdict right? */
  readonly unjudged: ShiftScore;
}

export interface Interval {
  readonly mean: number;
  readonly ci95: readonly [number, number];
}

const RECORDED = 10;

export async function shiftRow(
  experiment: Experiment,
  bundle: Bundle,
  learned: LearnedParameters | null,
  shift: Shift,
  pool: WorkerPool,
  seed: number,
  evalEpisodes: number,
  iterations: number,
): Promise<ShiftRow> {
  const dynamics = shifted(experiment.dynamics, shift);
  const twin: EnvironmentRecipe = {
    ...evaluationRecipe(experiment, bundle.contract, 'mujoco', 5000 + seed),
    dynamics,
    randomization: 0,
  };
  const episodes = await recordEpisodes(twin, new Actor(bundle.contract, bundle.weights), RECORDED);
  const { actor, scratchActor, scratchNormalizer, report } = await adapt({
    bundle,
    learned,
    experiment,
    episodes,
    pool,
    fit: fitterOf(experiment, seed),
    seed,
    iterations,
    pairs: 60,
  });
  const score = async (contract: Bundle['contract'], parameters: readonly Float32Array[]): Promise<ShiftScore> => {
    const recipe = { ...twin, contract, key: foldIn(keyOf(seed), 77) };
    const { successRate, meanReturn } = summarise(
      await pool.evaluate(recipe, contract, parameters, evalEpisodes),
      recipe.key,
    );
    return { success: successRate, meanReturn };
  };
  const sizes = sizesOf(bundle.contract.network);
  const zeroShot = await score(bundle.contract, bundle.weights);
  const unjudged = await score(bundle.contract, splitTensors(actor, sizes));
  return {
    seed,
    zeroShot,
    adapted: report.accepted ? unjudged : zeroShot,
    scratch: await score({ ...bundle.contract, normalizer: scratchNormalizer }, splitTensors(scratchActor, sizes)),
    accepted: report.accepted,
    verdict: report.verdict,
    fitted: report.fitted.dynamics,
    fittedHeld: report.fittedHeld.dynamics,
    unjudged,
  };
}

/** Mean over the seeds with its bootstrap interval. */
export function interval(values: readonly number[]): Interval {
  return { mean: mean(values), ci95: bootstrapMean(values, 0.95, keyOf(1)) };
}

function shifted(nominal: Dynamics, { mass, friction, latency }: Shift): Dynamics {
  const times = (scale: number) => (value: number) => scale * value;
  return {
    ...nominal,
    massScale: nominal.massScale.map(times(mass)),
    damping: nominal.damping.map(times(friction)),
    friction: nominal.friction.map(times(friction)),
    latency,
    positionNoise: 0.002,
    velocityNoise: 0.02,
  };
}
