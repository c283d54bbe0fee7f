/** Rapier and MuJoCo against each other: the same robot, scene and commands should move and read the same in both. */

import { afterEach, describe, expect, it } from 'vitest';
import { makeCommand } from '../../core/robot.ts';
import type { Quat, RobotModel } from '../../core/robot-model.ts';
import { quatFromAxisAngle } from '../../core/rotation.ts';
import { IMU, type SensorSpec } from '../../core/sensor.ts';
import { type Dynamics, nominalDynamics } from '../../sim/dynamics.ts';
import { loadRapier, type PhysicsSettings, RapierRobot } from '../../sim/rapier-robot.ts';
import { PLAIN_ROBOT, type RobotSpec } from '../../sim/robot-spec.ts';
import { EMPTY_SCENE, FLOOR, type HeightField, type Scene } from '../../sim/scene.ts';
import type { EnvironmentRobot } from '../../sim/simulated-robot.ts';
import { makeTwin } from '../../sim/twin.ts';
import { parseUrdf } from '../../sim/urdf.ts';

const rapier = await loadRapier();
const FINE: PhysicsSettings = { physicsDt: 0.001, solverIterations: 4 };

const open: EnvironmentRobot[] = [];
afterEach(() => {
  for (const robot of open.splice(0)) robot.close();
});

interface Made {
  readonly dynamics?: Partial<Dynamics>;
  readonly spec?: RobotSpec;
  readonly scene?: Scene;
  readonly physics?: PhysicsSettings;
}

async function both(model: RobotModel, made: Made = {}): Promise<EnvironmentRobot[]> {
  const { spec = PLAIN_ROBOT, scene = EMPTY_SCENE, physics = FINE } = made;
  const free = model.dof.map(() => 0);
  const nominal = { ...nominalDynamics(model), damping: free, friction: free, torqueLimit: model.dof.map(() => 100) };
  const dynamics = { ...nominal, ...made.dynamics };
  const robots = [new RapierRobot(rapier, model, dynamics, physics, spec), await makeTwin(model, dynamics, { spec })];
  for (const robot of robots) robot.setScene(scene);
  open.push(...robots);
  return robots;
}

function read(text: string, base: RobotModel['base']): RobotModel {
  return { ...parseUrdf(text, { where: 'the test' }), base };
}

function start(model: RobotModel, base: readonly number[], twist: readonly number[] = [0, 0, 0, 0, 0, 0]) {
  const none = () => new Float64Array(model.dof.length);
  return { q: none(), qd: none(), base: Float64Array.from(base), twist: Float64Array.from(twist) };
}

/** Links of 0.3 m whose joint axes turn from one to the next, each with an oblique inertia. */
function chain(links: number): RobotModel {
  const parts = Array.from({ length: links }, (_, i) => {
    const parent = i === 0 ? 'base' : `l${i - 1}`;
    return `<link name="l${i}"><inertial><origin xyz="0.02 0.01 -0.15" rpy="0.2 0.1 0"/><mass value="${1 - 0.1 * i}"/>
      <inertia ixx="0.012" iyy="0.011" izz="0.004" ixy="0.0005"/></inertial></link>
      <joint name="j${i}" type="continuous"><parent link="${parent}"/><child link="l${i}"/>
      <origin xyz="0 0.03 ${i === 0 ? 1 : -0.3}" rpy="0 0 0.2"/><axis xyz="${0.3 * (i % 3)} 1 0.2"/></joint>`;
  });
  return read(`<robot name="chain"><link name="base"/>${parts.join('')}</robot>`, 'fixed');
}

