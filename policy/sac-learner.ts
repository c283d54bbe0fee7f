/**
 * What a soft actor-critic learner is: settings, batch, figures, and the interface that the tfjs reference (`sac.ts`) and
 * the fast path (`sac-kernel.ts`) implement. A learner is a function of its batches: everything random is in them.
 */

import type { NetworkContract } from '../core/contract.ts';
import { LandfallError, NumericError } from '../core/errors.ts';
import type { Key, RandomStream } from '../core/rng.ts';
import { initialWeights } from './initial-weights.ts';
import { tensorSizes } from './mlp.ts';
import type { ActorLearner, LearnerState } from './ppo-learner.ts';
import type { Transitions } from './replay-buffer.ts';

/** Haarnoja et al. 2018 (arXiv 1812.05905); ensembles and high update ratios as in RLPD (Ball et al. 2023, 2302.02948). */
export interface SacSettings {
  /** Of actor, critics and temperature. */
  readonly learningRate: number;
  readonly gamma: number;
  /** Share by which the target critics follow their critics at each update. */
  readonly tau: number;
  readonly batchSize: number;
  /** Transitions kept; the oldest are overwritten. */
  readonly bufferSize: number;
  /** Control steps collected before the first update. */
  readonly learnAfter: number;
  /** Updates of the critics per control step. */
  readonly updateRatio: number;
  /** Updates of the critics per update of actor and temperature. */
  readonly actorEvery: number;
  /** In the ensemble. */
  readonly critics: number;
  /** Critics drawn at random whose least value is the target's. */
  readonly subset: number;
  /** Normalise each hidden layer of the critics (Ba et al. 2016). */
  readonly layerNorm: boolean;
  readonly initialTemperature: number;
  /** Entropy that the temperature steers to, nats an action. */
  readonly targetEntropy: number;
  /** Whether targets count the entropy of the next action. */
  readonly backupEntropy: boolean;
  /** Of each batch, drawn from logged episodes where there are some. */
  readonly priorShare: number;
}

export interface SacNetworks {
  /** The deployed policy's. */
  readonly actor: NetworkContract;
  readonly criticHidden: readonly number[];
  /** Numbers that only the critic sees. @default it sees what the actor sees */
  readonly criticInputs?: number;
  /** log sigma of the first policy. */
  readonly initialLogStd: number;
}

/** Transitions with normalised observations, and the random numbers of one update. */
export interface SacBatch extends Transitions {
  /** Standard normal, of the actions at s and at s', [batch, actionDim]. */
  readonly noise: Float32Array;
  readonly nextNoise: Float32Array;
  /** The critics whose least value is the target's. */
  readonly subset: Int32Array;
}

/** Means over the updates of an iteration. */
export interface SacStats {
  readonly criticLoss: number;
  readonly actorLoss: number;
  /** Mean of the ensemble at the batch's actions. */
  readonly qValue: number;
  /** -log pi of the actor's actions, nats. */
  readonly entropy: number;
  readonly temperature: number;
  /** Of the policy, over states and actions. */
  readonly std: number;
  readonly learningRate: number;
}

/**
 * Parameters: explorer (squashed-gaussian.ts), critics, log of the temperature, target critics. The state's `steps` count
 * updates of the critics; its moments are of all but the targets, which have zeros.
 */
export interface SacLearner extends ActorLearner {
  /**
   * @param draw makes the batch of an update, numbered from the first one of the run; what it returns may be reused
   * @throws NumericError when a loss is not finite
   */
  update(count: number, draw: (update: number) => SacBatch): Promise<SacStats>;
}

/** Where each part of the one flat vector lies. */
export interface SacLayout {
  readonly actorLayers: readonly number[];
  readonly criticLayers: readonly number[];
  readonly actorSize: number;
  readonly criticSize: number;
  /** Of all: actor, critics, log-temperature, targets. */
  readonly total: number;
}

export function sacLayout({ actor, criticHidden, criticInputs }: SacNetworks, settings: SacSettings): SacLayout {
  const { layers } = actor;
  const actions = layers.at(-1)!;
  const actorLayers = [...layers.slice(0, -1), 2 * actions];
  const criticLayers = [(criticInputs ?? layers[0]!) + actions, ...criticHidden, 1];
  const actorSize = sum(tensorSizes(actorLayers));
  const criticSize = sum(criticTensorSizes(criticLayers, settings.layerNorm));
  return {
    actorLayers,
    criticLayers,
    actorSize,
    criticSize,
    total: actorSize + 2 * settings.critics * criticSize + 1,
  };
}

/** W1, b1, (gain, shift), W2, ...: with layer normalisation every hidden layer has two tensors more. */
export function criticTensorSizes(layers: readonly number[], layerNorm: boolean): number[] {
  return layers
    .slice(1)
    .flatMap((outputs, i) => [
      layers[i]! * outputs,
      outputs,
      ...(layerNorm && i + 2 < layers.length ? [outputs, outputs] : []),
    ]);
}

/** The first parameters of all. */
export function initialSac(networks: SacNetworks, settings: SacSettings, keys: readonly Key[]): Float32Array {
  const { actorLayers, criticLayers, actorSize, criticSize, total } = sacLayout(networks, settings);
  const flat = new Float32Array(total);
  const actions = actorLayers.at(-1)! / 2;
  flat.set(initialWeights(actorLayers, 0.01, keys[0]!));
  flat.fill(networks.initialLogStd, actorSize - actions, actorSize);
  const sizes = criticTensorSizes(criticLayers, settings.layerNorm);
  for (let i = 0; i < settings.critics; i++) {
    const plain = initialWeights(criticLayers, 1, keys[1 + i]!);
    let [from, to] = [0, actorSize + i * criticSize];
    for (let l = 0, t = 0; l + 1 < criticLayers.length; l++) {
      const size = sizes[t]! + sizes[t + 1]!;
      flat.set(plain.subarray(from, from + size), to);
      from += size;
      to += size;
      t += 2;
      if (!settings.layerNorm || l + 2 === criticLayers.length) continue;
      // gain 1, shift 0
      flat.fill(1, to, to + sizes[t]!);
      to += 2 * sizes[t]!;
      t += 2;
    }
  }
  const critics = settings.critics * criticSize;
  flat[actorSize + critics] = Math.log(settings.initialTemperature);
  flat.copyWithin(actorSize + critics + 1, actorSize, actorSize + critics);
  return flat;
}

/** `size` of `count` critics without repetition, in rising order (Floyd 1987). */
export function drawSubset(random: RandomStream, count: number, size: number): Int32Array {
  const chosen = new Set<number>();
  for (let j = count - size; j < count; j++) {
    const t = random.below(j + 1);
    chosen.add(chosen.has(t) ? j : t);
  }
  return Int32Array.from(chosen).sort();
}

function sum(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0);
}

/** The error of a loss that is not finite. @param first,last updates between which it came, `last` not included */
export function nonFinite(
  first: number,
  last: number,
  criticLoss: number,
  actorLoss: number,
  setting = 'sac.learningRate',
): NumericError {
  return new NumericError(
    `the loss is not finite in updates ${first} to ${last - 1} (critics ${criticLoss}, actor ${actorLoss})`,
    { repair: `lower ${setting}, or look for rewards that are far too large` },
  );
}

/** @throws LandfallError when a state is of another network */
export function refuseSize(state: LearnerState, total: number): void {
  if (state.parameters.length === total) return;
  throw new LandfallError(`the checkpoint has ${state.parameters.length} parameters, this learner ${total}`, {
    repair: "resume with the run's own settings",
  });
}
