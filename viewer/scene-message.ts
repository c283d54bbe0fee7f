/**
 * What surrounds a robot, as the viewer draws it: the part of sim/scene.ts that can be seen, and its way over the wire as
 * JSON. Knows no engine and no drawing.
 */

import type { Geometry, Pose } from '../core/robot-model.ts';

export type SolidGeometry = Exclude<Geometry, { kind: 'mesh' }>;

/** A shape and where it is, or starts. */
export interface SceneSolid {
  readonly geometry: SolidGeometry;
  readonly pose: Pose;
}

/** Ground whose height is given at the points of a regular grid, centred at the world's origin. */
export interface HeightMap {
  readonly nx: number;
  readonly ny: number;
  /** Extent along x and y, m. */
  readonly size: readonly [x: number, y: number];
  /** m, x fastest: [ny * nx]. */
  readonly heights: ArrayLike<number>;
}

/** A `Scene` of sim/scene.ts is one of these. */
export interface ShownScene {
  readonly ground: 'none' | 'plane' | HeightMap;
  readonly statics: readonly SceneSolid[];
  /** In the order of the objects' poses in a frame. */
  readonly objects: readonly SceneSolid[];
}

/** What surrounds one environment from a frame of the stream on. */
export interface SceneMessage {
  readonly type: 'scene';
  readonly stream: number;
  readonly env: number;
  /** The first frame's number in the ring. */
  readonly step: number;
  readonly scene: ShownScene;
}

/** Heights are sent to this many per metre. */
const HEIGHT_STEPS = 1e4;

/** The same, of what JSON holds. */
export function plainScene({ ground, statics, objects }: ShownScene): ShownScene {
  const solid = ({ geometry, pose }: SceneSolid): SceneSolid => ({ geometry, pose });
  return {
    ground: typeof ground === 'string' ? ground : { ...ground, heights: Array.from(ground.heights, rounded) },
    statics: statics.map(solid),
    objects: objects.map(solid),
  };
}

function rounded(height: number): number {
  return Math.round(height * HEIGHT_STEPS) / HEIGHT_STEPS;
}
