/**
 * Reads a URDF text into a RobotModel. Real files are dirty: what can be mended is mended and said in `notes`; what
 * cannot is refused with the element and the repair. Spec: wiki.ros.org/urdf/XML. Knows no engine and opens no file.
 */

import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import { DOMParser, type Element as XmlElement } from '@xmldom/xmldom';
import { InputError, messageOf, nearest } from '../core/errors.ts';
import type { Geometry, Inertial, Joint, JointType, Link, Pose, RobotModel, Shape, Vec3 } from '../core/robot-model.ts';
import { quatFromRpy } from '../core/rotation.ts';
import { principalInertia, type Tensor } from './inertia.ts';

export interface UrdfOptions {
  /** Names the file, for errors. */
  readonly where: string;
  /** Says whether a mesh reference can be found. Default: every mesh is taken to be there. */
  readonly hasMesh?: (file: string) => boolean;
}

type Color = readonly [number, number, number, number];

interface Reader {
  readonly where: string;
  readonly notes: string[];
  readonly colors: ReadonlyMap<string, Color>;
  readonly hasMesh: (file: string) => boolean;
}

/**
 * @throws InputError naming the element, for broken XML, references to links that do not exist, loops, several roots,
 * numbers that are not finite, masses or inertias that no body can have, and joint types the simulator does not know
 */
export function parseUrdf(text: string, options: UrdfOptions): RobotModel {
  const robot = rootElement(text, options.where);
  const notes: string[] = [];
  const bare: Reader = { where: options.where, notes, colors: new Map(), hasMesh: options.hasMesh ?? (() => true) };
  const reader: Reader = { ...bare, colors: namedColors(robot, bare) };

  const links = children(robot, 'link').map((element) => readLink(element, reader));
  refuseDuplicates(links, 'link', reader);
  const unordered = children(robot, 'joint').map((element) => readJoint(element, links, reader));
  refuseDuplicates(unordered, 'joint', reader);
  const joints = parentsFirst(unordered, links, reader);
  if (links.length === 0) fail(reader, '<robot> has no <link>', 'is this a URDF file?');

  return {
    name: robot.getAttribute('name') || 'robot',
    urdfHash: bytesToHex(sha256(utf8ToBytes(text))),
    urdf: text,
    base: 'fixed',
    links,
    joints,
    dof: joints.flatMap((joint, index) => (joint.type === 'fixed' ? [] : [index])),
    meshes: {},
    notes,
  };
}

function rootElement(text: string, where: string): XmlElement {
  let root: XmlElement | null = null;
  try {
    const silent = () => undefined;
    root = new DOMParser({ onError: silent }).parseFromString(text, 'text/xml').documentElement;
  } catch (error) {
    throw new InputError(`${where}: not well-formed XML: ${messageOf(error).split('\n')[0]}`, {
      repair: 'mend the file; if it is a xacro, expand it first: xacro FILE > robot.urdf',
      cause: error,
    });
  }
  if (root?.tagName !== 'robot') {
    throw new InputError(`${where}: the root element should be <robot>, found <${root?.tagName ?? 'nothing'}>`, {
      repair: 'give a URDF file',
    });
  }
  return root;
}

function readLink(element: XmlElement, reader: Reader): Link {
  const name = attribute(element, 'name', '<link>', reader);
  const place = `link ${name}`;
  const inertialElement = children(element, 'inertial')[0];
  return {
    name,
    inertial: inertialElement === undefined ? null : readInertial(inertialElement, place, reader),
    visuals: children(element, 'visual').map((child) => readShape(child, `${place} <visual>`, reader)),
    collisions: children(element, 'collision').map((child) => readShape(child, `${place} <collision>`, reader)),
  };
}