describe('motion', () => {
  it.each([2, 6])('of a passive chain of %i links is the same for a second', async (links) => {
    const model = chain(links);
    const apart = async (physics: PhysicsSettings) => {
      const [rapierRobot, twin] = await both(model, { physics });
      const q = model.dof.map((_, j) => 0.4 - 0.15 * j);
      for (const robot of [rapierRobot!, twin!]) {
        robot.reset(
          q,
          q.map(() => 0),
        );
      }
      let worst = 0;
      for (let i = 0; i < 50; i++) {
        for (const robot of [rapierRobot!, twin!]) robot.step(0.02);
        for (let j = 0; j < q.length; j++) {
          worst = Math.max(worst, Math.abs(rapierRobot!.truth.q[j]! - twin!.truth.q[j]!));
        }
      }
      return worst;
    };
    const coarse = await apart({ physicsDt: 0.002, solverIterations: 4 });
    const fine = await apart(FINE);
    // Rapier is first order in its sub-step, here 0.25 ms at joint speeds of a few rad/s; half the step, half the error.
    expect(fine).toBeLessThan(2e-3);
    expect(fine).toBeLessThan(0.6 * coarse);
  });

  it('of a slider on a turning arm is the same', async () => {
    const model = read(CRANE, 'fixed');
    const [a, b] = (await both(model)).map((robot) => {
      robot.reset([0.2, 0.1, -0.3], [1, 0.5, 2]);
      const command = makeCommand(3);
      command.effort.set([0.5, 2, -0.1]);
      robot.act(command);
      robot.step(0.5);
      return [...robot.truth.q, ...robot.truth.qd];
    });
    for (const [k, value] of a!.entries()) expect(Math.abs(value - b![k]!)).toBeLessThan(1e-2);
  });

  it('of a floating body with arms that are driven is the same', async () => {
    const model = read(chain(2).urdf.replace('<link name="base"/>', TRUNK), 'floating');
    const robots = await both(model, { dynamics: { payload: 0.3, comX: 0.02, baseMassScale: 1.2 } });
    const begin = start(model, [0, 0, 5, 0, 0, Math.SQRT1_2, Math.SQRT1_2], [1, 0.5, 2, 0.3, -0.4, 1]);
    begin.q.set([0.5, -0.4]);
    begin.qd.set([1, 2]);
    const command = makeCommand(2);
    command.effort.set([0.4, -0.2]);
    for (const robot of robots) {
      robot.resetTo(begin);
      robot.act(command);
      robot.step(0.5);
    }
    const [a, b] = robots.map(({ truth }) => [...truth.q, ...truth.base, ...truth.twist]);
    // As above; rates of up to 3 rad/s change by tens of rad/s2.
    for (const [k, value] of a!.entries()) expect(Math.abs(value - b![k]!)).toBeLessThan(5e-3);
  });
});

/** A turning arm, a slider out on it that lies askew, and a wheel on the slider. */
const CRANE = `<robot name="crane"><link name="base"/>
  <link name="arm"><inertial><origin xyz="0.3 0 0"/><mass value="1"/><inertia ixx="0.01" iyy="0.02" izz="0.03"/></inertial></link>
  <link name="trolley"><inertial><origin xyz="0 0.02 0"/><mass value="0.5"/><inertia ixx="0.004" iyy="0.003" izz="0.002"/></inertial></link>
  <link name="wheel"><inertial><origin xyz="0 0 -0.1"/><mass value="0.3"/><inertia ixx="0.002" iyy="0.002" izz="0.001"/></inertial></link>
  <joint name="turn" type="continuous"><parent link="base"/><child link="arm"/><origin xyz="0 0 1"/><axis xyz="0 0.6 0.8"/></joint>
  <joint name="slide" type="prismatic"><parent link="arm"/><child link="trolley"/><origin xyz="0.4 0 0" rpy="0.3 0 0.5"/><axis xyz="1 0 0"/>
    <limit lower="-5" upper="5" effort="100" velocity="10"/></joint>
  <joint name="spin" type="continuous"><parent link="trolley"/><child link="wheel"/><origin xyz="0 0 0.1"/><axis xyz="0 1 0"/></joint>
</robot>`;

const TRUNK = `<link name="base"><inertial><origin xyz="0.01 0 0"/><mass value="3"/>
  <inertia ixx="0.03" iyy="0.05" izz="0.06"/></inertial><collision><geometry><box size="0.3 0.2 0.1"/></geometry></collision></link>`;

/** Not the same after any turn or mirroring, finer along x than along y, and longer. */
const FIELD: HeightField = (() => {
  const [nx, ny] = [9, 6];
  const heights = new Float32Array(nx * ny);
  for (let iy = 0; iy < ny; iy++) {
    for (let ix = 0; ix < nx; ix++)
      heights[iy * nx + ix] = 0.02 * ix * ix - 0.1 * iy + (ix === 2 && iy === 4 ? 0.5 : 0);
  }
  return { nx, ny, size: [4, 2], heights };
})();

/** Height where the field is unambiguous: at a point of the grid, or between two neighbours. */
function heightAt({ nx, heights }: HeightField, ix: number, iy: number, share: number, along: 'x' | 'y'): number {
  const one = heights[iy * nx + ix]!;
  const other = along === 'x' ? heights[iy * nx + ix + 1]! : heights[(iy + 1) * nx + ix]!;
  return one + share * (other - one);
}

