/**
 * The loop that learns: collect, learn, judge, report. Knows no task, no terminal and no file: what to do with figures and
 * checkpoints is passed in. Knows no algorithm either: what differs is in a course (course.ts).
 */

import type { Course } from './course.ts';
import { distillCourse } from './distill-course.ts';
import { countFigures, episodeFigures, type LoopFigures } from './iteration-report.ts';
import { better, judgeIfDue, reached } from './judgement.ts';
import { ppoCourse } from './ppo-course.ts';
import { type OffPolicyJob, sacCourse, withPrior } from './sac-course.ts';
import type { LoopSettings, Snapshot, TrainJob } from './training-job.ts';
import { TrainingRun } from './training-run.ts';

/** On-policy: PPO, or with a teacher learning from it. Trains until the settings or `onIteration` say stop. */
export function train(job: TrainJob): Promise<Snapshot> {
  const { teacher } = job;
  return follow(job, teacher === undefined ? ppoCourse(job) : distillCourse(job, teacher));
}

/** From a replay buffer. Trains until the settings or `onIteration` say stop. */
export function trainOffPolicy(job: OffPolicyJob): Promise<Snapshot> {
  return follow(withPrior(job), sacCourse(job));
}

async function follow<Stats extends { readonly std: number }>(
  job: TrainJob<LoopSettings, LoopFigures & Stats>,
  course: Course<Stats>,
): Promise<Snapshot> {
  const { settings, clock } = job;
  try {
    const run = await TrainingRun.open(job, course);
    for (let stop = false; run.iteration < settings.iterations && !stop; ) {
      const started = clock.now();
      const before = await run.begin();
      let collected = started;
      let stats: Stats;
      try {
        await run.collect();
        collected = clock.now();
        stats = await run.learn();
      } catch (error) {
        throw await run.diverged(error, before);
      }
      const learned = clock.now();
      const evaluation = await judgeIfDue(job, run.iteration, () => run.snapshot());
      run.best = better(run.best, evaluation);
      const report = {
        ...stats,
        ...episodeFigures(run.buffer),
        ...countFigures(run.iteration, run.steps, started, collected, learned),
        ...(run.adr === null ? {} : { adrEntropy: run.adr.entropy }),
        evaluation,
      };
      const asked = (await job.onIteration?.(report, () => run.checkpoint())) ?? false;
      stop = asked || reached(evaluation, settings.stopAtSuccess);
    }
    return await run.end();
  } finally {
    course.learner.dispose();
  }
}
