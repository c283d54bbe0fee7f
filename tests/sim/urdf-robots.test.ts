/** Real robots: what the importer makes of each file, and that MuJoCo's own URDF reader sees the same masses and inertias. */

import { existsSync, readFileSync } from 'node:fs';
import type { MainModule, MjModel } from '@mujoco/mujoco';
import { beforeAll, describe, expect, it } from 'vitest';
import { jointNames, type Quat, type RobotModel, type Vec3 } from '../../core/robot-model.ts';
import { loadUrdf } from '../../loop/robot-files.ts';
import { mergeFixed } from '../../sim/bodies.ts';
import { rotateTensor, type Tensor } from '../../sim/inertia.ts';
import { loadMujoco } from '../../sim/twin.ts';

const DATA = '../shared/data';
const legs = ['FR', 'FL', 'RR', 'RL'].flatMap((leg) => ['hip', 'thigh', 'calf'].map((part) => `${leg}_${part}_joint`));
const noLimits = (joint: string) =>
  ['effort', 'velocity'].map(
    (key) => `joint ${joint}: ${key} limit missing, so it has none; set one where the robot is configured`,
  );
const noMesh = (place: string, file: string) =>
  `link ${place}: mesh ${file} was not found; the link goes without this shape`;
const doublePendulum = {
  joints: ['Joint1', 'Joint2'],
  mass: 1.0806 + 0.5234602302310271 + 0.6255677234174437,
  meshes: 0,
  notes: [
    ...['base_link', 'Link1', 'Link2'].map((name) => noMesh(`${name} <visual>`, `./meshes/${name}.obj`)),
    'link Weight: mass 0, so it is treated as massless',
    noMesh('Weight <visual>', './meshes/Weight.obj'),
    'link world: named as a parent but not in the file, so it is an empty link',
  ],
};

const robots = [
  {
    file: 'robots/a1_description/urdf/a1.urdf',
    joints: legs,
    // trunk 6, imu 0.001, per leg 0.696 + 1.013 + 0.166 + 0.06
    mass: 6.001 + 4 * 1.935,
    meshes: 4,
    notes: [noMesh('trunk <visual>', 'package://a1_description/meshes/trunk.dae')],
  },
  {
    file: 'robots/z1_description/xacro/z1.urdf',
    joints: ['joint1', 'joint2', 'joint3', 'joint4', 'joint5', 'joint6'],
    mass: 4.41872026,
    meshes: 0,
    notes: [0, 1, 2, 3, 4, 5, 6].map((i) =>
      noMesh(`link0${i} <visual>`, `package://z1_description/meshes/visual/z1_Link0${i}.dae`),
    ),
  },
  {
    file: 'robots/turtlebot3_description/urdf/turtlebot3_burger.urdf',
    joints: ['wheel_left_joint', 'wheel_right_joint'],
    mass: 0.82573504 + 2 * 0.02849894 + 0.005 + 0.114,
    meshes: 3,
    notes: [
      'xacro was not expanded; ignored: <xacro:arg>, <xacro:property>',
      noMesh('base_link <visual>', 'package://turtlebot3_description/meshes/bases/burger_base.stl'),
      ...noLimits('wheel_left_joint'),
      ...noLimits('wheel_right_joint'),
      `names held xacro expressions, which were left out: ${'$'.concat('{namespace}')}`,
    ],
  },
  {
    file: 'pendulum/pendulum.urdf',
    joints: ['Joint_1'],
    mass: 0.48493 + 0.67531,
    meshes: 2,
    notes: [
      'joint Joint_1: effort limit 0, so it has none; set one where the robot is configured',
      'joint Joint_1: velocity limit 0, so it has none; set one where the robot is configured',
      "joint Joint_1: revolute with lower = upper = 0, an exporter's placeholder, so it turns without limit",
    ],
  },
  { file: 'double-pendulum/acrobot.urdf', ...doublePendulum },
  { file: 'double-pendulum/pendubot.urdf', ...doublePendulum },
];

const totalMass = (model: RobotModel) => model.links.reduce((sum, link) => sum + (link.inertial?.mass ?? 0), 0);

/** a . (I + m (c c 1 - c c^T)) a, kg m2 */
function inertiaAbout(axis: Vec3, mass: number, com: Vec3, [ixx, iyy, izz, ixy, ixz, iyz]: Tensor): number {
  const [x, y, z] = axis;
  const along = com[0] * x + com[1] * y + com[2] * z;
  const lever = com[0] ** 2 + com[1] ** 2 + com[2] ** 2 - along ** 2;
  return ixx * x * x + iyy * y * y + izz * z * z + 2 * (ixy * x * y + ixz * x * z + iyz * y * z) + mass * lever;
}

