/**
 * The arms: every way to fine-tune a policy that there is, by name, as a plan over its parameters. What each freezes, how fast the
 * rest learns, what pulls it back. Defaults from the papers named in the parts. Knows no learner and no simulator.
 */

import type { Contract, NetworkContract } from '../../core/contract.ts';
import { InputError, nearest } from '../../core/errors.ts';
import type { Key } from '../../core/rng.ts';
import type { FineTunePlan } from '../fine-tune-plan.ts';
import type { NetworkSettings } from '../ppo-learner.ts';
import type { AdaptedLayer } from './adapter.ts';
import { gaussianFisher } from './fisher.ts';
import { NORMALIZER } from './freezing.ts';
import { type ParameterLayer, parameterLayers } from './parameter-layers.ts';
import { ewc, l2sp } from './pull.ts';
import { discriminativeRates, gradientNormRates, gradualRates, layerRates } from './rates.ts';
import { progressiveColumn, residualHead } from './wide-network.ts';

/** The policy that an arm begins with. */
export interface PolicySource {
  readonly contract: Contract;
  readonly network: NetworkSettings;
  /** Actor, log-std and, where it is known, critic. */
  readonly parameters: Float32Array;
  /** Statistics that its critic learned with, where it has its own. */
  readonly criticNormalizer?: Contract['normalizer'];
  /** Of a body reused for another task: 1 where a number is the source's; the others always learn, [actor]. */
  readonly copied?: Float32Array;
  /** Whether an observation's statistics are the source's, [obsDim]. */
  readonly known?: readonly boolean[];
  readonly isNewHead?: boolean;
  /** Normalised observations of its own task, [states, obsDim]: for `ewc`, and for retention. */
  readonly observations?: Float32Array;
}

export interface ArmSettings {
  readonly iterations: number;
  readonly key: Key;
  /** Rank of the low-rank products. @default 4 */
  readonly rank?: number;
  /** Units of a new column's or a residual's hidden layers. @default 32 */
  readonly width?: number;
  /** Largest change of an action by a residual. @default 0.2 */
  readonly beta?: number;
  /** Strength of L2-SP. @default 0.01 */
  readonly l2sp?: number;
  /** Strength of EWC. @default 1e4 */
  readonly ewc?: number;
  /** A gradient of all parameters at the source, for `surgical`. */
  readonly gradient?: Float32Array;
}

export interface ArmPlan {
  readonly network: NetworkContract;
  /** In the network's own shape, log-std last. */
  readonly actor: Float32Array;
  /** Names that are frozen as a whole. */
  readonly freeze: readonly string[];
  readonly details: Partial<FineTunePlan>;
}

export interface Arm {
  /** In words that a newcomer understands. */
  readonly doc: string;
  /** It wants to see one gradient first. */
  readonly needsGradient?: boolean;
  plan(source: PolicySource, settings: ArmSettings): ArmPlan;
}

const ALWAYS = ['log-std', NORMALIZER];
const BELOW = ['encoder', 'body'];

function arm(
  doc: string,
  freeze: readonly string[],
  details: (of: {
    source: PolicySource;
    settings: ArmSettings;
    layers: readonly ParameterLayer[];
  }) => Partial<FineTunePlan> = () => ({}),
): Arm {
  return {
    doc,
    plan(source, settings) {
      const layers = parameterLayers(source.network);
      // A policy has not all parts.
      const there = freeze.filter((name) => layers.some(({ part, name: own }) => part === name || own === name));
      const made = details({ source, settings, layers });
      return { network: source.network.actor, actor: actorOf(source), freeze: [...there, ...ALWAYS], details: made };
    },
  };
}

