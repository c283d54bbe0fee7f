/** Builds what a command needs from a configuration: robot, task, contract, environment recipes. Reads the URDF. */

import { readFile } from 'node:fs/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { checkAlgorithm } from '../configs/algorithms.ts';
import type { RobotConfig } from '../configs/robots.ts';
import { type ExperimentConfig, parseConfig } from '../configs/schema.ts';
import type { Contract } from '../core/contract.ts';
import { InputError, MismatchError, nearest } from '../core/errors.ts';
import { foldIn, keyOf } from '../core/rng.ts';
import { jointNames, type RobotModel } from '../core/robot-model.ts';
import type { Bundle } from '../policy/checkpoint.ts';
import type { NetworkSettings } from '../policy/ppo-learner.ts';
import type { TrainSettings } from '../policy/training-job.ts';
import type { AdrSettings } from '../sim/adr.ts';
import { type DeltaActionModel, readDeltaAction } from '../sim/delta-action.ts';
import { type Dynamics, nominalDynamics } from '../sim/dynamics.ts';
import { dynamicsFrom, type FittedDynamics, readParameterFile } from '../sim/identify/parameter-file.ts';
import type { RandomizationTable } from '../sim/randomization-terms.ts';
import type { EngineName, EnvironmentRecipe } from '../sim/recipe.ts';
import type { TaskDefinition } from '../sim/task.ts';
import { contractOf, criticTerms, mirrorsOf, type NetworkFront } from '../sim/task-contract.ts';
import { builtIn, loadProject, named, type Project } from './project.ts';
import { loadUrdf } from './robot-files.ts';

/** Purposes of the keys that a run's seed is split into. */
export const PURPOSE = { environments: 1, learner: 2, evaluation: 3 } as const;

export interface LoadedRobot {
  readonly config: RobotConfig;
  readonly model: RobotModel;
}

/** @throws InputError when there is no such robot or its URDF is bad */
export async function loadRobot(name: string, project: Project = builtIn): Promise<LoadedRobot> {
  const config = named(project.robots, name, 'robot');
  const model = await loadUrdf(fileURLToPath(config.urdf), { where: `robot ${name}`, base: config.base });
  return { config, model };
}

/** The parameters that the URDF and what is configured beside it stand for. */
export function robotDynamics({ config, model }: LoadedRobot): Dynamics {
  const armature = jointNames(model).map((name) => config.armature?.[name] ?? 0);
  return { ...nominalDynamics(model), armature };
}

export interface Experiment {
  readonly config: ExperimentConfig;
  readonly task: TaskDefinition;
  readonly robot: LoadedRobot;
  readonly dynamics: Dynamics;
  /** Ranges around them that identification knows better than the task. */
  readonly spread: RandomizationTable;
  /** What corrects actions in training. */
  readonly delta?: DeltaActionModel;
  /** The contract of the run, before it has learned anything. */
  readonly contract: Contract;
  readonly network: NetworkSettings;
  /** Of the task, where the configuration makes use of them. */
  readonly symmetry?: NonNullable<TrainSettings['symmetry']>;
  readonly rewardNames: readonly string[];
  readonly rewardWeights: readonly number[];
}

/** @throws InputError for a setting that does not fit the task */
export async function openExperiment(config: ExperimentConfig): Promise<Experiment> {
  checkAlgorithm(config);
  const project = await loadProject(config.module);
  const task = named(project.tasks, config.task, 'task');
  const robot = await loadRobot(task.robot, project);
  const { dynamics: nominal, spread } =
    config.dynamics === null
      ? { dynamics: robotDynamics(robot), spread: {} }
      : await dynamicsOf(config.dynamics, robot);
  const { hidden, criticHidden, activation, initialLogStd, finalLogStd } = config.network;
  const contract = contractOf({
    task,
    model: robot.model,
    robot: robot.config,
    dynamics: nominal,
    hidden,
    activation,
    ...(learnsTanh(config) ? { output: 'tanh' } : {}),
    ...frontOf(config),
    seed: config.seed,
    config,
  });
  const critic = criticTerms(task, contract);
  return {
    config,
    task,
    robot,
    dynamics: nominal,
    spread,
    ...(config.delta === undefined ? {} : { delta: await deltaOf(config.delta, robot) }),
    contract,
    network: {
      actor: contract.network,
      criticHidden,
      initialLogStd,
      finalLogStd,
      ...(critic === null ? {} : { criticInputs: critic.reduce((sum, { size }) => sum + size, 0) }),
    },
    ...symmetryOf(config, task, contract),
    rewardNames: Object.keys(task.rewards),
    rewardWeights: rewardWeightsOf(task, config.reward),
  };
}

