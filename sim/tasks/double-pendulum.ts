/**
 * Swing a double pendulum with one motor up and balance it: acrobot (elbow driven) and pendubot (shoulder driven) differ
 * in the driven joint alone. Rules of the RealAIGym simulation leaderboards (F. Wiebe et al., IEEE RAM 31(2), 2024): 10 s from
 * hanging at rest with at most 6 N m; the tip stays above 90% of its full height to the end. Knows no engine.
 */

import { cos, exp, wrapAngle } from '../../core/math.ts';
import type { RobotState } from '../../core/robot.ts';
import { doublePendulum, makeMotion, writeMotion } from '../references/double-pendulum.ts';
import { defineTask, type ObservationSpec, type ReferencePolicy, type StepView, type TaskDefinition } from '../task.ts';

/** Lengths of the links, m. */
const UPPER = 0.2;
const LOWER = 0.3;
/** N m on the driven joint: the leaderboards' limit. The motors could give 10. */
const TORQUE = 6;
/** rad a joint may turn from hanging: two turns. */
const WOUND = 4 * Math.PI;

/** Of the tip above the shoulder as a share of the stretched length: -1 hanging, 1 standing. */
export function tipHeight({ q }: RobotState): number {
  // z = -l1 cos q1 - l2 cos(q1 + q2)
  return -(UPPER * cos(q[0]!) + LOWER * cos(q[0]! + q[1]!)) / (UPPER + LOWER);
}

const motion = makeMotion();
/** J above the height of the shoulder when standing. */
const STANDING = doublePendulum.g1 + doublePendulum.g2;

/** 1 with the energy of standing, 0 with that of hanging at rest: motion that does not yet lift pays too. */
function energy({ state }: StepView): number {
  writeMotion(state, motion);
  return Math.max(0, 1 - Math.abs(motion.energy - STANDING) / (2 * STANDING));
}

/** 0 while either link hangs: held bent at rest, the tip may be at 60% of its height, and a policy would stay there. */
function raised({ state: { q } }: StepView): number {
  return ((1 - cos(q[0]!)) / 2) * ((1 - cos(q[0]! + q[1]!)) / 2);
}

/** 1 standing straight at rest. Widths of 0.3 rad and 2 rad/s: wider, and passing by slowly pays nearly as much. */
function balance({ state }: StepView): number {
  const shoulder = wrapAngle(state.q[0]! - Math.PI) / 0.3;
  const elbow = wrapAngle(state.q[1]!) / 0.3;
  return exp(-(shoulder ** 2) - elbow ** 2 - (state.qd[0]! / 2) ** 2 - (state.qd[1]! / 2) ** 2);
}

