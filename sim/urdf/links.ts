/**
 * Links of a URDF: mass and inertia, shapes, colours. What a body can be is refused or noted here, link by link.
 * Spec: wiki.ros.org/urdf/XML/link. Knows no joint.
 */

import type { Geometry, Inertial, Link, Pose, Shape } from '../../core/robot-model.ts';
import { quatFromRpy } from '../../core/rotation.ts';
import { principalInertia, type Tensor } from '../inertia.ts';
import {
  attribute,
  type Color,
  children,
  elements,
  fail,
  identifier,
  number,
  numbers,
  only,
  positive,
  type Reader,
  required,
  vector,
  type XmlElement,
} from './xml.ts';

/** Exporters round to about six digits. */
const ROUNDING = 1e-5;

export function readLink(element: XmlElement, reader: Reader): Link {
  const name = identifier(element, 'name', '<link>', reader);
  const place = `link ${name}`;
  const inertial = only(element, 'inertial', place, reader);
  return {
    name,
    inertial: inertial === undefined ? null : readInertial(inertial, place, reader),
    visuals: children(element, 'visual').map((child) => readShape(child, `${place} <visual>`, reader)),
    collisions: children(element, 'collision').map((child) => readShape(child, `${place} <collision>`, reader)),
  };
}

function readInertial(element: XmlElement, place: string, reader: Reader): Inertial | null {
  const massElement = only(element, 'mass', place, reader);
  if (massElement === undefined) fail(reader, `${place} <inertial> has no <mass>`, 'add <mass value="..."/>');
  const mass = required(massElement, 'value', `${place} <mass>`, reader);
  if (mass < 0) fail(reader, `${place} <mass>: value should be at least 0, found ${mass}`, 'correct the mass');
  const origin = readOrigin(element, place, reader);
  const inertia = readTensor(only(element, 'inertia', place, reader), place, reader);
  if (mass === 0) {
    reader.notes.push(`${place}: mass 0, so it is treated as massless`);
    return null;
  }
  if (inertia.every((entry) => entry === 0)) {
    reader.notes.push(`${place}: mass without inertia, so it is a point mass`);
  }
  return { mass, origin, inertia };
}

function readTensor(element: XmlElement | undefined, place: string, reader: Reader): Tensor {
  if (element === undefined) return [0, 0, 0, 0, 0, 0];
  const where = `${place} <inertia>`;
  const moments = ['ixx', 'iyy', 'izz'].map((key) => number(element, key, 0, where, reader));
  if (moments.some((moment) => moment < 0)) {
    fail(reader, `${where}: moments should be at least 0, found ${moments.join(' ')}`, 'export the inertia again');
  }
  for (const key of ['ixx', 'iyy', 'izz']) attribute(element, key, where, reader);
  const absent = ['ixy', 'ixz', 'iyz'].filter((key) => element.getAttribute(key) === null);
  if (absent.length > 0) reader.notes.push(`${where}: ${absent.join(', ')} missing, so 0`);
  const [ixy, ixz, iyz] = ['ixy', 'ixz', 'iyz'].map((key) => number(element, key, 0, where, reader));
  const tensor: Tensor = [moments[0]!, moments[1]!, moments[2]!, ixy!, ixz!, iyz!];
  const [a, b, c] = [...principalInertia(tensor).moments].sort((x, y) => x - y);
  if (a! < -ROUNDING * (moments[0]! + moments[1]! + moments[2]!)) {
    fail(
      reader,
      `${where}: principal moments should be at least 0, found ${a!.toPrecision(3)}`,
      'export the inertia again',
    );
  }
  // a + b >= c for any distribution of mass: int (y^2 + z^2) + int (x^2 + z^2) >= int (x^2 + y^2)
  if (a! + b! < c! * (1 - ROUNDING)) {
    const found = [a!, b!, c!].map((moment) => moment.toPrecision(3)).join(', ');
    reader.notes.push(
      `${where}: no body has the principal moments ${found}: the smaller two should sum to at least the largest; taken as they are`,
    );
  }
  return tensor;
}

function readShape(element: XmlElement, place: string, reader: Reader): Shape {
  const geometry = only(element, 'geometry', place, reader);
  if (geometry === undefined) fail(reader, `${place} has no <geometry>`, 'add one, or remove the element');
  return {
    origin: readOrigin(element, place, reader),
    geometry: readGeometry(geometry, place, reader),
    color: readColor(only(element, 'material', place, reader), place, reader),
  };
}

function readGeometry(element: XmlElement, place: string, reader: Reader): Geometry {
  const kinds = elements(element).filter((child) => ['box', 'cylinder', 'sphere', 'mesh'].includes(child.tagName));
  const shape = kinds[0];
  if (shape === undefined)
    fail(reader, `${place} <geometry> should hold box, cylinder, sphere or mesh`, 'use one of these');
  if (kinds.length > 1) reader.notes.push(`${place} <geometry>: ${kinds.length} shapes; the first one counts`);
  const where = `${place} <${shape.tagName}>`;
  const size = (key: string) => positive(shape, key, where, reader);
  switch (shape.tagName) {
    case 'box': {
      attribute(shape, 'size', where, reader);
      const sides = vector(shape, 'size', [0, 0, 0], where, reader);
      if (sides.some((side) => !(side > 0)))
        fail(reader, `${where}: size should be above 0, found ${sides.join(' ')}`, 'correct it');
      return { kind: 'box', size: sides };
    }
    case 'cylinder':
      return { kind: 'cylinder', radius: size('radius'), length: size('length') };
    case 'sphere':
      return { kind: 'sphere', radius: size('radius') };
    default: {
      // A xacro's way of writing package://
      const file = attribute(shape, 'filename', where, reader).replace(
        /^(?:file:\/\/)?\$\(find ([^)]+)\)/,
        'package://$1',
      );
      const problem = reader.meshProblem(file);
      if (problem !== null) reader.notes.push(`${place}: mesh ${file} ${problem}; the link goes without this shape`);
      const scale = vector(shape, 'scale', [1, 1, 1], where, reader);
      if (scale.includes(0)) fail(reader, `${where}: scale should not be 0, found ${scale.join(' ')}`, 'correct it');
      return { kind: 'mesh', file, scale };
    }
  }
}

export function readOrigin(element: XmlElement, place: string, reader: Reader): Pose {
  const origin = only(element, 'origin', place, reader);
  if (origin === undefined) return { xyz: [0, 0, 0], quat: [0, 0, 0, 1] };
  const rpy = vector(origin, 'rpy', [0, 0, 0], `${place} <origin>`, reader);
  return { xyz: vector(origin, 'xyz', [0, 0, 0], `${place} <origin>`, reader), quat: quatFromRpy(rpy) };
}

/** Colours that the file gives a name to, outside its links. */
export function namedColors(robot: XmlElement, reader: Reader): Map<string, Color> {
  const colors = new Map<string, Color>();
  for (const element of children(robot, 'material')) {
    const name = element.getAttribute('name') ?? '';
    const color = readColor(element, `<material> ${name}`, reader);
    if (color !== null) colors.set(name, color);
  }
  return colors;
}

function readColor(material: XmlElement | undefined, place: string, reader: Reader): Color | null {
  if (material === undefined) return null;
  const color = children(material, 'color')[0];
  if (color === undefined) return reader.colors.get(material.getAttribute('name') ?? '') ?? null;
  attribute(color, 'rgba', `${place} <color>`, reader);
  const values = numbers(color, 'rgba', 4, [], `${place} <color>`, reader);
  return [values[0]!, values[1]!, values[2]!, values[3]!];
}
