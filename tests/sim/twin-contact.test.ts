/** The twin's floating bases, contacts, sliders, followers and free objects against mechanics. */

import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { forwardKinematics } from '../../core/kinematics.ts';
import type { Quat, RobotModel } from '../../core/robot-model.ts';
import { quatFromAxisAngle, quatRotate } from '../../core/rotation.ts';
import type { SensorSpec } from '../../core/sensor.ts';
import { type Dynamics, nominalDynamics } from '../../sim/dynamics.ts';
import { PLAIN_ROBOT, type RobotSpec } from '../../sim/robot-spec.ts';
import { EMPTY_SCENE, FLOOR, type Scene, type SceneObject } from '../../sim/scene.ts';
import { dividingStep, type MujocoRobot, makeTwin } from '../../sim/twin.ts';
import { parseUrdf } from '../../sim/urdf.ts';

const G = 9.81;

const open: MujocoRobot[] = [];
afterEach(() => {
  for (const robot of open.splice(0)) robot.close();
});

interface Made {
  readonly dynamics?: Partial<Dynamics>;
  readonly scene?: Scene;
  readonly spec?: RobotSpec;
}

async function twin(model: RobotModel, { dynamics = {}, scene = EMPTY_SCENE, spec = PLAIN_ROBOT }: Made = {}) {
  const free = model.dof.map(() => 0);
  const nominal = { ...nominalDynamics(model), damping: free, friction: free, torqueLimit: model.dof.map(() => 100) };
  const robot = await makeTwin(model, { ...nominal, ...dynamics }, { spec });
  open.push(robot);
  robot.setScene(scene);
  return robot;
}

function read(text: string, base: RobotModel['base'] = 'floating'): RobotModel {
  return { ...parseUrdf(text, { where: 'the test' }), base };
}

/** A uniform cube of 0.2 m and 3 kg. */
const CUBE = read(`<robot name="cube"><link name="cube">
  <inertial><mass value="3"/><inertia ixx="0.02" iyy="0.02" izz="0.02"/></inertial>
  <collision><geometry><box size="0.2 0.2 0.2"/></geometry></collision></link></robot>`);

const BALL = read(`<robot name="ball"><link name="ball">
  <inertial><mass value="1"/><inertia ixx="0.004" iyy="0.004" izz="0.004"/></inertial>
  <collision><geometry><sphere radius="0.1"/></geometry></collision></link></robot>`);

function start(model: RobotModel, base: readonly number[], twist: readonly number[] = [0, 0, 0, 0, 0, 0]) {
  const none = () => new Float64Array(model.dof.length);
  return { q: none(), qd: none(), base: Float64Array.from(base), twist: Float64Array.from(twist) };
}

function steps(robot: MujocoRobot, n: number, each: () => void = () => {}): void {
  for (let i = 0; i < n; i++) {
    robot.step(0.01);
    each();
  }
}

/** Floating, two arms on oblique axes, one link on a fixed joint, frames turned. */
const TUMBLER = read(`<robot name="tumbler">
  <link name="trunk"><inertial><origin xyz="0.02 0.01 0" rpy="0.3 0 0"/><mass value="2"/>
    <inertia ixx="0.02" iyy="0.03" izz="0.04" ixy="0.002"/></inertial></link>
  <link name="arm"><inertial><origin xyz="0.1 0 0"/><mass value="0.5"/><inertia ixx="0.001" iyy="0.002" izz="0.002"/></inertial></link>
  <link name="fist"><inertial><mass value="0.3"/><inertia ixx="0.001" iyy="0.001" izz="0.001"/></inertial></link>
  <link name="leg"><inertial><origin xyz="0 0 -0.1"/><mass value="0.6"/><inertia ixx="0.003" iyy="0.003" izz="0.001"/></inertial></link>
  <joint name="shoulder" type="continuous"><parent link="trunk"/><child link="arm"/><origin xyz="0.1 0 0.05" rpy="0.4 0.2 0"/><axis xyz="0 0.6 0.8"/></joint>
  <joint name="wrist" type="fixed"><parent link="arm"/><child link="fist"/><origin xyz="0.2 0 0" rpy="0 0 1"/></joint>
  <joint name="hip" type="continuous"><parent link="trunk"/><child link="leg"/><origin xyz="-0.1 0 0"/><axis xyz="0 1 0"/></joint>
</robot>`);

