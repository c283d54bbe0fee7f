/** A suite, its two states and a world, as the sensors' tests use them. */

import { keyOf } from '../../../core/rng.ts';
import { makeState } from '../../../core/robot.ts';
import type { Link, Pose, RobotModel } from '../../../core/robot-model.ts';
import type { SensorSpec } from '../../../core/sensor.ts';
import type { RobotSpec } from '../../../sim/robot-spec.ts';
import type { SensedWorld } from '../../../sim/sensed-world.ts';
import { SensorSuite } from '../../../sim/sensors/sensor-suite.ts';

const link = (name: string): Link => ({ name, inertial: null, visuals: [], collisions: [] });

export const model: RobotModel = {
  name: 'box',
  urdfHash: '',
  urdf: '',
  base: 'floating',
  links: ['base', 'left_foot', 'right_foot'].map(link),
  joints: [],
  dof: [],
  meshes: {},
  notes: [],
};

export const AT_ORIGIN: Pose = { xyz: [0, 0, 0], quat: [0, 0, 0, 1] };

export function makeRig(sensors: readonly SensorSpec[], quality: RobotSpec['quality'], world: SensedWorld, seed = 1) {
  const suite = new SensorSuite(sensors, quality, model);
  const truth = makeState(0, suite.sizes);
  const measured = makeState(0, suite.sizes);
  suite.reset(keyOf(seed));
  return { suite, truth, measured, sense: (time: number) => suite.sense(world, time, truth, measured) };
}

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

export function deviation(values: readonly number[]): number {
  const centre = mean(values);
  return Math.sqrt(values.reduce((sum, value) => sum + (value - centre) ** 2, 0) / (values.length - 1));
}
