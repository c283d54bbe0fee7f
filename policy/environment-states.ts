/**
 * Where a run's environments stand in their episodes, as a file of a checkpoint: each is its episode's number, level and
 * bounds, and the actions so far, from which sim/environment.ts lives the episode again. One safetensors tensor, `actions`
 * [steps of all environments, actionDim]; the rest is JSON in its metadata. Opens no file.
 */

import * as v from 'valibot';
import { InputError, messageOf } from '../core/errors.ts';
import { parseWith } from '../core/schema.ts';
import type { EnvironmentSnapshot } from '../sim/environment.ts';
import { decodeTensors, encodeTensors } from './safetensors.ts';

const FORMAT = 'landfall-environments';

const natural = v.pipe(v.number(), v.integer(), v.minValue(0));

/** Of all environments of a run. */
export interface EnvironmentStates {
  /** The iteration in which their first episodes began: 0, or that of a resumption which had none to restore. */
  readonly begun: number;
  /** [numEnvs] */
  readonly snapshots: readonly EnvironmentSnapshot[];
}

const schema = v.strictObject({
  begun: natural,
  episode: v.array(natural),
  level: v.array(v.pipe(v.number(), v.integer())),
  /** Steps taken in the episode. */
  steps: v.array(natural),
  /** Of ADR, when each episode began. */
  bounds: v.optional(v.array(v.array(v.pipe(v.number(), v.finite())))),
});

/** Control steps that restoring them takes. */
export function stepsToLive({ snapshots }: EnvironmentStates, actionDim: number): number {
  return snapshots.reduce((sum, { actions }) => sum + actions.length / actionDim, 0);
}

export function encodeEnvironments(states: EnvironmentStates, actionDim: number): Uint8Array {
  const environments = states.snapshots;
  const steps = environments.map(({ actions }) => actions.length / actionDim);
  const total = stepsToLive(states, actionDim);
  const actions = new Float32Array(total * actionDim);
  let at = 0;
  for (const environment of environments) {
    actions.set(environment.actions, at);
    at += environment.actions.length;
  }
  const bounds = environments.some((environment) => environment.bounds !== undefined)
    ? environments.map((environment) => Array.from(environment.bounds ?? []))
    : undefined;
  const state: v.InferOutput<typeof schema> = {
    begun: states.begun,
    episode: environments.map(({ episode }) => episode),
    level: environments.map(({ level }) => level),
    steps,
    ...(bounds === undefined ? {} : { bounds }),
  };
  return encodeTensors({
    tensors: [{ name: 'actions', shape: [total, actionDim], data: actions }],
    metadata: { format: FORMAT, state: JSON.stringify(state) },
  });
}

/** @throws InputError naming the file and what is wrong with it */
export function decodeEnvironments(bytes: Uint8Array, where: string): EnvironmentStates {
  const damaged = (what: string, cause?: unknown) =>
    new InputError(`${where}: ${what}`, {
      repair: 'delete the file to go on with new episodes',
      ...(cause === undefined ? {} : { cause }),
    });
  const file = decodeTensors(bytes, where);
  const tensor = file.tensors.find(({ name }) => name === 'actions');
  if (file.metadata.format !== FORMAT || tensor === undefined) throw damaged('holds no environments');
  let parsed: unknown;
  try {
    parsed = JSON.parse(file.metadata.state ?? '');
  } catch (error) {
    throw damaged(`its state is not JSON: ${messageOf(error)}`, error);
  }
  const { begun, episode, level, steps, bounds } = parseWith(schema, parsed, `environments in ${where}`);
  const width = tensor.shape[1] ?? 0;
  const total = steps.reduce((a, b) => a + b, 0);
  const same = [level.length, steps.length, bounds?.length ?? steps.length].every((n) => n === episode.length);
  if (!same || total !== tensor.shape[0]) throw damaged(`its ${tensor.shape[0]} steps are not those of its episodes`);
  let at = 0;
  const snapshots = episode.map((number, n): EnvironmentSnapshot => {
    const actions = tensor.data.slice(at * width, (at + steps[n]!) * width);
    at += steps[n]!;
    return {
      episode: number,
      level: level[n]!,
      ...(bounds === undefined ? {} : { bounds: Float64Array.from(bounds[n]!) }),
      actions,
    };
  });
  return { begun, snapshots };
}
