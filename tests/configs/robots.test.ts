/** The project's own robots against the figures they were made from: masses, inertias, geometry, limits, and how they stand. */

import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type RobotConfig, robots } from '../../configs/robots.ts';
import { forwardKinematics } from '../../core/kinematics.ts';
import { makeCommand } from '../../core/robot.ts';
import { type Inertial, jointNames, type RobotModel, type Vec3 } from '../../core/robot-model.ts';
import { quatRotate } from '../../core/rotation.ts';
import { nominalDynamics } from '../../sim/dynamics.ts';
import { principalInertia } from '../../sim/inertia.ts';
import { makeTwin } from '../../sim/twin.ts';
import { parseUrdf } from '../../sim/urdf.ts';

const load = (name: string) => {
  const config = robots[name] as RobotConfig;
  return { config, model: parseUrdf(readFileSync(config.urdf, 'utf8'), { where: name }) };
};

const linkOf = (model: RobotModel, name: string) => {
  const index = model.links.findIndex((link) => link.name === name);
  if (index < 0) throw new Error(`${model.name} has no link ${name}`);
  return index;
};

/** x, y, z, then the rotation of every link in the root's frame. */
function posesAt(model: RobotModel, q: ArrayLike<number>): Float64Array {
  const poses = new Float64Array(model.links.length * 7);
  forwardKinematics(model, q, poses);
  return poses;
}

const defaultPoses = ({ config, model }: ReturnType<typeof load>) =>
  posesAt(
    model,
    jointNames(model).map((name) => config.defaultPose[name]!),
  );

const inertialsOf = (model: RobotModel) =>
  model.links.flatMap((link, index) => (link.inertial === null ? [] : [{ index, inertial: link.inertial }]));

const massOf = (model: RobotModel) => inertialsOf(model).reduce((sum, { inertial }) => sum + inertial.mass, 0);

function centreOfMass(model: RobotModel, poses: Float64Array): Vec3 {
  const sum: [number, number, number] = [0, 0, 0];
  for (const { index, inertial } of inertialsOf(model)) {
    const at = poses.subarray(index * 7, index * 7 + 7);
    const c = quatRotate(at.subarray(3, 7), inertial.origin.xyz, [0, 0, 0]);
    for (let k = 0; k < 3; k++) sum[k]! += (inertial.mass * (at[k]! + c[k]!)) / massOf(model);
  }
  return sum;
}

const inertialOf = (model: RobotModel, link: string) => model.links[linkOf(model, link)]!.inertial as Inertial;

describe.each(Object.keys(robots))('%s', (name) => {
  const { config, model } = load(name);
  const joints = model.dof.map((j) => model.joints[j]!);

  it('is read without a repair, under its own name', () => {
    expect(model.notes).toEqual([]);
    expect(model.name).toBe(name);
  });

  it('says where its figures are from', () => {
    expect(model.urdf).toMatch(/^<\?xml version="1.0"\?>\n<!--\n[\s\S]*(Figures|figures)[\s\S]*?-->/);
  });

  it('has inertias that bodies can have: no principal moment above the sum of the other two', () => {
    for (const { inertial } of inertialsOf(model)) {
      const [a, b, c] = [...principalInertia(inertial.inertia).moments].sort((x, y) => x - y) as [
        number,
        number,
        number,
      ];
      expect(a).toBeGreaterThan(0);
      expect(c).toBeLessThanOrEqual(a + b);
    }
  });

  it('gives every link that moves a mass', () => {
    // MuJoCo and Rapier refuse a moving body without one; fixed joints make one body of two links.
    for (const { child } of joints) expect(model.links[child]!.inertial?.mass).toBeGreaterThan(0);
    if (config.base === 'floating') expect(model.links[0]!.inertial?.mass).toBeGreaterThan(0);
  });

  it('names every joint, and no other, in gains and default pose', () => {
    const names = jointNames(model).toSorted();
    expect(Object.keys(config.gains).toSorted()).toEqual(names);
    expect(Object.keys(config.defaultPose).toSorted()).toEqual(names);
    for (const other of [config.spec.actuators, config.armature ?? {}]) {
      expect(names).toEqual(expect.arrayContaining(Object.keys(other)));
    }
  });

  it('rests within its limits, which are finite in effort and speed', () => {
    for (const joint of joints) {
      const rest = config.defaultPose[joint.name]!;
      expect(rest).toBeGreaterThanOrEqual(joint.lower);
      expect(rest).toBeLessThanOrEqual(joint.upper);
      expect(Number.isFinite(joint.effort) && Number.isFinite(joint.velocity)).toBe(true);
      const { kp, kd } = config.gains[joint.name]!;
      expect(kp).toBeGreaterThanOrEqual(0);
      expect(kd).toBeGreaterThanOrEqual(0);
    }
  });

  it('mounts its sensors on links it has, and rates no others', () => {
    for (const sensor of config.spec.sensors) {
      for (const link of sensor.kind === 'contact' ? sensor.links : [sensor.link]) linkOf(model, link);
    }
    const rated = ['encoders', ...config.spec.sensors.map((sensor) => sensor.name)];
    expect(rated).toEqual(expect.arrayContaining(Object.keys(config.spec.quality)));
  });

  it('can be sent to a thread', () => {
    expect(structuredClone(config.spec)).toEqual(config.spec);
  });
});

