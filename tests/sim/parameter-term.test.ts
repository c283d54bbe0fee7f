/** What randomisation drew, as a critic observes it. */

import { describe, expect, it } from 'vitest';
import { pendulum as config } from '../../configs/pendulum.ts';
import { openExperiment, trainingRecipe } from '../../loop/experiment.ts';
import { makeEnvironments } from '../../sim/recipe.ts';
import { defineTask } from '../../sim/task.ts';
import { pendulum } from '../../sim/tasks/pendulum.ts';
import { registerTask } from '../policy/local-pool.ts';

function taskOf(name: string, of: string[], isPrivileged = true) {
  const term = { name: 'robot', term: 'parameter', joints: [], of, scale: 2, clip: null, history: 1, delay: 0 };
  const { observations } = pendulum;
  registerTask(
    defineTask({
      ...pendulum,
      name,
      ...(isPrivileged ? { criticObservations: [term] } : { observations: [...observations, term] }),
    }),
  );
  return openExperiment({ ...config, task: name });
}

describe('the term parameter', () => {
  it('tells a critic what each episode drew, in the order asked for', async () => {
    const experiment = await taskOf('knows-parameters', ['torqueScale', 'massScale']);
    const [environment] = await makeEnvironments(trainingRecipe(experiment), 0, 1);
    const out = new Float32Array(environment!.observer.size);
    const known = new Float32Array(2);
    const seen = new Set<number>();
    for (let episode = 0; episode < 3; episode++) {
      environment!.reset(episode, out, 0);
      environment!.observeCritic(known, 0);
      const { torqueScale, massScale } = environment!.parameters();
      expect([...known]).toEqual([Math.fround(2 * torqueScale!), Math.fround(2 * massScale!)]);
      seen.add(known[0]!);
    }
    expect(seen.size).toBe(3);
  });

  it('is refused for a parameter that the robot has not, and for an actor', async () => {
    const wrong = await taskOf('knows-nothing', ['massscale']);
    await expect(makeEnvironments(trainingRecipe(wrong), 0, 1)).rejects.toThrow(/no parameter named massscale/);
    await expect(taskOf('tells-the-robot', ['massScale'], false)).rejects.toThrow(/what only a simulation knows/);
  });
});
