/**
 * The observation terms by name: pure functions over what the robot measured, the last action and the command. Add a term by
 * adding one entry. Frames: `base` is the base link's, x forward, y left, z up. Knows no history, scale or clip.
 */

import { cos, sin } from './math.ts';
import type { RobotState } from './robot.ts';
import { rotateBackAt } from './rotation.ts';
import { IMU } from './sensor.ts';

export interface ObservationInput {
  readonly state: RobotState;
  /** The action before this state, clipped to [-1, 1], [actionDim]. */
  readonly lastAction: Float32Array;
  /** What the robot is asked to do, [contract.command.names.length]. */
  readonly command: Float64Array;
  /** What lies around the robot, as a simulation knows it: poses and velocities, 13 numbers an object. */
  readonly objects: Float64Array;
  /** The robot's parameters in this episode by name, as a simulation knows them. */
  readonly parameters: Readonly<Record<string, number>>;
}

/** What a term of a contract picks, resolved to indices. */
export interface Picked {
  /** Into the state's joint arrays. */
  readonly joints: Int32Array;
  /** Their default positions, rad or m. */
  readonly defaults: Float64Array;
  /** Into the action, one a joint named. */
  readonly actions: Int32Array;
  /** The sensor's name; empty for terms that read none. */
  readonly sensor: string;
  /** Numbers in one reading of it. */
  readonly sensorSize: number;
  /** Into the command. */
  readonly command: Int32Array;
  /** Of parameters. */
  readonly names: readonly string[];
}

/** What kind of quantity a term is, and so how it mirrors: `axial` as angular velocity does, `polar` as velocity does. */
export type Quantity =
  | 'joint'
  | 'joint-angle'
  | 'polar'
  | 'axial'
  | 'rotation'
  | 'scalar'
  | 'command'
  | 'sensor'
  | 'clock';

export interface ObservationTerm {
  readonly unit: string;
  readonly frame: string;
  /** How it changes under a symmetry of the robot (core/symmetry.ts). */
  readonly quantity: Quantity;
  /** Only a simulation knows it: for critics. */
  readonly privileged?: true;
  /** What the contract must name for it. */
  readonly needs: 'joints' | 'sensor' | 'command' | 'parameters' | 'nothing';
  /** Numbers it writes, before history. */
  size(picked: Picked): number;
  write(input: ObservationInput, picked: Picked, out: Float64Array): void;
}

const SECTORS = 60;
const DOWN = [0, 0, -1] as const;
const vector = new Float64Array(3);

const perJoint = (count: number) => (picked: Picked) => count * picked.joints.length;
const fixed = (count: number) => () => count;

