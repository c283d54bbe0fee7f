/**
 * A first module for a user's robot: its settings, worked out from the URDF, and a task that needs nothing but joints, to
 * move them where they are told. Text that a person goes on from. Knows no file.
 */

import { jointNames, type RobotModel } from '../core/robot-model.ts';
import { nominalDynamics } from '../sim/dynamics.ts';
import { lowestPoint } from '../sim/extent.ts';
import { rigRobot, zeroRotation } from '../sim/joint-rig.ts';
import { MassMatrix } from '../sim/mass-matrix.ts';
import { baseMassProperties, massProperties } from '../sim/mass-properties.ts';

/** Natural frequency that gains are made for, rad/s: 2 Hz, slow enough for any motor, stiff enough to hold a pose. */
const FREQUENCY = 2 * Math.PI * 2;
/** An error this large must move a joint against its dry friction, rad or m. */
const STUCK = 0.02;
/** How far from rest the task asks each joint to go, rad or m: most of its range, at most this. */
const LARGEST_REACH = 0.5;

/** Fastest move of a position setpoint, rad/s or m/s. */
const SLOW = 3;

export interface JointSettings {
  readonly name: string;
  /** N m/rad and N m s/rad (N/m, N s/m). */
  readonly kp: number;
  readonly kd: number;
  readonly rest: number;
  readonly reach: number;
  /** Whether the URDF names a largest effort. */
  readonly limited: boolean;
  /** rad/s or m/s; Infinity where the URDF names none. */
  readonly speed: number;
}

/** Gains for a damped 2 Hz at rest, or more where dry friction asks for it, from what each joint feels of inertia while the others are held. */
export function jointSettings(model: RobotModel): JointSettings[] {
  const inertias = heldInertias(model);
  return jointNames(model).map((name, j) => {
    const { lower, upper, effort, velocity, damping, friction } = model.joints[model.dof[j]!]!;
    const range = upper - lower;
    // Away from the end stops, so that there is room on both sides.
    const rest = Number.isFinite(range) ? clampTo(0, lower + range / 4, upper - range / 4) : 0;
    const room = Math.min(rest - lower, upper - rest, Infinity);
    const kp = Math.max(inertias[j]! * FREQUENCY ** 2, friction / STUCK);
    return {
      name,
      kp: rounded(kp),
      // Critical damping, less what the joint has of its own.
      kd: rounded(Math.max(0, 2 * Math.sqrt(kp * inertias[j]!) - damping)),
      rest: rounded(rest),
      reach: rounded(Math.min(LARGEST_REACH, 0.8 * (Number.isFinite(room) ? room : LARGEST_REACH))),
      limited: Number.isFinite(effort),
      speed: velocity,
    };
  });
}

/** Inertia about each moving joint with every other joint locked, kg m2 or kg: the diagonal of the mass matrix at zero. */
function heldInertias(model: RobotModel): Float64Array {
  const rig = rigRobot(model);
  const dynamics = nominalDynamics(model);
  const masses = rig.bodies.map((body, b) => {
    const joint = rig.joints.find(({ child }) => child === b);
    const rotation = zeroRotation(rig.zeroPoses, body.root);
    return joint === undefined || joint.mimic !== null
      ? baseMassProperties(body, rotation, dynamics)
      : massProperties(body, rotation, joint.axis, dynamics, joint.dof);
  });
  const mass = new MassMatrix(rig, 'fixed');
  mass.weigh(masses);
  mass.look({ q: new Float64Array(model.dof.length), base: new Float64Array(7) });
  const felt = new Float64Array(model.dof.length);
  for (const [i, { dof, mimic }] of rig.joints.entries())
    if (mimic === null) felt[dof] = mass.matrix[i * (mass.size + 1)]!;
  return felt;
}

function clampTo(value: number, lower: number, upper: number): number {
  return Math.min(upper, Math.max(lower, value));
}

/** Three digits: they are a start, not a measurement. */
function rounded(value: number): number {
  return Number(value.toPrecision(3));
}

