/** What tests of tasks share: an environment as policies are judged in, and a step's view to fill in by hand. */

import { experiments } from '../../../configs/index.ts';
import { makeState } from '../../../core/robot.ts';
import { evaluationRecipe, openExperiment, trainingRecipe } from '../../../loop/experiment.ts';
import type { Environment } from '../../../sim/environment.ts';
import { makeEnvironments } from '../../../sim/recipe.ts';
import { type ReferenceScore, runReference } from '../../../sim/reference-run.ts';
import { EMPTY_SCENE } from '../../../sim/scene.ts';
import { UNKNOWN_WORLD } from '../../../sim/sensed-world.ts';
import type { ReferencePolicy, StepView } from '../../../sim/task.ts';

/** Environment 0 of seed 1. @param training where it learns instead of where it is judged */
export async function environmentOf(task: string, training = false): Promise<Environment> {
  const config = Object.values(experiments).find((entry) => entry.task === task)!;
  const experiment = await openExperiment(config);
  const judging = evaluationRecipe(experiment, experiment.contract, 'rapier', 1);
  const recipe = training ? trainingRecipe(experiment) : judging;
  return (await makeEnvironments(recipe, 0, 1))[0]!;
}

/** Over the first episodes. @param make null does nothing */
export async function scoreOf(
  task: string,
  make: ReferencePolicy['make'] | null,
  episodes = 20,
): Promise<ReferenceScore> {
  const environment = await environmentOf(task);
  const score = runReference(environment, make, episodes);
  environment.robot.close();
  return score;
}

/** A robot at rest in the world's origin that is asked for nothing. */
export function viewOf(joints: number, command: number, memory = 0, sensors: Record<string, number> = {}): StepView {
  return {
    state: makeState(joints, sensors),
    before: makeState(joints, sensors),
    action: new Float32Array(joints),
    lastAction: new Float32Array(joints),
    command: new Float64Array(command),
    objects: new Float64Array(0),
    scene: EMPTY_SCENE,
    world: UNKNOWN_WORLD,
    dt: 0.02,
    time: 0,
    memory: new Float64Array(memory),
  };
}