it('leaves the pendulum as contracts know it', () => {
  expect(load('pendulum').model.urdfHash).toBe('6802191e0ae85e8c14160fd2196aac7da182c510744da41f50c167b913abd670');
});

describe('masses as published', () => {
  it.each([
    ['pendulum', 0.57288],
    ['cartpole', 1.0 + 0.1],
    ['acrobot', 0.6416937 + 0.5639361],
    ['pendubot', 0.6416937 + 0.5639361],
    // six links, and the pusher's 0.1 kg
    ['arm', 3.761 + 8.058 + 2.846 + 1.37 + 1.3 + 0.365 + 0.1],
    ['rover', 0.82573504 + 2 * 0.02849894 + 0.005 + 0.114],
    ['quadruped', 6.0 + 4 * (0.696 + 1.013 + 0.166 + 0.06)],
    ['quadrotor', 0.027],
  ])('%s', (name, kg) => {
    // seven published digits
    expect(massOf(load(name).model)).toBeCloseTo(kg, 6);
  });
});

it('the pole of the cart-pole is a uniform rod of half-length 0.5 m: 4/3 m l2 about the hinge', () => {
  const { mass, origin, inertia } = inertialOf(load('cartpole').model, 'pole');
  expect(origin.xyz).toEqual([0, 0, -0.5]);
  expect(inertia[1] + mass * 0.5 ** 2).toBeCloseTo((4 / 3) * 0.1 * 0.5 ** 2, 9);
});

