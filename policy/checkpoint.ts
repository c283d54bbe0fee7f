/**
 * A checkpoint on disk: `policy.safetensors` is the bundle a robot needs (contract and actor), `learner.safetensors` is
 * what resuming needs besides, `environments.safetensors` where its environments stand in their episodes. Written under a
 * temporary name, then renamed. Knows no environment.
 */

import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import * as v from 'valibot';
import {
  actionDim,
  type Contract,
  type NormalizerContract,
  normalizerSchema,
  parseContract,
} from '../core/contract.ts';
import { InputError, messageOf } from '../core/errors.ts';
import { parseWith } from '../core/schema.ts';
import type { AdrState } from '../sim/adr.ts';
import { sizesOf, tensorsOf } from './architecture.ts';
import { decodeEnvironments, type EnvironmentStates, encodeEnvironments } from './environment-states.ts';
import { splitTensors } from './mlp.ts';
import type { LearnerState } from './ppo-learner.ts';
import { decodeTensors, encodeTensors, type NamedTensor } from './safetensors.ts';

/** What any program needs to run a policy. */
export interface Bundle {
  readonly contract: Contract;
  /** Of the actor, in the order of `tensorsOf`. */
  readonly weights: readonly Float32Array[];
  /** [actionDim] */
  readonly logStd: Float32Array;
  /** The file it came from. */
  readonly path: string;
  /** Bytes of the guard that stands beside it, which policy/guard/guard-file.ts reads; absent without one. */
  readonly guard?: Uint8Array;
}

const POLICY = 'policy.safetensors';
const LEARNER = 'learner.safetensors';
const GUARD = 'guard.safetensors';
/** Of the last checkpoint of a run that ended well: in every one it would be most of the disk. */
const REPLAY = 'replay.safetensors';

const REPLAY_FORMAT = 'landfall-replay';
export const ENVIRONMENTS = 'environments.safetensors';

const natural = v.pipe(v.number(), v.integer(), v.minValue(0));

const finite = v.pipe(v.number(), v.finite());

const adrState = v.strictObject({ bounds: v.array(finite), buffers: v.array(v.array(finite)) });

/** What a learner's file holds beside its tensors. */
const learnerNumbers = v.strictObject({
  steps: natural,
  learningRate: v.pipe(v.number(), v.gtValue(0)),
  iteration: natural,
  envSteps: natural,
  bestScore: v.nullable(v.number()),
  criticNormalizer: v.optional(normalizerSchema),
  levels: v.optional(v.array(v.pipe(v.number(), v.integer(), v.minValue(0)))),
  adr: v.optional(adrState),
});

/** @param parameters of the actor, log-std last, as in RolloutBuffer.parameters */
export function encodeBundle(contract: Contract, parameters: Float32Array): Uint8Array {
  const specs = tensorsOf(contract.network);
  const tensors: NamedTensor[] = splitTensors(parameters, sizesOf(contract.network)).map((data, i) => ({
    ...specs[i]!,
    data,
  }));
  const actions = contract.network.layers.at(-1)!;
  tensors.push({ name: 'actor.log_std', shape: [actions], data: parameters.slice(parameters.length - actions) });
  return encodeTensors({ tensors, metadata: { format: 'landfall-policy', contract: JSON.stringify(contract) } });
}

/** @throws InputError naming the file, what is wrong with it and the repair */
export function decodeBundle(bytes: Uint8Array, where: string): Bundle {
  const file = decodeTensors(bytes, where);
  const text = file.metadata.contract;
  if (file.metadata.format !== 'landfall-policy' || text === undefined) {
    throw new InputError(`${where}: a policy bundle should hold a contract, found none`, {
      repair: `give a run, or a file named ${POLICY}`,
    });
  }
  const contract = parseContract(parseJson(text, where, 'its contract'), where);
  const tensor = (name: string, size: number): Float32Array => {
    const data = file.tensors.find((entry) => entry.name === name)?.data;
    if (data?.length !== size) {
      throw new InputError(`${where}: tensor ${name} should have ${size} numbers, found ${data?.length ?? 'none'}`, {
        repair: 'use another checkpoint of the run',
      });
    }
    const bad = data.findIndex((value) => !Number.isFinite(value));
    if (bad >= 0)
      throw new InputError(`${where}: tensor ${name} holds ${data[bad]} at ${bad}`, {
        repair: 'use an earlier checkpoint of the run',
      });
    return data;
  };
  const weights = tensorsOf(contract.network).map(({ name, shape }) =>
    tensor(
      name,
      shape.reduce((a, b) => a * b, 1),
    ),
  );
  return { contract, weights, logStd: tensor('actor.log_std', actionDim(contract)), path: where };
}