describe('a floating base', () => {
  it('falls by g t^2 / 2 and keeps what it started with', async () => {
    const robot = await twin(CUBE);
    const turn = quatFromAxisAngle([0, 0, 1], 0.7, [0, 0, 0, 1]);
    robot.resetTo(start(CUBE, [1, 2, 3, ...turn], [0.5, -0.2, 1, 0, 0, 2]));
    robot.step(1);
    const { base, twist } = robot.truth;
    // RK4 is exact for a parabola.
    expect(Math.abs(base[0]! - 1.5)).toBeLessThan(1e-6);
    expect(Math.abs(base[1]! - 1.8)).toBeLessThan(1e-6);
    expect(Math.abs(base[2]! - (3 + 1 - G / 2))).toBeLessThan(1e-6);
    expect(Math.abs(twist[2]! - (1 - G))).toBeLessThan(1e-6);
    // A cube's spin stays; 0.7 + 2 rad about z.
    expect(base[5]!).toBeCloseTo(Math.sin(1.35), 9);
    expect(base[6]!).toBeCloseTo(Math.cos(1.35), 9);
    expect(twist[5]!).toBeCloseTo(2, 9);
  });

  it('keeps momentum and energy while its arms swing', async () => {
    const robot = await twin(TUMBLER, { dynamics: { gravity: 0 } });
    const begin = start(TUMBLER, [0, 0, 0, 0, 0, 0, 1], [0.3, 0, -0.1, 1, 2, -1]);
    begin.qd.set([3, -2]);
    robot.resetTo(begin);
    const { kinetic } = robot.energy();
    const com = () => centreOfMass(robot);
    const first = com();
    robot.step(0.002);
    const velocity = com().map((x, k) => (x - first[k]!) / 0.002);
    robot.step(1.998);
    // The centre of mass goes on in a straight line; the first step's velocity is itself exact to O(dt^4).
    for (const [k, x] of com().entries()) expect(Math.abs(x - (first[k]! + 2 * velocity[k]!))).toBeLessThan(1e-6);
    expect(Math.abs(robot.energy().kinetic / kinetic - 1)).toBeLessThan(1e-6);
  });

  it('gives the base the velocity of a push, along the world however it is turned', async () => {
    const robot = await twin(CUBE, { dynamics: { gravity: 0 } });
    const upsideDown = quatFromAxisAngle([1, 0, 0], Math.PI, [0, 0, 0, 1]);
    robot.resetTo(start(CUBE, [0, 0, 1, ...upsideDown]));
    robot.push([0.4, -0.3, 0, 0, 0, 1]);
    robot.step(0.01);
    const { twist } = robot.truth;
    expect(twist[0]!).toBeCloseTo(0.4, 9);
    expect(twist[1]!).toBeCloseTo(-0.3, 9);
    // +1 about the world's z is -1 about its own.
    expect(twist[5]!).toBeCloseTo(-1, 9);
  });
});

/** Of the links in the world, m. */
function centreOfMass({ model, truth }: MujocoRobot): number[] {
  const poses = new Float64Array(7 * model.links.length);
  forwardKinematics(model, truth.q, poses);
  const sum = [0, 0, 0];
  let mass = 0;
  for (const [i, { inertial }] of model.links.entries()) {
    if (inertial === null) continue;
    const inLink = rotate(poses.subarray(7 * i + 3, 7 * i + 7), inertial.origin.xyz);
    const inBase = inLink.map((value, k) => value + poses[7 * i + k]!);
    const at = rotate(truth.base.subarray(3), inBase);
    for (let k = 0; k < 3; k++) sum[k]! += inertial.mass * (truth.base[k]! + at[k]!);
    mass += inertial.mass;
  }
  return sum.map((x) => x / mass);
}

