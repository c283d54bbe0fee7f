/**
 * What a simulated robot says of itself: its truth as encoders, base measurement and sensors report it. The same for every
 * engine. Knows none.
 */

import { foldIn, type Key } from '../core/rng.ts';
import { makeState, type RobotState } from '../core/robot.ts';
import type { RobotModel } from '../core/robot-model.ts';
import { quatFromRpy, quatMultiply } from '../core/rotation.ts';
import type { SensorSpec } from '../core/sensor.ts';
import type { Dynamics } from './dynamics.ts';
import type { RobotSpec } from './robot-spec.ts';
import type { SensedWorld } from './sensed-world.ts';
import { Encoders } from './sensors/encoders.ts';
import { SensorSuite } from './sensors/sensor-suite.ts';

export class RobotSensing {
  /** The state without sensor noise, and what is measured of it. Reused. */
  readonly truth: RobotState;
  readonly measured: RobotState;
  /** Whether a sensor casts rays, which engines may have to be made ready for. */
  readonly castsRays: boolean;
  readonly #suite: SensorSuite;
  readonly #encoders: Encoders;

  constructor(model: RobotModel, spec: RobotSpec) {
    this.#suite = new SensorSuite(spec.sensors, spec.quality, model);
    this.#encoders = new Encoders(model.dof.length, spec.quality.encoders);
    this.truth = makeState(model.dof.length, this.#suite.sizes);
    this.measured = makeState(model.dof.length, this.#suite.sizes);
    this.castsRays = spec.sensors.some(({ kind }) => kind === 'lidar' || kind === 'depth' || kind === 'heights');
  }

  /** Seed the noise of the coming episode. */
  seed(key: Key): void {
    this.#encoders.reset(key);
    this.#suite.reset(foldIn(key, 1));
  }

  /** An episode begins, with the noise going on where it was. */
  restart(): void {
    this.#encoders.restart();
  }

  /** Once a control step. */
  sense(world: SensedWorld, dynamics: Dynamics): void {
    const { truth, measured } = this;
    measured.time = truth.time;
    measured.effort.set(truth.effort);
    measured.base.set(truth.base);
    measured.twist.set(truth.twist);
    this.#encoders.sense(
      truth.time,
      truth,
      measured,
      dynamics.positionNoise,
      dynamics.velocityNoise,
      dynamics.encoderBias,
    );
    this.#suite.sense(world, truth.time, truth, measured);
  }
}

/** A robot's spec with the task's sensors added and the IMUs turned by the mount error of `Dynamics`. */
export function mountSensors(sensors: readonly SensorSpec[], { imuRoll, imuPitch, imuYaw }: Dynamics): SensorSpec[] {
  if (imuRoll === 0 && imuPitch === 0 && imuYaw === 0) return [...sensors];
  const error = quatFromRpy([imuRoll, imuPitch, imuYaw]);
  return sensors.map((sensor) =>
    sensor.kind === 'imu'
      ? {
          ...sensor,
          pose: { xyz: sensor.pose.xyz, quat: quatMultiply(sensor.pose.quat, error, [0, 0, 0, 1]) },
        }
      : sensor,
  );
}
