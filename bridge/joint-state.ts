/**
 * Reads sensor_msgs/JointState into a robot state: joints matched by name, never by place; signs of the contract; null
 * is a number that was not finite when JSON was made. Writes nothing when anything is wrong. Knows no link.
 */

import type { JointContract } from '../core/contract.ts';
import type { RobotState } from '../core/robot.ts';
import { type Fault, makeFault } from './faults.ts';
import { type Stamp, stampOf } from './ros-names.ts';

export type JointReading =
  | { readonly kind: 'state'; readonly stamp: Stamp }
  | { readonly kind: 'bad'; readonly fault: Fault };

export class JointStateReader {
  readonly #joints: readonly JointContract[];
  /** The names of the last message, and where in it each joint of the contract stands. */
  #names: readonly unknown[] | null = null;
  #places: Int32Array;
  readonly #q: Float64Array;
  readonly #qd: Float64Array;
  readonly #effort: Float64Array;

  constructor(joints: readonly JointContract[]) {
    this.#joints = joints;
    this.#places = new Int32Array(joints.length);
    this.#q = new Float64Array(joints.length);
    this.#qd = new Float64Array(joints.length);
    this.#effort = new Float64Array(joints.length);
  }

  /** @param out is written only when the whole message is right; effort is NaN where the robot does not measure it */
  read(message: unknown, out: RobotState): JointReading {
    const fault = this.#read(message);
    if (fault !== null) return { kind: 'bad', fault };
    const stamp = stampOf((message as { header?: { stamp?: unknown } }).header?.stamp);
    if (stamp === null) {
      return bad('bad-stamp', 'the state has no header.stamp', 'let the robot stamp its states');
    }
    out.time = stamp.seconds;
    out.q.set(this.#q);
    out.qd.set(this.#qd);
    out.effort.set(this.#effort);
    return { kind: 'state', stamp };
  }

  #read(message: unknown): Fault | null {
    if (typeof message !== 'object' || message === null) return notAState(message);
    const { name, position, velocity, effort } = message as Readonly<Record<string, unknown>>;
    if (!Array.isArray(name) || !isList(position)) return notAState(message);
    const wrong = this.#locate(name);
    if (wrong !== null) return wrong;
    for (let j = 0; j < this.#joints.length; j++) {
      const { name: joint, sign } = this.#joints[j]!;
      const place = this.#places[j]!;
      const q = position[place];
      const qd = isList(velocity) ? velocity[place] : undefined;
      const tau = isList(effort) ? effort[place] : undefined;
      if (!isNumber(q)) return notFinite(joint, 'position', q);
      if (!isNumber(qd)) return notFinite(joint, 'velocity', qd);
      this.#q[j] = sign * q;
      this.#qd[j] = sign * qd;
      // Drivers without a torque sensor send NaN, which arrives as null.
      this.#effort[j] = isNumber(tau) ? sign * tau : NaN;
    }
    return null;
  }

  #locate(names: readonly unknown[]): Fault | null {
    const known = this.#names;
    if (known !== null && names.length === known.length && names.every((name, i) => name === known[i])) return null;
    const places = this.#joints.map((joint) => names.indexOf(joint.name));
    const missing = this.#joints.filter((_, j) => places[j]! < 0).map((joint) => joint.name);
    if (missing.length > 0) {
      return makeFault(
        'joint-names',
        `the state lacks ${missing.join(', ')}; it has ${names.length === 0 ? 'no joints' : names.join(', ')}`,
        'deploy a policy trained for this robot, or let one topic carry all of its joints',
      );
    }
    this.#places = Int32Array.from(places);
    this.#names = [...names];
    return null;
  }
}

function isList(value: unknown): value is ArrayLike<unknown> {
  return Array.isArray(value) || (ArrayBuffer.isView(value) && 'length' in value);
}

function isNumber(value: unknown): value is number {
  return Number.isFinite(value);
}

function notFinite(joint: string, what: string, found: unknown): Fault {
  if (found === undefined) {
    return makeFault('not-finite', `joint ${joint} has no ${what}`, `let the robot publish the ${what} of every joint`);
  }
  return makeFault(
    'not-finite',
    `joint ${joint}: ${what} is ${found === null ? 'null (NaN before it became JSON)' : String(found)}`,
    'look into the sensor and its driver',
  );
}

function notAState(message: unknown): Fault {
  const keys = typeof message === 'object' && message !== null ? Object.keys(message).join(', ') : String(message);
  return makeFault(
    'bad-message',
    `expected a sensor_msgs/JointState with name and position, found ${keys.slice(0, 80)}`,
    'check the topic and type of the state in the contract',
  );
}

function bad(name: Fault['name'], message: string, repair: string): JointReading {
  return { kind: 'bad', fault: makeFault(name, message, repair) };
}
