/**
 * Joints of a URDF, one by one: type, frame, axis, limits, friction, whom they follow. What they make together is
 * `tree.ts`. Spec: wiki.ros.org/urdf/XML/joint.
 */

import { nearest } from '../../core/errors.ts';
import type { Joint, JointType, Link, Vec3 } from '../../core/robot-model.ts';
import { readOrigin } from './links.ts';
import {
  attribute,
  fail,
  HUGE,
  identifier,
  number,
  only,
  type Reader,
  required,
  vector,
  type XmlElement,
} from './xml.ts';

/** A joint as it stands in the file: its leader is still a name, and it may be a floating base. */
export interface RawJoint {
  readonly joint: Joint;
  readonly floating: boolean;
  readonly follows: Follows | null;
}

/** q = multiplier * q_leader + offset */
export interface Follows {
  readonly leader: string;
  readonly multiplier: number;
  /** rad or m */
  readonly offset: number;
}

const JOINT_TYPES: readonly string[] = ['revolute', 'continuous', 'prismatic', 'fixed'] satisfies JointType[];

export function readJoint(element: XmlElement, links: readonly Link[], reader: Reader): RawJoint {
  const name = identifier(element, 'name', '<joint>', reader);
  const place = `joint ${name}`;
  const written = attribute(element, 'type', place, reader);
  const floating = written === 'floating';
  if (!floating && !JOINT_TYPES.includes(written)) {
    fail(
      reader,
      `${place}: type should be one of ${JOINT_TYPES.join(', ')} or floating, found ${written}`,
      written === 'planar'
        ? 'use two prismatic joints and a continuous one'
        : 'the simulator has no such joint: correct the type',
    );
  }
  const type = (floating ? 'fixed' : written) as JointType;
  const dynamics = only(element, 'dynamics', place, reader);
  const friction = (key: string) =>
    dynamics === undefined ? 0 : number(dynamics, key, 0, `${place} <dynamics>`, reader);
  const joint: Joint = {
    name,
    parent: linkReference(element, 'parent', links, place, reader),
    child: linkReference(element, 'child', links, place, reader),
    origin: readOrigin(element, place, reader),
    axis: type === 'fixed' ? [1, 0, 0] : readAxis(element, place, reader),
    ...readLimits(element, type, place, reader),
    damping: friction('damping'),
    friction: friction('friction'),
    mimic: null,
  };
  if (joint.damping < 0 || joint.friction < 0) {
    fail(reader, `${place} <dynamics>: damping and friction should be at least 0`, 'correct them');
  }
  return { joint, floating, follows: readMimic(element, type, place, reader) };
}

type Limits = Pick<Joint, 'type' | 'lower' | 'upper' | 'velocity' | 'effort'>;

/** CAD exporters write zeros for limits nobody entered: lower = upper = 0, effort = 0, velocity = 0 mean "not given". */
function readLimits(element: XmlElement, type: JointType, place: string, reader: Reader): Limits {
  const limit = only(element, 'limit', place, reader);
  // Some write "no limit" as 1e16.
  const read = (key: string) => {
    const value = limit === undefined ? 0 : number(limit, key, 0, `${place} <limit>`, reader, Infinity);
    if (Math.abs(value) <= HUGE) return value;
    reader.notes.push(`${place}: ${key} limit ${value} is none`);
    return value > 0 ? Infinity : -Infinity;
  };
  const given = (key: string) => {
    const value = read(key);
    if (value > 0) return value;
    if (type !== 'fixed') {
      const found = limit === undefined || limit.getAttribute(key) === null ? 'missing' : value;
      reader.notes.push(`${place}: ${key} limit ${found}, so it has none; set one where the robot is configured`);
    }
    return Infinity;
  };
  const [effort, velocity] = [given('effort'), given('velocity')];
  if (type === 'continuous' || type === 'fixed') {
    return { type, lower: -Infinity, upper: Infinity, velocity, effort };
  }
  const [lower, upper] = [read('lower'), read('upper')];
  if (lower === 0 && upper === 0) {
    reader.notes.push(`${place}: ${type} with lower = upper = 0, an exporter's placeholder, so it turns without limit`);
    const kind = type === 'revolute' ? 'continuous' : type;
    return { type: kind, lower: -Infinity, upper: Infinity, velocity, effort };
  }
  for (const key of ['lower', 'upper']) {
    if (limit!.getAttribute(key) === null) reader.notes.push(`${place}: ${key} limit missing, so 0`);
  }
  if (lower > upper) {
    fail(reader, `${place} <limit>: lower should be at most upper, found ${lower} and ${upper}`, 'exchange them');
  }
  return { type, lower, upper, velocity, effort };
}

function readAxis(element: XmlElement, place: string, reader: Reader): Vec3 {
  const child = only(element, 'axis', place, reader);
  if (child === undefined) {
    reader.notes.push(`${place}: no <axis>, so x`);
    return [1, 0, 0];
  }
  attribute(child, 'xyz', `${place} <axis>`, reader);
  const [x, y, z] = vector(child, 'xyz', [1, 0, 0], `${place} <axis>`, reader);
  const length = Math.sqrt(x * x + y * y + z * z);
  if (length < 1e-9) fail(reader, `${place} <axis>: should not be zero`, 'give the axis, such as xyz="0 0 1"');
  return [x / length, y / length, z / length];
}

function readMimic(element: XmlElement, type: JointType, place: string, reader: Reader): Follows | null {
  const mimic = only(element, 'mimic', place, reader);
  if (mimic === undefined) return null;
  const where = `${place} <mimic>`;
  const leader = identifier(mimic, 'joint', where, reader);
  const multiplier = mimic.hasAttribute('multiplier') ? required(mimic, 'multiplier', where, reader) : 1;
  const offset = number(mimic, 'offset', 0, where, reader);
  if (type !== 'fixed') return { leader, multiplier, offset };
  reader.notes.push(`${where}: the joint is fixed, so it follows nobody`);
  return null;
}

function linkReference(
  element: XmlElement,
  tag: string,
  links: readonly Link[],
  place: string,
  reader: Reader,
): number {
  const child = only(element, tag, place, reader);
  if (child === undefined) fail(reader, `${place} has no <${tag}>`, `add <${tag} link="..."/>`);
  const name = identifier(child, 'link', `${place} <${tag}>`, reader);
  const index = links.findIndex((link) => link.name === name);
  if (index < 0) {
    const names = links.map((link) => link.name);
    const near = nearest(name, names);
    fail(
      reader,
      `${place} <${tag}>: there is no link named ${name}`,
      near === undefined ? `links: ${names.join(', ')}` : `did you mean ${near}?`,
    );
  }
  return index;
}
