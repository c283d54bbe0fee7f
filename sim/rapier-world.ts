/**
 * Builds a Rapier world with a robot and a scene in it. Colliders weigh nothing: masses are the URDF's. The robot collides
 * with the scene, not with itself unless its spec says so; a link never collides with the one it is jointed to.
 */

import type RapierNamespace from '@dimforge/rapier3d';
import { InputError } from '../core/errors.ts';
import type { Geometry, Pose, Quat, RobotModel, Vec3 } from '../core/robot-model.ts';
import { quatMultiply, quatRotate } from '../core/rotation.ts';
import type { Dynamics } from './dynamics.ts';
import { type RobotRig, zeroRotation } from './joint-rig.ts';
import {
  baseMassProperties,
  inertiaAbout,
  type MassProperties,
  massProperties,
  plainMassProperties,
} from './mass-properties.ts';
import type { PhysicsSettings, Rapier } from './rapier.ts';
import type { HeightField, Scene } from './scene.ts';
import { rapierHeightField } from './terrain/rapier-height-field.ts';

type World = RapierNamespace.World;
type RigidBody = RapierNamespace.RigidBody;
type Collider = RapierNamespace.Collider;
type ColliderDesc = RapierNamespace.ColliderDesc;

/** Interaction groups: what a collider is (upper half) and what it meets (lower half). */
const ROBOT = 0x0002;
const WORLD = 0x0001;
const GROUND = 0x0004;
const groups = (member: number, meets: number) => ((member << 16) | meets) >>> 0;
/** What a sensor's ray meets: everything but the robot. */
export const RAY_GROUPS = groups(0xffff, WORLD | GROUND);

/** Ground reaches this far below its surface, and this far from the origin, m. */
const GROUND_DEPTH = 1;
const GROUND_EXTENT = 100;

/** A rotor turns about the axis of a hinge; what turns behind a slider is not modelled. */
const NO_AXIS: Vec3 = [0, 0, 0];
const NO_JOINT = { axis: NO_AXIS, mimic: null, dof: 0, type: 'fixed' } as const;

export interface RapierParts {
  readonly world: World;
  /** In the order of the rig's bodies. */
  readonly bodies: readonly RigidBody[];
  readonly masses: readonly MassProperties[];
  /** Of what each joint of the rig moves, about its axis or along it, kg m2 or kg, [rig.joints]. */
  readonly inertias: Float64Array;
  /** Colliders by link. */
  readonly colliders: ReadonlyMap<number, readonly Collider[]>;
  readonly objects: readonly RigidBody[];
}

export interface WorldPlan {
  readonly model: RobotModel;
  readonly rig: RobotRig;
  readonly physics: PhysicsSettings;
  readonly selfCollision: boolean;
}

