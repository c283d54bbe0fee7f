/**
 * Reads a URDF text into a RobotModel. Real files are dirty: what can be mended is mended and said in `notes`; what
 * cannot is refused with the element and the repair. Spec: wiki.ros.org/urdf/XML. Knows no engine and opens no file.
 */

import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import type { Link, RobotModel } from '../core/robot-model.ts';
import { mergeFixed } from './bodies.ts';
import { readJoint } from './urdf/joints.ts';
import { noteLeftovers } from './urdf/leftovers.ts';
import { namedColors, readLink } from './urdf/links.ts';
import { liftBase, parentsFirst, type Tree, withLeaders } from './urdf/tree.ts';
import { children, fail, type Reader, rootElement, type XmlElement } from './urdf/xml.ts';

export interface UrdfOptions {
  /** Names the file, for errors. */
  readonly where: string;
  /** Whether the root link stands still. Default: as the file says, which is `fixed` unless its first joint floats. */
  readonly base?: RobotModel['base'];
  /** Vertices by mesh reference, [n * 3], unscaled. A reference that is not among them is noted. */
  readonly meshes?: Readonly<Record<string, Float32Array>>;
  /** Why a reference is not among `meshes`, such as `is not an STL file`. Default: it was not found. */
  readonly meshProblems?: Readonly<Record<string, string>>;
  /** Says whether a mesh reference can be found, where `meshes` is not given. Default: every mesh is taken to be there. */
  readonly hasMesh?: (file: string) => boolean;
}

/**
 * @throws InputError naming the element, for broken XML, references to links that do not exist, loops, several roots,
 * numbers that are not finite or beyond reason, masses or inertias that no body can have, joint types the simulator does
 * not know, and xacro that would have made links
 */
export function parseUrdf(text: string, options: UrdfOptions): RobotModel {
  const robot = rootElement(text, options.where);
  const notes: string[] = [];
  const bare: Reader = {
    where: options.where,
    notes,
    colors: new Map(),
    meshProblem: (file) => meshProblem(file, options),
    leftOut: new Set(),
  };
  noteLeftovers(robot, bare);
  const reader: Reader = { ...bare, colors: namedColors(robot, bare) };

  const links = children(robot, 'link').map((element) => readLink(element, reader));
  if (links.length === 0) fail(reader, '<robot> has no <link>', 'is this a URDF file?');
  addWorld(robot, links, reader);
  refuseDuplicates(links, 'link', reader);
  const raw = children(robot, 'joint').map((element) => readJoint(element, links, reader));
  refuseDuplicates(
    raw.map(({ joint }) => joint),
    'joint',
    reader,
  );
  const tree = liftBase(parentsFirst(raw, links, reader), links, reader);
  const joints = withLeaders(tree.joints, reader);
  const base = options.base ?? (tree.leftOut === null ? 'fixed' : 'floating');
  if (tree.leftOut !== null) notes.push(leftOutNote(tree.leftOut, base));
  if (reader.leftOut.size > 0)
    notes.push(`names held xacro expressions, which were left out: ${[...reader.leftOut].join(', ')}`);
  if (!robot.getAttribute('name')) notes.push('<robot> has no name, so it is called robot');

  const model: RobotModel = {
    name: robot.getAttribute('name') || 'robot',
    urdfHash: bytesToHex(sha256(utf8ToBytes(text))),
    urdf: text,
    base,
    links: tree.links,
    joints,
    dof: joints.flatMap((joint, index) => (joint.type === 'fixed' || joint.mimic !== null ? [] : [index])),
    meshes: options.meshes ?? {},
    notes,
  };
  checkBodies(model, reader);
  return model;
}

function leftOutNote({ joint, link }: NonNullable<Tree['leftOut']>, base: RobotModel['base']): string {
  const outcome = base === 'floating' ? 'the robot moves freely' : 'the robot stands still, as was asked for';
  const { xyz, quat } = joint.origin;
  const moved = [...xyz, ...quat.slice(0, 3)].some((value) => value !== 0);
  return `joint ${joint.name} and the empty link ${link} are left out: ${outcome}${moved ? '; the origin of the joint plays no part' : ''}`;
}

function meshProblem(file: string, { meshes, meshProblems, hasMesh }: UrdfOptions): string | null {
  const found = meshes === undefined ? (hasMesh?.(file) ?? true) : Object.hasOwn(meshes, file);
  if (found) return null;
  return meshProblems !== undefined && Object.hasOwn(meshProblems, file) ? meshProblems[file]! : 'was not found';
}

/** A file may hang its robot from `world` without making that link; Drake and MuJoCo take it so. */
function addWorld(robot: XmlElement, links: Link[], reader: Reader): void {
  const isWorld = (joint: XmlElement) =>
    children(joint, 'parent').some((parent) => parent.getAttribute('link') === 'world');
  if (links.some(({ name }) => name === 'world') || !children(robot, 'joint').some(isWorld)) return;
  links.push({ name: 'world', inertial: null, visuals: [], collisions: [] });
  reader.notes.push('link world: named as a parent but not in the file, so it is an empty link');
}

/** What only shows once rigidly connected links are one body. */
function checkBodies(model: RobotModel, reader: Reader): void {
  for (const { joint, links, mass } of mergeFixed(model)) {
    if (mass > 0) continue;
    const names = links.map((link) => model.links[link]!.name).join(', ');
    if (joint !== null) {
      reader.notes.push(`joint ${model.joints[joint]!.name}: moves link ${names}, which has no mass`);
    } else if (model.base === 'floating') {
      fail(reader, `link ${names}: a base that moves freely should have a mass`, 'add <inertial>, or fix the base');
    }
  }
}

function refuseDuplicates(items: readonly { readonly name: string }[], kind: string, reader: Reader): void {
  const seen = new Set<string>();
  for (const { name } of items) {
    if (seen.has(name)) fail(reader, `two ${kind}s are named ${name}`, 'rename one');
    seen.add(name);
  }
}