describe('contact', () => {
  const tilted = (angle: number): Scene => ({
    ground: 'none',
    statics: [
      {
        geometry: { kind: 'box', size: [20, 20, 1] },
        pose: { xyz: [0, 0, 0], quat: quatFromAxisAngle([0, 1, 0], angle, [0, 0, 0, 1]) as Quat },
      },
    ],
    objects: [],
  });

  it('rests a box on a plane', async () => {
    const robot = await twin(CUBE, { scene: FLOOR });
    robot.resetTo(start(CUBE, [0, 0, 0.1, 0, 0, 0, 1]));
    robot.step(2);
    expect(Math.abs(robot.truth.base[2]! - 0.1)).toBeLessThan(1e-3);
    expect(Math.abs(robot.truth.twist[2]!)).toBeLessThan(1e-6);
  });

  it('holds a box below the angle of friction and lets it slide above, as fast as friction says', async () => {
    const angle = 0.4;
    const slope = quatFromAxisAngle([0, 1, 0], angle, [0, 0, 0, 1]);
    const at = rotate(slope, [0, 0, 0.6]);
    const slide = async (contactFriction: number) => {
      const robot = await twin(CUBE, { scene: tilted(angle), dynamics: { contactFriction } });
      robot.resetTo(start(CUBE, [...at, ...slope]));
      robot.step(1);
      return Math.hypot(robot.truth.base[0]! - at[0]!, robot.truth.base[2]! - at[2]!);
    };
    // tan(0.4) = 0.423. Soft contacts give way by 0.1 mm as the box settles, and creep by as much a second.
    expect(await slide(0.45)).toBeLessThan(1e-3);
    // s = g (sin a - mu cos a) t^2 / 2
    for (const mu of [0.1, 0.3]) {
      const theory = (G * (Math.sin(angle) - mu * Math.cos(angle))) / 2;
      expect(Math.abs((await slide(mu)) / theory - 1)).toBeLessThan(0.02);
    }
  });

  it('bounces as the restitution says', async () => {
    for (const restitution of [0, 0.5, 0.8]) {
      const robot = await twin(BALL, { scene: FLOOR, dynamics: { restitution } });
      robot.resetTo(start(BALL, [0, 0, 0.6, 0, 0, 0, 1]));
      let [fell, highest] = [false, 0];
      for (let i = 0; i < 600; i++) {
        robot.step(0.002);
        if (robot.truth.twist[2]! > 0.01) fell = true;
        if (fell) highest = Math.max(highest, robot.truth.base[2]! - 0.1);
      }
      // h' = e^2 h; a spring contact at 2 ms is worth a few hundredths of speed
      expect(Math.abs(Math.sqrt(Math.max(0, highest) / 0.5) - restitution)).toBeLessThan(0.05);
    }
  });

  it('is hard: a foot that lands with 1 m/s sinks in by less than 4 mm and stays', async () => {
    for (const restitution of [0, 0.1, 0.13]) {
      const robot = await twin(BALL, { scene: FLOOR, dynamics: { restitution } });
      robot.resetTo(start(BALL, [0, 0, 0.151, 0, 0, 0, 1]));
      let [lowest, highest] = [0, 0];
      for (let i = 0; i < 250; i++) {
        robot.step(0.002);
        lowest = Math.min(lowest, robot.truth.base[2]! - 0.1);
        if (i > 100) highest = Math.max(highest, robot.truth.base[2]! - 0.1);
      }
      // Up to 2 mm pass in the step that finds the contact; the engine's default stiffness gives way by 7 mm.
      expect(lowest).toBeGreaterThan(-4e-3);
      expect(highest).toBeLessThan(1e-4);
    }
  });

  it('takes other friction, gravity and scenes up when it should', async () => {
    const robot = await twin(CUBE, { scene: FLOOR, dynamics: { contactFriction: 1 } });
    robot.resetTo(start(CUBE, [0, 0, 0.1, 0, 0, 0, 1], [1, 0, 0, 0, 0, 0]));
    robot.updateDynamics({ ...robot.dynamics, contactFriction: 0 });
    robot.step(0.5);
    expect(robot.truth.twist[0]!).toBeCloseTo(1, 3);
    robot.setScene(EMPTY_SCENE);
    robot.resetTo(start(CUBE, [0, 0, 0.1, 0, 0, 0, 1]));
    robot.updateDynamics({ ...robot.dynamics, gravity: 2 });
    robot.step(1);
    expect(robot.truth.base[2]!).toBeCloseTo(0.1 - 1, 6);
  });

  it('lets free objects fall, rest and slide by the smoother of two frictions', async () => {
    const object = (name: string, x: number, friction: number): SceneObject => ({
      name,
      mass: 0.5,
      geometry: { kind: 'box', size: [0.1, 0.1, 0.1] },
      pose: { xyz: [x, 0, 0], quat: quatFromAxisAngle([0, 1, 0], 0.2, [0, 0, 0, 1]) as Quat },
      friction,
    });
    const slope = quatFromAxisAngle([0, 1, 0], 0.2, [0, 0, 0, 1]) as Quat;
    const place = ({ pose, ...rest }: SceneObject): SceneObject => {
      const [x, y, z] = rotate(slope, [pose.xyz[0], 0, 0.55]);
      return { ...rest, pose: { xyz: [x!, y!, z!], quat: slope } };
    };
    const scene: Scene = { ...tilted(0.2), objects: [object('grips', -2, 0.9), object('slips', 2, 0.1)].map(place) };
    const robot = await twin(CUBE, { scene, dynamics: { contactFriction: 0.8 } });
    robot.resetTo(start(CUBE, [0, 8, 20, 0, 0, 0, 1]));
    const before = robot.objects.slice();
    robot.step(1);
    const moved = [0, 1].map((i) => Math.hypot(...[0, 2].map((k) => robot.objects[13 * i + k]! - before[13 * i + k]!)));
    expect(moved[0]!).toBeLessThan(3e-3);
    const theory = (G * (Math.sin(0.2) - 0.1 * Math.cos(0.2))) / 2;
    expect(Math.abs(moved[1]! / theory - 1)).toBeLessThan(0.03);
    // v = 2 s / t, down the slope
    expect(Math.hypot(robot.objects[20]!, robot.objects[22]!)).toBeCloseTo(2 * moved[1]!, 1);
    // An empty scene has none.
    robot.setScene(EMPTY_SCENE);
    robot.resetTo(start(CUBE, [0, 0, 0, 0, 0, 0, 1]));
    expect(robot.objects.length).toBe(0);
  });

  it('makes a convex hull of a mesh, scaled', async () => {
    const corners = [-1, 1].flatMap((x) => [-1, 1].flatMap((y) => [-1, 1].flatMap((z) => [x, y, z])));
    const text = CUBE.urdf.replace(
      '<box size="0.2 0.2 0.2"/>',
      '<mesh filename="package://it/cube.stl" scale="0.1 0.1 0.3"/>',
    );
    const model: RobotModel = { ...read(text), meshes: { 'package://it/cube.stl': Float32Array.from(corners) } };
    const robot = await twin(model, { scene: FLOOR });
    robot.resetTo(start(model, [0, 0, 0.3, 0, 0, 0, 1]));
    robot.step(1);
    expect(Math.abs(robot.truth.base[2]! - 0.3)).toBeLessThan(1e-3);
  });
});

