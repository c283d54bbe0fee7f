/**
 * Fine-tunes a policy by an arm: its plan given to the loop that trains any policy, what is frozen sealed before and checked after.
 * The exploration is the caller's while it learns and the policy's own again afterwards. Knows no simulator.
 */

import type { Contract } from '../../core/contract.ts';
import { InputError, LandfallError } from '../../core/errors.ts';
import { foldIn } from '../../core/rng.ts';
import type { FineTunePlan } from '../fine-tune-plan.ts';
import { train } from '../runner.ts';
import type { Snapshot, TrainJob } from '../training-job.ts';
import { adapterSize } from './adapter.ts';
import { ARMS, type ArmPlan, type ArmSettings, actorOf, type FineTuneArm, type PolicySource } from './arms.ts';
import { FreezeManager, NORMALIZER, Seal } from './freezing.ts';
import { type ParameterLayer, parameterLayers } from './parameter-layers.ts';

export interface FineTuneOptions extends Omit<ArmSettings, 'iterations' | 'key' | 'gradient'> {
  /** Log-std while it learns, frozen. Without it the source's, which learns: a task of its own, whose exploration ends by itself. */
  readonly exploration?: number;
  /** Weight of KL(old || new), at the source's observations where there are any, else at those met. @default 0 */
  readonly retention?: number;
  /** Iterations in which only the critic learns: a new one would mislead a policy that is good already. @default 0 */
  readonly criticWarmup?: number;
}

export interface FineTuned {
  /** With the network of the arm, which may be wider. */
  readonly contract: Contract;
  /** Log-std last, the source's own where it was frozen. */
  readonly actor: Float32Array;
  /** Numbers of the policy that learned; an adapter's are its own. */
  readonly learned: number;
  /** One hash over every number that may not change, and over the observation statistics: equal before and after. */
  readonly sealBefore: string;
  readonly sealAfter: string;
  readonly snapshot: Snapshot;
}

/** What training needs of a prepared arm. */
export interface PreparedArm {
  readonly source: PolicySource;
  readonly arm: ArmPlan;
  readonly layers: readonly ParameterLayer[];
  readonly manager: FreezeManager;
  readonly plan: FineTunePlan;
  /** Actor, log-std, and the critic where the source has it. */
  readonly initial: Float32Array;
}

/** @throws InputError where the arm and the policy's network do not fit together */
export function prepareArm(
  name: FineTuneArm,
  source: PolicySource,
  settings: ArmSettings,
  options: FineTuneOptions = {},
): PreparedArm {
  const { exploration, retention = 0, criticWarmup = 0 } = options;
  const arm = ARMS[name].plan(source, settings);
  const layers = parameterLayers({ ...source.network, actor: arm.network });
  const manager = new FreezeManager(layers);
  // What is new in a reused body learns by itself, whatever the arm freezes.
  const isPartly = source.copied !== undefined && source.copied.length === arm.actor.length;
  const free = (layer: ParameterLayer) =>
    isPartly &&
    source.copied!.subarray(layer.from, Math.min(layer.to, arm.actor.length)).some((copied) => copied === 0);
  const frozen = arm.freeze.filter((entry) => exploration !== undefined || entry !== 'log-std');
  manager.freeze(...frozen);
  if (arm.details.adapter !== undefined && source.copied?.includes(0) === true && isPartly) {
    throw new InputError(`the arm ${name} adapts weights of which some are new to this task`, {
      repair: 'use one of head, gradual, full, l2sp, column',
    });
  }
  const partly = layers.filter((layer) => layer.part !== 'log-std' && manager.isFrozen(layer.name) && free(layer));
  if (partly.length > 0) manager.unfreeze(...partly.map(({ name: own }) => own));
  const initial = new Float32Array(arm.actor.length + source.parameters.length - actorOf(source).length);
  initial.set(arm.actor);
  initial.set(source.parameters.subarray(actorOf(source).length), arm.actor.length);
  const logStd = layers.find(({ part }) => part === 'log-std')!;
  if (exploration !== undefined) initial.fill(exploration, logStd.from, logStd.to);
  const all = new Float32Array(layers.at(-1)!.to).fill(1);
  const plan = manager.plan({
    ...arm.details,
    rates: (iteration) => {
      const rates = (arm.details.rates?.(iteration) ?? all).slice();
      for (const layer of partly) rates.fill(0, layer.from, layer.to);
      if (isPartly) for (const [i, copied] of source.copied!.entries()) if (copied === 0) rates[i] = 1;
      rates.fill(exploration === undefined ? 1 : 0, logStd.from, logStd.to);
      if (iteration < criticWarmup) rates.fill(0, 0, logStd.to);
      return rates;
    },
    adapterRate: (iteration) => (iteration < criticWarmup ? 0 : 1),
    ...(retention === 0
      ? {}
      : {
          retention: {
            coefficient: retention,
            network: source.network.actor,
            // Both explore alike: the divergence is of the means.
            actor: exploration === undefined ? actorOf(source) : exploring(actorOf(source), logStd, exploration),
            ...(source.observations === undefined ? {} : { observations: source.observations }),
          },
        }),
  });
  return { source, arm, layers, manager, plan, initial };
}

