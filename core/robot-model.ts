/**
 * What a robot is made of, as read from URDF: links, joints, limits, shapes. Plain data; knows no engine and no file.
 * Lengths in m, angles in rad, masses in kg, inertia in kg m2. Frames as in URDF: a link's frame is its joint's frame.
 */

export type Vec3 = readonly [number, number, number];
/** x, y, z, w */
export type Quat = readonly [number, number, number, number];

/** A pose of a child frame in its parent's frame. */
export interface Pose {
  readonly xyz: Vec3;
  readonly quat: Quat;
}

export interface Inertial {
  readonly mass: number;
  /** The inertia frame in the link's frame; its origin is the centre of mass. */
  readonly origin: Pose;
  /** ixx, iyy, izz, ixy, ixz, iyz about the centre of mass, along the inertia frame's axes. */
  readonly inertia: readonly [number, number, number, number, number, number];
}

export type Geometry =
  | { readonly kind: 'box'; readonly size: Vec3 }
  | { readonly kind: 'cylinder'; readonly radius: number; readonly length: number }
  | { readonly kind: 'sphere'; readonly radius: number }
  | { readonly kind: 'mesh'; readonly file: string; readonly scale: Vec3 };

export interface Shape {
  readonly origin: Pose;
  readonly geometry: Geometry;
  /** r, g, b, a in [0, 1]; null when the file names none. */
  readonly color: readonly [number, number, number, number] | null;
}

export interface Link {
  readonly name: string;
  /** null for a link without mass, such as a fixed base. */
  readonly inertial: Inertial | null;
  readonly visuals: readonly Shape[];
  readonly collisions: readonly Shape[];
}

export type JointType = 'revolute' | 'continuous' | 'prismatic' | 'fixed';

/** A joint that follows another one: q = multiplier * q_leader + offset. */
export interface Mimic {
  /** Index of the leader into `joints`; the leader follows nobody. */
  readonly joint: number;
  readonly multiplier: number;
  /** rad or m */
  readonly offset: number;
}

export interface Joint {
  readonly name: string;
  readonly type: JointType;
  /** Indices into `links`. */
  readonly parent: number;
  readonly child: number;
  /** The joint's frame in the parent link's frame, at coordinate 0. */
  readonly origin: Pose;
  /** Unit vector in the joint's frame. */
  readonly axis: Vec3;
  /** rad or m; -Infinity and Infinity where there is no limit. */
  readonly lower: number;
  readonly upper: number;
  /** rad/s or m/s; Infinity where there is no limit. */
  readonly velocity: number;
  /** N m or N; Infinity where there is no limit. */
  readonly effort: number;
  /** Viscous friction, N m s/rad or N s/m. */
  readonly damping: number;
  /** Coulomb friction, N m or N. */
  readonly friction: number;
  /** null for a joint that moves by itself. */
  readonly mimic: Mimic | null;
}

export interface RobotModel {
  readonly name: string;
  /** SHA-256 of the URDF text, hex. */
  readonly urdfHash: string;
  /** The URDF text, for engines that read it themselves and for recordings. */
  readonly urdf: string;
  /** Whether the root link stands still in the world or moves freely in it. */
  readonly base: 'fixed' | 'floating';
  readonly links: readonly Link[];
  /** Parents before children. */
  readonly joints: readonly Joint[];
  /** Indices of the joints that move by themselves, in the order of every q, qd and effort array. */
  readonly dof: readonly number[];
  /** Vertices of the meshes that were found, by their reference in the URDF, unscaled, in the file's axes, [n * 3]. */
  readonly meshes: Readonly<Record<string, Float32Array>>;
  /** What the importer repaired or could not find, one sentence each. */
  readonly notes: readonly string[];
}

/** The names of the joints that move, in order. */
export function jointNames(model: RobotModel): string[] {
  return model.dof.map((j) => model.joints[j]!.name);
}