describe.each([
  ['acrobot', 'elbow', 'shoulder'],
  ['pendubot', 'shoulder', 'elbow'],
])('%s', (name, driven, free) => {
  const { config, model } = load(name);
  const upper = inertialOf(model, 'upper');
  const lower = inertialOf(model, 'lower');
  const r1 = -upper.origin.xyz[2];
  const r2 = -lower.origin.xyz[2];
  const l1 = 0.2;
  // Design C.0, model 3.0, as published.
  const [m1, m2, c1, c2, i1, i2] = [0.6416937, 0.5639361, 0.2, 0.3212669, 0.0267108, 0.0538781];

  // The inertia matrix and gravity of a double pendulum hold these four sums and nothing else of the bodies:
  // M = [[s1 + s2 + 2 l1 s3 cos q2, s2 + l1 s3 cos q2], [., s2]], g = [s4 g sin q1 + s3 g sin(q1 + q2), s3 g sin(q1 + q2)]
  it.each([
    ['I1 + m2 l1^2', upper.inertia[1] + upper.mass * r1 ** 2 + lower.mass * l1 ** 2, i1 + m2 * l1 ** 2],
    ['I2', lower.inertia[1] + lower.mass * r2 ** 2, i2],
    ['m2 r2', lower.mass * r2, m2 * c2],
    ['m1 r1 + m2 l1', upper.mass * r1 + lower.mass * l1, m1 * c1 + m2 * l1],
  ])('moves as the published model: %s', (_, ours, published) => {
    // seven published digits
    expect(ours).toBeCloseTo(published, 6);
  });

  it('swings in MuJoCo as the published equations do', async () => {
    const frictionless = { ...nominalDynamics(model), damping: [0, 0], friction: [0, 0] };
    const twin = await makeTwin(model, frictionless);
    twin.reset([1.2, 0.7], [0, 0]);
    twin.act(makeCommand(2));
    twin.step(1);
    const q = [...twin.observe().q];
    twin.close();

    const acceleration = ([q1, q2, v1, v2]: readonly number[]): [number, number] => {
      const c = m2 * l1 * c2 * Math.cos(q2!);
      const s = m2 * l1 * c2 * Math.sin(q2!);
      const far = m2 * c2 * 9.81 * Math.sin(q1! + q2!);
      // M qdd = h: Coriolis and gravity
      const [m11, m12, m22] = [i1 + i2 + m2 * l1 ** 2 + 2 * c, i2 + c, i2];
      const h1 = s * (2 * v1! * v2! + v2! ** 2) - (m1 * c1 + m2 * l1) * 9.81 * Math.sin(q1!) - far;
      const h2 = -s * v1! ** 2 - far;
      const det = m11 * m22 - m12 ** 2;
      return [(m22 * h1 - m12 * h2) / det, (m11 * h2 - m12 * h1) / det];
    };
    const rate = (x: readonly number[]) => [x[2]!, x[3]!, ...acceleration(x)];
    const ahead = (x: readonly number[], k: readonly number[], h: number) => x.map((value, i) => value + h * k[i]!);
    let x: number[] = [1.2, 0.7, 0, 0];
    for (let step = 0, h = 1e-3; step < 1000; step++) {
      const k1 = rate(x);
      const k2 = rate(ahead(x, k1, h / 2));
      const k3 = rate(ahead(x, k2, h / 2));
      const k4 = rate(ahead(x, k3, h));
      x = x.map((value, i) => value + (h / 6) * (k1[i]! + 2 * k2[i]! + 2 * k3[i]! + k4[i]!));
    }
    // seven digits of the figures, fourth order at 2 ms: 1e-4 rad after a second and two swings
    for (const j of [0, 1]) expect(Math.abs(q[j]! - x[j]!)).toBeLessThan(1e-3);
  });

  it('has the published lengths, friction and torque', () => {
    const joint = (wanted: string) => model.joints.find(({ name }) => name === wanted)!;
    expect(joint('elbow').origin.xyz).toEqual([0, 0, -0.2]);
    expect(joint('tip').origin.xyz).toEqual([0, 0, -0.3]);
    expect([joint('shoulder').friction, joint('elbow').friction]).toEqual([0.093, 0.078]);
    expect([joint('shoulder').damping, joint('elbow').damping]).toEqual([0.001, 0.001]);
    expect([joint(driven).effort, joint(free).effort]).toEqual([10, 0.5]);
    // gear^2 * rotor
    expect(config.armature?.[driven]).toBeCloseTo(6 ** 2 * 9.937e-5, 6);
  });

  it('hangs at 0 and stands at (pi, 0), 0.5 m high', () => {
    const tip = linkOf(model, 'tip') * 7 + 2;
    expect(posesAt(model, [0, 0])[tip]).toBeCloseTo(-0.5, 12);
    expect(posesAt(model, [Math.PI, 0])[tip]).toBeCloseTo(0.5, 12);
  });
});

type Matrix = number[][];
const multiply = (a: Matrix, b: Matrix): Matrix =>
  a.map((row) => b[0]!.map((_, j) => row.reduce((sum, x, k) => sum + x * b[k]![j]!, 0)));

/** Rz(theta) Tz(d) Tx(a) Rx(alpha) */
function dh(theta: number, d: number, a: number, alpha: number): Matrix {
  const [ct, st, ca, sa] = [Math.cos(theta), Math.sin(theta), Math.cos(alpha), Math.sin(alpha)];
  return [
    [ct, -st * ca, st * sa, a * ct],
    [st, ct * ca, -ct * sa, a * st],
    [0, sa, ca, d],
    [0, 0, 0, 1],
  ];
}

