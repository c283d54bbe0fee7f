/**
 * Which way to adapt: by how much there is to learn from and how far the target is from the source. A table of four
 * fields, with thresholds that are this project's proposals and are judged by their regret (regret.ts), not by authority.
 * Whatever is chosen, doing nothing and starting from scratch run beside it.
 */

export type Strategy = 'none' | 'scratch' | 'head' | 'identify' | 'full' | 'replay';

export interface StrategyPlan {
  /** What it is, for people. */
  readonly doc: string;
  /** Of those it trains by gradient, divisor of the learning rate from one layer group to the one below (Howard & Ruder 2018). */
  readonly rateDecay?: number;
  /** Weight of the pull towards the source's weights (L2-SP, Li et al. 2018), or of the divergence from its actions. */
  readonly weightPull?: number;
  readonly actionPull?: number;
  /** Share of each batch that the target's own transitions make (RLPD, Ball et al. 2023). */
  readonly targetShare?: number;
}

export const strategies: Readonly<Record<Strategy, StrategyPlan>> = {
  none: { doc: 'use the policy as it is' },
  scratch: { doc: 'forget the policy and learn a new one for the target' },
  head: {
    doc: 'keep the body of the policy as it is and learn its last layer anew, held close to what it did',
    actionPull: 1,
  },
  identify: { doc: 'do not touch the policy yet: fit the simulator to the recordings and learn in the fitted one' },
  full: {
    doc: 'train all of the policy gently, lower layers less, pulled towards what it was, half of each batch from the target',
    rateDecay: 2.6,
    weightPull: 0.01,
    targetShare: 0.5,
  },
  replay: {
    doc: 'learn on the target, from the policy and with simulated experience in half of each batch',
    targetShare: 0.5,
  },
};

export interface TransferFacts {
  /** Target episodes that may be learned from: those held out do not count. */
  readonly episodes: number;
  /** Independent readings that their steps are worth, sum_e T_e / tau. */
  readonly effectiveSteps: number;
  /** Numbers in the policy's last layer. */
  readonly headParameters: number;
  /** Dynamics gap over its source-vs-source null, in standard deviations; null: not measured. */
  readonly dynamicsZ: number | null;
  /** Error of the simulator 10 steps ahead over what it is where the physics is right; null: not measured. */
  readonly openLoopRatio: number | null;
  /** Of the source's return above a random policy's, the share that the policy reaches on the target; null: not measured. */
  readonly retention: number | null;
}

/** Ours, but for the first: ten readings a parameter is regression's old rule of thumb (Peduzzi et al. 1996). */
export const selectorThresholds = {
  /** Much data: at least this many independent readings for each number of the last layer, and this many episodes. */
  readingsPerParameter: 10,
  leastEpisodes: 10,
  /** Similar: at most these. */
  dynamicsZ: 2,
  openLoopRatio: 1.5,
  /** Alien: the policy keeps less than this share of its return. */
  retention: 0.2,
} as const;

export interface Check {
  readonly name: keyof TransferFacts;
  readonly value: number | null;
  readonly limit: number;
  readonly holds: boolean | null;
  /** One sentence. */
  readonly text: string;
}

export interface Selection {
  readonly strategy: Strategy;
  /** What to run: always `none` and `scratch`, and what was chosen. */
  readonly arms: readonly Strategy[];
  readonly data: 'little' | 'much';
  readonly likeness: 'similar' | 'dissimilar' | 'alien';
  readonly checks: readonly Check[];
  /** Why, for someone who does this for the first time. */
  readonly reason: string;
}

