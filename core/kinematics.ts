/**
 * Forward kinematics: where every link is, given the joint coordinates. Knows no engine; deterministic, so a recording
 * of q shows the same robot everywhere. A link's frame is its joint's frame, as in URDF; the root link is the base frame.
 */

import { cos, sin } from './math.ts';
import type { RobotModel } from './robot-model.ts';

/** What follows from a model alone; found once. */
interface Plan {
  /** For each joint, its index in q, that of its leader where it follows one, or -1 for a fixed one. */
  readonly coordinates: Int32Array;
  /** Links that no joint carries: one in a well-formed model. */
  readonly roots: readonly number[];
}

const plans = new WeakMap<RobotModel, Plan>();

function planOf(model: RobotModel): Plan {
  let plan = plans.get(model);
  if (plan === undefined) {
    const coordinates = new Int32Array(model.joints.length).fill(-1);
    for (let i = 0; i < model.dof.length; i++) coordinates[model.dof[i]!] = i;
    for (const [i, { mimic }] of model.joints.entries()) {
      if (mimic !== null) coordinates[i] = coordinates[mimic.joint]!;
    }
    const carried = new Set(model.joints.map((joint) => joint.child));
    const roots = model.links.flatMap((_, link) => (carried.has(link) ? [] : [link]));
    plan = { coordinates, roots };
    plans.set(model, plan);
  }
  return plan;
}

/**
 * Allocates nothing after the first call for a model.
 * @param q rad or m, [nDof], read from `qOffset` on
 * @param out receives x, y, z in m and the rotation x, y, z, w of every link in the base frame, [nLinks * 7]
 */
export function forwardKinematics(model: RobotModel, q: ArrayLike<number>, out: Float64Array, qOffset = 0): void {
  const { coordinates, roots } = planOf(model);
  const { joints } = model;
  for (const root of roots) {
    out.fill(0, root * 7, root * 7 + 6);
    out[root * 7 + 6] = 1;
  }
  for (let i = 0; i < joints.length; i++) {
    const { type, parent, child, origin, axis, mimic } = joints[i]!;
    let value = coordinates[i]! < 0 ? 0 : q[qOffset + coordinates[i]!]!;
    // q = multiplier q_leader + offset
    if (mimic !== null) value = mimic.multiplier * value + mimic.offset;
    const p = parent * 7;
    const c = child * 7;

    // frame = parent * origin
    const px = out[p + 3]!;
    const py = out[p + 4]!;
    const pz = out[p + 5]!;
    const pw = out[p + 6]!;
    const ox = origin.quat[0];
    const oy = origin.quat[1];
    const oz = origin.quat[2];
    const ow = origin.quat[3];
    const fx = pw * ox + px * ow + py * oz - pz * oy;
    const fy = pw * oy - px * oz + py * ow + pz * ox;
    const fz = pw * oz + px * oy - py * ox + pz * ow;
    const fw = pw * ow - px * ox - py * oy - pz * oz;
    addRotated(out, p, px, py, pz, pw, origin.xyz[0], origin.xyz[1], origin.xyz[2], c);

    // rotation = frame * (axis sin q/2, cos q/2)
    let jx = 0;
    let jy = 0;
    let jz = 0;
    let jw = 1;
    if (type === 'prismatic') {
      // position += R axis q
      addRotated(out, c, fx, fy, fz, fw, axis[0] * value, axis[1] * value, axis[2] * value, c);
    } else if (type !== 'fixed') {
      const s = sin(value / 2);
      jx = axis[0] * s;
      jy = axis[1] * s;
      jz = axis[2] * s;
      jw = cos(value / 2);
    }
    out[c + 3] = fw * jx + fx * jw + fy * jz - fz * jy;
    out[c + 4] = fw * jy - fx * jz + fy * jw + fz * jx;
    out[c + 5] = fw * jz + fx * jy - fy * jx + fz * jw;
    out[c + 6] = fw * jw - fx * jx - fy * jy - fz * jz;
  }
}

/** The position at `to` becomes the one at `from` plus v turned by the quaternion. */
function addRotated(
  out: Float64Array,
  from: number,
  x: number,
  y: number,
  z: number,
  w: number,
  vx: number,
  vy: number,
  vz: number,
  to: number,
): void {
  // v + w t + u x t with t = 2 (u x v)
  const tx = 2 * (y * vz - z * vy);
  const ty = 2 * (z * vx - x * vz);
  const tz = 2 * (x * vy - y * vx);
  out[to] = out[from]! + vx + w * tx + y * tz - z * ty;
  out[to + 1] = out[from + 1]! + vy + w * ty + z * tx - x * tz;
  out[to + 2] = out[from + 2]! + vz + w * tz + x * ty - y * tx;
}