/** @param driven the joint with the motor */
export function doublePendulumTask(
  name: string,
  driven: 'shoulder' | 'elbow',
  reference: ReferencePolicy,
): TaskDefinition {
  const joints = ['shoulder', 'elbow'];
  const observations: readonly ObservationSpec[] = [
    { name: 'angles', term: 'joint_sin_cos', joints, scale: 1, clip: null, history: 1, delay: 0 },
    // Standing takes tens of actions per rad: near it the sines are seen enlarged.
    { name: 'enlarged', term: 'joint_sin_cos', joints, scale: 10, clip: [-1, 1], history: 1, delay: 0 },
    { name: 'velocities', term: 'joint_velocity', joints, scale: 0.1, clip: [-3, 3], history: 1, delay: 0 },
    // Two actions back cover the 10 ms of latency.
    { name: 'last_actions', term: 'last_action', joints: [driven], scale: 1, clip: null, history: 2, delay: 0 },
  ];
  return defineTask({
    name,
    summary: `swing up and balance a double pendulum by its ${driven} alone, starting from hanging`,
    robot: name,
    // Standing, the faster unstable pole is 10.6 1/s: 100 Hz is 9 steps of its time constant.
    rateHz: 100,
    // Links at 20 rad/s turn 0.05 rad in 2.5 ms; sub-steps of 0.6 ms lose 1% of a swing's energy in a second
    // (tests/sim/theory/double-pendulum.test.ts), less than the bearings' friction does.
    physics: { physicsDt: 0.0025, solverIterations: 4 },
    episodeSeconds: 10,
    observations,
    // The same without noise, the turns that the cables took, and the torque that the motor delivered.
    criticObservations: [
      ...observations,
      { name: 'turns', term: 'joint_position', joints, scale: 0.2, clip: null, history: 1, delay: 0 },
      { name: 'torque', term: 'joint_effort', joints: [driven], scale: 1 / TORQUE, clip: null, history: 1, delay: 0 },
    ],
    actions: [
      {
        name: 'torque',
        kind: 'effort',
        joints: [driven],
        scale: TORQUE,
        offset: 0,
        clip: [-TORQUE, TORQUE],
        rateLimit: null,
      },
    ],
    rewards: {
      energy: { weight: 1, fn: energy, doc: 'of standing: 1 with as much, 0 with none or twice that' },
      raised: { weight: 1, fn: raised, doc: 'both links up: 0 while either hangs, 1 standing' },
      balance: { weight: 4, fn: balance, doc: 'close to standing straight, and slow' },
      torque: { weight: -0.05, fn: ({ action }) => action[0]! ** 2, doc: 'torque squared, as a share of the limit' },
      smoothness: {
        weight: -0.1,
        fn: ({ action, lastAction }) => (action[0]! - lastAction[0]!) ** 2,
        doc: 'change of torque from step to step, squared',
      },
      speed: {
        weight: -0.001,
        fn: ({ state }) => state.qd[0]! ** 2 + state.qd[1]! ** 2,
        doc: 'joint velocities squared, rad2/s2: 20 rad/s is a fault',
      },
    },
    terminations: {
      // The robot's limit: faster is a fault on the real one.
      overspeed: ({ state }) => Math.abs(state.qd[0]!) > 20 || Math.abs(state.qd[1]!) > 20,
      // Whirling is no way to stand, and winds the cables up.
      wound: ({ state }) => Math.abs(state.q[0]!) > WOUND || Math.abs(state.q[1]!) > WOUND,
    },
    start(random, training, { q, qd }) {
      // Two thirds of training begin where a policy may be later: anywhere, or standing. Most of these nearly still: within
      // 6 N m the acrobot is caught from 0.04 rad and 0.2 rad/s alone, and from further off nobody learns to stand.
      const place = training ? 3 * random.uniform() : 0;
      const [centre, widest, fastest] = place < 1 ? HANGING : place < 2 ? ANYWHERE : UPRIGHT;
      const u = place < 2 ? 1 : random.uniform();
      const share = u * u * u;
      const angle = share * widest;
      const speed = share * fastest;
      q[0] = centre + random.between(-angle, angle);
      q[1] = random.between(-angle, angle);
      qd[0] = random.between(-speed, speed);
      qd[1] = random.between(-speed, speed);
    },
    // What differs between two builds of this robot and between its days: links to 5%, bearings to half.
    randomization: {
      massScale: { operation: 'scale', range: [0.95, 1.05] },
      comScale: { operation: 'scale', range: [0.97, 1.03] },
      armature: { operation: 'scale', range: [0.8, 1.2] },
      damping: { operation: 'scale', range: [0, 3] },
      friction: { operation: 'scale', range: [0.5, 1.3] },
      torqueScale: { operation: 'scale', range: [0.95, 1.05] },
      latency: { operation: 'abs', range: [0, 0.01] },
      gravity: { operation: 'add', range: [-0.05, 0.05] },
      positionNoise: { operation: 'abs', range: [0, 0.002] },
      velocityNoise: { operation: 'abs', range: [0, 0.1] },
    },
    symmetries: [
      { name: 'left-right', axes: [1, -1, 1], joints: { shoulder: ['shoulder', -1], elbow: ['elbow', -1] } },
    ],
    reference,
    success: { seconds: 2, test: ({ state }) => tipHeight(state) > 0.9 },
  });
}

/** Where episodes start: centre and half-width of the angles, rad, half-width of the velocities, rad/s. */
const HANGING = [0, 0.03, 0.03] as const;
const ANYWHERE = [0, Math.PI, 5] as const;
const UPRIGHT = [Math.PI, 0.3, 3] as const;