describe('arm', () => {
  const { config, model } = load('arm');
  const half = Math.PI / 2;
  // Universal Robots: d, a, alpha; mass; centre of mass in the frame after the row.
  const table: readonly (readonly [number, number, number, number, Vec3])[] = [
    [0.1625, 0, half, 3.761, [0, -0.02561, 0.00193]],
    [0, -0.425, 0, 8.058, [0.2125, 0, 0.11336]],
    [0, -0.3922, 0, 2.846, [0.15, 0, 0.0265]],
    [0.1333, 0, half, 1.37, [0, -0.0018, 0.01634]],
    [0.0997, 0, -half, 1.3, [0, 0.0018, 0.01634]],
    [0.0996, 0, 0, 0.365, [0, 0, -0.001159]],
  ];
  const links = ['shoulder_link', 'upper_arm_link', 'forearm_link', 'wrist_1_link', 'wrist_2_link', 'wrist_3_link'];

  /** Frames 1 to 6 in base_link, which is the DH base turned by pi about z. */
  function frames(q: readonly number[]): Matrix[] {
    let frame = dh(Math.PI, 0, 0, 0);
    return table.map(([d, a, alpha], i) => {
      frame = multiply(frame, dh(q[i]!, d, a, alpha));
      return frame;
    });
  }

  const configurations = [
    [0, 0, 0, 0, 0, 0],
    [0.3, -1.2, 1.9, -2.1, -1.4, 0.7],
    [-2.5, -0.4, -2.2, 1.1, 2.9, -3.0],
  ];

  it.each(configurations)('reaches where the published table says: %f %f %f %f %f %f', (...q) => {
    const poses = posesAt(model, q);
    const flange = poses.subarray(linkOf(model, 'flange') * 7);
    const expected = frames(q)[5]!;
    for (let k = 0; k < 3; k++) expect(Math.abs(flange[k]! - expected[k]![3]!)).toBeLessThan(1e-6);
    for (let column = 0; column < 3; column++) {
      const axis: [number, number, number] = [0, 0, 0];
      axis[column] = 1;
      const turned = quatRotate(flange.subarray(3, 7), axis, [0, 0, 0]);
      for (let k = 0; k < 3; k++) expect(Math.abs(turned[k]! - expected[k]![column]!)).toBeLessThan(1e-6);
    }
  });

  it.each(configurations)('carries its masses where the published table says: %f %f %f %f %f %f', (...q) => {
    const poses = posesAt(model, q);
    links.forEach((name, i) => {
      const { mass, origin } = inertialOf(model, name);
      const at = poses.subarray(linkOf(model, name) * 7);
      const ours = quatRotate(at.subarray(3, 7), origin.xyz, [0, 0, 0]);
      const [, , , kg, centre] = table[i]!;
      const published = multiply(
        frames(q)[i]!,
        [...centre, 1].map((x) => [x]),
      );
      expect(mass).toBe(kg);
      for (let k = 0; k < 3; k++) expect(Math.abs(at[k]! + ours[k]! - published[k]![0]!)).toBeLessThan(1e-6);
    });
  });

  it('rests with the pusher straight down, its ball at (0.45, 0, 0.12)', () => {
    const pusher = defaultPoses({ config, model }).subarray(linkOf(model, 'pusher') * 7);
    const down = quatRotate(pusher.subarray(3, 7), [0, 0, 1], [0, 0, 0]);
    // angles are given to 1e-4 rad, at most 0.6 m away, six of them
    for (const [k, x] of [0.45, 0, 0.12].entries()) expect(Math.abs(pusher[k]! - x)).toBeLessThan(4e-4);
    expect(down[2]).toBeLessThan(-0.99999);
  });
});

/** Lowest point of a link's collision spheres at the default pose, the root standing at its spawn height. */
function lowestSphere({ config, model }: ReturnType<typeof load>, link: string): number {
  const at = defaultPoses({ config, model })[linkOf(model, link) * 7 + 2]!;
  const radii = model.links[linkOf(model, link)]!.collisions.flatMap(({ geometry }) =>
    geometry.kind === 'sphere' ? [geometry.radius] : [],
  );
  expect(radii).toHaveLength(1);
  return config.spawn.z + at - radii[0]!;
}