/** A slider that points up, and a second one beside it. */
const LIFT = `<robot name="lift"><link name="base"/>
  <link name="a"><inertial><mass value="2"/><inertia ixx="0.01" iyy="0.01" izz="0.01"/></inertial></link>
  <link name="b"><inertial><mass value="1"/><inertia ixx="0.01" iyy="0.01" izz="0.01"/></inertial></link>
  <joint name="a" type="prismatic"><parent link="base"/><child link="a"/><origin rpy="0 -1.5707963267948966 0"/><axis xyz="1 0 0"/>
    <limit lower="-0.3" upper="0.2" effort="100" velocity="1"/></joint>
  <joint name="b" type="continuous"><parent link="base"/><child link="b"/><origin xyz="1 0 0"/><axis xyz="0 0 1"/></joint>
</robot>`;

describe('joints', () => {
  it('slides along a prismatic axis, with armature as mass, to its stops', async () => {
    const robot = await twin(read(LIFT, 'fixed'), { dynamics: { armature: [1, 0] } });
    robot.step(0.2);
    // (m + armature) qdd = -m g
    expect(robot.truth.q[0]!).toBeCloseTo((-(2 / 3) * G * 0.04) / 2, 6);
    robot.step(3);
    expect(Math.abs(robot.truth.q[0]! + 0.3)).toBeLessThan(2e-3);
  });

  it('turns what follows a joint by its ratio and offset', async () => {
    const model = read(LIFT.replace('type="prismatic"', 'type="continuous"'), 'fixed');
    const joints = model.joints.map((joint, i) =>
      i === 1 ? { ...joint, mimic: { joint: 0, multiplier: -2, offset: 0.1 } } : joint,
    );
    const geared: RobotModel = { ...model, joints, dof: [0] };
    const imu: SensorSpec = { kind: 'imu', name: 'imu', link: 'b', pose: { xyz: [0, 0, 0], quat: [0, 0, 0, 1] } };
    const robot = await twin(geared, { dynamics: { gravity: 0 }, spec: { ...PLAIN_ROBOT, sensors: [imu] } });
    robot.reset([0], [1]);
    expect(robot.truth.sensors.imu![2]!).toBeCloseTo(Math.sin(0.05), 9);
    const { kinetic } = robot.energy();
    // (I_a + 4 I_b) qd^2 / 2 = 0.05 / 2
    expect(kinetic).toBeCloseTo(0.025, 9);
    robot.step(1);
    // No torque: the gear keeps turning as it did.
    expect(robot.truth.q[0]!).toBeCloseTo(1, 3);
    // b has turned about z by -2 q + 0.1.
    expect(robot.truth.sensors.imu![2]!).toBeCloseTo(Math.sin(-robot.truth.q[0]! + 0.05), 4);
  });

  it('collides with itself only when asked to, and never with its neighbour', async () => {
    const text = `<robot name="fold"><link name="base"><collision><geometry><box size="0.1 0.1 0.1"/></geometry></collision></link>
      ${['first', 'second']
        .map(
          (
            name,
          ) => `<link name="${name}"><inertial><origin xyz="0.2 0 0"/><mass value="1"/><inertia ixx="0.01" iyy="0.01" izz="0.01"/></inertial>
        <collision><origin xyz="0.2 0 0"/><geometry><box size="0.4 0.05 0.05"/></geometry></collision></link>`,
        )
        .join('')}
      <joint name="one" type="continuous"><parent link="base"/><child link="first"/><axis xyz="0 0 1"/></joint>
      <joint name="two" type="continuous"><parent link="base"/><child link="second"/><axis xyz="0 0 1"/></joint></robot>`;
    const model = read(text, 'fixed');
    const meet = async (selfCollision: boolean) => {
      const robot = await twin(model, { spec: { ...PLAIN_ROBOT, selfCollision } });
      // The links reach into the base's box all along, which must not matter.
      robot.reset([0, 1], [2, 0]);
      robot.step(0.8);
      return robot.truth.q[0]! - robot.truth.q[1]!;
    };
    // Unhindered the first link passes the second: 1.6 rad against 1.
    expect(await meet(false)).toBeCloseTo(0.6, 6);
    expect(await meet(true)).toBeLessThan(0);
  });
});

