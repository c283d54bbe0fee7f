/** Draws the physical parameters of an environment and of an episode around the nominal ones. Knows no engine. */

import { exp, log } from '../core/math.ts';
import type { RandomStream } from '../core/rng.ts';
import {
  cloneDynamics,
  type Dynamics,
  type DynamicsParameter,
  perJointParameters,
  scalarParameters,
} from './dynamics.ts';
import { PSEUDO_INERTIA } from './pseudo-inertia.ts';
import type { PseudoInertiaTerm, RandomizationTable, RandomizationTerm, Range } from './randomization-terms.ts';

/**
 * An episode's parameters: all terms but those of `startup`. nominal op (centre + width * (x - centre)), with x drawn as the
 * term says and centre the value that changes nothing.
 * @param nominal of the environment, as `sampleStartup` gives it
 * @param width 1 draws from the whole range, 0 gives the nominal parameters
 */
export function sampleDynamics(
  nominal: Dynamics,
  table: RandomizationTable,
  width: number,
  random: RandomStream,
): Dynamics {
  return sampleTerms(nominal, table, width, random, (mode) => mode !== 'startup');
}

/** What an environment's episodes vary around: the `startup` terms. @param random of the environment, not of an episode */
export function sampleStartup(
  nominal: Dynamics,
  table: RandomizationTable,
  width: number,
  random: RandomStream,
): Dynamics {
  return sampleTerms(nominal, table, width, random, (mode) => mode === 'startup');
}

function sampleTerms(
  nominal: Dynamics,
  table: RandomizationTable,
  width: number,
  random: RandomStream,
  now: (mode: RandomizationTerm['mode']) => boolean,
): Dynamics {
  const sample = cloneDynamics(nominal);
  for (const name of perJointParameters) {
    const term = table[name];
    if (term !== undefined && now(term.mode)) drawJoints(nominal[name], term, width, random, sample[name]);
  }
  for (const name of scalarParameters) {
    const term = table[name];
    if (term !== undefined && now(term.mode)) sample[name] = draw(nominal[name], term, width, random);
  }
  const inertia = table.pseudoInertia;
  if (inertia !== undefined && now(inertia.mode)) {
    sample.pseudoInertia = drawPseudoInertia(nominal, inertia, width, random);
  }
  return sample;
}

/** One draw for each joint, or one for all. @param nominal,out [nJoints] */
export function drawJoints(
  nominal: readonly number[],
  term: RandomizationTerm,
  width: number,
  random: RandomStream,
  out: number[],
): void {
  let x = 0;
  for (let j = 0; j < nominal.length; j++) {
    if (j === 0 || term.shared !== true) x = drawTerm(term, random);
    out[j] = apply(nominal[j]!, term.operation, x, width);
  }
}

export function draw(nominal: number, term: RandomizationTerm, width: number, random: RandomStream): number {
  return apply(nominal, term.operation, drawTerm(term, random), width);
}

function apply(nominal: number, operation: RandomizationTerm['operation'], x: number, width: number): number {
  switch (operation) {
    case 'scale':
      return nominal * (1 + width * (x - 1));
    case 'add':
      return nominal + width * x;
    case 'abs':
      return nominal + width * (x - nominal);
  }
}

function drawTerm({ range, distribution, within }: RandomizationTerm, random: RandomStream): number {
  let x = drawFrom(range, distribution, random);
  // Half of a normal lies to either side of its mean, which is inside: twice the draws at most, on average.
  while (within !== undefined && range[1] > 0 && (x < within[0] || x > within[1])) {
    x = drawFrom(range, distribution, random);
  }
  return x;
}

function drawFrom(range: Range, distribution: RandomizationTerm['distribution'], random: RandomStream): number {
  switch (distribution) {
    case 'logUniform':
      return exp(random.between(log(range[0]), log(range[1])));
    case 'gaussian': {
      let z = random.normal();
      while (Math.abs(z) > 3) z = random.normal();
      return range[0] + range[1] * z;
    }
    default:
      return random.between(range[0], range[1]);
  }
}

/** [(1 + nJoints) * 10] */
function drawPseudoInertia(nominal: Dynamics, term: PseudoInertiaTerm, width: number, random: RandomStream): number[] {
  const count = (1 + nominal.massScale.length) * PSEUDO_INERTIA.length;
  return Array.from({ length: count }, (_, i) => {
    const range = term[PSEUDO_INERTIA[i % PSEUDO_INERTIA.length]!.group];
    const x = range === undefined ? 0 : drawFrom(range, term.distribution, random);
    return (nominal.pseudoInertia?.[i] ?? 0) + width * x;
  });
}

/**
 * The sampled values under flat names, for the episode's record. One joint: `damping`; more: `damping.JOINT`. Perturbed
 * inertia: `pseudoInertia.base.alpha`, `pseudoInertia.JOINT.alpha`.
 */
export function flattenDynamics(dynamics: Dynamics, joints: readonly string[]): Record<string, number> {
  const flat: Record<string, number> = {};
  for (const name of perJointParameters) {
    for (const [j, joint] of joints.entries()) flat[flatName(name, joint, joints.length)] = dynamics[name][j]!;
  }
  for (const name of scalarParameters) flat[name] = dynamics[name];
  for (const [i, value] of (dynamics.pseudoInertia ?? []).entries()) {
    const link = Math.floor(i / PSEUDO_INERTIA.length);
    const { name } = PSEUDO_INERTIA[i % PSEUDO_INERTIA.length]!;
    flat[`pseudoInertia.${link === 0 ? 'base' : joints[link - 1]!}.${name}`] = value;
  }
  return flat;
}

function flatName(name: DynamicsParameter, joint: string, nJoints: number): string {
  return nJoints === 1 ? name : `${name}.${joint}`;
}