/** Bodies stand at the zero pose: their owner places them. @throws InputError for a link that moves but has no mass */
export function buildWorld(rapier: Rapier, plan: WorldPlan, dynamics: Dynamics, scene: Scene): RapierParts {
  const { physics, rig } = plan;
  const world = new rapier.World({ x: 0, y: 0, z: -dynamics.gravity });
  world.timestep = physics.physicsDt;
  world.numSolverIterations = physics.solverIterations;
  world.numInternalPgsIterations = physics.solverSweeps ?? 1;
  const masses: MassProperties[] = [];
  const inertias = new Float64Array(rig.joints.length);
  const colliders = new Map<number, Collider[]>();
  const bodies = rig.bodies.map((body, b) => {
    const rotation = zeroRotation(rig.zeroPoses, body.root);
    const joint = rig.joints.findIndex((candidate) => candidate.child === b);
    const moves = joint >= 0 || plan.model.base === 'floating';
    const { axis, mimic, dof, type } = rig.joints[joint] ?? NO_JOINT;
    const spec =
      joint < 0
        ? baseMassProperties(body, rotation, dynamics)
        : mimic === null
          ? massProperties(body, rotation, type === 'prismatic' ? NO_AXIS : axis, dynamics, dof)
          : plainMassProperties(body, rotation);
    masses.push(spec);
    const made = world.createRigidBody(
      moves ? rapier.RigidBodyDesc.dynamic().setCanSleep(false) : rapier.RigidBodyDesc.fixed(),
    );
    if (moves) {
      if (body.mass === 0) {
        const link = plan.model.links[body.root]!.name;
        throw new InputError(`robot ${plan.model.name}: link ${link} moves but has no mass`, {
          repair: 'give it an <inertial> with a mass above 0',
        });
      }
      if (joint >= 0) {
        inertias[joint] = rig.joints[joint]!.type === 'prismatic' ? spec.mass : inertiaAbout(spec, axis);
      }
      made.setAdditionalMassProperties(spec.mass, xyz(spec.com), xyz(spec.moments), xyzw(spec.frame), false);
    }
    const solids = WORLD | (plan.selfCollision ? ROBOT : 0);
    for (const shape of body.shapes) {
      const add = (desc: ColliderDesc, meets: number) => {
        desc.setDensity(0).setCollisionGroups(groups(ROBOT, meets));
        touch(desc, dynamics);
        const own = colliders.get(shape.link) ?? [];
        own.push(world.createCollider(desc, made));
        colliders.set(shape.link, own);
      };
      const desc = shapeOf(rapier, shape.geometry, plan.model.meshes);
      if (desc === null) continue;
      const at = quatRotate(rotation, shape.pose.xyz, [0, 0, 0]) as Vec3;
      const quat = multiply(rotation, shape.pose.quat);
      place(desc, { xyz: at, quat }, shape.geometry);
      const radius = joint >= 0 && type !== 'prismatic' ? wheelRadius(shape.geometry, at, quat, axis) : null;
      add(desc, radius === null ? solids | GROUND : solids);
      if (radius !== null) add(rapier.ColliderDesc.ball(radius).setTranslation(...at), GROUND);
    }
    return made;
  });
  addJoints(rapier, world, rig, bodies);
  addScene(rapier, world, scene, dynamics);
  return { world, bodies, masses, inertias, colliders, objects: addObjects(rapier, world, scene) };
}

function addJoints(rapier: Rapier, world: World, rig: RobotRig, bodies: readonly RigidBody[]): void {
  for (const joint of rig.joints) {
    const { anchor, axis, parent, child } = joint;
    const origin = { x: 0, y: 0, z: 0 };
    const data =
      joint.type === 'prismatic'
        ? rapier.JointData.prismatic(xyz(anchor), origin, xyz(axis))
        : rapier.JointData.revolute(xyz(anchor), origin, xyz(axis));
    world.createImpulseJoint(data, bodies[parent]!, bodies[child]!, false).setContactsEnabled(false);
  }
}

function addScene(rapier: Rapier, world: World, scene: Scene, dynamics: Dynamics): void {
  if (scene.ground === 'none' && scene.statics.length === 0) return;
  const still = world.createRigidBody(rapier.RigidBodyDesc.fixed());
  const add = (desc: ColliderDesc, member: number) => {
    desc.setCollisionGroups(groups(member, 0xffff));
    touch(desc, dynamics);
    world.createCollider(desc, still);
  };
  if (scene.ground === 'plane') {
    const desc = rapier.ColliderDesc.cuboid(GROUND_EXTENT, GROUND_EXTENT, GROUND_DEPTH / 2);
    add(desc.setTranslation(0, 0, -GROUND_DEPTH / 2), GROUND);
  } else if (scene.ground !== 'none') {
    add(heightField(rapier, scene.ground), GROUND);
  }
  for (const { geometry, pose } of scene.statics) {
    const desc = shapeOf(rapier, geometry, {})!;
    place(desc, pose, geometry);
    add(desc, WORLD);
  }
}

