/** What task tests share: an environment as the task is judged in, and views made by hand. */

import { experimentNamed } from '../../../configs/index.ts';
import { makeState, type RobotState } from '../../../core/robot.ts';
import { evaluationRecipe, openExperiment, trainingRecipe } from '../../../loop/experiment.ts';
import type { Environment } from '../../../sim/environment.ts';
import { makeEnvironments } from '../../../sim/recipe.ts';
import { EMPTY_SCENE } from '../../../sim/scene.ts';
import { UNKNOWN_WORLD } from '../../../sim/sensed-world.ts';
import type { StepView } from '../../../sim/task.ts';

/** Seed 1 is what a reference's score is of. */
export async function environmentOf(name: string, mode: 'judged' | 'trained', randomization = 1): Promise<Environment> {
  const experiment = await openExperiment({ ...experimentNamed(name), randomization });
  const recipe =
    mode === 'judged' ? evaluationRecipe(experiment, experiment.contract, 'rapier', 1) : trainingRecipe(experiment);
  return (await makeEnvironments(recipe, 0, 1))[0]!;
}

/** A view in which all is zero but what is given. */
export function viewWith(given: Partial<StepView>, joints = 6): StepView {
  const state: RobotState = makeState(joints);
  return {
    state,
    before: makeState(joints),
    action: new Float32Array(joints),
    lastAction: new Float32Array(joints),
    command: new Float64Array(7),
    objects: new Float64Array(13),
    scene: EMPTY_SCENE,
    world: UNKNOWN_WORLD,
    dt: 0.04,
    time: 0,
    memory: new Float64Array(0),
    ...given,
  };
}

/** A world in which every link is at one pose. */
export function worldAt(pose: ArrayLike<number>): StepView['world'] {
  return { ...UNKNOWN_WORLD, linkPose: (_link, out) => out.set(pose) };
}
