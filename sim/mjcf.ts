/**
 * A robot and a scene as MuJoCo's model language (MJCF) has them. Every body's frame stands at its root link's origin, parallel
 * to the world at the zero pose, as sim/joint-rig.ts has it. Masses, frictions and heights are not in the text: they are
 * written into the compiled model at each reset. https://mujoco.readthedocs.io/en/stable/XMLreference.html
 */

import type { Geometry, Pose, Quat, RobotModel } from '../core/robot-model.ts';
import { quatMultiply, quatRotate } from '../core/rotation.ts';
import { type RobotRig, zeroRotation } from './joint-rig.ts';
import type { HeightField, Scene } from './scene.ts';

export interface MjcfPlan {
  readonly model: RobotModel;
  readonly rig: RobotRig;
  readonly selfCollision: boolean;
}

/** Names of what is looked up in the compiled model: by index into the rig's or the scene's lists. */
export const mjcfName = {
  base: 'base',
  body: (index: number) => `body_${index}`,
  joint: (index: number) => `joint_${index}`,
  /** @param shape index into the body's shapes */
  shape: (body: number, shape: number) => `shape_${body}_${shape}`,
  object: (index: number) => `object_${index}`,
} as const;

/** What a geometry is (contype) and meets (conaffinity), and what a ray tells apart (group). */
const WORLD = 1;
const ROBOT = 2;
export const WORLD_GROUP = 0;
const ROBOT_GROUP = 1;

/** A height field reaches this far below its lowest point, m. */
const GROUND_DEPTH = 1;

/** Contacts of friction cones as they are, with tangential softness a tenth of the normal one: less creep on slopes. */
const CONTACT = 'cone="elliptic" impratio="10"';

/**
 * A placeholder: an inertia whose frame is oblique to the body's, or the compiler would take shortcuts that hold no longer
 * once the centre of mass is moved.
 */
const INERTIAL = '<inertial pos="0.1 0.2 0.3" quat="0.8 0.4 0.4 0.2" mass="1" diaginertia="1 1 1"/>';

/** Whether anything can touch anything. */
export function hasContacts({ selfCollision }: MjcfPlan, { ground, statics, objects }: Scene): boolean {
  return selfCollision || ground !== 'none' || statics.length > 0 || objects.length > 0;
}

/** @param physicsDt s */
export function mjcfOf(plan: MjcfPlan, scene: Scene, physicsDt: number): string {
  const { rig } = plan;
  const assets: string[] = [];
  const touches = hasContacts(plan, scene);
  // Room for constraints: a quadruped needs less than 0.1 MB without contacts; the engine's default is 16 MB.
  const memory = touches ? 4 + scene.objects.length : 1;
  // The integrator is the twin's choice at each reset.
  const option = touches ? CONTACT : '';
  const world = [...groundOf(scene.ground, assets), ...staticsOf(scene), bodyOf(plan, 0, assets), ...objectsOf(scene)];
  return `<mujoco>
<compiler angle="radian" autolimits="false"/>
<option timestep="${physicsDt}" ${option}/>
<size memory="${memory}M"/>
<asset>${assets.join('\n')}</asset>
<worldbody>
${world.join('\n')}
</worldbody>
<equality>${couplingsOf(rig, physicsDt).join('\n')}</equality>
<contact>${plan.selfCollision ? exclusionsOf(rig).join('\n') : ''}</contact>
</mujoco>`;
}

function bodyOf(plan: MjcfPlan, index: number, assets: string[]): string {
  const { rig, model, selfCollision } = plan;
  const body = rig.bodies[index]!;
  const rotation = zeroRotation(rig.zeroPoses, body.root);
  const j = rig.joints.findIndex(({ child }) => child === index);
  const joint = rig.joints[j];
  const lines = [`<body name="${mjcfName.body(index)}" pos="${(joint?.anchor ?? [0, 0, 0]).join(' ')}">`, INERTIAL];
  if (joint !== undefined) {
    const type = joint.type === 'prismatic' ? 'slide' : 'hinge';
    const limits = joint.mimic === null ? rangeOf(joint.lower, joint.upper) : '';
    lines.push(`<joint name="${mjcfName.joint(j)}" type="${type}" axis="${joint.axis.join(' ')}" ${limits}/>`);
  } else if (model.base === 'floating') {
    lines.push(`<freejoint name="${mjcfName.base}"/>`);
  }
  const meets = selfCollision ? WORLD | ROBOT : WORLD;
  for (const [s, { pose, geometry }] of body.shapes.entries()) {
    const shape = shapeOf(geometry, model.meshes, mjcfName.shape(index, s), assets);
    if (shape === null) continue;
    const xyz = quatRotate(rotation, pose.xyz, [0, 0, 0]) as Pose['xyz'];
    const placed = placeOf({ xyz, quat: quatMultiply(rotation, pose.quat, [0, 0, 0, 1]) });
    const bits = `contype="${ROBOT}" conaffinity="${meets}" group="${ROBOT_GROUP}"`;
    lines.push(`<geom name="${mjcfName.shape(index, s)}" ${shape} ${placed} ${bits}/>`);
  }
  for (const { parent, child } of rig.joints) if (parent === index) lines.push(bodyOf(plan, child, assets));
  return [...lines, '</body>'].join('\n');
}

