/**
 * Drive to a goal through rooms and doors with a 2-D lidar and odometry, without a map. The robot cannot know the way to the
 * goal; the reward does: progress along the shortest way teaches to leave by the right door, where progress along the straight
 * line would teach to press against the wall. It is a difference of a potential, so it moves no optimum (Ng et al., 1999).
 */

import { cos, sin } from '../../core/math.ts';
import { distanceAt } from '../distance-field.ts';
import { navLidarReference } from '../references/nav-lidar.ts';
import { clearance, isRooms, makeRooms, type RoomsPlan, roomsOf } from '../rooms.ts';
import { defineTask, type StepView } from '../task.ts';

const WHEELS = ['wheel_left_joint', 'wheel_right_joint'] as const;

/** Full speed while turning fully asks 0.13 + 1 x 0.08 m/s of a wheel, which can do 0.22. m/s and rad/s. */
const DRIVE = { speed: 0.13, turn: 1 } as const;

/** Of the base frame when the robot stands, m. */
const BASE_HEIGHT = 0.01;

/** A disc that holds body and wheels: its radius, m, and where its middle is before the axle, m. */
const RADIUS = 0.12;
const MIDDLE = -0.032;
/** Closer than this to a wall costs, m. */
const NEAR_WALL = 0.08;
/** Within this of the goal it is reached, m. */
const THERE = 0.25;

/** Rooms as large against the robot as living rooms are against a person; doors more than twice its width. */
const PLAN: RoomsPlan = {
  columns: 3,
  rows: 3,
  side: 1.4,
  door: [0.5, 0.7],
  thickness: 0.1,
  height: 0.3,
  extraDoors: 0.2,
  doorsApart: 3,
  margin: 0.4,
  clear: 0.2,
};
/** One, two and three doors between start and goal. */
const LEVELS = 3;

/** Way to the goal from where the robot's middle is, m; as the crow flies where there is no map, as on a real robot. */
function wayLeft({ scene, command }: StepView, base: Float64Array): number {
  const x = middleX(base);
  const y = middleY(base);
  if (isRooms(scene)) return distanceAt(scene.way, x, y);
  return Math.sqrt((command[0]! - x) ** 2 + (command[1]! - y) ** 2);
}

function middleX(base: Float64Array): number {
  // R (MIDDLE, 0, 0)
  return base[0]! + MIDDLE * (1 - 2 * (base[4]! ** 2 + base[5]! ** 2));
}

function middleY(base: Float64Array): number {
  return base[1]! + MIDDLE * 2 * (base[3]! * base[4]! + base[6]! * base[5]!);
}

/** Between the robot's hull and the nearest wall, m; below 0 when they meet. */
export function wallDistance({ scene, state }: StepView): number {
  return clearance(scene.statics, middleX(state.base), middleY(state.base)) - RADIUS;
}

/** From base to goal, m. */
export function goalDistance({ state, command }: StepView): number {
  return Math.sqrt((state.base[0]! - command[0]!) ** 2 + (state.base[1]! - command[1]!) ** 2);
}

/** Speed along the shortest way, m/s. */
export function progress(view: StepView): number {
  return (wayLeft(view, view.before.base) - wayLeft(view, view.state.base)) / view.dt;
}

function twistChange({ action, lastAction }: StepView): number {
  return (action[0]! - lastAction[0]!) ** 2 + (action[1]! - lastAction[1]!) ** 2;
}