describe('rover', () => {
  const rover = load('rover');

  it('stands on two wheels and a ball', () => {
    const poses = defaultPoses(rover);
    for (const side of ['left', 'right']) {
      const wheel = linkOf(rover.model, `wheel_${side}_link`);
      const [shape] = rover.model.links[wheel]!.collisions;
      if (shape?.geometry.kind !== 'sphere') throw new Error('expected a ball');
      expect(rover.config.spawn.z + poses[wheel * 7 + 2]! - shape.geometry.radius).toBeCloseTo(0, 9);
      expect(Math.abs(poses[wheel * 7 + 1]!)).toBe(0.08);
    }
    expect(lowestSphere(rover, 'caster_back_link')).toBeCloseTo(0, 9);
  });

  it('keeps its weight between wheels and caster', () => {
    const [x, y] = centreOfMass(rover.model, defaultPoses(rover));
    expect(x).toBeLessThan(-0.02);
    expect(x).toBeGreaterThan(-0.06);
    expect(Math.abs(y)).toBeLessThan(1e-3);
  });

  it('rolls forward for positive wheel speeds', () => {
    // v = w x r of the rim's top: axis x z must point along +x
    for (const j of rover.model.dof) expect(rover.model.joints[j]!.axis).toEqual([0, 1, 0]);
  });
});

describe('quadruped', () => {
  const quadruped = load('quadruped');
  const legs = ['FR', 'FL', 'RR', 'RL'];

  it('has its joints in the order of the motors', () => {
    expect(jointNames(quadruped.model)).toEqual(legs.flatMap((leg) => [`${leg}_hip`, `${leg}_thigh`, `${leg}_calf`]));
  });

  it('stands with every foot on the ground', () => {
    for (const leg of legs) expect(Math.abs(lowestSphere(quadruped, `${leg}_foot`))).toBeLessThan(1e-4);
  });

  it('carries its weight over the middle of its feet', () => {
    const poses = defaultPoses(quadruped);
    const [x, y] = centreOfMass(quadruped.model, poses);
    const feet = legs.map((leg) => poses.subarray(linkOf(quadruped.model, `${leg}_foot`) * 7));
    const middle = [0, 1].map((k) => feet.reduce((sum, foot) => sum + foot[k]! / 4, 0));
    // feet are 0.36 m and 0.26 m apart
    expect(Math.abs(x - middle[0]!)).toBeLessThan(0.02);
    expect(Math.abs(y - middle[1]!)).toBeLessThan(0.01);
  });

  it('mirrors its legs', () => {
    const mirrored = (link: string, other: string, [sx, sy]: readonly [number, number]) => {
      const [a, b] = [inertialOf(quadruped.model, link), inertialOf(quadruped.model, other)];
      const [x, y, z] = a.origin.xyz;
      const [ixx, iyy, izz, ixy, ixz, iyz] = a.inertia;
      // `+ 0`: -0 is 0
      expect(b.origin.xyz).toEqual([sx * x + 0, sy * y + 0, z]);
      expect(b.inertia.map((i) => i + 0)).toEqual([ixx, iyy, izz, sx * sy * ixy, sx * ixz, sy * iyz].map((i) => i + 0));
    };
    mirrored('FR_hip', 'FL_hip', [1, -1]);
    mirrored('FR_hip', 'RR_hip', [-1, 1]);
    mirrored('FR_hip', 'RL_hip', [-1, -1]);
    for (const part of ['thigh', 'calf', 'foot']) {
      mirrored(`FR_${part}`, `FL_${part}`, [1, -1]);
      mirrored(`FR_${part}`, `RR_${part}`, [1, 1]);
      mirrored(`FR_${part}`, `RL_${part}`, [1, -1]);
    }
  });

  const published = new URL('../../../shared/data/robots/a1_description/urdf/a1.urdf', import.meta.url);
  it.skipIf(!existsSync(published))('has the figures of the published description', () => {
    const a1 = parseUrdf(readFileSync(published, 'utf8'), { where: 'a1.urdf' });
    for (const leg of legs) {
      for (const part of ['hip', 'thigh', 'calf']) {
        const ours = quadruped.model.joints.find(({ name }) => name === `${leg}_${part}`)!;
        const theirs = a1.joints.find(({ name }) => name === `${leg}_${part}_joint`)!;
        const figures = ({ origin, axis, lower, upper, effort, velocity, damping, friction }: typeof ours) => ({
          xyz: origin.xyz,
          ...{ axis, lower, upper, effort, velocity, damping, friction },
        });
        expect(figures(ours)).toEqual(figures(theirs));
      }
      for (const part of ['hip', 'thigh', 'calf', 'foot']) {
        const [ours, theirs] = [inertialOf(quadruped.model, `${leg}_${part}`), inertialOf(a1, `${leg}_${part}`)];
        expect(ours.mass).toBe(theirs.mass);
        expect(ours.origin.xyz).toEqual(theirs.origin.xyz);
        expect(ours.inertia.map((i) => i + 0)).toEqual(theirs.inertia.map((i) => i + 0));
      }
    }
    expect(inertialOf(quadruped.model, 'trunk')).toEqual(inertialOf(a1, 'trunk'));
  });
});

