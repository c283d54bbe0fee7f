/** A robot of the configuration as `landfall robot` serves it: in an engine, with its sensors, where it stands. */

import type { ServedSensor } from '../bridge/server/sensor-messages.ts';
import type { RosContract } from '../core/contract.ts';
import { InputError } from '../core/errors.ts';
import { keyOf } from '../core/rng.ts';
import { type JointCommand, makeCommand } from '../core/robot.ts';
import { jointNames } from '../core/robot-model.ts';
import { completeRos } from '../core/ros-topics.ts';
import type { LoadedRobot } from '../loop/experiment.ts';
import type { Project } from '../loop/project.ts';
import type { Dynamics } from '../sim/dynamics.ts';
import { loadRapier, RapierRobot } from '../sim/rapier-robot.ts';
import type { RobotSpec } from '../sim/robot-spec.ts';
import { EMPTY_SCENE, FLOOR, type Scene } from '../sim/scene.ts';
import type { EnvironmentRobot } from '../sim/simulated-robot.ts';
import type { StartState, TaskDefinition } from '../sim/task.ts';
import { makeTwin } from '../sim/twin.ts';

export interface ServedRobot {
  readonly robot: EnvironmentRobot;
  /** What it stands in. */
  readonly scene: Scene;
  /** A multiple of it is a step, s. */
  readonly stepSeconds: number;
  readonly ros: RosContract;
  readonly sensors: readonly ServedSensor[];
  /** Puts the robot where it stands, at rest. */
  readonly restart: () => void;
  /** Legs stand, and what takes positions holds them, by a controller of its own until it is commanded; others wait. */
  readonly idle: JointCommand | undefined;
}

/** @throws InputError where the engine cannot build it */
export async function makeServedRobot(
  name: string,
  loaded: LoadedRobot,
  tasks: Project['tasks'],
  dynamics: Dynamics,
  engine: 'mujoco' | 'rapier',
  seed: number,
): Promise<ServedRobot> {
  const { config, model } = loaded;
  const own = Object.values(tasks).filter((task) => task.robot === name);
  const spec = withSensorsOf(config.spec, own);
  const { robot, stepSeconds } = await build(loaded, spec, dynamics, engine, own[0], seed);
  const floating = model.base === 'floating';
  const scene = floating ? FLOOR : EMPTY_SCENE;
  robot.setScene(scene);
  robot.seedNoise(keyOf(seed));
  const start = startOf(loaded);
  const restart = () => robot.resetTo(start);
  restart();
  const { sensors, quality } = spec;
  return {
    robot,
    scene,
    stepSeconds,
    ros: completeRos(config.ros, { sensors, quality, floating, stateAge: config.safety.stateAge }),
    sensors: sensors.map((sensor) => ({ spec: sensor, rateHz: quality[sensor.name]?.rateHz ?? null })),
    restart,
    idle: floating || holdsItself(loaded) ? standing(loaded) : undefined,
  };
}

async function build(
  { model }: LoadedRobot,
  spec: RobotSpec,
  dynamics: Dynamics,
  engine: 'mujoco' | 'rapier',
  task: TaskDefinition | undefined,
  seed: number,
): Promise<{ robot: EnvironmentRobot; stepSeconds: number }> {
  if (engine === 'mujoco') {
    const options = { key: keyOf(seed), spec };
    const robot = await makeTwin(model, dynamics, options);
    return { robot, stepSeconds: robot.physicsDt };
  }
  // The simulator as the robot's own task has it.
  if (task === undefined) throw new InputError(`no task uses robot ${model.name}`, { repair: 'use --engine mujoco' });
  const robot = new RapierRobot(await loadRapier(), model, dynamics, task.physics, spec);
  return { robot, stepSeconds: task.physics.physicsDt };
}

/** The robot with what its tasks put on it, so that any of their policies can be deployed on it. */
function withSensorsOf(spec: RobotSpec, own: readonly TaskDefinition[]): RobotSpec {
  const added = own.flatMap((task) => task.sensors ?? []);
  const names = new Set(spec.sensors.map((sensor) => sensor.name));
  const fresh = added.filter((sensor) => !names.has(sensor.name) && names.add(sensor.name));
  const quality = Object.assign({}, ...own.map((task) => task.quality ?? {}), spec.quality) as RobotSpec['quality'];
  return { ...spec, sensors: [...spec.sensors, ...fresh], quality };
}

/** Holds the default pose with the robot's gains. */
/** Whether its interface is a position controller, which holds the robot whoever commands. */
function holdsItself({ config }: LoadedRobot): boolean {
  return ['position-array', 'joint-trajectory'].includes(config.ros.command.mapping);
}

function standing({ config, model }: LoadedRobot): JointCommand {
  const command = makeCommand(model.dof.length);
  for (const [j, joint] of jointNames(model).entries()) {
    command.q[j] = config.defaultPose[joint] ?? 0;
    command.kp[j] = config.gains[joint]?.kp ?? 0;
    command.kd[j] = config.gains[joint]?.kd ?? 0;
  }
  return command;
}

function startOf({ config, model }: LoadedRobot): StartState {
  const names = jointNames(model);
  return {
    q: Float64Array.from(names, (joint) => config.defaultPose[joint] ?? 0),
    qd: new Float64Array(names.length),
    base: Float64Array.of(0, 0, config.spawn.z, 0, 0, 0, 1),
    twist: new Float64Array(6),
  };
}
