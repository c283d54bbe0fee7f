/** What a configuration's `teacher` stands for: the policy that a student learns from, and what the student begins with. */

import type { ExperimentConfig } from '../configs/schema.ts';
import { InputError } from '../core/errors.ts';
import { loadBundle } from '../policy/checkpoint.ts';
import { type Teacher, taughtNormalizer, teacherOf } from '../policy/teacher.ts';
import type { Experiment } from './experiment.ts';

export interface Teaching {
  /** As given, but for what a student takes over from its teacher. */
  readonly experiment: Experiment;
  readonly teacher: Teacher;
}

/**
 * @returns null where nobody teaches
 * @throws InputError where algorithm, teacher and network do not fit together
 */
export async function teachingOf(experiment: Experiment): Promise<Teaching | null> {
  const { contract } = experiment;
  const { algorithm = 'ppo', teacher: path } = experiment.config;
  refuseHalf(algorithm, path);
  if (path === undefined) return null;
  const kind = contract.network.kind;
  if (kind === 'privileged') {
    throw new InputError(`algorithm=${algorithm} teaches a policy that a robot can run, network.kind is privileged`, {
      repair: algorithm === 'rma' ? 'network.kind=history' : 'network.kind=mlp, gru or history',
    });
  }
  const bundle = await loadBundle(path);
  const teacher = teacherOf(bundle, contract, algorithm === 'rma' ? 'latent' : 'action');
  // Beside the teacher's body the observations keep the teacher's statistics; another student finds its own.
  const normalizer = algorithm === 'rma' ? taughtNormalizer(teacher, bundle.contract, contract) : contract.normalizer;
  return { experiment: { ...experiment, contract: { ...contract, normalizer } }, teacher };
}

function refuseHalf(algorithm: NonNullable<ExperimentConfig['algorithm']>, path: string | undefined): void {
  const isTaught = algorithm === 'distill' || algorithm === 'rma';
  if (!isTaught && path !== undefined) {
    throw new InputError(`a teacher is given, but algorithm=${algorithm} learns without one`, {
      repair: 'algorithm=distill or algorithm=rma',
    });
  }
  if (isTaught && path === undefined) {
    throw new InputError(`algorithm=${algorithm} needs a teacher`, {
      repair: 'teacher=RUN: a run of network.kind=privileged, for example',
    });
  }
}
