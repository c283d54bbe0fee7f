/**
 * The statistics that observations are normalised with, as training goes on: of what the actor sees, and of what only the
 * critic sees. Knows no environment and no learner.
 */

import type { NetworkContract, NormalizerContract } from '../core/contract.ts';
import { InputError } from '../core/errors.ts';
import { RunningNormalizer } from './normalizer.ts';
import type { RolloutBuffer } from './rollout-buffer.ts';
import type { LoopSettings, TrainJob } from './training-job.ts';

export interface Statistics {
  readonly actor: NormalizerContract;
  /** Of what only the critic sees; null when it sees what the actor sees. */
  readonly critic: NormalizerContract | null;
}

type Origin = Pick<TrainJob<LoopSettings>, 'recipe' | 'settings' | 'resume' | 'initialCriticNormalizer'>;

export class ObservationStatistics {
  readonly #actor: RunningNormalizer;
  readonly #critic: RunningNormalizer | null;
  readonly #frozen: boolean | readonly boolean[];
  /** Of what is not frozen where something is: counted from nothing. */
  readonly #others: RunningNormalizer | null;

  /** From where they stood. @throws InputError when those of the critic are missing or of another critic */
  constructor(origin: Origin) {
    this.#actor = new RunningNormalizer(origin.recipe.contract.normalizer);
    this.#critic = criticNormalizer(origin);
    this.#frozen = origin.settings.freezeNormalizer ?? false;
    this.#others =
      typeof this.#frozen === 'boolean' ? null : new RunningNormalizer({ ...this.#actor.toContract(), count: 0 });
  }

  /** A copy, as they stand now. */
  now(): Statistics {
    return { actor: this.#actor.toContract(), critic: this.#critic?.toContract() ?? null };
  }

  /** Tell the environments. */
  write(buffer: RolloutBuffer): void {
    writeNormalizer(this.#actor, buffer.normalizer);
    if (this.#critic !== null) writeNormalizer(this.#critic, buffer.criticNormalizer);
  }

  /** Take in what was collected. */
  update({ obs, criticObs, shape }: RolloutBuffer): void {
    const steps = shape.horizon * shape.numEnvs;
    this.#updateActor(obs, steps);
    this.#critic?.update(criticObs, steps);
  }

  #updateActor(obs: Float32Array, steps: number): void {
    if (typeof this.#frozen === 'boolean') {
      if (!this.#frozen) this.#actor.update(obs, steps);
      return;
    }
    const { mean, variance } = this.#actor;
    const others = this.#others!;
    others.update(obs, steps);
    for (const [i, isFrozen] of this.#frozen.entries()) {
      if (isFrozen) continue;
      mean[i] = others.mean[i]!;
      variance[i] = others.variance[i]!;
    }
  }
}

/** The network as it stands: a teacher's statistics of what only a simulation knows are part of it. */
export function learnedNetwork(network: NetworkContract, { critic }: Statistics): NetworkContract {
  if (network.kind !== 'privileged' || critic === null) return network;
  return { ...network, encoder: { ...network.encoder, normalizer: critic } };
}

function criticNormalizer({ recipe, settings, resume, initialCriticNormalizer }: Origin): RunningNormalizer | null {
  const inputs = settings.network.criticInputs;
  if (inputs === undefined) return null;
  const known = resume === undefined ? initialCriticNormalizer : resume.criticNormalizer;
  const found = known?.mean.length ?? 0;
  if ((resume !== undefined || known !== undefined) && found !== inputs) {
    throw new InputError(`the checkpoint has statistics of ${found} critic observations, the task has ${inputs}`, {
      repair: 'the task has changed since: train again, or restore the old one',
    });
  }
  const { epsilon, clip } = recipe.contract.normalizer;
  const each = (value: number) => new Array<number>(inputs).fill(value);
  return new RunningNormalizer(known ?? { mean: each(0), variance: each(1), count: 0, epsilon, clip });
}

/** @param out mean, then variance */
function writeNormalizer({ mean, variance }: RunningNormalizer, out: Float64Array): void {
  out.set(mean);
  out.set(variance, mean.length);
}
