/** The reference policies reach the scores they record, to the last bit, and doing nothing does not. */

import { describe, expect, it } from 'vitest';
import { experiments } from '../../../configs/index.ts';
import { evaluationRecipe, openExperiment } from '../../../loop/experiment.ts';
import type { Environment } from '../../../sim/environment.ts';
import { makeEnvironments } from '../../../sim/recipe.ts';
import { runReference } from '../../../sim/reference-run.ts';
import { tasks } from '../../../sim/tasks/index.ts';

const EPISODES = 20;

/** Environment 0 of seed 1, randomised as the task says, in Rapier. */
async function judge(name: string): Promise<Environment> {
  const experiment = await openExperiment(experiments[name]!);
  return (await makeEnvironments(evaluationRecipe(experiment, experiment.contract, 'rapier', 1), 0, 1))[0]!;
}

describe.each(['pendulum', 'cartpole-balance', 'cartpole-swingup', 'acrobot', 'pendubot'])(
  'reference of %s',
  (name) => {
    const { score, make } = tasks[name]!.reference!;

    it('reaches its score again and again', async () => {
      const found = runReference(await judge(name), make, EPISODES);
      expect({ successRate: found.successRate, meanReturn: found.meanReturn }).toEqual(score);
      // Another environment, which has lived other episodes before.
      const used = await judge(name);
      runReference(used, null, 1);
      const [one, other] = [runReference(await judge(name), make, 2), runReference(used, make, 2)];
      expect(other).toEqual(one);
    });

    it('beats doing nothing', async () => {
      const nothing = runReference(await judge(name), null, EPISODES);
      expect(nothing.successRate).toBe(0);
      // The least of them, the acrobot's, takes half of 20; returns of doing nothing are near 0.
      expect(score.successRate).toBeGreaterThanOrEqual(0.5);
      expect(score.meanReturn).toBeGreaterThan(nothing.meanReturn + 5);
    });
  },
);
