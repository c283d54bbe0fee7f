/**
 * What an environment is made from, as plain data: it crosses to a worker thread or into a page and is built there.
 * Knows no learner.
 */

import type { Contract } from '../core/contract.ts';
import type { Key } from '../core/rng.ts';
import type { RobotModel } from '../core/robot-model.ts';
import type { AdrSettings } from './adr.ts';
import type { DeltaActionModel } from './delta-action.ts';
import type { Dynamics } from './dynamics.ts';
import { Environment } from './environment.ts';
import type { RandomizationTable } from './randomization-terms.ts';
import { loadRapier, type PhysicsSettings } from './rapier.ts';
import { RapierRobot } from './rapier-robot.ts';
import { PLAIN_ROBOT, type RobotSpec } from './robot-spec.ts';
import type { EnvironmentRobot } from './simulated-robot.ts';
import type { TaskDefinition } from './task.ts';
import { taskNamed } from './tasks/index.ts';
import { makeTwin } from './twin.ts';
import { parseUrdf } from './urdf.ts';

export type EngineName = 'rapier' | 'mujoco';

export interface EnvironmentRecipe {
  readonly task: string;
  /** Address of the module that exports the task in its table `tasks`, where it is not the package's. */
  readonly module?: string;
  readonly engine: EngineName;
  /** The URDF's text, what its base is, and its meshes' vertices. */
  readonly urdf: string;
  readonly base?: RobotModel['base'];
  readonly meshes?: RobotModel['meshes'];
  /** Drives and sensors. @default ideal motors, encoders alone */
  readonly robot?: RobotSpec;
  readonly contract: Contract;
  /** Per second, in the order of the task's rewards. */
  readonly rewardWeights: readonly number[];
  readonly dynamics: Dynamics;
  readonly randomization: number;
  /** Asked in every episode, in the contract's order. @default what the task samples */
  readonly command?: readonly number[];
  readonly spread?: RandomizationTable;
  /** What makes the simulator move as the robot did, from its logs. @default none */
  readonly delta?: DeltaActionModel;
  /** Ranges that widen while the policy succeeds at their bounds. @default none */
  readonly adr?: AdrSettings;
  readonly training: boolean;
  /** The critic sees what the actor sees, whatever the task has for it. @default false */
  readonly plainCritic?: boolean;
  readonly key: Key;
  /** Physics step of the twin, s; a control step holds a whole number of them. @default sim/twin.ts, dividingStep */
  readonly twinDt?: number;
}

/** Environments number `first` to `first + count - 1`. */
export async function makeEnvironments(
  recipe: EnvironmentRecipe,
  first: number,
  count: number,
): Promise<Environment[]> {
  const task = await taskOf(recipe);
  const { base, meshes } = recipe;
  const model = parseUrdf(recipe.urdf, {
    where: `the URDF of ${recipe.contract.robot.name}`,
    ...(base === undefined ? {} : { base }),
    ...(meshes === undefined ? {} : { meshes }),
  });
  const spec = specOf(recipe, task);
  const makeRobot = await robotMaker(recipe, task);
  const environments: Environment[] = [];
  for (let i = 0; i < count; i++) {
    const robot = await makeRobot(model, recipe.dynamics, task.physics, spec);
    environments.push(new Environment(robot, first + i, { ...recipe, task }));
  }
  return environments;
}

/** @throws InputError when neither the module nor the package has the task */
async function taskOf({ task, module }: EnvironmentRecipe): Promise<TaskDefinition> {
  if (module === undefined) return taskNamed(task);
  const { tasks } = (await import(/* @vite-ignore */ module)) as { tasks?: Readonly<Record<string, TaskDefinition>> };
  return tasks !== undefined && Object.hasOwn(tasks, task) ? tasks[task]! : taskNamed(task);
}

/** The robot's drives and sensors with what the task adds. */
function specOf(recipe: EnvironmentRecipe, task: TaskDefinition): RobotSpec {
  const robot = recipe.robot ?? PLAIN_ROBOT;
  if (task.sensors === undefined && task.quality === undefined) return robot;
  return {
    ...robot,
    sensors: [...robot.sensors, ...(task.sensors ?? [])],
    quality: { ...robot.quality, ...task.quality },
  };
}

type RobotMaker = (
  model: RobotModel,
  dynamics: Dynamics,
  physics: PhysicsSettings,
  spec: RobotSpec,
) => EnvironmentRobot | Promise<EnvironmentRobot>;

async function robotMaker({ engine, twinDt }: EnvironmentRecipe, { rateHz }: TaskDefinition): Promise<RobotMaker> {
  if (engine === 'mujoco') {
    const step = twinDt === undefined ? {} : { physicsDt: twinDt };
    return (model, dynamics, _, spec) => makeTwin(model, dynamics, { spec, period: 1 / rateHz, ...step });
  }
  const rapier = await loadRapier();
  return (model, dynamics, physics, spec) => new RapierRobot(rapier, model, dynamics, physics, spec);
}