/** Whether the policy's mean is squashed: PPO, and who copies it, leave its bounds to the action contract. */
function learnsTanh({ algorithm = 'ppo' }: ExperimentConfig): boolean {
  return algorithm === 'sac' || algorithm === 'bc' || algorithm === 'iql';
}

/** What comes before the actor's hidden layers. @throws InputError where settings do not fit together */
function frontOf({ network }: ExperimentConfig): { readonly front?: NetworkFront } {
  const { kind = 'mlp', cell = 64, steps = 16, embed = 32, latent = 8 } = network;
  switch (kind) {
    case 'mlp':
      return {};
    case 'gru':
      return { front: { kind, cell } };
    case 'history': {
      const convolutions = (network.convolutions ?? []).map(([channels, kernel, stride]) => ({
        channels,
        kernel,
        stride,
      }));
      let length = steps;
      for (const { kernel, stride } of convolutions) {
        if (kernel > length) {
          throw new InputError(`network.convolutions: a kernel of ${kernel} steps finds ${length} left`, {
            repair: 'shorten the kernels or strides, or raise network.steps',
          });
        }
        length = Math.floor((length - kernel) / stride) + 1;
      }
      return { front: { kind, steps, embed, convolutions, latent } };
    }
    case 'privileged':
      return { front: { kind, hidden: network.encoderHidden ?? [64], latent } };
  }
}

/** @throws InputError when the configuration asks for symmetry and the task has none */
function symmetryOf(
  { ppo }: ExperimentConfig,
  task: TaskDefinition,
  contract: Contract,
): Pick<Experiment, 'symmetry'> | object {
  if (ppo.symmetry == null) return {};
  if (contract.network.kind === 'gru') {
    throw new InputError(
      `ppo.symmetry=${ppo.symmetry}: nobody knows what a recurrent actor would remember in the mirror`,
      {
        repair: 'ppo.symmetry=null, or network.kind=history',
      },
    );
  }
  const mirrors = mirrorsOf(task, contract);
  if (mirrors.length > 0) return { symmetry: { use: ppo.symmetry, mirrors } };
  throw new InputError(`ppo.symmetry=${ppo.symmetry}, but task ${task.name} names no symmetry`, {
    repair: 'ppo.symmetry=null, or give the task its symmetries',
  });
}

/** @throws InputError when the file is missing or bad, MismatchError when it is of another robot */
async function deltaOf(path: string, { model }: LoadedRobot): Promise<DeltaActionModel> {
  const repair = 'landfall identify ... --delta FILE writes one';
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new InputError(`${path}: cannot be read`, { repair, cause });
  });
  const delta = readDeltaAction(text, path);
  if (delta.robot.urdfHash === model.urdfHash) return delta;
  throw new MismatchError(`${path}: the delta action was learned for ${delta.robot.name}, found another URDF`, {
    repair,
  });
}

/** The parameters that `landfall identify` wrote. @throws InputError when the file is missing, bad or of another robot */
async function dynamicsOf(path: string, robot: LoadedRobot): Promise<FittedDynamics> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    throw new InputError(`${path}: cannot be read`, {
      repair: 'landfall identify ... --out FILE writes one',
      cause: error,
    });
  }
  return dynamicsFrom(readParameterFile(text, path), robot.model, robotDynamics(robot));
}

