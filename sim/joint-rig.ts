/**
 * The moving joints of a robot as an engine of maximal coordinates needs them: every body's frame parallel to the world's at
 * the zero pose, so that a joint's axis has the same components in both of its bodies. Knows no engine.
 */

import { forwardKinematics } from '../core/kinematics.ts';
import type { JointType, Mimic, Quat, RobotModel, Vec3 } from '../core/robot-model.ts';
import { quatRotate } from '../core/rotation.ts';
import { type Body, mergeFixed } from './bodies.ts';

export interface JointRig {
  readonly name: string;
  readonly type: Exclude<JointType, 'fixed'>;
  /** Index into the moving joints (q, qd); for a joint that follows, its leader's. */
  readonly dof: number;
  /** For a joint that follows: q = multiplier * q[dof] + offset. */
  readonly mimic: Mimic | null;
  /** Indices into the bodies. */
  readonly parent: number;
  readonly child: number;
  /** In the world's frame at the zero pose. */
  readonly axis: Vec3;
  /** Of the child's origin from the parent's, m. */
  readonly anchor: Vec3;
  readonly lower: number;
  readonly upper: number;
}

export interface RobotRig {
  readonly bodies: readonly Body[];
  /** Joints that lead, in the order of their dof, then those that follow. */
  readonly joints: readonly JointRig[];
  /** Moving joints that do not turn in the engine (rotors), as indices into q. */
  readonly still: readonly number[];
  /** For each link its body. */
  readonly bodyOf: Int32Array;
  /** Links' poses at the zero pose in the base frame, [nLinks * 7]. */
  readonly zeroPoses: Float64Array;
}

/** @param rigid names of the moving joints that do not turn in the engine */
export function rigRobot(model: RobotModel, rigid: readonly string[] = []): RobotRig {
  const zeroPoses = new Float64Array(model.links.length * 7);
  forwardKinematics(model, new Float64Array(model.dof.length), zeroPoses);
  const bodies = mergeFixed(model, rigid);
  const bodyOf = new Int32Array(model.links.length);
  for (const [b, body] of bodies.entries()) for (const link of body.links) bodyOf[link] = b;
  const rigs = bodies.flatMap((body, child): JointRig[] => {
    if (body.joint === null) return [];
    const joint = model.joints[body.joint]!;
    const parent = body.parent!;
    const parentRoot = bodies[parent]!.root;
    const at = (link: number, k: number) => zeroPoses[link * 7 + k]!;
    const anchor = [0, 1, 2].map((k) => at(body.root, k) - at(parentRoot, k)) as unknown as Vec3;
    return [
      {
        name: joint.name,
        type: joint.type as JointRig['type'],
        dof: model.dof.indexOf(joint.mimic === null ? body.joint : joint.mimic.joint),
        mimic: joint.mimic,
        parent,
        child,
        axis: quatRotate(zeroRotation(zeroPoses, body.root), joint.axis, [0, 0, 0]) as Vec3,
        anchor,
        lower: joint.lower,
        upper: joint.upper,
      },
    ];
  });
  const still = model.dof.flatMap((index, j) => (rigid.includes(model.joints[index]!.name) ? [j] : []));
  const leaders = rigs.filter((rig) => rig.mimic === null).sort((a, b) => a.dof - b.dof);
  return { bodies, joints: [...leaders, ...rigs.filter((rig) => rig.mimic !== null)], still, bodyOf, zeroPoses };
}

/** Rotation of a link's frame at the zero pose. */
export function zeroRotation(zeroPoses: Float64Array, link: number): Quat {
  const at = link * 7 + 3;
  return [zeroPoses[at]!, zeroPoses[at + 1]!, zeroPoses[at + 2]!, zeroPoses[at + 3]!];
}