describe.skipIf(!existsSync(DATA))('every robot of shared/data', () => {
  let mujoco: MainModule;
  beforeAll(async () => {
    mujoco = await loadMujoco();
  });

  it.each(robots)('$file loads as its file says', async ({ file, joints, mass, meshes, notes }) => {
    const model = await loadUrdf(`${DATA}/${file}`, { packagePath: [] });
    expect(jointNames(model)).toEqual(joints);
    expect(model.base).toBe('fixed');
    // sums of a few masses in another order
    expect(totalMass(model)).toBeCloseTo(mass, 12);
    expect(Object.keys(model.meshes)).toHaveLength(meshes);
    expect(model.notes).toEqual(notes);
  });

  it('the A1 floats where that is asked for, and its feet are part of its calves', async () => {
    const model = await loadUrdf(`${DATA}/robots/a1_description/urdf/a1.urdf`, { base: 'floating', packagePath: [] });
    expect(model.base).toBe('floating');
    const bodies = mergeFixed(model);
    expect(bodies).toHaveLength(13);
    expect(bodies[0]!.mass).toBeCloseTo(6.001, 12);
    expect(bodies.filter(({ mass }) => Math.abs(mass - 0.226) < 1e-12)).toHaveLength(4);
  });

  it.each(robots)('$file: MuJoCo reads the same masses and inertias', async ({ file }) => {
    const model = await loadUrdf(`${DATA}/${file}`, { packagePath: [] });
    const bodies = mergeFixed(model);
    for (const fuse of [false, true]) {
      const mj = mujoco.MjModel.from_xml_string(urdfForMujoco(`${DATA}/${file}`, fuse));
      // MuJoCo takes what is welded to the world out of the sum when it fuses.
      if (!fuse) relative(sum(mj.body_mass), totalMass(model));
      for (const j of model.dof) {
        const joint = model.joints[j]!;
        const there = bodyOfJoint(mj, joint.name);
        if (fuse) {
          const body = bodies.find((candidate) => candidate.joint === j)!;
          relative(there.mass, body.mass);
          relative(there.inertia, inertiaAbout(joint.axis, body.mass, body.com, body.inertia));
        } else {
          const { mass, origin, inertia } = model.links[joint.child]!.inertial!;
          relative(there.mass, mass);
          relative(there.inertia, inertiaAbout(joint.axis, mass, origin.xyz, rotateTensor(inertia, origin.quat)));
        }
      }
      mj.delete();
    }
  });
});

/** Both engines work in float64; MuJoCo passes tensors through principal axes. */
function relative(actual: number, expected: number): void {
  expect(Math.abs(actual / expected - 1)).toBeLessThan(1e-6);
}

const sum = (values: ArrayLike<number>) => Array.from(values).reduce((a, b) => a + b, 0);

/** The file's own text but for shapes, whose meshes MuJoCo would look for, and what only our reader mends. */
function urdfForMujoco(path: string, fuse: boolean): string {
  const text = readFileSync(path, 'utf8')
    .replace(/<!--[\s\S]*?-->/g, '')
    .replace(/<(visual|collision)>[\s\S]*?<\/\1>/g, '')
    .replaceAll('$'.concat('{namespace}'), '');
  const world = text.includes('link="world"') && !text.includes('name="world"') ? '<link name="world"/>' : '';
  return text.replace('</robot>', `${world}<mujoco><compiler fusestatic="${fuse}"/></mujoco></robot>`);
}

function bodyOfJoint(mj: MjModel, name: string): { mass: number; inertia: number } {
  const accessor = mj.jnt(name);
  const joint = accessor.id;
  accessor.delete();
  const body: number = mj.jnt_bodyid[joint];
  const three = (array: ArrayLike<number>, i: number): Vec3 => [array[3 * i]!, array[3 * i + 1]!, array[3 * i + 2]!];
  const moments = three(mj.body_inertia, body);
  const q = mj.body_iquat as ArrayLike<number>;
  // MuJoCo puts w first.
  const frame: Quat = [q[4 * body + 1]!, q[4 * body + 2]!, q[4 * body + 3]!, q[4 * body]!];
  const tensor = rotateTensor([...moments, 0, 0, 0], frame);
  const mass: number = mj.body_mass[body];
  return { mass, inertia: inertiaAbout(three(mj.jnt_axis, joint), mass, three(mj.body_ipos, body), tensor) };
}