describe('time', () => {
  it('takes the longest step up to 2 ms that divides the control period', () => {
    expect(dividingStep(0.02)).toBe(0.002);
    expect(dividingStep(0.01)).toBe(0.002);
    // 16.67 ms: nine steps
    expect(dividingStep(1 / 60)).toBeCloseTo(1 / 540, 15);
  });

  it('steps at 60 Hz', async () => {
    const model = read(readFileSync('configs/robots/pendulum.urdf', 'utf8'), 'fixed');
    const robot = await makeTwin(model, nominalDynamics(model), { period: 1 / 60 });
    open.push(robot);
    for (let i = 0; i < 60; i++) robot.step(1 / 60);
    expect(robot.truth.time).toBeCloseTo(1, 12);
  });

  it('repeats itself to the bit in contact, whatever came before', async () => {
    const robot = await twin(TUMBLER, { scene: FLOOR });
    const cube = await twin(CUBE, { scene: FLOOR });
    const run = () => {
      cube.resetTo(start(CUBE, [0, 0, 0.3, 0.1, 0.2, 0, Math.sqrt(0.95)], [1, 0, 0, 0, 3, 0]));
      const trace: number[] = [];
      steps(cube, 100, () => trace.push(...cube.truth.base, ...cube.truth.twist));
      return trace;
    };
    const first = run();
    robot.step(0.1);
    expect(run()).toEqual(first);
  });
});

function rotate(quat: ArrayLike<number>, v: ArrayLike<number>): number[] {
  return quatRotate(quat, v, [0, 0, 0]);
}
