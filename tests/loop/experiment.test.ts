/** From a configuration to recipes: names, rewards, keys, and what a resumed run may change. */

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { register } from '../../cli/train.ts';
import { pendulum } from '../../configs/pendulum.ts';
import { applyOverrides } from '../../configs/schema.ts';
import { InputError } from '../../core/errors.ts';
import { evaluationRecipe, loadRobot, openExperiment, trainingRecipe } from '../../loop/experiment.ts';
import { tasks } from '../../sim/tasks/index.ts';

async function refusal(act: () => unknown): Promise<InputError> {
  try {
    await act();
  } catch (error) {
    expect(error).toBeInstanceOf(InputError);
    return error as InputError;
  }
  throw new Error('nothing was refused');
}

describe('openExperiment', () => {
  it('gives the task its reward weights, changed ones by name', async () => {
    const { rewardNames, rewardWeights, task } = await openExperiment(
      applyOverrides(pendulum, ['reward.smoothness=-0.5']),
    );
    expect(rewardNames).toEqual(Object.keys(task.rewards));
    expect(rewardWeights).toEqual(
      rewardNames.map((name) => (name === 'smoothness' ? -0.5 : task.rewards[name]!.weight)),
    );
  });

  it.each([
    ['a reward term', ['reward.smothness=1'], 'unknown setting reward.smothness', 'did you mean reward.smoothness?'],
    ['a task', ['task=pendulun'], 'there is no task named pendulun', 'did you mean pendulum?'],
    [
      'a task that every object has',
      ['task=constructor'],
      'there is no task named constructor',
      `tasks: ${Object.keys(tasks).join(', ')}`,
    ],
  ])('refuses %s it does not know', async (_name, overrides, message, repair) => {
    const error = await refusal(() => openExperiment(applyOverrides(pendulum, overrides)));
    expect(error.message).toBe(message);
    expect(error.repair).toBe(repair);
  });

  it('refuses a robot it does not know', async () => {
    expect((await refusal(() => loadRobot('pendulums'))).repair).toBe('did you mean pendulum?');
    expect((await refusal(() => loadRobot('toString'))).message).toBe('there is no robot named toString');
  });

  it('refuses a parameter file that is not there', async () => {
    const config = applyOverrides(pendulum, ['dynamics=nowhere.json']);
    expect((await refusal(() => openExperiment(config))).message).toBe('nowhere.json: cannot be read');
  });

  it('trains and judges in different environments of one seed', async () => {
    const experiment = await openExperiment(pendulum);
    const training = trainingRecipe(experiment);
    const judging = evaluationRecipe(experiment, experiment.contract, 'mujoco');
    expect(training).toMatchObject({ training: true, engine: 'rapier', randomization: pendulum.randomization });
    expect(judging).toMatchObject({ training: false, engine: 'mujoco' });
    expect(judging.key).not.toEqual(training.key);
    expect(evaluationRecipe(experiment, experiment.contract, 'rapier', 9).key).not.toEqual(judging.key);
    // It crosses to a worker as plain data.
    expect(structuredClone(training)).toEqual(training);
  });

  it('records the resolved configuration in the contract', async () => {
    const config = applyOverrides(pendulum, ['network.hidden=[8]', 'seed=5']);
    const { contract } = await openExperiment(config);
    expect(contract.config).toEqual(config);
    expect(contract.seed).toBe(5);
    expect(contract.network.layers).toEqual([5, 8, 1]);
  });
});

describe('a resumed run', () => {
  let runs = '';
  beforeAll(async () => {
    runs = await mkdtemp(join(tmpdir(), 'landfall-experiment-'));
    await writeFile(join(runs, 'config.json'), JSON.stringify(pendulum));
  });
  afterAll(() => rm(runs, { recursive: true, force: true }));

  const train = (...args: string[]) => {
    const program = new Command().exitOverride();
    register(program);
    return program.parseAsync(['train', 'pendulum', ...args, '--runs', runs, '--no-view', '--quiet'], { from: 'user' });
  };

  it.each(['ppo.clip=0.1', 'seed=3', 'train.numEnvs=4', 'network.hidden=[8]', 'task=pendulum'])(
    'cannot change %s',
    async (override) => {
      const error = await refusal(() => train('--resume', runs, override));
      expect(error.message).toBe(`a resumed run cannot change ${override.split('=')[0]}`);
      expect(error.repair).toContain('train.iterations');
    },
  );

  it.each(['train.iterations=9', 'train.stopAtSuccess=null', 'train.evalEvery=3', 'train.evalEpisodes=4'])(
    'may change %s',
    async (override) => {
      // It gets past the settings, to the checkpoint that is not there.
      const error = await refusal(() => train('--resume', runs, override));
      expect(error.message).toMatch(/has no checkpoint to resume from/);
    },
  );

  it('is looked for among the runs of this experiment', async () => {
    expect((await refusal(() => train('--resume'))).message).toMatch(/there is no run of pendulum/);
  });
});
