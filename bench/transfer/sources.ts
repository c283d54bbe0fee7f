/**
 * The policies that part `twin` begins with: trained in Rapier with randomisation and without, and the control that was robbed of
 * what it knew.
 */

import { join } from 'node:path';
import { experimentNamed } from '../../configs/index.ts';
import { applyOverrides } from '../../configs/schema.ts';
import { foldIn, keyOf, RandomStream } from '../../core/rng.ts';
import { learnedParameters } from '../../loop/adapted-policy.ts';
import { type Experiment, openExperiment } from '../../loop/experiment.ts';
import { sizesOf } from '../../policy/architecture.ts';
import { type Bundle, bundleParameters } from '../../policy/checkpoint.ts';
import type { WorkerPool } from '../../policy/collector.ts';
import { splitTensors } from '../../policy/mlp.ts';
import { keptPolicy } from '../kept-policy.ts';
import type { Adapted, ArmSource } from './arms.ts';
import type { StudyOptions } from './study-rows.ts';

export interface Source {
  readonly seed: number;
  readonly experiment: Experiment;
  readonly bundle: Bundle;
  readonly fixed: Bundle;
}

export async function sourceOf(task: string, seed: number, folder: string, options: StudyOptions): Promise<Source> {
  const open = (randomization: number) =>
    openExperiment(applyOverrides(experimentNamed(task), [`seed=${seed}`, `randomization=${randomization}`]));
  const train = (experiment: Experiment, name: string) =>
    keptPolicy(experiment, join(folder, name), options.workers, () =>
      options.onProgress(`${task}, seed ${seed}: training ${name}`),
    );
  const experiment = await open(1);
  return {
    seed,
    experiment,
    bundle: await train(experiment, `randomised-${seed}`),
    fixed: await train(await open(0), `fixed-${seed}`),
  };
}

export async function armSource(pool: WorkerPool, source: Source, iterations: number): Promise<ArmSource> {
  const { bundle, experiment, seed } = source;
  return { bundle, learned: await learnedParameters(bundle), experiment, pool, seed, iterations };
}

export function policyOf(bundle: Bundle): Adapted {
  return { contract: bundle.contract, actor: bundleParameters(bundle) };
}

export function bundleOf(bundle: Bundle, { contract, actor }: Adapted): Bundle {
  return { ...bundle, contract, weights: splitTensors(actor, sizesOf(contract.network)) };
}

/** The same numbers in another order within each tensor: what is left when knowledge is taken away. */
export function shuffled({ contract, actor }: Adapted, seed: number): Adapted {
  const mixed = actor.slice();
  const random = new RandomStream(foldIn(keyOf(seed), 61));
  for (const tensor of splitTensors(mixed, sizesOf(contract.network))) {
    const order = new Int32Array(tensor.length);
    random.permutation(order);
    tensor.set(Float32Array.from(order, (i) => tensor[i]!));
  }
  return { contract, actor: mixed };
}