/** Limits of a joint; MuJoCo has none that is open on one side. */
function rangeOf(lower: number, upper: number): string {
  if (!Number.isFinite(lower) && !Number.isFinite(upper)) return '';
  return `limited="true" range="${Math.max(lower, -1e9)} ${Math.min(upper, 1e9)}"`;
}

/** With the shortest time constant the engine takes, nearly rigid. The zero pose has a follower at its offset already. */
function couplingsOf(rig: RobotRig, physicsDt: number): string[] {
  return rig.joints.flatMap(({ mimic, dof }, i) => {
    if (mimic === null) return [];
    const [follower, leader] = [mjcfName.joint(i), mjcfName.joint(rig.joints.findIndex((one) => one.dof === dof))];
    const stiff = `solref="${2 * physicsDt} 1" solimp="0.999 0.999 0.001"`;
    return [`<joint joint1="${follower}" joint2="${leader}" polycoef="0 ${mimic.multiplier} 0 0 0" ${stiff}/>`];
  });
}

function exclusionsOf(rig: RobotRig): string[] {
  return rig.joints.map(
    ({ parent, child }) => `<exclude body1="${mjcfName.body(parent)}" body2="${mjcfName.body(child)}"/>`,
  );
}

const WORLD_BITS = `contype="${WORLD}" conaffinity="${WORLD}" group="${WORLD_GROUP}"`;

function groundOf(ground: Scene['ground'], assets: string[]): string[] {
  if (ground === 'none') return [];
  if (ground === 'plane') return [`<geom type="plane" size="0 0 1" ${WORLD_BITS}/>`];
  const { nx, ny, size } = ground;
  const { lowest, range } = heightRange(ground);
  assets.push(
    `<hfield name="ground" nrow="${ny}" ncol="${nx}" size="${size[0] / 2} ${size[1] / 2} ${range} ${GROUND_DEPTH}"/>`,
  );
  return [`<geom type="hfield" hfield="ground" pos="0 0 ${lowest}" ${WORLD_BITS}/>`];
}

/** m */
function heightRange({ heights }: HeightField): { lowest: number; range: number } {
  let [lowest, highest] = [Infinity, -Infinity];
  for (const height of heights) {
    lowest = Math.min(lowest, height);
    highest = Math.max(highest, height);
  }
  // MuJoCo wants some height even of level ground.
  return { lowest, range: Math.max(highest - lowest, 1e-3) };
}

/** Heights as shares of the field's range, row by row from -y, in a row from -x. @param out [ny * nx] */
export function fillHeights(field: HeightField, out: Float32Array): void {
  const { lowest, range } = heightRange(field);
  for (let i = 0; i < out.length; i++) out[i] = (field.heights[i]! - lowest) / range;
}

function staticsOf({ statics }: Scene): string[] {
  return statics.map(({ geometry, pose }) => `<geom ${primitiveOf(geometry)} ${placeOf(pose)} ${WORLD_BITS}/>`);
}

/** Where two objects meet, the smoother one's friction counts: it has the higher priority. */
function objectsOf({ objects }: Scene): string[] {
  const smoothest = [...objects.keys()].sort((a, b) => objects[b]!.friction - objects[a]!.friction);
  return objects.map(({ geometry, pose, mass }, i) => {
    const name = mjcfName.object(i);
    const geom = `<geom name="${name}" ${primitiveOf(geometry)} mass="${mass}" priority="${1 + smoothest.indexOf(i)}" ${WORLD_BITS}/>`;
    return `<body name="${name}" ${placeOf(pose)}><freejoint name="${name}"/>${geom}</body>`;
  });
}

function placeOf({ xyz, quat }: Pose): string {
  return `pos="${xyz.join(' ')}" quat="${wxyz(quat).join(' ')}"`;
}

function wxyz([x, y, z, w]: Quat): Quat {
  return [w, x, y, z];
}

function shapeOf(geometry: Geometry, meshes: RobotModel['meshes'], name: string, assets: string[]): string | null {
  if (geometry.kind !== 'mesh') return primitiveOf(geometry);
  const vertices = meshes[geometry.file];
  if (vertices === undefined) return null;
  const scaled = Array.from(vertices, (value, k) => value * geometry.scale[k % 3]!);
  assets.push(`<mesh name="${name}" inertia="convex" vertex="${scaled.join(' ')}"/>`);
  return `type="mesh" mesh="${name}"`;
}

function primitiveOf(geometry: Exclude<Geometry, { kind: 'mesh' }>): string {
  switch (geometry.kind) {
    case 'box':
      return `type="box" size="${geometry.size.map((length) => length / 2).join(' ')}"`;
    case 'sphere':
      return `type="sphere" size="${geometry.radius}"`;
    case 'cylinder':
      return `type="cylinder" size="${geometry.radius} ${geometry.length / 2}"`;
  }
}
