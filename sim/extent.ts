/** How far down a robot reaches: where its base must stand for it to touch the ground. Knows no engine. */

import { forwardKinematics } from '../core/kinematics.ts';
import type { Geometry, RobotModel } from '../core/robot-model.ts';
import { quatMultiply, quatRotate } from '../core/rotation.ts';

/**
 * Height of the lowest point of its collision shapes in the base's frame, m; 0 for a robot without shapes.
 * @param q rad or m, [nJoints]
 */
export function lowestPoint(model: RobotModel, q: ArrayLike<number>): number {
  const poses = new Float64Array(model.links.length * 7);
  forwardKinematics(model, q, poses);
  let lowest = Infinity;
  for (const [index, link] of model.links.entries()) {
    const rotation = poses.subarray(index * 7 + 3, index * 7 + 7);
    for (const { origin, geometry } of link.collisions) {
      const at = quatRotate(rotation, origin.xyz, [0, 0, 0]);
      const turned = quatMultiply(rotation, origin.quat, [0, 0, 0, 1]);
      lowest = Math.min(lowest, poses[index * 7 + 2]! + at[2]! - reachDown(geometry, turned, model.meshes));
    }
  }
  return Number.isFinite(lowest) ? lowest : 0;
}

/** How far below its origin a shape reaches, m. */
function reachDown(geometry: Geometry, rotation: readonly number[], meshes: RobotModel['meshes']): number {
  // The world's vertical in the shape's frame.
  const [x, y, z, w] = rotation as [number, number, number, number];
  const up = quatRotate([-x, -y, -z, w], [0, 0, 1], [0, 0, 0]);
  switch (geometry.kind) {
    case 'sphere':
      return geometry.radius;
    case 'box':
      return geometry.size.reduce((sum, size, k) => sum + (size / 2) * Math.abs(up[k]!), 0);
    case 'cylinder':
      return geometry.radius * Math.hypot(up[0]!, up[1]!) + (geometry.length / 2) * Math.abs(up[2]!);
    case 'mesh': {
      const vertices = meshes[geometry.file] ?? [];
      let reach = 0;
      for (let i = 0; i + 2 < vertices.length; i += 3) {
        let along = 0;
        for (let k = 0; k < 3; k++) along += vertices[i + k]! * geometry.scale[k]! * up[k]!;
        reach = Math.max(reach, -along);
      }
      return reach;
    }
  }
}
