/**
 * What the arm's tasks share: joints, drive, where the tool is, what varies from arm to arm. Knows nothing of goals.
 */

import type { ActionContract } from '../../core/contract.ts';
import type { RandomizationTable } from '../randomization-terms.ts';
import type { PhysicsSettings } from '../rapier.ts';
import type { StartState, StepView } from '../task.ts';

export const ARM_JOINTS = [
  'shoulder_pan_joint',
  'shoulder_lift_joint',
  'elbow_joint',
  'wrist_1_joint',
  'wrist_2_joint',
  'wrist_3_joint',
] as const;

/** Index of the link `pusher`, whose origin is the middle of the ball at its end, and the ball's radius, m. */
export const TOOL_LINK = 8;
export const TOOL_RADIUS = 0.02;

/** The tool's orientation when it points straight down, x, y, z, w. */
export const TOOL_DOWN = [0, 1, 0, 0] as const;

/** rad/s: nominal largest speed of every joint. */
export const JOINT_SPEED = Math.PI;

export const ARM_RATE_HZ = 25;

/**
 * Drives this stiff are solved together for the end of a step (sim/actuators/implicit-pd.ts), so its length is a matter of
 * accuracy; but they push on links of 0.001 kg m2 with rotors of 0.1, and the engine's joints pass that on within a step
 * only if it sweeps over them often: of 40 poses within 0.8 rad with drives damped half as much again, the arm still swings
 * after a second in 5 at 30 sweeps, in none at 40; with the lightest rotors and friction too in 8 of 150, and in 86 at 1 ms
 * with 2 sub-steps. Against 1 ms with 2 sub-steps this costs 0.31 of the time (5 ms 0.48, 4 ms 0.6, 10 ms 0.25 and a sag
 * that is off by 1e-5 rad). Twin and simulator, given the reference's actions, have the ball within 1.2 mm of each other
 * (root mean square; 5 mm at most, in motion); at 1 ms it is 0.2 mm, at 5 ms 0.5, at 10 ms 1.8. In its episodes joints come
 * apart by 0.2 mm at most.
 */
export const ARM_PHYSICS: PhysicsSettings = { physicsDt: 0.008, solverIterations: 1, solverSweeps: 40 };

/** A joint's target moves at most this fast, rad/s: at 25 Hz 0.06 rad a step, as NVIDIA's reach policies on real UR10e do. */
export const TARGET_SPEED = 1.5;

/** Joint targets within `scale` rad of the default pose. */
export function armAction(scale: number): ActionContract {
  return {
    name: 'targets',
    kind: 'position',
    joints: [...ARM_JOINTS],
    scale,
    offset: 0,
    clip: [-scale, scale],
    rateLimit: TARGET_SPEED,
  };
}

const tool = new Float64Array(7);

/** Pose of the tool, x, y, z, x, y, z, w; overwritten by the next call. */
export function toolPose({ world }: StepView): Float64Array {
  world.linkPose(TOOL_LINK, tool);
  return tool;
}

/** Sum of the squared changes of the action. */
export function actionChange({ action, lastAction }: StepView): number {
  let sum = 0;
  for (let k = 0; k < action.length; k++) sum += (action[k]! - lastAction[k]!) ** 2;
  return sum;
}

/** Sum of the squared joint speeds, rad2/s2. */
export function jointSpeeds({ state }: StepView): number {
  let sum = 0;
  for (let j = 0; j < state.qd.length; j++) sum += state.qd[j]! ** 2;
  return sum;
}

/** A joint faster than its drive can turn: a real controller stops there. */
export function isOverspeed({ state }: StepView): boolean {
  for (let j = 0; j < state.qd.length; j++) if (Math.abs(state.qd[j]!) > 1.2 * JOINT_SPEED) return true;
  return false;
}

/** The ball rests on the table: a real arm's force limit would stop it soon after. */
export function touchesTable(view: StepView): boolean {
  return toolPose(view)[2]! < TOOL_RADIUS;
}

/** Joints within `spread` rad of the default pose. Further out, the drives' first pull would be an overspeed. */
export function startNearDefault(random: { between(a: number, b: number): number }, spread: number, { q }: StartState) {
  for (let j = 0; j < q.length; j++) q[j] = q[j]! + random.between(-spread, spread);
}

/**
 * Ranges of NVIDIA's reach policies deployed on UR10e and Rizon4s for gains and friction; masses of another tool or cable;
 * latency of a trajectory interface, up to half a control step; encoders calibrated to 0.1 degree.
 */
export const ARM_RANDOMIZATION: RandomizationTable = {
  massScale: { operation: 'scale', range: [0.9, 1.1] },
  comScale: { operation: 'scale', range: [0.97, 1.03] },
  armature: { operation: 'scale', range: [0.8, 1.2] },
  damping: { operation: 'add', range: [0, 1] },
  friction: { operation: 'add', range: [0, 0.5] },
  torqueScale: { operation: 'scale', range: [0.97, 1.03] },
  kpScale: { operation: 'scale', range: [0.9, 1.1] },
  kdScale: { operation: 'scale', range: [0.75, 1.5] },
  encoderBias: { operation: 'add', range: [-0.002, 0.002] },
  latency: { operation: 'abs', range: [0, 0.02] },
  gravity: { operation: 'add', range: [-0.05, 0.05] },
  positionNoise: { operation: 'abs', range: [0, 0.001] },
  velocityNoise: { operation: 'abs', range: [0, 0.01] },
};