export interface StarterOptions {
  /** Of the robot, the task and the experiment. */
  readonly name: string;
  /** The URDF's path from the module. */
  readonly urdf: string;
}

/** The module's text. */
export function starterModule(model: RobotModel, { name, urdf }: StarterOptions): string {
  const joints = jointSettings(model);
  const names = joints.map((joint) => `'${joint.name}'`).join(', ');
  const table = (field: (joint: JointSettings) => string) =>
    joints.map((joint) => `    '${joint.name}': ${field(joint)},`).join('\n');
  const floating = model.base === 'floating';
  const height = floating
    ? rounded(
        -lowestPoint(
          model,
          Float64Array.from(joints, ({ rest }) => rest),
        ),
      )
    : 0;
  const pace = rounded(Math.min(SLOW, 0.8 * Math.min(...joints.map(({ speed }) => speed))));
  const unlimited = joints.filter(({ limited }) => !limited).map((joint) => joint.name);
  return `/**
 * ${model.name}: a first set of settings, worked out from its URDF, and a first task: every joint where it is told to be.
 * Go on from here: landfall train ${name} --with THIS_FILE, then change what you know better.
 */

import { defineConfig, defineRobot, defineTask${floating ? ', FLOOR' : ''} } from 'landfall';
${unlimited.length === 0 ? '' : `\n// The URDF names no effort limit for ${unlimited.join(', ')}: add <limit effort="..."/> there.\n`}
/** The robot beyond its URDF. */
const robot = defineRobot({
  urdf: new URL('${urdf}', import.meta.url),
  base: '${model.base}',
  // Gains for a damped 2 Hz, more where dry friction asks for it: N m/rad and N m s/rad. Put your controller's own here.
  // The simulator's drives hold them whatever they are (implicit-pd).
  gains: {
${table(({ kp, kd }) => `{ kp: ${kp}, kd: ${kd} }`)}
  },
  // Where it rests, rad or m.
  defaultPose: {
${table(({ rest }) => String(rest))}
  },
  // Height of the root link when it stands on the ground, m.
  spawn: { z: ${height} },
  // Drives and sensors: ideal motors and encoders until you know them.
  spec: {
    actuators: {
${table(() => "{ kind: 'implicit-pd' }").replaceAll('    ', '      ')}
    },
    sensors: [],
    quality: {},
    selfCollision: false,
  },
  // What its driver listens to; position controllers of ros2_control take this.
  ros: {
    state: { topic: '/joint_states', type: 'sensor_msgs/msg/JointState' },
    command: { topic: '/forward_position_controller/commands', type: 'std_msgs/msg/Float64MultiArray', mapping: 'position-array' },
    watchdog: { seconds: 0.2, by: 'landfall robot' },
  },
  safety: { stateAge: 0.1, roundTrip: 0.05, damping: 1 },
  stateRateHz: 250,
});

/** How far from rest each joint is asked to go, rad or m. */
const REACH = [${joints.map(({ reach }) => reach).join(', ')}];
const REST = [${joints.map(({ rest }) => rest).join(', ')}];

/** Mean squared distance of the joints from where they should be, in units of their reach. */
function miss({ state, command }) {
  let sum = 0;
  for (let j = 0; j < REACH.length; j++) sum += ((state.q[j] - command[j]) / REACH[j]) ** 2;
  return sum / REACH.length;
}

const task = defineTask({
  name: '${name}',
  summary: 'move every joint of ${model.name} where it is told to be',
  robot: '${name}',
  rateHz: 50,
  // Light links need short steps: landfall check says whether these are short enough.
  physics: { physicsDt: 0.002, solverIterations: 4 },
  episodeSeconds: 6,
  observations: [
    { name: 'position', term: 'joint_offset', joints: [${names}], scale: 1, clip: null, history: 1, delay: 0 },
    { name: 'velocity', term: 'joint_velocity', joints: [${names}], scale: 0.1, clip: [-5, 5], history: 1, delay: 0 },
    { name: 'target', term: 'command', joints: [], scale: 1, clip: null, history: 1, delay: 0 },
    { name: 'last_action', term: 'last_action', joints: [${names}], scale: 1, clip: null, history: 1, delay: 0 },
  ],
  // The position asked of each joint's controller, from its rest; it moves no faster than 0.8 of the slowest joint's limit.
  // A joint past its limit stops the robot when the policy is deployed.
  actions: [
    { name: 'position', kind: 'position', joints: [${names}], scale: 1, offset: 0, clip: [-${LARGEST_REACH * 2}, ${LARGEST_REACH * 2}], rateLimit: ${pace} },
  ],
  command: {
    names: REACH.map((_, j) => \`target_\${j + 1}\`),
    units: REACH.map(() => 'rad'),
    ranges: REACH.map((reach, j) => [REST[j] - reach, REST[j] + reach]),
    // Once more in the middle of an episode; its second half is what success is judged by.
    everySeconds: [3, 3],
    sample(random, _scene, _start, out) {
      for (let j = 0; j < REACH.length; j++) out[j] = REST[j] + random.between(-REACH[j], REACH[j]);
    },
  },
  rewards: {
    close: { weight: 1, fn: (view) => Math.exp(-4 * miss(view)), doc: 'close to where the joints should be' },
    far: { weight: -0.5, fn: miss, doc: 'squared distance, so that the first steps pay too' },
    smooth: {
      weight: -0.05,
      fn: ({ action, lastAction }) => action.reduce((sum, a, k) => sum + (a - lastAction[k]) ** 2, 0),
      doc: 'change of the action from step to step, squared',
    },
  },
  terminations: {},
  start(random, _training, { q${floating ? ', base' : ''} }) {
    // Close to rest: that is where a deployment moves it first.
    for (let j = 0; j < REACH.length; j++) q[j] = REST[j] + 0.1 * random.between(-REACH[j], REACH[j]);${
      floating ? `\n    base[2] = ${height} + 0.01;` : ''
    }
  },
${floating ? '  scene: () => FLOOR,\n' : ''}  // What you are not sure of: the policy must work for all of it.
  randomization: {
    massScale: { operation: 'scale', range: [0.9, 1.1] },
    damping: { operation: 'scale', range: [0.7, 1.3] },
    friction: { operation: 'scale', range: [0.7, 1.3] },
    kpScale: { operation: 'scale', range: [0.9, 1.1] },
    kdScale: { operation: 'scale', range: [0.8, 1.2] },
    latency: { operation: 'abs', range: [0, 0.02] },
    positionNoise: { operation: 'abs', range: [0, 0.002] },
    velocityNoise: { operation: 'abs', range: [0, 0.02] },
  },
  // Every joint within a fifth of its reach, on average, for the last half second.
  success: { seconds: 0.5, test: (view) => miss(view) < 0.04 },
});

const experiment = defineConfig({
  task: '${name}',
  seed: 1,
  train: { numEnvs: 64, horizon: 32, iterations: 160, evalEvery: 10, evalEpisodes: 20, stopAtSuccess: 0.95 },
  ppo: {
    learningRate: 1e-3,
    minLearningRate: 1e-5,
    maxLearningRate: 3e-3,
    gamma: 0.95,
    lam: 0.95,
    clip: 0.2,
    valueClip: null,
    valueCoef: 0.5,
    entropyCoef: 0,
    maxGradNorm: 1,
    targetKl: 0.02,
    epochs: 4,
    minibatches: 4,
  },
  network: { hidden: [64, 64], criticHidden: [64, 64], activation: 'elu', initialLogStd: -0.7, finalLogStd: -1.5 },
  reward: {},
  randomization: 1,
  dynamics: null,
});

export const robots = { '${name}': robot };
export const tasks = { '${name}': task };
export const experiments = { '${name}': experiment };
`;
}
