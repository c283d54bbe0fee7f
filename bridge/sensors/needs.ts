/**
 * Which numbers of a state a contract's observations read, found by asking the observations themselves: a number that
 * turns one of theirs into NaN is one they read. What they do not read, a robot need not measure.
 */

import type { Contract } from '../../core/contract.ts';
import { Observer } from '../../core/observation.ts';
import { makeState } from '../../core/robot.ts';
import { BASE } from './odometry.ts';

export interface Needs {
  /** By sensor: 1 for each number of its reading that is read. */
  readonly sensors: ReadonlyMap<string, Uint8Array>;
  /** Of base, then twist, [13]. */
  readonly base: Uint8Array;
  /** Joints whose position or velocity is read. */
  readonly joints: readonly string[];
}

export function needsOf(contract: Contract): Needs {
  const observer = new Observer(contract.observations, contract);
  const state = makeState(contract.joints.length, contract.sensors);
  const actions = new Float32Array(contract.actions.reduce((sum, { joints }) => sum + joints.length, 0));
  const command = Float64Array.from(contract.command.ranges, ([lower, upper]) => (lower + upper) / 2);
  const obs = new Float32Array(observer.size);
  /** Whether a NaN in `values[i]` is seen. */
  const isRead = (values: Float64Array, i: number): boolean => {
    const before = values[i]!;
    values[i] = NaN;
    observer.reset();
    observer.observe(state, actions, obs, 0, command);
    values[i] = before;
    return obs.some(Number.isNaN);
  };
  const mask = (values: Float64Array) => Uint8Array.from(values, (_, i) => Number(isRead(values, i)));
  const used = new Set(contract.observations.map(({ sensor }) => sensor));
  const sensors = new Map(
    Object.entries(state.sensors).map(([name, reading]) => [
      name,
      used.has(name) ? mask(reading) : new Uint8Array(reading.length),
    ]),
  );
  const base = new Uint8Array(BASE.size);
  base.set(mask(state.base), BASE.pose);
  base.set(mask(state.twist), BASE.twist);
  const joints = contract.joints.filter((_, j) => isRead(state.q, j) || isRead(state.qd, j)).map(({ name }) => name);
  return { sensors, base, joints };
}