export const observationTerms: Readonly<Record<string, ObservationTerm>> = {
  /** sin q, cos q of each joint: an angle without a jump. */
  joint_sin_cos: {
    unit: '1',
    frame: 'joint',
    quantity: 'joint-angle',
    needs: 'joints',
    size: perJoint(2),
    write({ state }, { joints }, out) {
      for (let i = 0; i < joints.length; i++) {
        const q = state.q[joints[i]!]!;
        out[2 * i] = sin(q);
        out[2 * i + 1] = cos(q);
      }
    },
  },
  joint_position: {
    unit: 'rad',
    frame: 'joint',
    quantity: 'joint',
    needs: 'joints',
    size: perJoint(1),
    write({ state }, { joints }, out) {
      for (let i = 0; i < joints.length; i++) out[i] = state.q[joints[i]!]!;
    },
  },
  /** From the default position. */
  joint_offset: {
    unit: 'rad',
    frame: 'joint',
    quantity: 'joint',
    needs: 'joints',
    size: perJoint(1),
    write({ state }, { joints, defaults }, out) {
      for (let i = 0; i < joints.length; i++) out[i] = state.q[joints[i]!]! - defaults[i]!;
    },
  },
  joint_velocity: {
    unit: 'rad/s',
    frame: 'joint',
    quantity: 'joint',
    needs: 'joints',
    size: perJoint(1),
    write({ state }, { joints }, out) {
      for (let i = 0; i < joints.length; i++) out[i] = state.qd[joints[i]!]!;
    },
  },
  joint_effort: {
    unit: 'N m',
    frame: 'joint',
    quantity: 'joint',
    needs: 'joints',
    size: perJoint(1),
    write({ state }, { joints }, out) {
      for (let i = 0; i < joints.length; i++) out[i] = state.effort[joints[i]!]!;
    },
  },
  /** The action sent before this state was measured, clipped to [-1, 1]: makes a delay observable. */
  last_action: {
    unit: '1',
    frame: 'action',
    quantity: 'joint',
    needs: 'joints',
    size: (picked) => picked.actions.length,
    write({ lastAction }, { actions }, out) {
      for (let i = 0; i < actions.length; i++) out[i] = lastAction[actions[i]!]!;
    },
  },
  /** The whole reading of a sensor, as it is. */
  sensor: {
    unit: 'as the sensor',
    frame: 'sensor',
    quantity: 'sensor',
    needs: 'sensor',
    size: (picked) => picked.sensorSize,
    write({ state }, { sensor, sensorSize }, out) {
      const reading = state.sensors[sensor]!;
      for (let i = 0; i < sensorSize; i++) out[i] = reading[i]!;
    },
  },
  /** The smallest reading in each of 60 equal parts of a sensor's: a scan of 360 beams by the nearest of every six. */
  nearest_by_sector: {
    unit: 'as the sensor',
    frame: 'sensor',
    quantity: 'sensor',
    needs: 'sensor',
    size: ({ sensorSize }) => Math.min(SECTORS, sensorSize),
    write({ state }, { sensor, sensorSize }, out) {
      const reading = state.sensors[sensor]!;
      const sectors = Math.min(SECTORS, sensorSize);
      for (let i = 0; i < sectors; i++) {
        const end = Math.floor(((i + 1) * sensorSize) / sectors);
        let nearest = Infinity;
        for (let k = Math.floor((i * sensorSize) / sectors); k < end; k++) nearest = Math.min(nearest, reading[k]!);
        out[i] = nearest;
      }
    },
  },
  /** The direction of gravity as an IMU's orientation tells it: (0, 0, -1) level. */
  projected_gravity: {
    unit: '1',
    frame: 'sensor',
    quantity: 'polar',
    needs: 'sensor',
    size: fixed(3),
    write({ state }, { sensor }, out) {
      writeGravity(state.sensors[sensor]!, IMU.orientation, out);
    },
  },
  angular_velocity: {
    unit: 'rad/s',
    frame: 'sensor',
    quantity: 'axial',
    needs: 'sensor',
    size: fixed(3),
    write({ state }, { sensor }, out) {
      const reading = state.sensors[sensor]!;
      for (let k = 0; k < 3; k++) out[k] = reading[IMU.gyro + k]!;
    },
  },
  linear_acceleration: {
    unit: 'm/s2',
    frame: 'sensor',
    quantity: 'polar',
    needs: 'sensor',
    size: fixed(3),
    write({ state }, { sensor }, out) {
      const reading = state.sensors[sensor]!;
      for (let k = 0; k < 3; k++) out[k] = reading[IMU.accelerometer + k]!;
    },
  },
  /** Where the base is measured: motion capture, odometry, or the simulator for a critic. */
  base_position: {
    unit: 'm',
    frame: 'world',
    quantity: 'polar',
    needs: 'nothing',
    size: fixed(3),
    write({ state }, _picked, out) {
      for (let k = 0; k < 3; k++) out[k] = state.base[k]!;
    },
  },
  /** Over the world's origin. */
  base_height: {
    unit: 'm',
    frame: 'world',
    quantity: 'scalar',
    needs: 'nothing',
    size: fixed(1),
    write({ state }, _picked, out) {
      out[0] = state.base[2]!;
    },
  },
  /** First two columns of the base's rotation matrix: an orientation without a jump (Zhou et al., CVPR 2019). */
  base_rotation: {
    unit: '1',
    frame: 'world',
    quantity: 'rotation',
    needs: 'nothing',
    size: fixed(6),
    write({ state }, _picked, out) {
      const x = state.base[3]!;
      const y = state.base[4]!;
      const z = state.base[5]!;
      const w = state.base[6]!;
      out[0] = 1 - 2 * (y * y + z * z);
      out[1] = 2 * (x * y + w * z);
      out[2] = 2 * (x * z - w * y);
      out[3] = 2 * (x * y - w * z);
      out[4] = 1 - 2 * (x * x + z * z);
      out[5] = 2 * (y * z + w * x);
    },
  },
  base_gravity: {
    unit: '1',
    frame: 'base',
    quantity: 'polar',
    needs: 'nothing',
    size: fixed(3),
    write({ state }, _picked, out) {
      writeGravity(state.base, 3, out);
    },
  },
  base_linear_velocity: {
    unit: 'm/s',
    frame: 'base',
    quantity: 'polar',
    needs: 'nothing',
    size: fixed(3),
    write({ state }, _picked, out) {
      rotateBackAt(state.base, 3, state.twist, out);
    },
  },
  base_angular_velocity: {
    unit: 'rad/s',
    frame: 'base',
    quantity: 'axial',
    needs: 'nothing',
    size: fixed(3),
    write({ state }, _picked, out) {
      for (let k = 0; k < 3; k++) out[k] = state.twist[3 + k]!;
    },
  },
  /** The numbers of the command named in `of`, or all of them. */
  command: {
    unit: 'as the command',
    frame: 'command',
    quantity: 'command',
    needs: 'command',
    size: (picked) => picked.command.length,
    write({ command }, picked, out) {
      for (let i = 0; i < picked.command.length; i++) out[i] = command[picked.command[i]!]!;
    },
  },
  /** A point of the world given by the command's first three numbers, seen from the base, m. */
  command_point: {
    unit: 'm',
    frame: 'base',
    quantity: 'polar',
    needs: 'command',
    size: fixed(3),
    write({ state, command }, picked, out) {
      const { base } = state;
      for (let k = 0; k < 3; k++) vector[k] = command[picked.command[k]!]! - base[k]!;
      rotateBackAt(base, 3, vector, out);
    },
  },
  /** Where the scene's first object is. */
  object_position: {
    unit: 'm',
    frame: 'world',
    quantity: 'polar',
    needs: 'nothing',
    privileged: true,
    size: fixed(3),
    write({ objects }, _picked, out) {
      for (let k = 0; k < 3; k++) out[k] = objects[k]!;
    },
  },
  /** Velocity of the scene's first object. */
  object_velocity: {
    unit: 'm/s',
    frame: 'world',
    quantity: 'polar',
    needs: 'nothing',
    privileged: true,
    size: fixed(3),
    write({ objects }, _picked, out) {
      for (let k = 0; k < 3; k++) out[k] = objects[7 + k]!;
    },
  },
  /** The parameters named in `of`, such as `payload` or `torqueScale.elbow`: what randomisation drew for this episode. */
  parameter: {
    unit: 'as the parameter',
    frame: 'robot',
    quantity: 'scalar',
    needs: 'parameters',
    privileged: true,
    size: ({ names }) => names.length,
    write({ parameters }, { names }, out) {
      for (let i = 0; i < names.length; i++) out[i] = parameters[names[i]!]!;
    },
  },
  /** sin and cos of a clock with the frequency given by the one command named, Hz: both zero while it is 0. */
  clock: {
    unit: '1',
    frame: 'time',
    quantity: 'clock',
    needs: 'command',
    size: fixed(2),
    write({ state, command }, picked, out) {
      const frequency = command[picked.command[0]!]!;
      const turns = frequency * state.time;
      const phase = 2 * Math.PI * (turns - Math.floor(turns));
      out[0] = frequency === 0 ? 0 : sin(phase);
      out[1] = frequency === 0 ? 0 : cos(phase);
    },
  },
};

/** out = R^T (0, 0, -1) for the quaternion at `at`. */
function writeGravity(q: Float64Array, at: number, out: Float64Array): void {
  rotateBackAt(q, at, DOWN, out);
}