export const navLidar = defineTask({
  name: 'nav-lidar',
  summary: 'drive to a goal through rooms and doors with a 2-D lidar, without a map',
  robot: 'rover',
  // Twice the lidar's 5 Hz; at 0.13 m/s a step is 13 mm.
  rateHz: 10,
  // The wheels' own velocity loops: dt gain / I = 0.005 x 0.1 / 5.5e-4 = 0.9, and 10 ms would make them ring. With 8 iterations
  // the rover rolls at a steady speed where with 4 it shakes by a quarter of it (tests/sim/theory/rover-rig.test.ts).
  physics: { physicsDt: 0.005, solverIterations: 8 },
  episodeSeconds: 60,
  observations: [
    { name: 'goal', term: 'command_point', joints: [], scale: 1, clip: null, history: 1, delay: 0 },
    { name: 'scan', term: 'nearest_by_sector', sensor: 'scan', joints: [], scale: 1, clip: null, history: 1, delay: 0 },
    { name: 'wheels', term: 'joint_velocity', joints: [...WHEELS], scale: 0.2, clip: [-3, 3], history: 1, delay: 0 },
    {
      name: 'turning',
      term: 'angular_velocity',
      sensor: 'imu',
      joints: [],
      scale: 1,
      clip: null,
      history: 1,
      delay: 0,
    },
    // The scan is 0.1 to 0.3 s old: what was done since says where the walls have gone.
    { name: 'last_actions', term: 'last_action', joints: [...WHEELS], scale: 1, clip: null, history: 3, delay: 0 },
  ],
  // The same without noise, and how the robot really moves.
  criticObservations: [
    { name: 'goal', term: 'command_point', joints: [], scale: 1, clip: null, history: 1, delay: 0 },
    { name: 'scan', term: 'nearest_by_sector', sensor: 'scan', joints: [], scale: 1, clip: null, history: 1, delay: 0 },
    { name: 'velocity', term: 'base_linear_velocity', joints: [], scale: 5, clip: null, history: 1, delay: 0 },
    { name: 'turning', term: 'base_angular_velocity', joints: [], scale: 1, clip: null, history: 1, delay: 0 },
    { name: 'last_actions', term: 'last_action', joints: [...WHEELS], scale: 1, clip: null, history: 3, delay: 0 },
  ],
  actions: [
    {
      name: 'twist',
      kind: 'twist',
      joints: [...WHEELS],
      scale: DRIVE.speed,
      offset: 0,
      clip: [-1, 1],
      rateLimit: null,
      drive: { radius: 0.033, separation: 0.16, angularScale: DRIVE.turn },
    },
  ],
  command: {
    names: ['goal_x', 'goal_y', 'goal_z'],
    units: ['m', 'm', 'm'],
    ranges: [
      [-10, 10],
      [-10, 10],
      [-0.1, 0.1],
    ],
    everySeconds: null,
    sample(_random, scene, _start, out) {
      const { goal } = roomsOf(scene);
      out[0] = goal[0];
      out[1] = goal[1];
      out[2] = BASE_HEIGHT;
    },
  },
  rewards: {
    // 4 m of way are worth 20; a minute at the goal 60 more, the sooner the more.
    progress: { weight: 5, fn: progress, doc: 'speed along the shortest way to the goal, m/s' },
    at_goal: { weight: 1, fn: (view) => (goalDistance(view) < THERE ? 1 : 0), doc: 'at the goal' },
    wall: {
      weight: -1,
      fn: (view) => Math.max(0, 1 - wallDistance(view) / NEAR_WALL),
      doc: 'closer than 8 cm to a wall: 1 when touching it',
    },
    // Once: 50 per second for a step of 0.1 s, as much as 1 m of way.
    collision: { weight: -50, fn: (view) => (wallDistance(view) < 0 ? 1 : 0), doc: 'touching a wall' },
    smoothness: { weight: -0.05, fn: twistChange, doc: 'change of the action, squared' },
  },
  terminations: {
    collision: (view) => wallDistance(view) < 0,
    // Tipped by more than 40 degrees: z of the base's z axis.
    tipped: ({ state }) => 1 - 2 * (state.base[3]! ** 2 + state.base[4]! ** 2) < 0.77,
  },
  scene: (random, difficulty) => makeRooms(random, { ...PLAN, doorsApart: 1 + Math.round(difficulty * (LEVELS - 1)) }),
  curriculum: {
    rule: { levels: LEVELS, highestStart: 0, demoteBelow: 0.3 },
    // Share of the way from start to goal that it went.
    outcome: (view, success) => {
      const { way, spawn } = roomsOf(view.scene);
      return { success, progress: 1 - wayLeft(view, view.state.base) / distanceAt(way, spawn[0], spawn[1]) };
    },
  },
  start(random, _training, { base }, scene) {
    const { spawn } = roomsOf(scene);
    const heading = random.between(-Math.PI, Math.PI);
    base[0] = spawn[0];
    base[1] = spawn[1];
    base[2] = BASE_HEIGHT;
    base[5] = sin(heading / 2);
    base[6] = cos(heading / 2);
  },
  // Another battery or computer on board, tiles and carpet, worn tyres and gears, a slow radio.
  randomization: {
    baseMassScale: { operation: 'scale', range: [0.9, 1.3] },
    // The caster slides here where a real one rolls: with the weight 8 mm further back it would hold the robot against turning.
    comX: { operation: 'abs', range: [-0.003, 0.01] },
    comY: { operation: 'abs', range: [-0.01, 0.01] },
    contactFriction: { operation: 'abs', range: [0.4, 1] },
    friction: { operation: 'add', range: [0, 0.02] },
    torqueScale: { operation: 'scale', range: [0.9, 1.1] },
    latency: { operation: 'abs', range: [0, 0.1] },
    sensorLatency: { operation: 'abs', range: [0, 0.05] },
  },
  reference: {
    doc: 'pure pursuit of the shortest way on the map',
    make: () => navLidarReference(DRIVE),
    score: { successRate: 1, meanReturn: 51.96748692738809 },
  },
  success: { seconds: 2, test: (view) => goalDistance(view) < THERE },
});