describe('quadrotor', () => {
  const { config, model } = load('quadrotor');
  const poses = defaultPoses({ config, model });
  const rotors = model.dof.map((j) => {
    const { name, child, axis } = model.joints[j]!;
    const actuator = config.spec.actuators[name];
    if (actuator?.kind !== 'rotor') throw new Error(`${name} should be a rotor`);
    return { name, at: [...poses.subarray(child * 7, child * 7 + 3)] as unknown as Vec3, axis, actuator };
  });

  it('has the published inertia, rotors included, about a centre of mass at its origin', () => {
    for (const x of centreOfMass(model, poses)) expect(Math.abs(x)).toBeLessThan(1e-12);
    const total = [0, 0, 0, 0, 0, 0];
    for (const { index, inertial } of inertialsOf(model)) {
      const [x, y, z] = poses.subarray(index * 7, index * 7 + 3) as unknown as Vec3;
      const { mass: m, inertia: i } = inertial;
      // I + m (r.r 1 - r r^T)
      const moved = [i[0] + m * (y * y + z * z), i[1] + m * (x * x + z * z), i[2] + m * (x * x + y * y)];
      for (const [k, value] of [...moved, i[3] - m * x * y, i[4] - m * x * z, i[5] - m * y * z].entries())
        total[k]! += value;
    }
    const published = [16.57171e-6, 16.655602e-6, 29.261652e-6, 0.830806e-6, 0.718277e-6, 1.800197e-6];
    // the file gives 12 decimals
    for (const [k, value] of published.entries()) expect(Math.abs(total[k]! - value)).toBeLessThan(3e-12);
  });

  it('has its rotors 0.046 m from the centre, clockwise from the front right', () => {
    expect(rotors.map(({ name }) => name)).toEqual(['rotor_1', 'rotor_2', 'rotor_3', 'rotor_4']);
    for (const { at } of rotors) expect(Math.hypot(at[0], at[1])).toBeCloseTo(0.046, 8);
    expect(rotors.map(({ at }) => [Math.sign(at[0]), Math.sign(at[1])])).toEqual([
      [1, -1],
      [-1, -1],
      [-1, 1],
      [1, 1],
    ]);
  });

  it('can lift, roll, pitch and yaw independently, and hovers on equal thrusts', () => {
    // A column a rotor: its thrust, its moments about x and y (r x f), the air's torque about z.
    const columns = rotors.map(({ at, axis, actuator }) => {
      const f = axis;
      return [f[2], at[1] * f[2], -at[0] * f[2], -actuator.spin * actuator.torqueRatio];
    });
    const allocation = [0, 1, 2, 3].map((row) => columns.map((column) => column[row]!));
    // For an X of four with spins that alternate the rows are orthogonal, so |det| is the product of their lengths.
    const lengths = allocation.map((row) => Math.hypot(...row));
    expect(Math.abs(determinant(allocation))).toBeCloseTo(
      lengths.reduce((product, x) => product * x, 1),
      12,
    );
    expect(Math.min(...lengths)).toBeGreaterThan(0.01);
    for (const row of allocation.slice(1)) expect(row.reduce((sum, x) => sum + x, 0)).toBeCloseTo(0, 12);
  });

  it('lifts twice its weight', () => {
    const thrust = rotors.length * model.joints[model.dof[0]!]!.effort;
    expect(thrust / (massOf(model) * 9.81)).toBeCloseTo(2.41, 2);
  });
});

function determinant(m: Matrix): number {
  if (m.length === 1) return m[0]![0]!;
  return m[0]!.reduce((sum, x, j) => {
    const minor = m.slice(1).map((row) => row.filter((_, k) => k !== j));
    return sum + (j % 2 === 0 ? 1 : -1) * x * determinant(minor);
  }, 0);
}