const table = {
  head: arm('learn the last layer, keep everything below', BELOW),
  first: arm('learn the first layer, keep everything above', ['body', 'head'], ({ layers }) => ({
    rates: fixed(layers, ({ part, name }) => (part === 'critic' || part === 'encoder' || name === 'body.0' ? 1 : 0)),
  })),
  bias: arm('learn the biases, keep the weights', [], ({ layers }) => {
    const rates = layerRates(
      layers,
      rated(layers, ({ part }) => (part === 'critic' ? 1 : 0)),
    );
    for (const { to, shape, part } of layers)
      if (shape !== null && part !== 'critic') rates.fill(1, to - shape.outputs, to);
    return { rates: () => rates };
  }),
  film: arm('scale and shift the features, keep the weights', [], ({ layers }) => ({
    rates: fixed(layers, ({ part }) => (part === 'critic' ? 1 : 0)),
    // The first layer sees observations, not features.
    adapter: { kind: 'film', layers: actorLayers(layers).slice(1) },
  })),
  lora: arm(
    'a small change (of low rank) to every layer of the body, and the last layer',
    [],
    ({ layers, settings }) => ({
      rates: fixed(layers, ({ part }) => (part === 'critic' || part === 'head' ? 1 : 0)),
      adapter: { kind: 'low-rank', layers: actorLayers(layers).slice(0, -1), rank: settings.rank ?? 4, scale: 1 },
    }),
  ),
  gradual: arm('learn the last layer first, then one layer after another below it, each slower', [], (of) => ({
    rates: gradualRates(of.layers, of.settings.iterations),
  })),
  surgical: {
    ...arm('learn each layer as fast as its first gradient asks for', [], ({ layers, source, settings }) => {
      if (settings.gradient === undefined) throw new Error('the arm surgical needs a gradient');
      const rates = layerRates(layers, gradientNormRates(layers, source.parameters, settings.gradient));
      return { rates: () => rates };
    }),
    needsGradient: true,
  },
  full: arm('learn everything', []),
  l2sp: arm('learn everything, slower lower down, and pull it back towards where it was', [], (of) => ({
    ...slowerBelow(of.layers),
    pull: l2sp(of.layers, wholeOf(of.source, of.layers), {
      body: of.settings.l2sp ?? 0.01,
      head: of.settings.l2sp ?? 0.01,
      isNewHead: of.source.isNewHead ?? false,
    }),
  })),
  ewc: arm('learn everything, and hold what the old task needs', [], ({ layers, source, settings }) => {
    if (source.observations === undefined) {
      throw new InputError('the arm ewc needs states of the old task', { repair: 'use the arm l2sp' });
    }
    const fisher = gaussianFisher(source.network.actor, actorOf(source), source.observations);
    return { pull: ewc(wholeOf(source, layers), fisher, settings.ewc ?? 1e4) };
  }),
  residual: {
    doc: 'keep the policy, add a small bounded correction to its actions',
    plan(source, { key, width = 32, beta = 0.2 }) {
      const { network, actor, adapter } = residualHead(source.network.actor, actorOf(source), width, beta, key);
      const layers = parameterLayers({ ...source.network, actor: network });
      const rates = fixed(layers, ({ part }) => (part === 'critic' ? 1 : 0));
      return { network, actor, freeze: ALWAYS, details: { rates, adapter } };
    },
  },
  column: {
    doc: 'keep the body, put a small new network beside it that reads it, and learn the last layer',
    plan(source, { key, width = 32 }) {
      const column = progressiveColumn(source.network.actor, actorOf(source), width, key);
      const layers = parameterLayers({ ...source.network, actor: column.network });
      const rates = layerRates(
        layers,
        rated(layers, ({ part }) => (part === 'critic' ? 1 : 0)),
      );
      rates.set(column.rates);
      return { network: column.network, actor: column.actor, freeze: ALWAYS, details: { rates: () => rates } };
    },
  },
} satisfies Record<string, Arm>;

export type FineTuneArm = keyof typeof table;

/** Those that learn from where the policy stands. */
export const ARMS: Readonly<Record<FineTuneArm, Arm>> = table;

export type ArmName = 'none' | FineTuneArm | 'scratch';

export const ARM_NAMES: readonly ArmName[] = ['none', ...(Object.keys(ARMS) as FineTuneArm[]), 'scratch'];

/** What an arm does, in a line. */
export function armDoc(name: ArmName): string {
  if (name === 'none') return 'use the policy as it is';
  return name === 'scratch' ? 'forget the policy and learn anew' : ARMS[name].doc;
}

/** @throws InputError for a name that there is not */
export function armNamed(name: string): ArmName {
  const found = ARM_NAMES.find((known) => known === name);
  if (found !== undefined) return found;
  const near = nearest(name, ARM_NAMES);
  throw new InputError(`no arm is called ${name}`, {
    repair: near === undefined ? `the arms are ${ARM_NAMES.join(', ')}` : `did you mean ${near}?`,
  });
}

/** Of the source, log-std last. */
export function actorOf({ network, parameters }: PolicySource): Float32Array {
  const layers = parameterLayers(network);
  return parameters.slice(0, layers.find(({ part }) => part === 'log-std')!.to);
}

/** Actor, log-std and critic, the last 0 where it is not known. */
function wholeOf({ parameters }: PolicySource, layers: readonly ParameterLayer[]): Float32Array {
  const whole = new Float32Array(layers.at(-1)!.to);
  whole.set(parameters);
  return whole;
}

function rated(layers: readonly ParameterLayer[], rate: (layer: ParameterLayer) => number): Record<string, number> {
  return Object.fromEntries(layers.map((layer) => [layer.name, rate(layer)]));
}

function fixed(layers: readonly ParameterLayer[], rate: (layer: ParameterLayer) => number): () => Float32Array {
  const rates = layerRates(layers, rated(layers, rate));
  return () => rates;
}

function slowerBelow(layers: readonly ParameterLayer[]): Pick<FineTunePlan, 'rates'> {
  const rates = layerRates(layers, discriminativeRates(layers));
  return { rates: () => rates };
}

function actorLayers(layers: readonly ParameterLayer[]): AdaptedLayer[] {
  return layers
    .filter(({ part }) => part === 'body' || part === 'head')
    .map(({ from, shape }) => ({ from, inputs: shape!.inputs, outputs: shape!.outputs }));
}