function rewardWeightsOf(task: TaskDefinition, changed: Readonly<Record<string, number>>): number[] {
  const names = Object.keys(task.rewards);
  for (const name of Object.keys(changed)) {
    if (names.includes(name)) continue;
    const near = nearest(name, names);
    throw new InputError(`unknown setting reward.${name}`, {
      repair: near === undefined ? `reward terms of ${task.name}: ${names.join(', ')}` : `did you mean reward.${near}?`,
    });
  }
  return names.map((name) => changed[name] ?? task.rewards[name]!.weight);
}

/** The environments a run learns in. @throws InputError when its configuration asks for an ADR that the task has not */
export function trainingRecipe(experiment: Experiment): EnvironmentRecipe {
  return {
    ...recipeOf(experiment, experiment.contract, 'rapier', PURPOSE.environments),
    ...(experiment.config.adr === true ? { adr: adrOf(experiment) } : {}),
    ...(experiment.delta === undefined ? {} : { delta: experiment.delta }),
    training: true,
  };
}

/** The task's, without what identification knows better. */
function adrOf({ config, task, spread }: Experiment): AdrSettings {
  const parameters = task.adr?.parameters.filter(({ name }) => !Object.hasOwn(spread, name)) ?? [];
  if (task.adr === undefined || parameters.length === 0 || config.randomization === 0) {
    throw new InputError(`adr=true finds no range of task ${task.name} to widen`, {
      repair: 'adr=false, or randomization=1 and a task with adr',
    });
  }
  return { ...task.adr, parameters };
}

/** The environments a policy is judged in: the task's own start, randomised physics. */
export function evaluationRecipe(
  experiment: Experiment,
  contract: Contract,
  engine: EngineName,
  seed = experiment.config.seed,
): EnvironmentRecipe {
  return {
    ...recipeOf(experiment, contract, engine, PURPOSE.evaluation),
    key: foldIn(keyOf(seed), PURPOSE.evaluation),
  };
}

function recipeOf(experiment: Experiment, contract: Contract, engine: EngineName, purpose: number): EnvironmentRecipe {
  const { config, task, robot, dynamics, spread, rewardWeights } = experiment;
  return {
    task: task.name,
    ...(config.module === undefined ? {} : { module: pathToFileURL(config.module).href }),
    engine,
    urdf: robot.model.urdf,
    base: robot.model.base,
    meshes: robot.model.meshes,
    robot: robot.config.spec,
    contract,
    rewardWeights,
    dynamics,
    spread,
    randomization: config.randomization,
    training: false,
    key: foldIn(keyOf(config.seed), purpose),
  };
}

/** @throws MismatchError when a policy was made for another robot than the one at hand */
export function requireSameRobot(contract: Contract, model: RobotModel, where: string): void {
  if (contract.robot.urdfHash === model.urdfHash) return;
  const same = contract.robot.name === model.name;
  throw new MismatchError(
    `${where}: the policy was trained for robot ${contract.robot.name} (URDF ${contract.robot.urdfHash.slice(0, 12)}), found ${model.name} (URDF ${model.urdfHash.slice(0, 12)})`,
    {
      repair: same
        ? 'the URDF has changed since: train again, or restore the old file'
        : `use a policy trained for ${model.name}`,
    },
  );
}

/** The experiment a policy was made in. @throws MismatchError when the robot has changed since */
export async function experimentOf(bundle: Bundle, randomization?: number): Promise<Experiment> {
  const stored = parseConfig(bundle.contract.config, bundle.path);
  // A policy acts without the delta action that it was trained with.
  const { delta: _, ...alone } = stored;
  const config = randomization === undefined ? alone : { ...alone, randomization };
  const experiment = await openExperiment(config);
  requireSameRobot(bundle.contract, experiment.robot.model, bundle.path);
  return experiment;
}
