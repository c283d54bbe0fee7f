/**
 * Who reads the state that sets the pace of the control loop: joint states, or for a robot without measured joints, such as
 * one that flies, odometry. Writes nothing when anything is wrong.
 */

import type { Contract } from '../core/contract.ts';
import type { RobotState } from '../core/robot.ts';
import { isOdometry } from '../core/ros-topics.ts';
import { makeFault } from './faults.ts';
import { type JointReading, JointStateReader } from './joint-state.ts';
import { stampOf } from './ros-names.ts';
import { BASE, odometry } from './sensors/odometry.ts';
import { fieldsOf } from './sensors/reader.ts';

export interface StateReader {
  /** @param out is written only when the whole message is right */
  read(message: unknown, out: RobotState): JointReading;
}

export function stateReaderOf({ ros, joints }: Pick<Contract, 'ros' | 'joints'>): StateReader {
  return isOdometry(ros.state.type) ? odometryState() : new JointStateReader(joints);
}

/** Joints are 0, and their efforts unknown: nothing measures them. */
function odometryState(): StateReader {
  const reading = new Float64Array(BASE.size);
  const bad = (name: 'bad-message' | 'not-finite' | 'bad-stamp', what: string): JointReading => ({
    kind: 'bad',
    fault: makeFault(name, `odometry: ${what}`, 'look into whatever estimates the pose, and its topic in the contract'),
  });
  return {
    read(message, out) {
      const wrong = odometry.read(message, reading);
      if (wrong !== null) return bad('bad-message', wrong);
      const broken = reading.findIndex((value) => !Number.isFinite(value));
      if (broken >= 0) return bad('not-finite', `number ${broken} of pose and twist is missing or not finite`);
      const stamp = stampOf(fieldsOf(fieldsOf(message).header).stamp);
      if (stamp === null) return bad('bad-stamp', 'it has no header.stamp');
      out.time = stamp.seconds;
      out.base.set(reading.subarray(0, BASE.twist));
      out.twist.set(reading.subarray(BASE.twist));
      out.effort.fill(NaN);
      return { kind: 'state', stamp };
    },
  };
}
