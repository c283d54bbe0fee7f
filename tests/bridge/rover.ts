/** A small rover on two wheels and a ball, with IMU and scan: description, contract and server, all real. */

import { RosLink } from '../../bridge/link.ts';
import type { ActorLike } from '../../bridge/policy-step.ts';
import { type RobotServer, type RobotServerOptions, startRobotServer } from '../../bridge/server/robot-server.ts';
import type { Contract, ObservationContract } from '../../core/contract.ts';
import { observationTerms } from '../../core/observation-terms.ts';
import { IDENTITY_QUAT } from '../../core/rotation.ts';
import { type SensorSpec, sensorSizes } from '../../core/sensor.ts';
import { nominalDynamics } from '../../sim/dynamics.ts';
import { loadRapier, RapierRobot } from '../../sim/rapier-robot.ts';
import type { RobotSpec } from '../../sim/robot-spec.ts';
import { FLOOR } from '../../sim/scene.ts';
import { parseUrdf } from '../../sim/urdf.ts';
import { pendulumContract } from './contract.ts';

const wheel = (side: string, y: number) => `
  <link name="${side}"><inertial><mass value="0.1"/><inertia ixx="3e-4" iyy="5e-4" izz="3e-4" ixy="0" ixz="0" iyz="0"/></inertial>
    <collision><geometry><sphere radius="0.05"/></geometry></collision></link>
  <joint name="${side}_wheel" type="continuous"><parent link="body"/><child link="${side}"/>
    <origin xyz="0 ${y} 0"/><axis xyz="0 1 0"/><limit effort="1" velocity="40"/></joint>`;

const urdf = `<robot name="rover">
  <link name="body"><inertial><mass value="1"/><inertia ixx="0.004" iyy="0.004" izz="0.004" ixy="0" ixz="0" iyz="0"/></inertial>
    <collision><origin xyz="-0.08 0 -0.03"/><geometry><sphere radius="0.015"/></geometry></collision>
    <collision><origin xyz="0.08 0 -0.03"/><geometry><sphere radius="0.015"/></geometry></collision></link>
  ${wheel('left', 0.1)}${wheel('right', -0.1)}
</robot>`;

export const model = parseUrdf(urdf, { where: 'rover', base: 'floating' });

export const RADIUS = 0.05;
export const SEPARATION = 0.2;
const pose = { xyz: [0, 0, 0.1], quat: IDENTITY_QUAT } as const;

const sensors: readonly SensorSpec[] = [
  { kind: 'imu', name: 'imu', link: 'body', pose },
  { kind: 'lidar', name: 'scan', link: 'body', pose, beams: 8, from: -1, to: 1, minRange: 0.1, maxRange: 3.5 },
];

const spec: RobotSpec = {
  actuators: { left_wheel: { kind: 'velocity', gain: 0.05 }, right_wheel: { kind: 'velocity', gain: 0.05 } },
  sensors,
  quality: {},
  selfCollision: false,
};

/** @param of names what a term reads beside the state */
function observe(name: string, term: string, of: Partial<ObservationContract>, size: number): ObservationContract {
  const { unit, frame } = observationTerms[term]!;
  return { name, term, joints: [], size, unit, frame, scale: 1, clip: null, history: 1, delay: 0, ...of };
}

export function roverContract(changes: Partial<Contract> = {}): Contract {
  const base = pendulumContract();
  const joint = { ...base.joints[0]!, velocity: 40, kp: 0, kd: 0.1 };
  return {
    ...base,
    robot: { name: 'rover', urdfHash: model.urdfHash },
    joints: ['left_wheel', 'right_wheel'].map((name) => ({ ...joint, name })),
    actions: [
      {
        name: 'drive',
        kind: 'twist',
        joints: ['left_wheel', 'right_wheel'],
        scale: 0.5,
        offset: 0,
        clip: [-2, 2],
        rateLimit: null,
        drive: { radius: RADIUS, separation: SEPARATION, angularScale: 2 },
      },
    ],
    observations: [
      observe('gravity', 'projected_gravity', { sensor: 'imu' }, 3),
      observe('ranges', 'sensor', { sensor: 'scan' }, 8),
      observe('speed', 'base_linear_velocity', {}, 3),
      observe('turning', 'base_angular_velocity', {}, 3),
      observe('asked', 'command', { of: ['vx', 'wz'] }, 2),
    ],
    command: {
      names: ['vx', 'wz'],
      units: ['m/s', 'rad/s'],
      ranges: [
        [0.1, 0.4],
        [-1, 1],
      ],
    },
    sensors: sensorSizes(sensors),
    ros: {
      state: { topic: '/joint_states', type: 'sensor_msgs/msg/JointState' },
      command: {
        topic: '/cmd_vel',
        type: 'geometry_msgs/msg/Twist',
        mapping: 'twist',
        options: { radius: RADIUS, separation: SEPARATION },
      },
      sensors: {
        imu: { topic: '/imu', type: 'sensor_msgs/msg/Imu' },
        scan: { topic: '/scan', type: 'sensor_msgs/msg/LaserScan', age: 1 },
      },
      odometry: { topic: '/odom', type: 'nav_msgs/msg/Odometry' },
      watchdog: { seconds: 0.3, by: 'the test server' },
    },
    task: 'rover',
    ...changes,
  };
}

/** Drives as it is asked: actions are the command over the scale of each. */
export const obedient: ActorLike = {
  act(obs, out) {
    out[0] = obs[17]! / 0.5;
    out[1] = obs[18]! / 2;
  },
};

const cleanups: (() => unknown)[] = [];

export async function closeRovers(): Promise<void> {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
}

export interface ServedRover extends RobotServer {
  readonly robot: RapierRobot;
}

export async function serveRover(options: Partial<RobotServerOptions> = {}): Promise<ServedRover> {
  const physics = { physicsDt: 0.005, solverIterations: 4 };
  const robot = new RapierRobot(await loadRapier(), model, nominalDynamics(model), physics, spec);
  robot.setScene({
    ...FLOOR,
    statics: [{ geometry: { kind: 'box', size: [0.1, 4, 1] }, pose: { xyz: [2, 0, 0.5], quat: IDENTITY_QUAT } }],
  });
  const start = {
    q: new Float64Array(2),
    qd: new Float64Array(2),
    base: Float64Array.of(0, 0, RADIUS, 0, 0, Math.sin(0.5), Math.cos(0.5)),
    twist: new Float64Array(6),
  };
  robot.resetTo(start);
  const { ros } = roverContract();
  const server = await startRobotServer({
    robot,
    port: 0,
    topics: ros,
    sensors: [
      { spec: sensors[0]!, rateHz: null },
      { spec: sensors[1]!, rateHz: 10 },
    ],
    rateHz: 100,
    stepSeconds: physics.physicsDt,
    watchdogSeconds: 0.3,
    damping: [0.1, 0.1],
    restart: () => robot.resetTo(start),
    ...options,
  });
  cleanups.push(async () => {
    await server.close();
    robot.close();
  });
  return Object.assign(Object.create(server), { robot }) as ServedRover;
}

export async function linkTo(url: string): Promise<RosLink> {
  const link = await RosLink.open({ url });
  cleanups.push(() => link.close());
  return link;
}
