/** A delta action in an experiment: in training's environments, in no other, and never in a policy. */

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { pendulum } from '../../configs/pendulum.ts';
import { applyOverrides } from '../../configs/schema.ts';
import { InputError, MismatchError } from '../../core/errors.ts';
import { evaluationRecipe, loadRobot, openExperiment, trainingRecipe } from '../../loop/experiment.ts';
import type { DeltaActionModel } from '../../sim/delta-action.ts';
import { type EnvironmentRecipe, makeEnvironments } from '../../sim/recipe.ts';

let directory: string;
let path: string;
let model: DeltaActionModel;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'landfall-delta-'));
  const robot = await loadRobot('pendulum');
  model = {
    schema: 1,
    robot: { name: 'pendulum', urdfHash: robot.model.urdfHash },
    channel: 'effort',
    velocityScale: [1],
    actionScale: [1],
    limit: [2],
    layers: [4, 1],
    activation: 'tanh',
    // -0.25 times the effort (of a limit of 2): the motor gives half of what it is asked for.
    weights: [0, 0, 0, -0.25, 0],
  };
  path = join(directory, 'delta.json');
  await writeFile(path, JSON.stringify(model));
});
afterAll(() => rm(directory, { recursive: true }));

const experimentWith = (file: string) =>
  openExperiment(applyOverrides(pendulum, [`delta=${file}`, 'randomization=0', 'dynamics=null']));

it('is part of what is trained in, and of nothing that judges', async () => {
  const experiment = await experimentWith(path);
  expect(trainingRecipe(experiment).delta).toEqual(model);
  expect(evaluationRecipe(experiment, experiment.contract, 'rapier').delta).toBeUndefined();
  expect(JSON.stringify(experiment.contract.actions)).not.toContain('delta');
});

it('changes what the robot does as it says, and not the command that is recorded', async () => {
  const experiment = await experimentWith(path);
  const { delta, ...plain } = trainingRecipe(experiment);
  const run = async (recipe: EnvironmentRecipe, action: number) => {
    const [environment] = await makeEnvironments({ ...recipe, training: false }, 0, 1);
    const obs = new Float32Array(environment!.observer.size);
    environment!.reset(0, obs, 0);
    for (let k = 0; k < 10; k++) environment!.step(Float32Array.of(action), 0, obs, 0);
    return { q: environment!.robot.truth.q[0]!, effort: environment!.command.effort[0]! };
  };
  const halved = await run({ ...plain, delta: delta! }, 0.8);
  const asked = await run(plain, 0.4);
  // The same torques at every step, a rounding of single precision apart.
  expect(halved.q).toBeCloseTo(asked.q, 6);
  expect(halved.effort).toBeCloseTo(2 * asked.effort, 6);
  expect(Math.abs(asked.q)).toBeGreaterThan(0.01);
});

it('refuses a file that is not there, and one of another robot', async () => {
  await expect(experimentWith('nowhere.json')).rejects.toThrow(InputError);
  const other = join(directory, 'other.json');
  await writeFile(other, JSON.stringify({ ...model, robot: { name: 'acrobot', urdfHash: 'ab' } }));
  await expect(experimentWith(other)).rejects.toThrow(MismatchError);
});
