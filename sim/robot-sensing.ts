/**
 * What a simulated robot says of itself: its truth as encoders, base measurement and sensors report it. The same for every
 * engine. Knows none.
 */

import type { Key } from '../core/rng.ts';
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
  readonly #model: RobotModel;
  readonly #spec: RobotSpec;
  #suite: SensorSuite;
  /** What the suite was made for: IMU mounts turned by and latencies lengthened by. */
  #mounted = [0, 0, 0, 0];
  #key: Key = [0, 0];
  readonly #encoders: Encoders;

  constructor(model: RobotModel, spec: RobotSpec) {
    this.#model = model;
    this.#spec = spec;
    this.#suite = new SensorSuite(spec.sensors, spec.quality, model);
    this.#encoders = new Encoders(model.dof.length, spec.quality.encoders);
    this.truth = makeState(model.dof.length, this.#suite.sizes);
    this.measured = makeState(model.dof.length, this.#suite.sizes);
    this.castsRays = spec.sensors.some(({ kind }) => kind === 'lidar' || kind === 'depth' || kind === 'heights');
  }

  /** Seed the noise of the coming episode. To be followed by `restart`. */
  seed(key: Key): void {
    this.#key = key;
    this.#encoders.reset(key);
  }

  /** An episode begins. Without a new seed sensors have the errors they had; the encoders' noise goes on where it was. */
  restart(dynamics: Dynamics): void {
    const { imuRoll, imuPitch, imuYaw, sensorLatency } = dynamics;
    const wanted = [imuRoll, imuPitch, imuYaw, sensorLatency];
    if (wanted.some((value, k) => value !== this.#mounted[k])) {
      this.#suite = new SensorSuite(
        mountSensors(this.#spec.sensors, dynamics),
        slower(this.#spec, sensorLatency),
        this.#model,
      );
      this.#mounted = wanted;
    }
    this.#encoders.restart();
    this.#suite.reset(this.#key);
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

/** Every sensor later by some seconds. */
function slower(spec: RobotSpec, seconds: number): RobotSpec['quality'] {
  const { sensors, quality } = spec;
  const later = sensors.map(({ name }) => [
    name,
    { ...quality[name], latency: (quality[name]?.latency ?? 0) + seconds },
  ]);
  return { ...quality, ...Object.fromEntries(later) };
}

/** The sensors with the IMUs turned by the mount error of `Dynamics`. */
function mountSensors(sensors: readonly SensorSpec[], { imuRoll, imuPitch, imuYaw }: Dynamics): SensorSpec[] {
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