function readInertial(element: XmlElement, place: string, reader: Reader): Inertial | null {
  const massElement = children(element, 'mass')[0];
  const mass = massElement === undefined ? 0 : number(massElement, 'value', 0, `${place} <mass>`, reader);
  if (mass < 0) fail(reader, `${place} <mass>: value should be at least 0, found ${mass}`, 'correct the mass');
  if (mass === 0) {
    reader.notes.push(`${place}: mass 0, so it is treated as massless`);
    return null;
  }
  const tensor = children(element, 'inertia')[0];
  const entry = (key: string) => (tensor === undefined ? 0 : number(tensor, key, 0, `${place} <inertia>`, reader));
  const [ixx, iyy, izz] = [entry('ixx'), entry('iyy'), entry('izz')];
  if (ixx < 0 || iyy < 0 || izz < 0) {
    fail(
      reader,
      `${place} <inertia>: moments should be at least 0, found ${ixx} ${iyy} ${izz}`,
      'export the inertia again',
    );
  }
  const inertia: Tensor = [ixx, iyy, izz, entry('ixy'), entry('ixz'), entry('iyz')];
  const smallest = Math.min(...principalInertia(inertia).moments);
  // Exporters round to about six digits.
  if (smallest < -1e-5 * (ixx + iyy + izz)) {
    fail(
      reader,
      `${place} <inertia>: principal moments should be at least 0, found ${smallest.toPrecision(3)}`,
      'export the inertia again',
    );
  }
  return { mass, origin: readOrigin(element, place, reader), inertia };
}

function readShape(element: XmlElement, place: string, reader: Reader): Shape {
  const geometryElement = children(element, 'geometry')[0];
  if (geometryElement === undefined) fail(reader, `${place} has no <geometry>`, 'add one, or remove the element');
  return {
    origin: readOrigin(element, place, reader),
    geometry: readGeometry(geometryElement, place, reader),
    color: readColor(children(element, 'material')[0], place, reader),
  };
}

function readGeometry(element: XmlElement, place: string, reader: Reader): Geometry {
  for (const child of elements(element)) {
    const size = (key: string) => positive(child, key, `${place} <${child.tagName}>`, reader);
    switch (child.tagName) {
      case 'box':
        return { kind: 'box', size: vector(child, 'size', [0, 0, 0], `${place} <box>`, reader) };
      case 'cylinder':
        return { kind: 'cylinder', radius: size('radius'), length: size('length') };
      case 'sphere':
        return { kind: 'sphere', radius: size('radius') };
      case 'mesh': {
        const file = attribute(child, 'filename', `${place} <mesh>`, reader);
        if (!reader.hasMesh(file))
          reader.notes.push(`${place}: mesh ${file} was not found; the link goes without this shape`);
        return { kind: 'mesh', file, scale: vector(child, 'scale', [1, 1, 1], `${place} <mesh>`, reader) };
      }
    }
  }
  fail(reader, `${place} <geometry> should hold box, cylinder, sphere or mesh`, 'use one of these');
}

const JOINT_TYPES: readonly string[] = ['revolute', 'continuous', 'prismatic', 'fixed'] satisfies JointType[];

function readJoint(element: XmlElement, links: readonly Link[], reader: Reader): Joint {
  const name = attribute(element, 'name', '<joint>', reader);
  const place = `joint ${name}`;
  const type = attribute(element, 'type', place, reader);
  if (!JOINT_TYPES.includes(type)) {
    fail(
      reader,
      `${place}: type should be one of ${JOINT_TYPES.join(', ')}, found ${type}`,
      'the simulator has no such joint yet',
    );
  }
  const limits = readLimits(element, type as JointType, place, reader);
  const dynamics = children(element, 'dynamics')[0];
  const friction = (key: string) =>
    dynamics === undefined ? 0 : number(dynamics, key, 0, `${place} <dynamics>`, reader);
  const joint: Joint = {
    name,
    parent: linkReference(element, 'parent', links, place, reader),
    child: linkReference(element, 'child', links, place, reader),
    origin: readOrigin(element, place, reader),
    axis: type === 'fixed' ? [1, 0, 0] : readAxis(element, place, reader),
    ...limits,
    damping: friction('damping'),
    friction: friction('friction'),
    mimic: null,
  };
  if (joint.damping < 0 || joint.friction < 0) {
    fail(reader, `${place} <dynamics>: damping and friction should be at least 0`, 'correct them');
  }
  return joint;
}