function lookAround(points: readonly (readonly [number, number])[]): SensorSpec[] {
  const pose = { xyz: [0.05, 0, 0.1], quat: [0, 0, 0, 1] } as const;
  return [
    {
      kind: 'heights',
      name: 'ground',
      link: 'base',
      pose: { xyz: [0, 0, 0], quat: [0, 0, 0, 1] },
      points,
      maxRange: 20,
    },
    { kind: 'imu', name: 'imu', link: 'base', pose: { xyz: [0.05, 0.02, 0.1], quat: [0, 0, 1, 0] } },
    { kind: 'contact', name: 'touch', links: ['base'], threshold: 1 },
    { kind: 'lidar', name: 'scan', link: 'base', pose, beams: 40, from: -3, to: 3, minRange: 0.1, maxRange: 5 },
  ];
}

describe('sensing', () => {
  it('finds the heights of one asymmetric field as they were given, at 20 points on its lines and 20 off them', async () => {
    const points: [number, number][] = [];
    const expected: number[] = [];
    const look = (gx: number, gy: number) => points.push([-2 + (4 * gx) / 8, -1 + (2 * gy) / 5]);
    for (let i = 0; i < 20; i++) {
      // Scattered over the grid, none on its rim.
      const [ix, iy, share] = [1 + ((3 * i) % 6), 1 + ((2 * i) % 3), 0.04 * i];
      const along = i % 2 === 0 ? 'x' : 'y';
      look(along === 'x' ? ix + share : ix, along === 'x' ? iy : iy + share);
      expected.push(heightAt(FIELD, ix, iy, share, along));
    }
    for (let i = 0; i < 20; i++) look(1.2 + ((3.7 * i) % 5), 1.3 + ((1.3 * i) % 3));
    const model = read(`<robot name="eye">${TRUNK}</robot>`, 'floating');
    const scene: Scene = { ...EMPTY_SCENE, ground: FIELD };
    const robots = await both(model, { scene, spec: { ...PLAIN_ROBOT, sensors: lookAround(points) } });
    const [a, b] = robots.map((robot) => {
      robot.resetTo(start(model, [0, 0, 5, 0, 0, 0, 1]));
      return robot.truth.sensors.ground!;
    });
    for (const [i, height] of expected.entries()) {
      expect(Math.abs(5 - a![i]! - height)).toBeLessThan(2e-3);
      expect(Math.abs(5 - b![i]! - height)).toBeLessThan(2e-3);
    }
    // Off the lines it matters how a cell is split into triangles: alike in both.
    for (let i = 20; i < 40; i++) expect(Math.abs(a![i]! - b![i]!)).toBeLessThan(2e-3);
  });

  it('lets a ball roll down a ramp of heights as fast as mechanics say', async () => {
    const ramp = { ...FIELD, heights: FIELD.heights.map((_, i) => 0.1 * (i % FIELD.nx)) };
    const ball = TRUNK.replace('<box size="0.3 0.2 0.1"/>', '<sphere radius="0.1"/>').replace('xyz="0.01 0 0"', '');
    const model = read(`<robot name="ball">${ball}</robot>`, 'floating');
    const slope = Math.atan(0.2);
    // Rising by 0.2 m a metre along x; the ball's centre is 0.1 m above it along its normal.
    const heightOver = (x: number) => 0.4 + 0.2 * x + 0.1 / Math.cos(slope);
    // s = g sin(a) / (1 + I / (m r^2)) t^2 / 2
    const rolled = (((9.81 * Math.sin(slope)) / (1 + 0.05 / (3 * 0.1 ** 2))) * 0.8 ** 2) / 2;
    for (const robot of await both(model, { scene: { ...EMPTY_SCENE, ground: ramp } })) {
      robot.resetTo(start(model, [0, 0.3, heightOver(0), 0, 0, 0, 1]));
      robot.step(0.8);
      const [x, y, z] = robot.truth.base;
      expect(Math.abs(x! + rolled * Math.cos(slope))).toBeLessThan(0.02 * rolled);
      expect(Math.abs(y! - 0.3)).toBeLessThan(1e-3);
      expect(Math.abs(z! - heightOver(x!))).toBeLessThan(2e-3);
    }
  });

  it('reads the same with IMU, contact switch and lidar in a scene that stands still', async () => {
    const model = read(`<robot name="eye">${TRUNK}</robot>`, 'floating');
    const scene: Scene = {
      ground: 'plane',
      statics: [
        { geometry: { kind: 'box', size: [0.5, 4, 1] }, pose: { xyz: [1.5, 0, 0.5], quat: turned([0, 0, 1], 0.3) } },
        {
          geometry: { kind: 'cylinder', radius: 0.3, length: 2 },
          pose: { xyz: [0, 1.2, 0], quat: turned([1, 0, 0], 0.1) },
        },
        { geometry: { kind: 'sphere', radius: 0.4 }, pose: { xyz: [-1, -1, 0.2], quat: [0, 0, 0, 1] } },
      ],
      objects: [
        {
          name: 'crate',
          mass: 2,
          geometry: { kind: 'box', size: [0.4, 0.4, 0.4] },
          pose: { xyz: [-1.5, 1, 0.2], quat: turned([0, 0, 1], 0.5) },
          friction: 0.6,
        },
      ],
    };
    const robots = await both(model, { scene, spec: { ...PLAIN_ROBOT, sensors: lookAround([[1.5, 0]]) } });
    const facing = turned([0, 0, 1], 0.4);
    for (const robot of robots) {
      robot.resetTo(start(model, [0, 0, 0.05, ...facing]));
      for (let i = 0; i < 100; i++) robot.step(0.02);
    }
    const [a, b] = robots.map(({ truth }) => truth.sensors);
    // Resting heights differ by contact softness (< 1 mm); rays that graze a round wall stretch that a few times.
    for (let i = 0; i < 40; i++) expect(Math.abs(a!.scan![i]! - b!.scan![i]!)).toBeLessThan(5e-3);
    expect(new Set(b!.scan).size).toBeGreaterThan(20);
    for (let k = 0; k < IMU.size; k++) expect(Math.abs(a!.imu![k]! - b!.imu![k]!)).toBeLessThan(0.02);
    // At rest: +g along the unit's z, turned half about z against the base.
    expect(b!.imu![IMU.accelerometer + 2]!).toBeCloseTo(9.81, 2);
    expect([...a!.touch!, ...b!.touch!]).toEqual([1, 1]);
    for (const [k, value] of robots[0]!.objects.entries()) {
      expect(Math.abs(value - robots[1]!.objects[k]!)).toBeLessThan(5e-3);
    }
  });

  it('weighs the robot by what the ground presses with', async () => {
    const model = read(`<robot name="eye">${TRUNK}</robot>`, 'floating');
    const weight = 3 * 9.81;
    // A switch just below the weight closes, one just above does not.
    for (const [threshold, closed] of [
      [0.97 * weight, 1],
      [1.03 * weight, 0],
    ] as const) {
      const sensors: SensorSpec[] = [{ kind: 'contact', name: 'touch', links: ['base'], threshold }];
      for (const robot of await both(model, { scene: FLOOR, spec: { ...PLAIN_ROBOT, sensors } })) {
        robot.resetTo(start(model, [0, 0, 0.05, 0, 0, 0, 1]));
        robot.step(2);
        expect(robot.truth.sensors.touch![0]).toBe(closed);
      }
    }
  });

  it('tells an IMU in flight the rate it turns with and no force', async () => {
    const model = read(`<robot name="eye">${TRUNK.replace('xyz="0.01 0 0"', '')}</robot>`, 'floating');
    const imu: SensorSpec = {
      kind: 'imu',
      name: 'imu',
      link: 'base',
      pose: { xyz: [0, 0, 0], quat: turned([1, 0, 0], 0.5) },
    };
    for (const robot of await both(model, { spec: { ...PLAIN_ROBOT, sensors: [imu] } })) {
      robot.resetTo(start(model, [0, 0, 5, 0, 0, 0, 1], [0, 0, 0, 0, 0, 2]));
      for (let i = 0; i < 10; i++) robot.step(0.01);
      const reading = robot.truth.sensors.imu!;
      // (0, 0, 2) seen from axes that are turned by 0.5 about x
      expect(reading[IMU.gyro + 1]!).toBeCloseTo(2 * Math.sin(0.5), 3);
      expect(reading[IMU.gyro + 2]!).toBeCloseTo(2 * Math.cos(0.5), 3);
      for (let k = 0; k < 3; k++) expect(Math.abs(reading[IMU.accelerometer + k]!)).toBeLessThan(2e-3);
    }
  });
});

