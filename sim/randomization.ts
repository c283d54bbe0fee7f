/** Draws the physical parameters of an episode around the nominal ones. Knows no engine. */

import type { RandomStream } from '../core/rng.ts';
import {
  cloneDynamics,
  type Dynamics,
  type DynamicsParameter,
  perJointParameters,
  scalarParameters,
} from './dynamics.ts';
import type { RandomizationTable, RandomizationTerm } from './task.ts';

/**
 * nominal op (centre + width * (U(lower, upper) - centre)), with centre the value that changes nothing.
 * @param width 1 draws from the whole range, 0 gives the nominal parameters
 */
export function sampleDynamics(
  nominal: Dynamics,
  table: RandomizationTable,
  width: number,
  random: RandomStream,
): Dynamics {
  const sample = cloneDynamics(nominal);
  for (const name of perJointParameters) {
    const term = table[name];
    if (term === undefined) continue;
    sample[name] = nominal[name].map((value) => draw(value, term, width, random));
  }
  for (const name of scalarParameters) {
    const term = table[name];
    if (term !== undefined) sample[name] = draw(nominal[name], term, width, random);
  }
  return sample;
}

function draw(nominal: number, term: RandomizationTerm, width: number, random: RandomStream): number {
  const value = random.between(term.range[0], term.range[1]);
  switch (term.operation) {
    case 'scale':
      return nominal * (1 + width * (value - 1));
    case 'add':
      return nominal + width * value;
    case 'abs':
      return nominal + width * (value - nominal);
  }
}

/** The sampled values under flat names, for the episode's record. One joint: `damping`; more: `damping.JOINT`. */
export function flattenDynamics(dynamics: Dynamics, joints: readonly string[]): Record<string, number> {
  const flat: Record<string, number> = {};
  for (const name of perJointParameters) {
    for (const [j, joint] of joints.entries()) flat[flatName(name, joint, joints.length)] = dynamics[name][j]!;
  }
  for (const name of scalarParameters) flat[name] = dynamics[name];
  return flat;
}

function flatName(name: DynamicsParameter, joint: string, nJoints: number): string {
  return nJoints === 1 ? name : `${name}.${joint}`;
}