/** @param job as for training anew, its contract and network those of the source */
export async function fineTune(
  name: FineTuneArm,
  source: PolicySource,
  job: Omit<TrainJob, 'initial' | 'initialCriticNormalizer' | 'resume' | 'teacher'>,
  options: FineTuneOptions = {},
): Promise<FineTuned> {
  const { iterations } = job.settings;
  const settings = { ...options, iterations, key: foldIn(job.key, 21) };
  const gradient = ARMS[name].needsGradient === true ? await firstGradient(source, job, options) : null;
  const prepared = prepareArm(name, source, gradient === null ? settings : { ...settings, gradient }, options);
  const snapshot = await follow(prepared, job, iterations);
  const { initial, layers, plan } = prepared;
  const logStd = layers.find(({ part }) => part === 'log-std')!;
  const after = snapshot.state.learner.parameters;
  const still = stillNumbers(plan, iterations);
  // By name, so that an error says what changed; and every number that may not, so that one hash says it did not.
  prepared.manager.seal(initial, knownOf(source.contract, source)).check(after, knownOf(snapshot.contract, source));
  const everything: ParameterLayer = { name: 'frozen', part: 'body', from: 0, to: still.length, shape: null };
  const sealed = (values: Float32Array, contract: Contract) =>
    new Seal(
      [everything],
      Float32Array.from(still, (i) => values[i]!),
      knownOf(contract, source),
    ).digest;
  const [sealBefore, sealAfter] = [sealed(initial, source.contract), sealed(after, snapshot.contract)];
  if (sealBefore !== sealAfter) {
    throw new LandfallError(`the arm ${name} changed numbers that it may not`, {
      repair: 'this is a defect of the learner: the result is not kept',
    });
  }
  const actor = snapshot.actor.slice();
  if (options.exploration !== undefined) actor.set(actorOf(source).slice(-(logStd.to - logStd.from)), logStd.from);
  return {
    contract: snapshot.contract,
    actor,
    learned:
      actor.length -
      still.length -
      adaptedPlaces(plan).size +
      (plan.adapter === undefined ? 0 : adapterSize(plan.adapter)),
    sealBefore,
    sealAfter,
    snapshot,
  };
}

async function follow(
  prepared: PreparedArm,
  job: Parameters<typeof fineTune>[2],
  iterations: number,
): Promise<Snapshot> {
  const { source, arm, manager, plan, initial } = prepared;
  const { network, criticNormalizer, known: marks } = { known: undefined, criticNormalizer: undefined, ...source };
  const contract = { ...job.recipe.contract, normalizer: source.contract.normalizer, network: arm.network };
  return train({
    ...job,
    recipe: { ...job.recipe, contract },
    evalRecipe: { ...job.evalRecipe, contract },
    settings: {
      ...job.settings,
      iterations,
      network: { ...network, actor: arm.network },
      trainable: plan,
      freezeNormalizer: manager.isFrozen(NORMALIZER) && (marks ?? true),
    },
    initial,
    ...(criticNormalizer === undefined ? {} : { initialCriticNormalizer: criticNormalizer }),
  });
}

/** One iteration of learning everything; Adam's first moment is then a mean of gradients. */
async function firstGradient(
  source: PolicySource,
  job: Parameters<typeof fineTune>[2],
  options: FineTuneOptions,
): Promise<Float32Array> {
  const prepared = prepareArm('full', source, { iterations: 1, key: job.key }, { ...options, criticWarmup: 0 });
  const { onIteration: _, ...quiet } = job;
  return (await follow(prepared, quiet, 1)).state.learner.firstMoment;
}

/** Numbers that never learn and that no adapter moves. */
function stillNumbers(plan: FineTunePlan, iterations: number): Int32Array {
  const moved = new Float32Array(plan.rates(0).length);
  for (let t = 0; t < iterations; t++) for (const [i, rate] of plan.rates(t).entries()) if (rate !== 0) moved[i] = 1;
  for (const i of adaptedPlaces(plan)) moved[i] = 1;
  return Int32Array.from(moved.keys()).filter((i) => moved[i] === 0);
}

/** Where the adapter writes. */
function adaptedPlaces({ adapter }: FineTunePlan): Set<number> {
  const places = new Set<number>();
  if (adapter === undefined) return places;
  if (adapter.kind === 'shared') return new Set(adapter.to);
  for (const { from, inputs, outputs } of adapter.layers) {
    const size = (inputs + (adapter.kind === 'film' ? 1 : 0)) * outputs;
    for (let i = 0; i < size; i++) places.add(from + i);
  }
  return places;
}

/** The statistics of the observations that the source knew. */
function knownOf({ normalizer }: Contract, { known }: PolicySource): Contract['normalizer'] {
  if (known === undefined || !known.includes(false)) return normalizer;
  const keep = (values: readonly number[]) => values.filter((_, i) => known[i]);
  return { ...normalizer, count: 0, mean: keep(normalizer.mean), variance: keep(normalizer.variance) };
}

/** With another log-std. */
function exploring(actor: Float32Array, { from, to }: ParameterLayer, logStd: number): Float32Array {
  // The actor may be narrower than the network that the layer is of.
  return actor.fill(logStd, actor.length - (to - from));
}