/** Four propellers at the corners of a cross, the centre of mass below them, two turning each way. */
const DRONE = read(
  `<robot name="drone"><link name="base"><inertial><origin xyz="0 0 -0.02"/><mass value="1"/>
    <inertia ixx="0.006" iyy="0.006" izz="0.01"/></inertial></link>
  ${[
    [0.15, 0.15],
    [-0.15, 0.15],
    [-0.15, -0.15],
    [0.15, -0.15],
  ]
    .map(
      (
        [x, y],
        i,
      ) => `<link name="p${i}"><inertial><mass value="0.02"/><inertia ixx="1e-5" iyy="1e-5" izz="1e-5"/></inertial></link>
      <joint name="r${i}" type="continuous"><parent link="base"/><child link="p${i}"/><origin xyz="${x} ${y} 0.01"/><axis xyz="0 0 1"/></joint>`,
    )
    .join('')}</robot>`,
  'floating',
);

const ROTORS: RobotSpec = {
  ...PLAIN_ROBOT,
  actuators: Object.fromEntries(
    [1, -1, 1, -1].map((spin, i) => [
      `r${i}`,
      { kind: 'rotor', spin: spin as 1 | -1, torqueRatio: 0.02, timeConstant: 0 },
    ]),
  ),
};

describe('propellers', () => {
  it('that carry the weight hover', async () => {
    for (const robot of await both(DRONE, { spec: ROTORS })) {
      robot.resetTo(start(DRONE, [0, 0, 1, 0, 0, 0, 1]));
      const command = makeCommand(4);
      command.effort.fill((1.08 * 9.81) / 4);
      robot.act(command);
      robot.step(1);
      for (const [k, value] of [0, 0, 1, 0, 0, 0, 1].entries()) {
        expect(Math.abs(robot.truth.base[k]! - value)).toBeLessThan(1e-3);
      }
      expect(robot.truth.effort[0]!).toBeCloseTo((1.08 * 9.81) / 4, 9);
    }
  });

  it('turn the body about each axis as their places and spins say, alike in both engines', async () => {
    const ends = (await both(DRONE, { spec: ROTORS, dynamics: { gravity: 0 } })).map((robot) => {
      robot.resetTo(start(DRONE, [0, 0, 1, 0, 0, 0, 1]));
      const command = makeCommand(4);
      // More in front (+x), more on the left (+y), and more of those that spin positively.
      command.effort.set([2, 1, 1.4, 1.2]);
      robot.act(command);
      robot.step(0.2);
      return [...robot.truth.base, ...robot.truth.twist];
    });
    const rates = ends[1]!.slice(10);
    // tau_x = sum y F, tau_y = -sum x F, tau_z = -sum s r F
    expect(rates[0]!).toBeGreaterThan(0);
    expect(rates[1]!).toBeLessThan(0);
    expect(rates[2]!).toBeLessThan(0);
    for (const [k, value] of ends[0]!.entries()) expect(Math.abs(value - ends[1]![k]!)).toBeLessThan(2e-3);
  });
});