export function selectStrategy(facts: TransferFacts): Selection {
  const checks = checksOf(facts);
  const holds = (name: keyof TransferFacts) => checks.find((check) => check.name === name)!.holds;
  const data = holds('episodes') === true && holds('effectiveSteps') === true ? 'much' : 'little';
  const alike = [holds('dynamicsZ'), holds('openLoopRatio')];
  const isMeasured = alike.some((answer) => answer !== null);
  // What nobody measured is not taken for similar: the careful way costs less than the wrong one.
  const isSimilar = isMeasured && !alike.includes(false);
  const isAlien = holds('retention') === false;
  const likeness = isAlien ? 'alien' : isSimilar ? 'similar' : 'dissimilar';
  const strategy = chosen(data, likeness);
  return {
    strategy,
    arms: [...new Set<Strategy>(['none', 'scratch', strategy])],
    data,
    likeness,
    checks,
    reason: [
      ...checks.map(({ text }) => text),
      verdict(data, likeness, isMeasured),
      `So: ${strategies[strategy].doc}. Beside it run doing nothing and starting from scratch: what is not better than both is not kept.`,
    ].join('\n'),
  };
}

function chosen(data: Selection['data'], likeness: Selection['likeness']): Strategy {
  if (data === 'little') return likeness === 'similar' ? 'head' : 'identify';
  if (likeness === 'alien') return 'scratch';
  return likeness === 'similar' ? 'full' : 'replay';
}

function checksOf(facts: TransferFacts): Check[] {
  const limits = selectorThresholds;
  const { episodes, effectiveSteps, headParameters, dynamicsZ, openLoopRatio, retention } = facts;
  const wanted = limits.readingsPerParameter * headParameters;
  return [
    {
      name: 'episodes',
      value: episodes,
      limit: limits.leastEpisodes,
      holds: episodes >= limits.leastEpisodes,
      text: `There are ${episodes} episodes to learn from; ${limits.leastEpisodes} or more would be much.`,
    },
    {
      name: 'effectiveSteps',
      value: effectiveSteps,
      limit: wanted,
      holds: effectiveSteps >= wanted,
      text: `Neighbouring steps are nearly the same, so the recordings are worth about ${Math.round(effectiveSteps)} independent readings. The policy's last layer has ${headParameters} numbers, and ${limits.readingsPerParameter} readings for each (${wanted}) would be much.`,
    },
    {
      name: 'dynamicsZ',
      value: dynamicsZ,
      limit: limits.dynamicsZ,
      holds: dynamicsZ === null ? null : dynamicsZ <= limits.dynamicsZ,
      text:
        dynamicsZ === null
          ? 'How the robot answers to actions could not be compared with the simulation: too few episodes.'
          : `The robot's answers to actions differ from the simulation's by ${dynamicsZ.toFixed(1)} times what two simulations of the same robot differ by chance, beyond the average; up to ${limits.dynamicsZ} counts as alike.`,
    },
    {
      name: 'openLoopRatio',
      value: openLoopRatio,
      limit: limits.openLoopRatio,
      holds: openLoopRatio === null ? null : openLoopRatio <= limits.openLoopRatio,
      text:
        openLoopRatio === null
          ? 'The simulator could not be run beside the recordings.'
          : `Given the recorded efforts, the simulator is ${openLoopRatio.toFixed(2)} times as wrong ten steps later as it is about itself; up to ${limits.openLoopRatio} counts as alike.`,
    },
    {
      name: 'retention',
      value: retention,
      limit: limits.retention,
      holds: retention === null ? null : retention >= limits.retention,
      text:
        retention === null
          ? 'How well the policy does on the robot is not known.'
          : `The policy keeps ${Math.round(100 * retention)}% of what it achieves in simulation; below ${100 * limits.retention}% it would be of no use.`,
    },
  ];
}

function verdict(data: Selection['data'], likeness: Selection['likeness'], isMeasured: boolean): string {
  const amount = data === 'little' ? 'That is little data' : 'That is much data';
  switch (likeness) {
    case 'alien':
      return `${amount}, and the robot is so unlike the simulation that what the policy has learned is of hardly any use.`;
    case 'similar':
      return `${amount}, and the robot is like the simulation.`;
    case 'dissimilar':
      return isMeasured
        ? `${amount}, and the robot is not like the simulation.`
        : `${amount}, and whether the robot is like the simulation was not measured, so it is taken not to be.`;
  }
}
