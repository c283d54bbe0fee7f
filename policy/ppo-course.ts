/** How PPO learns from an iteration: returns and advantages, with the task's mirror images where it is symmetric. */

import { foldIn } from '../core/rng.ts';
import type { Course, Experience } from './course.ts';
import { assemble } from './experience.ts';
import { makePpo } from './make-ppo.ts';
import { augmented, mirroredObs } from './mirroring.ts';
import type { PpoBatch, PpoStats } from './ppo-learner.ts';
import type { TrainJob, TrainSettings } from './training-job.ts';
import { rehearse } from './transfer/rehearsal.ts';

export function ppoCourse({ recipe, settings, backend, pool, key }: TrainJob): Course<PpoStats & { std: number }> {
  const { network, ppo: rules, trainable, symmetry } = settings;
  const mirrors = symmetry?.use === 'loss';
  const ppo = makePpo(backend, network, rules, foldIn(key, 1), trainable, pool.size, mirrors);
  const retention = typeof trainable === 'object' ? trainable.retention : undefined;
  const isPrivileged = recipe.contract.network.kind === 'privileged';
  return {
    learner: ppo,
    startFrom: (parameters) => ppo.loadParameters(parameters),
    async learn(experience) {
      const { buffer, statistics, iteration } = experience;
      const { actor, critic } = statistics;
      const own = await assemble(buffer, ppo, actor, critic, rules, iteration, isPrivileged);
      const again = foldIn(foldIn(key, 5), iteration);
      const batch = retention === undefined ? own : { ...own, rehearsal: rehearse(retention, own, again) };
      const progress = iteration / settings.iterations;
      const stats = await ppo.update(mirroredBatch(symmetry, batch, experience), iteration, progress);
      return { ...stats, std: Math.exp(buffer.parameters.at(-1)!) };
    },
  };
}

/** What the learner gets to see of a batch where the task is symmetric. */
function mirroredBatch(
  symmetry: TrainSettings['symmetry'],
  batch: PpoBatch,
  { buffer, statistics }: Experience,
): PpoBatch {
  if (symmetry === undefined) return batch;
  const { use, mirrors } = symmetry;
  if (use === 'augment') return augmented(batch, buffer, statistics, mirrors);
  const mirrored = mirrors.map((mirror) => ({
    obs: mirroredObs(batch, buffer, statistics, mirror),
    action: mirror.action,
  }));
  return { ...batch, mirrored };
}
