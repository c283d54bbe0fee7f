/**
 * A policy's body under another task: observations are matched by name, the old columns of the first layer go where they belong and
 * new observations start without effect; the head stays where the actions are the same, else it starts anew. Perceptrons only.
 * Knows no learner and no simulator.
 */

import type { Contract, NormalizerContract, ObservationContract } from '../../core/contract.ts';
import { InputError, MismatchError } from '../../core/errors.ts';
import type { Key } from '../../core/rng.ts';
import { sizesOf } from '../architecture.ts';
import { initialWeights } from '../initial-weights.ts';
import { splitTensors } from '../mlp.ts';
import type { NetworkSettings } from '../ppo-learner.ts';
import type { PolicySource } from './arms.ts';

export interface ReusedBody {
  /** For the target's network, log-std last. */
  readonly actor: Float32Array;
  /** 1 where a number is the source's, [actor]. */
  readonly copied: Float32Array;
  /** The source's statistics where there are any, else mean 0 and variance 1. */
  readonly normalizer: NormalizerContract;
  /** Whether an observation's statistics are the source's, [obsDim]: those are frozen with the body, the others are learned. */
  readonly known: readonly boolean[];
  readonly isNewHead: boolean;
}

export interface ReuseOptions {
  /** Names of the source's observations for those of the target that are called otherwise. */
  readonly names?: Readonly<Record<string, string>>;
  /** Start the head anew even where the actions are the same: another reward may want another policy. @default false */
  readonly newHead?: boolean;
  /** The exploration begins anew. */
  readonly initialLogStd: number;
}

/**
 * @param source its contract and actor, log-std last @param target the contract with the network that is to be begun
 * @throws InputError for networks that are no perceptrons or have fewer hidden units than the source's
 */
export function reuseBody(
  source: { readonly contract: Contract; readonly actor: Float32Array },
  target: Contract,
  key: Key,
  { names = {}, newHead = false, initialLogStd }: ReuseOptions,
): ReusedBody {
  const [old, network] = [source.contract.network, target.network];
  refuse(source.contract, target);
  const isNewHead = newHead || actionSpace(source.contract) !== actionSpace(target);
  const map = observationMap(source.contract.observations, target.observations, names);
  const depth = old.layers.length - 1;
  const from = splitTensors(source.actor, sizesOf(old));
  const sizes = sizesOf(network);
  const actions = network.layers.at(-1)!;
  const actor = new Float32Array(sizes.reduce((a, b) => a + b, actions)).fill(initialLogStd);
  actor.set(initialWeights(network.layers, 0.01, key));
  const copied = new Float32Array(actor.length);
  const [into, marks] = [splitTensors(actor, sizes), splitTensors(copied, sizes)];
  for (let l = 0; l < depth; l++) {
    const isHead = l + 1 === depth;
    if (isHead && isNewHead) break;
    const [oldOutputs, outputs] = [old.layers[l + 1]!, network.layers[l + 1]!];
    for (let j = 0; j < oldOutputs; j++) {
      for (let i = 0; i < network.layers[l]!; i++) {
        const row = l === 0 ? (map[i] ?? -1) : i < old.layers[l]! ? i : -1;
        const at = i * outputs + j;
        // What the source had not has no effect on its features at first.
        into[2 * l]![at] = row < 0 ? 0 : from[2 * l]![row * oldOutputs + j]!;
        marks[2 * l]![at] = row < 0 ? 0 : 1;
      }
      into[2 * l + 1]![j] = from[2 * l + 1]![j]!;
      marks[2 * l + 1]![j] = 1;
    }
  }
  return { actor, copied, isNewHead, ...statistics(source.contract, target, map) };
}

/**
 * What an arm begins with under another task: the reused body, a critic that starts from nothing.
 * @param target its contract, and its network with an actor of the contract's
 */
export function sourceForTask(
  source: { readonly contract: Contract; readonly actor: Float32Array },
  target: { readonly contract: Contract; readonly network: NetworkSettings },
  key: Key,
  options: Omit<ReuseOptions, 'initialLogStd'> = {},
): PolicySource {
  const { contract, network } = target;
  const reused = reuseBody(source, contract, key, { ...options, initialLogStd: network.initialLogStd });
  const { actor, copied, known, isNewHead, normalizer } = reused;
  return { contract: { ...contract, normalizer }, network, parameters: actor, copied, known, isNewHead };
}

/** For each number of the target's observation where it stands in the source's; null for a new one. */
export function observationMap(
  source: readonly ObservationContract[],
  target: readonly ObservationContract[],
  names: Readonly<Record<string, string>> = {},
): (number | null)[] {
  const places = new Map(source.flatMap((term) => entriesOf(term, term.name)).map((name, i) => [name, i]));
  return target
    .flatMap((term) => entriesOf(term, names[term.name] ?? term.name))
    .map((name) => places.get(name) ?? null);
}

/** A name for each number: what it measures, of which joint, how old. */
function entriesOf({ term, joints, sensor = '', of = [], size, history }: ObservationContract, name: string): string[] {
  const width = size / history;
  return Array.from({ length: size }, (_, i) => {
    const k = i % width;
    const which = joints.length === width ? joints[k]! : of.length === width ? of[k]! : String(k);
    return [name, term, sensor, which, Math.floor(i / width)].join('/');
  });
}

/** A number that is scaled otherwise has other statistics; with them its normalised value is the same. */
function statistics(source: Contract, target: Contract, map: readonly (number | null)[]) {
  const scales = ({ observations }: Contract) =>
    observations.flatMap(({ scale, size }) => new Array<number>(size).fill(scale));
  const [before, now] = [scales(source), scales(target)];
  const { mean, variance } = source.normalizer;
  const ratio = (i: number) => now[i]! / before[map[i]!]!;
  return {
    normalizer: {
      ...source.normalizer,
      mean: map.map((from, i) => (from === null ? 0 : mean[from]! * ratio(i))),
      variance: map.map((from, i) => (from === null ? 1 : variance[from]! * ratio(i) ** 2)),
    },
    known: map.map((from) => from !== null),
  };
}

function actionSpace({ actions }: Contract): string {
  return JSON.stringify(actions.map(({ kind, joints, scale, offset }) => [kind, joints, scale, offset]));
}

function refuse({ network: old }: Contract, { network }: Contract): void {
  if (old.kind !== 'mlp' || network.kind !== 'mlp') {
    throw new InputError(`bodies are reused of perceptrons, found networks of kind ${old.kind} and ${network.kind}`, {
      repair: 'network.kind=mlp',
    });
  }
  const [was, is] = [old.layers.slice(1, -1), network.layers.slice(1, -1)];
  if (was.length !== is.length || was.some((size, l) => size > is[l]!) || old.activation !== network.activation) {
    throw new MismatchError(
      `the body has hidden layers ${was.join(', ')} (${old.activation}), the new network ${is.join(', ')} (${network.activation})`,
      { repair: `network.hidden=${was.join(',')} network.activation=${old.activation}` },
    );
  }
}
