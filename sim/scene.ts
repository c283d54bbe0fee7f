/**
 * What stands and lies around a robot: ground, terrain, walls, obstacles, and objects that move. Plain data, made anew for
 * each episode from its key; Rapier and MuJoCo build the same from it. Knows no engine.
 */

import type { Geometry, Pose } from '../core/robot-model.ts';

/** A shape that stands still. Meshes are not used in scenes. */
export interface StaticShape {
  readonly geometry: Exclude<Geometry, { kind: 'mesh' }>;
  readonly pose: Pose;
}

/**
 * Ground whose height is given at the points of a regular grid. Each cell is two triangles that meet along the diagonal from
 * its corner of least x and y to that of largest x and y.
 */
export interface HeightField {
  /** Points along x and along y, at least 2 each. */
  readonly nx: number;
  readonly ny: number;
  /** Extent along x and y, m, centred at the world's origin. */
  readonly size: readonly [x: number, y: number];
  /** m, x fastest: [ny * nx]. */
  readonly heights: Float32Array;
}

/** A body that moves freely. */
export interface SceneObject {
  readonly name: string;
  readonly mass: number;
  readonly geometry: Exclude<Geometry, { kind: 'mesh' }>;
  readonly pose: Pose;
  readonly friction: number;
}

export interface Scene {
  /** The plane z = 0, a height field, or nothing. */
  readonly ground: 'none' | 'plane' | HeightField;
  readonly statics: readonly StaticShape[];
  readonly objects: readonly SceneObject[];
}

/** Nothing but the robot. */
export const EMPTY_SCENE: Scene = { ground: 'none', statics: [], objects: [] };

/** A flat floor. */
export const FLOOR: Scene = { ground: 'plane', statics: [], objects: [] };

/** Numbers kept of one object: pose in the world x, y, z, quaternion x, y, z, w; velocity; angular velocity (world). */
export const OBJECT_STRIDE = 13;