describe('repetition', () => {
  it('gives the same bytes for the same seed', async () => {
    const model = read(`<robot name="eye">${TRUNK}</robot>`, 'floating');
    const noisy: RobotSpec = {
      ...PLAIN_ROBOT,
      sensors: lookAround([[0.5, 0]]),
      quality: {
        imu: { parts: { gyro: { noise: 0.1 } } },
        scan: { parts: { reading: { noise: 0.02 } }, dropout: 0.1 },
      },
    };
    const run = async () => {
      const robots = await both(model, { scene: { ...EMPTY_SCENE, ground: FIELD }, spec: noisy });
      return robots.map((robot) => {
        robot.seedNoise([7, 8]);
        robot.resetTo(start(model, [0.5, 0.2, 1.5, 0, 0, 0, 1], [0, 0, 0, 1, 2, 3]));
        const bytes: number[] = [];
        for (let i = 0; i < 50; i++) {
          robot.step(0.02);
          const { base, twist, sensors } = robot.observe();
          bytes.push(...base, ...twist, ...sensors.imu!, ...sensors.scan!);
        }
        return bytes;
      });
    };
    const first = await run();
    expect(first[0]).not.toEqual(first[1]);
    expect(await run()).toEqual(first);
  });
});

function turned(axis: readonly [number, number, number], angle: number): Quat {
  return quatFromAxisAngle(axis, angle, [0, 0, 0, 1]) as Quat;
}