function addObjects(rapier: Rapier, world: World, scene: Scene): RigidBody[] {
  return scene.objects.map(({ mass, geometry, pose, friction }) => {
    const desc = rapier.RigidBodyDesc.dynamic().setCanSleep(false);
    const body = world.createRigidBody(
      desc.setTranslation(...(pose.xyz as [number, number, number])).setRotation(xyzw(pose.quat)),
    );
    const shape = shapeOf(rapier, geometry, {})!;
    place(shape, { xyz: [0, 0, 0], quat: [0, 0, 0, 1] }, geometry);
    shape.setMass(mass).setFriction(friction).setCollisionGroups(groups(WORLD, 0xffff));
    shape.setFrictionCombineRule(rapier.CoefficientCombineRule.Min);
    world.createCollider(shape, body);
    return body;
  });
}

/**
 * Radius of a cylinder that turns about its own axis, or null. On the ground such a wheel is a ball: the engine's contact of a
 * cylinder with a plane jumps along its edge, and a robot on free wheels creeps by a millimetre a second.
 */
function wheelRadius(geometry: Geometry, at: Vec3, quat: Quat, axis: Vec3): number | null {
  if (geometry.kind !== 'cylinder') return null;
  const own = quatRotate(quat, [0, 0, 1], [0, 0, 0]);
  const along = Math.abs(own[0]! * axis[0] + own[1]! * axis[1] + own[2]! * axis[2]);
  const reach = at[0] * axis[0] + at[1] * axis[1] + at[2] * axis[2];
  const off = Math.hypot(at[0] - reach * axis[0], at[1] - reach * axis[1], at[2] - reach * axis[2]);
  return along > 0.9999 && off < 0.01 * geometry.radius ? geometry.radius : null;
}

/** Both sides of a contact carry the coefficient of `Dynamics`; their mean is it. */
function touch(desc: ColliderDesc, { contactFriction, restitution }: Dynamics): void {
  desc.setFriction(contactFriction).setRestitution(restitution);
}

/**
 * Of a height field from where it should be, m: a vertical ray exactly on a line of its grid falls through otherwise. Single
 * precision resolves a tenth of it 10 m from the origin.
 */
const OFF_GRID = [1.3e-5, 1.7e-5] as const;

function heightField(rapier: Rapier, field: HeightField): ColliderDesc {
  const { rows, columns, heights, scale, rotation, flags } = rapierHeightField(field);
  const [x, y, z] = scale;
  const desc = rapier.ColliderDesc.heightfield(rows, columns, heights, { x, y, z }, flags);
  return desc.setRotation(xyzw(rotation)).setTranslation(OFF_GRID[0], OFF_GRID[1], 0);
}

function shapeOf(rapier: Rapier, geometry: Geometry, meshes: RobotModel['meshes']): ColliderDesc | null {
  switch (geometry.kind) {
    case 'box':
      return rapier.ColliderDesc.cuboid(geometry.size[0] / 2, geometry.size[1] / 2, geometry.size[2] / 2);
    case 'sphere':
      return rapier.ColliderDesc.ball(geometry.radius);
    case 'cylinder':
      return rapier.ColliderDesc.cylinder(geometry.length / 2, geometry.radius);
    case 'mesh': {
      const vertices = meshes[geometry.file];
      if (vertices === undefined) return null;
      return rapier.ColliderDesc.convexHull(vertices.map((value, k) => value * geometry.scale[k % 3]!));
    }
  }
}

/** Rapier's cylinder stands along y, URDF's along z. */
const UPRIGHT: Quat = [Math.SQRT1_2, 0, 0, Math.SQRT1_2];

function place(desc: ColliderDesc, { xyz: at, quat }: Pose, geometry: Geometry): void {
  desc.setTranslation(at[0], at[1], at[2]);
  desc.setRotation(xyzw(geometry.kind === 'cylinder' ? multiply(quat, UPRIGHT) : quat));
}

function multiply(a: Quat, b: Quat): Quat {
  return quatMultiply(a, b, [0, 0, 0, 1]);
}

export function xyz(v: ArrayLike<number>): RapierNamespace.Vector {
  return { x: v[0]!, y: v[1]!, z: v[2]! };
}

export function xyzw(q: ArrayLike<number>): RapierNamespace.Rotation {
  return { x: q[0]!, y: q[1]!, z: q[2]!, w: q[3]! };
}