/** The actor's parameters in one vector, log-std last. */
export function bundleParameters(bundle: Bundle): Float32Array {
  return Float32Array.of(...bundle.weights.flatMap((tensor) => Array.from(tensor)), ...bundle.logStd);
}

/**
 * Load the policy of a run directory (its best checkpoint, else its latest), a checkpoint directory or a file.
 * @throws InputError when there is none, or it is damaged
 */
export async function loadBundle(path: string): Promise<Bundle> {
  const file = await policyFile(path);
  const bundle = decodeBundle(await readBytes(file), file);
  const guard = guardPath(file);
  return existsSync(guard) ? { ...bundle, guard: await readBytes(guard) } : bundle;
}

/** Where the guard of a policy stands: `guard.safetensors` beside `policy.safetensors`. @param policy its file */
export function guardPath(policy: string): string {
  return join(dirname(policy), basename(policy) === POLICY ? GUARD : `${basename(policy, '.safetensors')}.${GUARD}`);
}

/** The policy file a path stands for. */
async function policyFile(path: string): Promise<string> {
  if (!existsSync(path)) {
    throw new InputError(`${path}: no such run, checkpoint or file`, {
      repair: 'landfall runs lists the runs there are',
    });
  }
  if (path.endsWith('.safetensors')) return path;
  if (existsSync(join(path, POLICY))) return join(path, POLICY);
  for (const name of ['best', 'latest'] as const) {
    const folder = await checkpointNamed(path, name);
    if (folder !== undefined) return join(folder, POLICY);
  }
  throw new InputError(`${path}: holds no checkpoint`, {
    repair: 'train it longer, or give a run that has checkpoints',
  });
}

/** The checkpoint that `best.json` or `latest.json` of a run points to. */
export async function checkpointNamed(run: string, name: 'best' | 'latest'): Promise<string | undefined> {
  const pointer = join(run, 'checkpoints', `${name}.json`);
  if (!existsSync(pointer)) return undefined;
  let target: unknown;
  try {
    target = (JSON.parse(await readFile(pointer, 'utf8')) as { checkpoint?: unknown }).checkpoint;
  } catch {
    target = undefined;
  }
  const folder = typeof target === 'string' ? join(run, 'checkpoints', basename(target)) : undefined;
  if (folder === undefined || !existsSync(join(folder, POLICY))) {
    const others = (await readdir(join(run, 'checkpoints'))).filter((entry) => /^\d+$/.test(entry)).sort();
    throw new InputError(`${pointer}: points to no checkpoint`, {
      repair:
        others.length === 0
          ? 'the run has no checkpoint: train it again'
          : `name one yourself: ${join(run, 'checkpoints', others.at(-1)!)}`,
    });
  }
  return folder;
}

/** What a run needs beyond the policy to go on as if it had not stopped. */
export interface TrainingState {
  readonly learner: LearnerState;
  /** Iterations done. */
  readonly iteration: number;
  readonly envSteps: number;
  /** Best evaluation so far. */
  readonly bestScore: number | null;
  /** Statistics of what only the critic sees, [criticInputs]; absent when it sees what the actor sees. */
  readonly criticNormalizer?: NormalizerContract;
  /** Where each environment stands in the curriculum, [numEnvs]; absent without one. */
  readonly levels?: readonly number[];
  /** Of automatic domain randomisation; absent without it. */
  readonly adr?: AdrState;
  /** What an off-policy run had collected when it ended; absent when it learns from nothing old. */
  readonly replay?: readonly NamedTensor[];
  /** What a recurrent actor remembers of each environment, [numEnvs, stateSize]; absent without one. */
  readonly actorState?: Float32Array;
  /** Where each environment stands in its episode; without it they begin new ones. */
  readonly environments?: EnvironmentStates;
}

/** Write `checkpoints/NNNNNN/` and point `latest.json` (and `best.json`) to it. @returns its directory */
export async function saveCheckpoint(
  run: string,
  contract: Contract,
  actor: Float32Array,
  state: TrainingState,
  best: boolean,
): Promise<string> {
  const name = String(state.iteration).padStart(6, '0');
  const folder = join(run, 'checkpoints', name);
  const temporary = `${folder}.part`;
  await rm(temporary, { recursive: true, force: true });
  await mkdir(temporary, { recursive: true });
  await writeState(temporary, contract, actor, state);
  await rm(folder, { recursive: true, force: true });
  await rename(temporary, folder);
  await writeJson(join(run, 'checkpoints', 'latest.json'), { checkpoint: name });
  if (best) await writeJson(join(run, 'checkpoints', 'best.json'), { checkpoint: name });
  return folder;
}

