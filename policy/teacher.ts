/**
 * A trained policy that labels what another one meets: which action it would take there, or which latent its encoder sees.
 * It may see what only a simulation knows. Knows no student but by where its observations stand among the student's.
 */

import * as tf from '@tensorflow/tfjs';
import type { Contract, NormalizerContract, ObservationContract } from '../core/contract.ts';
import { InputError } from '../core/errors.ts';
import { ObsNormalizer } from './actor.ts';
import { latentOf, meanAction } from './actor-network.ts';
import { frontCount, type NetworkKind, type NetworkOf, sizesOf, tensorsOf } from './architecture.ts';
import type { Bundle } from './checkpoint.ts';
import { joined } from './experience.ts';
import { splitTensors } from './mlp.ts';
import type { RolloutBuffer } from './rollout-buffer.ts';

export type Lesson = 'action' | 'latent';

export interface Teacher {
  /** What the student is to learn: the mean action, or what the teacher's encoder makes of what only a simulation knows. */
  readonly lesson: Lesson;
  readonly network: NetworkOf<Exclude<NetworkKind, 'gru'>>;
  /** Its tensors one after another, log-std last. */
  readonly parameters: Float32Array;
  readonly normalizer: NormalizerContract;
  /** Where each of its observations stands among the student's. */
  readonly obsIndex: Int32Array;
}

/**
 * A teacher for a student.
 * @throws InputError where the two do not fit: another task or robot, observations the student has not, a recurrent teacher
 */
export function teacherOf(bundle: Bundle, student: Contract, lesson: Lesson): Teacher {
  const { contract, weights, logStd, path } = bundle;
  const { network } = contract;
  const refuse = (what: string, repair: string) => new InputError(`teacher ${path}: ${what}`, { repair });
  if (contract.task !== student.task || contract.robot.urdfHash !== student.robot.urdfHash) {
    throw refuse(`it was trained for ${contract.task} on ${contract.robot.name}`, 'train a teacher of the same task');
  }
  if (network.kind === 'gru') throw refuse('it is recurrent', 'teach from a policy of another network.kind');
  if (JSON.stringify(contract.actions) !== JSON.stringify(student.actions))
    throw refuse('its actions are not the task’s', 'train the teacher again: the task has changed since');
  if (lesson === 'latent') requireTwin(network.kind, contract, student, refuse);
  return {
    lesson,
    network,
    parameters: Float32Array.from([...weights.flatMap((tensor) => Array.from(tensor)), ...logStd]),
    normalizer: contract.normalizer,
    obsIndex: observationIndex(contract.observations, student.observations, refuse),
  };
}

/** The student must have the teacher's body: it takes it over as it is. */
function requireTwin(
  kind: NetworkKind,
  { network: own }: Contract,
  { network }: Contract,
  refuse: (what: string, repair: string) => InputError,
): void {
  if (kind !== 'privileged') throw refuse(`its network is ${kind}`, 'adapt to a teacher of network.kind=privileged');
  if (network.kind !== 'history') throw refuse(`the student's network is ${network.kind}`, 'network.kind=history');
  const bodies = [own, network].map((each) => tensorsOf(each).slice(frontCount(each)));
  if (own.activation === network.activation && JSON.stringify(bodies[0]) === JSON.stringify(bodies[1])) return;
  const { latent } = (own as NetworkOf<'privileged'>).encoder;
  throw refuse(
    'its body is not the size of the student’s',
    `network.hidden=[${own.layers.slice(1, -1).join(',')}] network.latent=${latent} network.activation=${own.activation}`,
  );
}

/** The newest steps of the student's history are what the teacher sees. */
function observationIndex(
  own: readonly ObservationContract[],
  student: readonly ObservationContract[],
  refuse: (what: string, repair: string) => InputError,
): Int32Array {
  const index: number[] = [];
  for (const spec of own) {
    const k = student.findIndex(
      ({ name, term, delay, scale }) =>
        name === spec.name && term === spec.term && delay === spec.delay && scale === spec.scale,
    );
    const seen = student[k];
    const width = spec.size / spec.history;
    if (seen === undefined || seen.history < spec.history || seen.size / seen.history !== width) {
      throw refuse(
        `it observes ${spec.name}, which the student does not`,
        'train the teacher again: the task has changed',
      );
    }
    const at = student.slice(0, k).reduce((sum, { size }) => sum + size, 0);
    for (let i = 0; i < spec.size; i++) index.push(at + i);
  }
  return Int32Array.from(index);
}

/** Statistics of the student's observations that are the teacher's, the same for every step of a history. */
export function taughtNormalizer({ normalizer }: Teacher, teacher: Contract, student: Contract): NormalizerContract {
  const mean: number[] = [];
  const variance: number[] = [];
  for (const spec of student.observations) {
    const at = teacher.observations.findIndex(({ name }) => name === spec.name);
    const from = teacher.observations.slice(0, at).reduce((sum, { size }) => sum + size, 0);
    const { size, history } = teacher.observations[at]!;
    const width = size / history;
    for (let i = 0; i < spec.size; i++) {
      // A step older than the teacher sees has the statistics of the oldest that it does.
      const age = Math.min(Math.floor(i / width), history - 1);
      mean.push(normalizer.mean[from + age * width + (i % width)]!);
      variance.push(normalizer.variance[from + age * width + (i % width)]!);
    }
  }
  return { ...normalizer, mean, variance };
}

/** What the teacher says of everything in the buffer. @returns [T N, actions] or [T N, latent] */
export function labelsOf(teacher: Teacher, buffer: RolloutBuffer): Float32Array {
  const { network, normalizer, obsIndex, lesson, parameters } = teacher;
  const { horizon, numEnvs, obsDim, criticDim } = buffer.shape;
  const size = horizon * numEnvs;
  const own = obsIndex.length;
  const obs = new Float32Array(size * own);
  for (let i = 0; i < size; i++)
    for (let k = 0; k < own; k++) obs[i * own + k] = buffer.obs[i * obsDim + obsIndex[k]!]!;
  normalise(obs, own, normalizer);
  let input: Float32Array = obs;
  if (network.kind === 'privileged') {
    const known = Float32Array.from(buffer.criticObs.subarray(0, size * criticDim));
    normalise(known, criticDim, network.encoder.normalizer);
    input = joined(obs, own, known, criticDim, size);
  }
  return tf.tidy(() => {
    const shapes = tensorsOf(network).map(({ shape }) => [...shape]);
    const tensors = splitTensors(parameters, sizesOf(network)).map((data, i) => tf.tensor(data.slice(), shapes[i]!));
    const x = tf.tensor2d(input, [size, network.layers[0]!]);
    const said =
      lesson === 'latent' && network.kind === 'privileged'
        ? latentOf(network, tensors, x)
        : meanAction(network, tensors, x, null);
    return said.dataSync() as Float32Array;
  });
}

/** In place. @param rows [n, dim] */
function normalise(rows: Float32Array, dim: number, statistics: NormalizerContract): void {
  const normalizer = new ObsNormalizer(statistics);
  for (let at = 0; at < rows.length; at += dim) normalizer.apply(rows, at, rows.subarray(at, at + dim));
}
