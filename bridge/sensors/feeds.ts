/** The feeds of a contract: one for each sensor it names, and one for odometry, writing into a robot's state. */

import type { Contract } from '../../core/contract.ts';
import { InputError } from '../../core/errors.ts';
import type { RobotState } from '../../core/robot.ts';
import { isOdometry } from '../../core/ros-topics.ts';
import { SensorFeed } from './feed.ts';
import { needsOf } from './needs.ts';
import { BASE } from './odometry.ts';
import { readerOf } from './registry.ts';

/**
 * @param state receives the readings
 * @throws InputError for a type that cannot be read, and for what the policy needs and no topic gives
 */
export function feedsOf(contract: Contract, state: RobotState): SensorFeed[] {
  const { ros, safety } = contract;
  const needs = needsOf(contract);
  const feeds: SensorFeed[] = [];
  for (const [name, needed] of needs.sensors) {
    const source = ros.sensors?.[name];
    if (source === undefined) {
      if (needed.every((flag) => flag === 0)) continue;
      throw missing(`sensor ${name}`, `ros.sensors.${name}`);
    }
    const reader = readerOf(source.type, `sensor ${name}`);
    const accept = (reading: Float64Array) => state.sensors[name]!.set(reading);
    feeds.push(new SensorFeed({ name, ...source, reader, needed, limit: source.age ?? safety.stateAge, accept }));
  }
  const isState = isOdometry(ros.state.type);
  if (ros.odometry !== undefined && !isState) {
    const reader = readerOf(ros.odometry.type, 'odometry');
    const limit = ros.odometry.age ?? safety.stateAge;
    const accept = (reading: Float64Array) => {
      state.base.set(reading.subarray(0, BASE.twist));
      state.twist.set(reading.subarray(BASE.twist));
    };
    feeds.push(new SensorFeed({ name: 'odometry', ...ros.odometry, reader, needed: needs.base, limit, accept }));
  } else if (!isState && needs.base.some((flag) => flag === 1)) {
    throw missing('pose or velocity of the base', 'ros.odometry');
  }
  if (isState && needs.joints.length > 0) {
    throw new InputError(
      `contract: the policy reads joint ${needs.joints[0]}, but the state is odometry without joints`,
      {
        repair: 'name a sensor_msgs/JointState topic in ros.state, or train without joint observations',
      },
    );
  }
  return feeds;
}

function missing(what: string, field: string): InputError {
  return new InputError(`contract: the policy reads ${what}, but the contract names no topic for it`, {
    repair: `give ${field} a topic and a type`,
  });
}
