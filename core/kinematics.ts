/**
 * Forward kinematics: where every link is, given the joint coordinates. Knows no engine; deterministic, so a recording
 * of q shows the same robot everywhere. A link's frame is its joint's frame, as in URDF; the root link is the base frame.
 */

import { cos, sin } from './math.ts';
import type { RobotModel } from './robot-model.ts';

/** For each joint, its index in q, or -1 for a fixed one. Found once a model. */
const coordinates = new WeakMap<RobotModel, Int32Array>();

function coordinatesOf(model: RobotModel): Int32Array {
  let found = coordinates.get(model);
  if (found === undefined) {
    found = new Int32Array(model.joints.length).fill(-1);
    for (let i = 0; i < model.dof.length; i++) found[model.dof[i]!] = i;
    coordinates.set(model, found);
  }
  return found;
}

/**
 * Allocates nothing after the first call for a model.
 * @param q rad or m, [nJoints], read from `qOffset` on
 * @param out receives x, y, z in m and the rotation x, y, z, w of every link in the base frame, [nLinks * 7]
 */
export function forwardKinematics(model: RobotModel, q: ArrayLike<number>, out: Float64Array, qOffset = 0): void {
  const coordinate = coordinatesOf(model);
  const { joints } = model;
  // Links that no joint carries stay at the base frame; the others are overwritten below.
  for (let k = 0; k < model.links.length * 7; k += 7) {
    out.fill(0, k, k + 6);
    out[k + 6] = 1;
  }
  for (let i = 0; i < joints.length; i++) {
    const { type, parent, child, origin, axis } = joints[i]!;
    const value = coordinate[i]! < 0 ? 0 : q[qOffset + coordinate[i]!]!;
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
