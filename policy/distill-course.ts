/** How a student learns from an iteration: what its teacher says of all that it met. Rewards teach it nothing. */

import { foldIn } from '../core/rng.ts';
import type { Course } from './course.ts';
import { Distiller } from './distiller.ts';
import { actorRows, sequenceOf } from './experience.ts';
import type { PpoStats } from './ppo-learner.ts';
import { labelsOf, type Teacher } from './teacher.ts';
import type { TrainJob } from './training-job.ts';

export function distillCourse(
  { settings, backend, key }: TrainJob,
  teacher: Teacher,
): Course<PpoStats & { std: number }> {
  const student = new Distiller(backend, settings.network, settings.ppo, teacher, foldIn(key, 1));
  return {
    learner: student,
    async learn({ buffer, statistics, iteration }) {
      const batch = {
        size: buffer.shape.horizon * buffer.shape.numEnvs,
        obs: actorRows(buffer, statistics.actor, iteration),
        label: labelsOf(teacher, buffer),
        ...(buffer.actorState.length === 0 ? {} : { sequence: sequenceOf(buffer) }),
      };
      return { ...(await student.update(batch, iteration)), std: Math.exp(buffer.parameters.at(-1)!) };
    },
  };
}
