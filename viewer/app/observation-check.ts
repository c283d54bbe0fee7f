/**
 * Builds observations in the page with the code that the trainer and the bridge use, to show that they are the same:
 * against what a recording holds, and as a hash for tests. Knows no drawing.
 */

import type { Contract } from '../../core/contract.ts';
import type { Episode } from '../../core/episode.ts';
import { clamp } from '../../core/math.ts';
import { Observer } from '../../core/observation.ts';
import { makeState } from '../../core/robot.ts';

/** One state and the action before it. */
export interface StateSample {
  readonly time: number;
  readonly q: readonly number[];
  readonly qd: readonly number[];
  readonly effort: readonly number[];
  readonly lastAction: readonly number[];
}

/** @returns the SHA-256 of the observations' bytes, little-endian float32, hex */
export async function hashObservations(contract: Contract, samples: readonly StateSample[]): Promise<string> {
  const observer = new Observer(contract.observations, contract);
  const out = new Float32Array(samples.length * observer.size);
  const state = makeState(contract.joints.length, contract.sensors);
  for (const [i, sample] of samples.entries()) {
    state.time = sample.time;
    state.q.set(sample.q);
    state.qd.set(sample.qd);
    state.effort.set(sample.effort);
    observer.observe(state, Float32Array.from(sample.lastAction), out, i * observer.size);
  }
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', out));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** Whether the observations made here from the recorded states are the recorded ones; null when that cannot be said. */
export function checkObservations({ meta, steps }: Episode): string | null {
  const { contract, joints } = meta;
  if (contract === null || steps.length === 0 || steps[0]!.obs.length === 0) return null;
  const observer = new Observer(contract.observations, contract);
  if (observer.size !== steps[0]!.obs.length) return null;
  const made = new Float32Array(observer.size);
  const state = makeState(joints.length, contract.sensors);
  let lastAction = new Float32Array(steps[0]!.action.length);
  for (const [i, step] of steps.entries()) {
    state.time = step.sensorTime;
    state.q.set(step.q);
    state.qd.set(step.qd);
    state.effort.set(step.effort);
    observer.observe(state, lastAction, made);
    if (made.some((value, k) => !Object.is(value, step.obs[k]))) {
      return `observations made in this page differ from the recorded ones from step ${i} on`;
    }
    lastAction = step.action.map((a) => clamp(a, -1, 1));
  }
  return `observations made in this page are identical to the recorded ones (${steps.length} steps)`;
}