type Limits = Pick<Joint, 'type' | 'lower' | 'upper' | 'velocity' | 'effort'>;

/** CAD exporters write zeros for limits nobody entered: lower = upper = 0, effort = 0, velocity = 0 mean "not given". */
function readLimits(element: XmlElement, type: JointType, place: string, reader: Reader): Limits {
  const limit = children(element, 'limit')[0];
  const read = (key: string) => (limit === undefined ? 0 : number(limit, key, 0, `${place} <limit>`, reader));
  const given = (key: string) => {
    const value = read(key);
    if (value > 0) return value;
    if (type !== 'fixed') {
      reader.notes.push(
        `${place}: ${key} limit ${limit === undefined ? 'missing' : value}, so it has none; set one where the robot is configured`,
      );
    }
    return Infinity;
  };
  const [effort, velocity] = [given('effort'), given('velocity')];
  let [lower, upper] = [read('lower'), read('upper')];
  let kind = type;
  if (type === 'continuous' || type === 'fixed') {
    [lower, upper] = [-Infinity, Infinity];
  } else if (lower === 0 && upper === 0) {
    reader.notes.push(`${place}: ${type} with lower = upper = 0, an exporter's placeholder, so it turns without limit`);
    [lower, upper] = [-Infinity, Infinity];
    if (type === 'revolute') kind = 'continuous';
  } else if (lower > upper) {
    fail(reader, `${place} <limit>: lower should be at most upper, found ${lower} and ${upper}`, 'exchange them');
  }
  return { type: kind, lower, upper, velocity, effort };
}

function readAxis(element: XmlElement, place: string, reader: Reader): Vec3 {
  const child = children(element, 'axis')[0];
  const [x, y, z] = child === undefined ? [1, 0, 0] : vector(child, 'xyz', [1, 0, 0], `${place} <axis>`, reader);
  const length = Math.sqrt(x * x + y * y + z * z);
  if (length < 1e-9) fail(reader, `${place} <axis>: should not be zero`, 'give the axis, such as xyz="0 0 1"');
  return [x / length, y / length, z / length];
}

