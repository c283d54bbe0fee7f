/**
 * What an environment is made from, as plain data: it crosses to a worker thread or into a page and is built there.
 * Knows no learner.
 */

import type { Contract } from '../core/contract.ts';
import type { Key } from '../core/rng.ts';
import type { Dynamics } from './dynamics.ts';
import { Environment, type EnvironmentRobot } from './environment.ts';
import { loadRapier, RapierRobot } from './rapier-robot.ts';
import type { RandomizationTable } from './task.ts';
import { taskNamed } from './tasks/index.ts';
import { makeTwin } from './twin.ts';
import { parseUrdf } from './urdf.ts';

export type EngineName = 'rapier' | 'mujoco';

export interface EnvironmentRecipe {
  readonly task: string;
  readonly engine: EngineName;
  /** The URDF's text. */
  readonly urdf: string;
  readonly contract: Contract;
  /** Per second, in the order of the task's rewards. */
  readonly rewardWeights: readonly number[];
  readonly dynamics: Dynamics;
  readonly randomization: number;
  readonly spread?: RandomizationTable;
  readonly training: boolean;
  readonly key: Key;
}

/** Environments number `first` to `first + count - 1`. */
export async function makeEnvironments(
  recipe: EnvironmentRecipe,
  first: number,
  count: number,
): Promise<Environment[]> {
  const task = taskNamed(recipe.task);
  const model = parseUrdf(recipe.urdf, { where: `the URDF of ${recipe.contract.robot.name}` });
  const makeRobot = await robotMaker(recipe.engine);
  const environments: Environment[] = [];
  for (let i = 0; i < count; i++) {
    const robot = await makeRobot(model, recipe.dynamics, task.physics);
    environments.push(new Environment(robot, first + i, { ...recipe, task }));
  }
  return environments;
}

type RobotMaker = (
  model: ReturnType<typeof parseUrdf>,
  dynamics: Dynamics,
  physics: { readonly physicsDt: number; readonly solverIterations: number },
) => EnvironmentRobot | Promise<EnvironmentRobot>;

async function robotMaker(engine: EngineName): Promise<RobotMaker> {
  if (engine === 'mujoco') return (model, dynamics) => makeTwin(model, dynamics);
  const rapier = await loadRapier();
  return (model, dynamics, physics) => new RapierRobot(rapier, model, dynamics, physics);
}