/** The files of a checkpoint, in a folder that is there. */
export async function writeState(
  folder: string,
  contract: Contract,
  actor: Float32Array,
  state: TrainingState,
): Promise<void> {
  await writeFile(join(folder, POLICY), encodeBundle(contract, actor));
  await writeFile(join(folder, LEARNER), encodeLearner(state));
  if (state.environments !== undefined)
    await writeFile(join(folder, ENVIRONMENTS), encodeEnvironments(state.environments, actionDim(contract)));
  if (state.replay !== undefined) {
    const metadata = { format: REPLAY_FORMAT };
    await writeFile(join(folder, REPLAY), encodeTensors({ tensors: state.replay, metadata }));
  }
}

function encodeLearner(state: TrainingState): Uint8Array {
  const { parameters, firstMoment, secondMoment, steps, learningRate } = state.learner;
  return encodeTensors({
    tensors: [
      { name: 'parameters', shape: [parameters.length], data: parameters },
      { name: 'adam.m', shape: [firstMoment.length], data: firstMoment },
      { name: 'adam.v', shape: [secondMoment.length], data: secondMoment },
      ...(state.actorState === undefined
        ? []
        : [{ name: 'actor.state', shape: [state.actorState.length], data: state.actorState }]),
    ],
    metadata: {
      format: 'landfall-learner',
      state: JSON.stringify({
        steps,
        learningRate,
        iteration: state.iteration,
        envSteps: state.envSteps,
        bestScore: state.bestScore,
        criticNormalizer: state.criticNormalizer,
        levels: state.levels,
        adr: state.adr,
      }),
    },
  });
}

/** The learner's half of a checkpoint. @throws InputError */
export async function loadTrainingState(folder: string): Promise<TrainingState> {
  const path = join(folder, LEARNER);
  const file = decodeTensors(await readBytes(path), path);
  const tensor = (name: string): Float32Array => {
    const data = file.tensors.find((entry) => entry.name === name)?.data;
    if (data === undefined)
      throw new InputError(`${path}: tensor ${name} is missing`, { repair: 'resume from another checkpoint' });
    return data;
  };
  if (file.metadata.format !== 'landfall-learner') {
    throw new InputError(`${path}: holds no learner`, { repair: 'resume from another checkpoint' });
  }
  const parsed = parseJson(file.metadata.state ?? '', path, 'the state of its learner');
  const numbers = parseWith(learnerNumbers, parsed, `learner in ${path}`);
  const episodes = join(folder, ENVIRONMENTS);
  const remembered = file.tensors.find(({ name }) => name === 'actor.state')?.data;
  return {
    learner: {
      parameters: tensor('parameters'),
      firstMoment: tensor('adam.m'),
      secondMoment: tensor('adam.v'),
      steps: numbers.steps,
      learningRate: numbers.learningRate,
    },
    iteration: numbers.iteration,
    envSteps: numbers.envSteps,
    bestScore: numbers.bestScore,
    ...(numbers.criticNormalizer === undefined ? {} : { criticNormalizer: numbers.criticNormalizer }),
    ...(numbers.levels === undefined ? {} : { levels: numbers.levels }),
    ...(numbers.adr === undefined ? {} : { adr: numbers.adr }),
    ...(await loadReplay(join(folder, REPLAY))),
    ...(remembered === undefined ? {} : { actorState: remembered }),
    ...(existsSync(episodes) ? { environments: decodeEnvironments(await readBytes(episodes), episodes) } : {}),
  };
}

async function loadReplay(path: string): Promise<Pick<TrainingState, 'replay'>> {
  if (!existsSync(path)) return {};
  const { tensors, metadata } = decodeTensors(await readBytes(path), path);
  if (metadata.format !== REPLAY_FORMAT) {
    throw new InputError(`${path}: holds no replay buffer`, { repair: 'remove it: it is then filled again' });
  }
  return { replay: tensors };
}

/** @throws InputError when a text inside a checkpoint is not JSON */
function parseJson(text: string, where: string, what: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new InputError(`${where}: ${what} is not JSON`, {
      repair: 'use another checkpoint of the run; this one is damaged',
      cause: error,
    });
  }
}

/** Write a file under a temporary name, then rename it: a reader sees the old one or the new one, never half. */
export async function writeAtomically(path: string, data: string | Uint8Array): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(`${path}.part`, data);
  await rename(`${path}.part`, path);
}

export function writeJson(path: string, value: unknown): Promise<void> {
  return writeAtomically(path, `${JSON.stringify(value, null, 2)}\n`);
}

async function readBytes(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (error) {
    throw new InputError(`${path}: cannot be read: ${messageOf(error)}`, {
      repair: 'check the path and its permissions',
      cause: error,
    });
  }
}
