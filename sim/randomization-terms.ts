/**
 * What a randomisation table says: for each physical parameter how, from what and when it is drawn. Plain data and its
 * check. Draws nothing; knows no engine.
 */

import { InputError, nearest } from '../core/errors.ts';
import { type DynamicsParameter, perJointParameters, scalarParameters } from './dynamics.ts';

export type Range = readonly [number, number];

/** Parameter = nominal op x: `abs` x, `scale` nominal * x, `add` nominal + x. */
export interface RandomizationTerm {
  readonly operation: 'abs' | 'scale' | 'add';
  /** Lower and upper bound of x; of a `gaussian`, its mean and standard deviation. */
  readonly range: Range;
  /**
   * `uniform`; `logUniform`: log x is uniform, bounds above 0; `gaussian`: normal, drawn again while it is further than
   * three standard deviations out, which leaves a deviation of 0.9866 of the given one. @default uniform
   */
  readonly distribution?: 'uniform' | 'logUniform' | 'gaussian';
  /** Of a `gaussian`: x is drawn again while it lies outside. The mean lies inside. */
  readonly within?: Range;
  /** `startup`: once an environment; `reset`: every episode; `interval`: also again within episodes. @default reset */
  readonly mode?: 'startup' | 'reset' | 'interval';
  /** Shortest and longest time between two draws of an `interval` term, s; the time is uniform between them. */
  readonly everySeconds?: Range;
  /** One x for all joints instead of one each. @default false */
  readonly shared?: boolean;
}

/**
 * How the inertia of the base and of every moved link is perturbed (sim/pseudo-inertia.ts): the range of each parameter of
 * a group, added to 0. A group that is left out stays at 0. Of a `gaussian`, ranges are mean and standard deviation.
 */
export interface PseudoInertiaTerm {
  /** alpha: mass and inertia times exp(2 alpha) [-]. */
  readonly density?: Range;
  /** d1, d2, d3: stretch along the link's axes by exp(d) [-]. */
  readonly size?: Range;
  /** s12, s23, s13 [-]. */
  readonly shear?: Range;
  /** t1, t2, t3: the centre of mass moves, m. */
  readonly shift?: Range;
  readonly distribution?: 'uniform' | 'gaussian';
  readonly mode?: 'startup' | 'reset';
}

export type RandomizationTable = Partial<Record<DynamicsParameter, RandomizationTerm>> & {
  pseudoInertia?: PseudoInertiaTerm;
};

/** What takes effect in a running world; the rest changes bodies, shapes or sensors, which are made at a reset. */
export const intervalParameters: readonly string[] = [
  'kpScale',
  'kdScale',
  'torqueScale',
  'torqueOffset',
  'damping',
  'friction',
  'latency',
  'gravity',
  'contactFriction',
  'positionNoise',
  'velocityNoise',
  'encoderBias',
];

/** @throws InputError naming the term, what is wrong with it and the repair */
export function checkRandomization(table: RandomizationTable): void {
  const names: readonly string[] = [...perJointParameters, ...scalarParameters, 'pseudoInertia'];
  for (const name of Object.keys(table)) {
    if (names.includes(name)) continue;
    const near = nearest(name, names);
    refuse(name, 'is no physical parameter', near === undefined ? `there are ${names.join(', ')}` : `${near}?`);
  }
  for (const name of [...perJointParameters, ...scalarParameters]) {
    const term = table[name];
    if (term !== undefined) checkTerm(name, term);
  }
  if (table.pseudoInertia !== undefined) checkPseudoInertia(table.pseudoInertia);
}

function checkTerm(name: string, term: RandomizationTerm): void {
  checkRange(name, term.range, term.distribution ?? 'uniform');
  checkWithin(name, term);
  const every = term.everySeconds;
  if (term.mode !== 'interval') {
    if (every !== undefined) {
      refuse(name, `has everySeconds but mode ${term.mode ?? 'reset'}`, `mode: 'interval', or no everySeconds`);
    }
    return;
  }
  if (!intervalParameters.includes(name)) {
    refuse(
      name,
      'cannot change within an episode: its world would have to be built again',
      `mode 'reset' or 'startup'; interval terms are ${intervalParameters.join(', ')}`,
    );
  }
  if (every === undefined || !(every[0] > 0 && every[1] >= every[0] && every[1] < Infinity)) {
    const found = every === undefined ? 'none' : `[${every.join(', ')}]`;
    refuse(name, `needs everySeconds: [shortest, longest] above 0, found ${found}`, 'everySeconds: [5, 10]');
  }
}

function checkWithin(name: string, { within, range, distribution }: RandomizationTerm): void {
  if (within === undefined) return;
  const found = `found [${within[0]}, ${within[1]}] of ${distribution ?? 'uniform'} [${range[0]}, ${range[1]}]`;
  if (distribution !== 'gaussian') refuse(name, `has bounds that only a gaussian has, ${found}`, 'no within');
  if (within[0] <= range[0] && range[0] <= within[1] && within[0] < within[1]) return;
  refuse(name, `needs bounds around its mean, ${found}`, 'within: [lower, upper] with the mean between them');
}

function checkPseudoInertia(term: PseudoInertiaTerm): void {
  if (!['startup', 'reset', undefined].includes(term.mode)) {
    refuse('pseudoInertia', `cannot have mode ${term.mode}: its world would have to be built again`, `mode: 'reset'`);
  }
  for (const group of ['density', 'size', 'shear', 'shift'] as const) {
    const range = term[group];
    if (range !== undefined) checkRange(`pseudoInertia.${group}`, range, term.distribution ?? 'uniform');
  }
}

function checkRange(name: string, range: Range, distribution: NonNullable<RandomizationTerm['distribution']>): void {
  const [a, b] = range;
  const found = `found [${a}, ${b}]`;
  if (!(Number.isFinite(a) && Number.isFinite(b))) refuse(name, `needs a finite range, ${found}`, 'two numbers');
  if (distribution === 'gaussian') {
    if (b < 0) refuse(name, `needs [mean, standard deviation], ${found}`, 'a deviation of 0 or more');
    return;
  }
  if (b < a) refuse(name, `needs [lower, upper], ${found}`, `[${b}, ${a}]`);
  if (distribution === 'logUniform' && a <= 0) {
    refuse(name, `needs a range above 0 to be uniform in its logarithm, ${found}`, `distribution: 'uniform'`);
  }
}

function refuse(name: string, what: string, repair: string): never {
  throw new InputError(`randomisation of ${name} ${what}`, { repair });
}
