/**
 * How fast each number of the flat vector learns while a policy is fine-tuned: layers frozen or not, smaller rates lower down and a
 * slanted triangle over time (ULMFiT, Howard & Ruder 2018, 1801.06146), unfreezing from the top, and rates by relative gradient
 * norm (Auto-RGN, Lee et al. 2023, 2210.11466). Arrays alone: knows no learner.
 */

import type { NetworkSettings } from '../ppo-learner.ts';
import { groupsFromTop, type ParameterLayer, parameterCount, parameterLayers } from './parameter-layers.ts';

/** A group's rate is the one's above it divided by this (ULMFiT). */
export const DECAY = 2.6;

/** A rate for each layer by its name; 0 for those without. @returns [parameters] */
export function layerRates(layers: readonly ParameterLayer[], rates: Readonly<Record<string, number>>): Float32Array {
  const out = new Float32Array(parameterCount(layers));
  for (const { name, from, to } of layers) out.fill(rates[name] ?? 0, from, to);
  return out;
}

/** Rate 1 for the layers that pass, else 0. */
export function ratesWhere(
  layers: readonly ParameterLayer[],
  learns: (layer: ParameterLayer) => boolean,
): Float32Array {
  return layerRates(layers, Object.fromEntries(layers.filter(learns).map(({ name }) => [name, 1])));
}

/** The last layer and the critic, which is no part of the policy. */
export function headRates(network: NetworkSettings): Float32Array {
  return ratesWhere(parameterLayers(network), ({ part }) => part === 'head' || part === 'critic');
}

/** head 1, the body's last layer 1 / decay, the one below 1 / decay^2, ...; the critic 1. */
export function discriminativeRates(layers: readonly ParameterLayer[], decay = DECAY): Record<string, number> {
  const rates: Record<string, number> = {};
  // eta_(l-1) = eta_l / 2.6
  for (const [depth, group] of groupsFromTop(layers).entries())
    for (const { name } of group) rates[name] = decay ** -depth;
  for (const { name, part } of layers) if (part === 'critic') rates[name] = 1;
  return rates;
}

/**
 * Share of the largest rate at step t of T: up over the first `cutFraction`, then slowly down to 1 / ratio.
 * cut = floor(T cutFraction);  p = t / cut before it, else 1 - (t - cut) / (cut (1 / cutFraction - 1));
 * eta_t / eta_max = (1 + p (ratio - 1)) / ratio
 */
export function slantedTriangle(t: number, steps: number, { cutFraction = 0.1, ratio = 32 } = {}): number {
  // A training of a few steps goes down only.
  const cut = Math.max(1, Math.floor(steps * cutFraction));
  const p = t < cut ? t / cut : 1 - (t - cut) / (cut * (1 / cutFraction - 1));
  return (1 + Math.max(0, p) * (ratio - 1)) / ratio;
}

/** How many groups from the top learn in iteration t: one more with every `iterations / (groups + 1)`. */
export function unfrozenGroups(t: number, iterations: number, groups: number): number {
  return Math.min(groups, 1 + Math.floor((t * (groups + 1)) / iterations));
}

/**
 * Gradual unfreezing: from the top one group after another, each at its decayed rate times the slanted triangle; the critic always
 * at 1, as nothing that is deployed depends on it.
 */
export function gradualRates(layers: readonly ParameterLayer[], iterations: number): (t: number) => Float32Array {
  const groups = groupsFromTop(layers);
  const decayed = discriminativeRates(layers);
  return (t) => {
    const open = groups.slice(0, unfrozenGroups(t, iterations, groups.length)).flat();
    const triangle = slantedTriangle(t, iterations);
    return layerRates(
      layers,
      Object.fromEntries(
        layers
          .filter((layer) => layer.part === 'critic' || open.includes(layer))
          .map(({ name, part }) => [name, part === 'critic' ? 1 : decayed[name]! * triangle]),
      ),
    );
  };
}

/** Auto-RGN: ||g|| / ||w|| of each of the actor's layers over the largest of them; the critic 1. */
export function gradientNormRates(
  layers: readonly ParameterLayer[],
  parameters: Float32Array,
  gradient: Float32Array,
): Record<string, number> {
  const norm = (values: Float32Array, { from, to }: ParameterLayer) =>
    Math.sqrt(values.subarray(from, to).reduce((sum, x) => sum + x * x, 0));
  const actor = layers.filter(({ part }) => part !== 'critic' && part !== 'log-std');
  const ratios = actor.map((layer) => norm(gradient, layer) / Math.max(norm(parameters, layer), 1e-12));
  const largest = Math.max(...ratios);
  const rates = Object.fromEntries(actor.map(({ name }, i) => [name, largest > 0 ? ratios[i]! / largest : 1]));
  for (const { name, part } of layers) if (part === 'critic') rates[name] = 1;
  return rates;
}
