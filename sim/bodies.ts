/**
 * The rigid bodies of a robot: links that fixed joints connect are one body, with one mass and one inertia tensor.
 * Engines build bodies, not links. Pure; knows no engine.
 */

import { InputError, nearest } from '../core/errors.ts';
import type { Geometry, Pose, Quat, RobotModel, Vec3 } from '../core/robot-model.ts';
import { IDENTITY_QUAT, quatMultiply, quatRotate } from '../core/rotation.ts';
import { rotateTensor, type Tensor } from './inertia.ts';

export interface BodyShape {
  /** In the body's frame. */
  readonly pose: Pose;
  readonly geometry: Geometry;
  /** The link it belongs to. */
  readonly link: number;
}

/** Indices are those of the model. The body's frame is its root link's frame. */
export interface Body {
  /** Its links, the root first. */
  readonly links: readonly number[];
  /** Each link's frame in the body's frame, in the order of `links`. */
  readonly frames: readonly Pose[];
  readonly root: number;
  /** The moving joint that carries it; null for the body of the root link. */
  readonly joint: number | null;
  /** The body that joint hangs from, an index into the bodies; null for the body of the root link. */
  readonly parent: number | null;
  /** The joint's parent frame in the parent body's frame; the joint's `origin` is included. Null with `joint`. */
  readonly jointPose: Pose | null;
  /** kg; 0 for a body without mass, whose `com` and `inertia` are 0. */
  readonly mass: number;
  /** m */
  readonly com: Vec3;
  /** ixx, iyy, izz, ixy, ixz, iyz about the centre of mass along the body frame's axes, kg m2. */
  readonly inertia: Tensor;
  readonly shapes: readonly BodyShape[];
}

const AT_ORIGIN: Pose = { xyz: [0, 0, 0], quat: IDENTITY_QUAT };

/**
 * Parents before children; the first body is the root link's.
 * @param rigid names of joints that are to count as fixed, at coordinate 0: rotors, wheels that do not matter
 * @throws InputError for a name that no joint has
 */
export function mergeFixed(model: RobotModel, rigid: readonly string[] = []): Body[] {
  for (const name of rigid) {
    const names = model.joints.map((joint) => joint.name);
    if (names.includes(name)) continue;
    const near = nearest(name, names);
    throw new InputError(`robot ${model.name}: there is no joint named ${name}`, {
      repair: near === undefined ? `joints: ${names.join(', ')}` : `did you mean ${near}?`,
    });
  }
  const carried = new Set(model.joints.map((joint) => joint.child));
  const drafts: Draft[] = [];
  /** For each link its body, and its frame in that body's frame. */
  const bodyOf = new Int32Array(model.links.length);
  const frameOf: Pose[] = new Array(model.links.length);
  const start = (root: number, above: Pick<Draft, 'joint' | 'parent' | 'jointPose'>) => {
    bodyOf[root] = drafts.length;
    frameOf[root] = AT_ORIGIN;
    drafts.push({ ...above, links: [root] });
  };
  for (let link = 0; link < model.links.length; link++) {
    if (!carried.has(link)) start(link, { joint: null, parent: null, jointPose: null });
  }
  for (const [index, joint] of model.joints.entries()) {
    const pose = compose(frameOf[joint.parent]!, joint.origin);
    const parent = bodyOf[joint.parent]!;
    if (joint.type === 'fixed' || rigid.includes(joint.name)) {
      bodyOf[joint.child] = parent;
      frameOf[joint.child] = pose;
      drafts[parent]!.links.push(joint.child);
    } else {
      start(joint.child, { joint: index, parent, jointPose: pose });
    }
  }
  return drafts.map((draft) => finish(model, draft, frameOf));
}

interface Draft {
  readonly joint: number | null;
  readonly parent: number | null;
  readonly jointPose: Pose | null;
  readonly links: number[];
}

function finish(model: RobotModel, draft: Draft, frameOf: readonly Pose[]): Body {
  const { links } = draft;
  const frames = links.map((link) => frameOf[link]!);
  const parts = links.flatMap((link, i) => {
    const { inertial } = model.links[link]!;
    return inertial === null ? [] : [{ ...inertial, pose: compose(frames[i]!, inertial.origin) }];
  });
  const mass = parts.reduce((sum, part) => sum + part.mass, 0);
  // c = sum m_i c_i / m
  const com: [number, number, number] = [0, 0, 0];
  for (const part of parts) {
    for (let k = 0; k < 3; k++) com[k]! += (part.mass / mass) * part.pose.xyz[k]!;
  }
  const inertia: [number, number, number, number, number, number] = [0, 0, 0, 0, 0, 0];
  for (const { mass: m, pose, inertia: own } of parts) {
    const turned = rotateTensor(own, pose.quat);
    const [x, y, z] = [pose.xyz[0] - com[0], pose.xyz[1] - com[1], pose.xyz[2] - com[2]];
    // I = sum R_i I_i R_i^T + m_i (d d 1 - d d^T), d = c_i - c
    const shift = [y * y + z * z, x * x + z * z, x * x + y * y, -x * y, -x * z, -y * z];
    for (let k = 0; k < 6; k++) inertia[k]! += turned[k]! + m * shift[k]!;
  }
  const shapes = links.flatMap((link, i) =>
    model.links[link]!.collisions.map(({ origin, geometry }) => ({
      pose: compose(frames[i]!, origin),
      geometry,
      link,
    })),
  );
  return { ...draft, frames, root: links[0]!, mass, com, inertia, shapes };
}

/** First b, then a: the pose of a frame given in b's frame, which is given in a's. */
function compose(a: Pose, b: Pose): Pose {
  const [x, y, z] = quatRotate(a.quat, b.xyz, [0, 0, 0]);
  const quat: Quat = quatMultiply(a.quat, b.quat, [0, 0, 0, 1]);
  return { xyz: [a.xyz[0] + x!, a.xyz[1] + y!, a.xyz[2] + z!], quat };
}
