/**
 * Names for the pieces of a learner's flat parameter vector (actor, log-std, critic): `encoder.0`, ..., `body.0`, ..., `head`,
 * `log-std`, `critic.0`, .... Knows no values, no learner and no simulator.
 */

import { InputError, nearest } from '../../core/errors.ts';
import { type TensorSpec, tensorsOf } from '../architecture.ts';
import { tensorShapes } from '../mlp.ts';
import type { NetworkSettings } from '../ppo-learner.ts';

export type LayerPart = 'encoder' | 'body' | 'head' | 'log-std' | 'critic';

export interface ParameterLayer {
  readonly name: string;
  readonly part: LayerPart;
  /** Numbers [from, to) of the flat vector. */
  readonly from: number;
  readonly to: number;
  /** Of a perceptron's layer: W [inputs, outputs] from `from` on, then b [outputs]; null for other tensors. */
  readonly shape: { readonly inputs: number; readonly outputs: number } | null;
}

/** In the order of the flat vector. */
export function parameterLayers({ actor, criticHidden, criticInputs }: NetworkSettings): ParameterLayer[] {
  const layers: ParameterLayer[] = [];
  let at = 0;
  const add = (name: string, part: LayerPart, size: number, shape: ParameterLayer['shape']) => {
    layers.push({ name, part, from: at, to: at + size, shape });
    at += size;
  };
  const groups = grouped(tensorsOf(actor));
  const encoders = groups.filter(({ isBody }) => !isBody).length;
  for (const [i, { tensors, isBody }] of groups.entries()) {
    const size = tensors.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
    const [inputs, outputs] = tensors[0]!.shape;
    const shape = isBody ? { inputs: inputs!, outputs: outputs! } : null;
    if (!isBody) add(`encoder.${i}`, 'encoder', size, shape);
    else if (i + 1 < groups.length) add(`body.${i - encoders}`, 'body', size, shape);
    else add('head', 'head', size, shape);
  }
  add('log-std', 'log-std', actor.layers.at(-1)!, null);
  const critic = tensorShapes([criticInputs ?? actor.layers[0]!, ...criticHidden, 1]);
  for (let i = 0; i < critic.length; i += 2) {
    const [inputs, outputs] = critic[i]! as [number, number];
    add(`critic.${i / 2}`, 'critic', (inputs + 1) * outputs, { inputs, outputs });
  }
  return layers;
}

/** Numbers in the whole vector. */
export function parameterCount(layers: readonly ParameterLayer[]): number {
  return layers.at(-1)!.to;
}

/**
 * The layers that names stand for: a layer's own, or a part's for all its layers (`body` is `body.0`, `body.1`, ...).
 * @throws InputError for a name that there is not
 */
export function layersNamed(layers: readonly ParameterLayer[], names: readonly string[]): ParameterLayer[] {
  for (const name of names) {
    if (layers.some((layer) => layer.name === name || layer.part === name)) continue;
    const known = layers.map((layer) => layer.name);
    const near = nearest(name, known);
    throw new InputError(`no layer is named ${name}`, {
      repair: near === undefined ? `the layers are ${known.join(', ')}` : `did you mean ${near}?`,
    });
  }
  return layers.filter(({ name, part }) => names.includes(name) || names.includes(part));
}

/** Groups that are unfrozen one after another, from the top: head, the body's layers from its last, the encoder at once. */
export function groupsFromTop(layers: readonly ParameterLayer[]): ParameterLayer[][] {
  const of = (part: LayerPart) => layers.filter((layer) => layer.part === part);
  const body = of('body')
    .reverse()
    .map((layer) => [layer]);
  return [of('head'), ...body, of('encoder')].filter((group) => group.length > 0);
}

/** Weight and bias of a layer together; what is named `actor.<number>` is the body's. */
function grouped(specs: readonly TensorSpec[]): { readonly tensors: TensorSpec[]; readonly isBody: boolean }[] {
  const groups = new Map<string, TensorSpec[]>();
  for (const spec of specs) {
    const layer = spec.name.slice(0, spec.name.lastIndexOf('.'));
    groups.set(layer, [...(groups.get(layer) ?? []), spec]);
  }
  return [...groups].map(([layer, tensors]) => ({ tensors, isBody: /^actor\.\d+$/.test(layer) }));
}

function sizeOf(shape: readonly number[]): number {
  return shape.reduce((a, b) => a * b, 1);
}