function linkReference(
  element: XmlElement,
  tag: string,
  links: readonly Link[],
  place: string,
  reader: Reader,
): number {
  const child = children(element, tag)[0];
  if (child === undefined) fail(reader, `${place} has no <${tag}>`, `add <${tag} link="..."/>`);
  const name = attribute(child, 'link', `${place} <${tag}>`, reader);
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

/** Joints so that a link's own joint comes before the joints it carries; else in the order of the file. */
function parentsFirst(joints: readonly Joint[], links: readonly Link[], reader: Reader): Joint[] {
  const owner = new Map<number, Joint>();
  for (const joint of joints) {
    const other = owner.get(joint.child);
    const name = links[joint.child]!.name;
    if (other !== undefined)
      fail(reader, `link ${name} is the child of ${other.name} and of ${joint.name}`, 'a link has one parent');
    owner.set(joint.child, joint);
  }
  const roots = links.flatMap((_, index) => (owner.has(index) ? [] : [index]));
  if (roots.length !== 1 && links.length > 0) {
    const names = roots.map((index) => links[index]!.name).join(', ');
    fail(
      reader,
      `there should be one root link, found ${roots.length === 0 ? 'none: the joints form a loop' : names}`,
      'connect the tree',
    );
  }
  const sorted: Joint[] = [];
  const reached = new Set(roots);
  while (sorted.length < joints.length) {
    const next = joints.find((joint) => reached.has(joint.parent) && !reached.has(joint.child));
    if (next === undefined) fail(reader, 'the joints form a loop', 'a URDF is a tree');
    sorted.push(next);
    reached.add(next.child);
  }
  return sorted;
}

function readOrigin(element: XmlElement, place: string, reader: Reader): Pose {
  const origin = children(element, 'origin')[0];
  if (origin === undefined) return { xyz: [0, 0, 0], quat: [0, 0, 0, 1] };
  const rpy = vector(origin, 'rpy', [0, 0, 0], `${place} <origin>`, reader);
  return { xyz: vector(origin, 'xyz', [0, 0, 0], `${place} <origin>`, reader), quat: quatFromRpy(rpy) };
}

function namedColors(robot: XmlElement, reader: Reader): Map<string, Color> {
  const colors = new Map<string, Color>();
  for (const element of children(robot, 'material')) {
    const color = readColor(element, 'material', reader);
    if (color !== null) colors.set(element.getAttribute('name') ?? '', color);
  }
  return colors;
}

function readColor(material: XmlElement | undefined, place: string, reader: Reader): Color | null {
  if (material === undefined) return null;
  const color = children(material, 'color')[0];
  if (color === undefined) return reader.colors.get(material.getAttribute('name') ?? '') ?? null;
  const values = numbers(color, 'rgba', 4, [0.7, 0.7, 0.7, 1], `${place} <color>`, reader);
  return [values[0]!, values[1]!, values[2]!, values[3]!];
}

function vector(element: XmlElement, key: string, fallback: Vec3, place: string, reader: Reader): Vec3 {
  const values = numbers(element, key, 3, fallback, place, reader);
  return [values[0]!, values[1]!, values[2]!];
}

function positive(element: XmlElement, key: string, place: string, reader: Reader): number {
  const value = number(element, key, Number.NaN, place, reader);
  if (!(value > 0))
    fail(reader, `${place}: ${key} should be above 0, found ${element.getAttribute(key) ?? 'nothing'}`, 'correct it');
  return value;
}

function number(element: XmlElement, key: string, fallback: number, place: string, reader: Reader): number {
  return numbers(element, key, 1, [fallback], place, reader)[0]!;
}

function numbers(
  element: XmlElement,
  key: string,
  count: number,
  fallback: readonly number[],
  place: string,
  reader: Reader,
): readonly number[] {
  const text = element.getAttribute(key);
  if (text === null) return fallback;
  const parts = text.trim().split(/\s+/);
  const values = parts.map(Number);
  if (parts.length !== count || text.trim() === '' || !values.every(Number.isFinite)) {
    const wanted = count === 1 ? 'a finite number' : `${count} finite numbers`;
    fail(
      reader,
      `${place}: ${key} should be ${wanted}, found "${text}"`,
      text.includes('$') ? 'expand the xacro first: xacro FILE > robot.urdf' : 'correct it',
    );
  }
  return values;
}

function attribute(element: XmlElement, key: string, place: string, reader: Reader): string {
  const value = element.getAttribute(key);
  if (value === null || value === '') fail(reader, `${place} has no ${key}`, `add ${key}="..."`);
  return value;
}

function elements(parent: XmlElement): XmlElement[] {
  const found: XmlElement[] = [];
  for (let node = parent.firstChild; node !== null; node = node.nextSibling) {
    if (node.nodeType === 1) found.push(node as XmlElement);
  }
  return found;
}

function children(parent: XmlElement, tag: string): XmlElement[] {
  return elements(parent).filter((element) => element.tagName === tag);
}

function refuseDuplicates(items: readonly { readonly name: string }[], kind: string, reader: Reader): void {
  const seen = new Set<string>();
  for (const { name } of items) {
    if (seen.has(name)) fail(reader, `two ${kind}s are named ${name}`, 'rename one');
    seen.add(name);
  }
}

function fail(reader: Reader, message: string, repair: string): never {
  throw new InputError(`${reader.where}: ${message}`, { repair });
}
