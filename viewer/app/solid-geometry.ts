/**
 * Geometry that is drawn: three unit bodies, to be put under a matrix, and the convex hull of a mesh's vertices. Knows no
 * robot and no scene.
 */

import { BoxGeometry, type BufferGeometry, CylinderGeometry, SphereGeometry, Vector3 } from 'three';
import { ConvexGeometry } from 'three/addons/geometries/ConvexGeometry.js';

/** A cube of side 1, a cylinder of radius 1 and length 1 along z, a ball of radius 1. */
export const unitBodies = ['box', 'cylinder', 'sphere'] as const;
export type UnitBody = (typeof unitBodies)[number];

export function unitGeometry(kind: UnitBody): BufferGeometry {
  switch (kind) {
    case 'box':
      return new BoxGeometry(1, 1, 1);
    case 'cylinder':
      // three's cylinder lies along y, URDF's along z.
      return new CylinderGeometry(1, 1, 1, 36).rotateX(Math.PI / 2);
    case 'sphere':
      return new SphereGeometry(1, 32, 20);
    default:
      return kind satisfies never;
  }
}

/** @param vertices m, [n * 3] @returns null when they span no volume */
export function hullGeometry(vertices: Float32Array): BufferGeometry | null {
  const points = Array.from({ length: vertices.length / 3 }, (_, i) => new Vector3().fromArray(vertices, 3 * i));
  try {
    return new ConvexGeometry(points);
  } catch {
    // three's hull of points in one plane fails in its own ways.
    return null;
  }
}
