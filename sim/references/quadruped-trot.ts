/**
 * A trot by hand: diagonal pairs of feet swing in turn with the command's clock; a swing foot lands half a sweep ahead, further
 * the more the trunk's velocity is off (M. Raibert, "Legged robots that balance", MIT Press 1986); stance feet sweep back and
 * push as a virtual model of the trunk asks (J. Pratt et al., IJRR 2001), through the drives' stiffness. Sees the true
 * velocity and orientation of the trunk. Knows flat ground only. Numbers without a source were tuned by hand and search.
 */

import { clamp, cos, sin } from '../../core/math.ts';
import type { ReferencePolicy, StepView } from '../task.ts';
import { HIP_X, HIP_Y, LEG_Y, LEGS, legAngles, SEGMENT } from '../tasks/quadruped-legs.ts';
import { bodyVelocity, upX, upY } from '../tasks/quadruped-state.ts';

/** What swinging and standing feet are asked for, m below the hips, and the top of a swing. */
const HEIGHT = 0.194;
const LIFT = 0.076;
/** s: metres that a foot lands further per m/s of error; sqrt(h / g) = 0.17 would stop an inverted pendulum. */
const PLACEMENT = 0.214;
/** Swing feet are to be in place this much sooner than the clock says, since the drives lag. */
const RUSH = 2.5;
/** Of the whole robot, N, of which the stance feet carry this share: more, as a pair that swings has also to be caught. */
const WEIGHT = 13.74 * 9.81;
const CARRY = 1.08;
/** Torques on the trunk per sine of tilt, N m, and per rad/s; force per m/s of error, N s/m; torque per rad/s of turning. */
const LEVEL = 32;
const LEVEL_RATE = 2.06;
const PULL = 69;
const TURN = 4.26;
/** Squared distances of the feet from the middle along x and y, and both, m2: levers of those torques. */
const LEVERS = { x: 0.0326, y: 0.0171, both: 0.05 } as const;
/** What the drives are given, N m/rad. */
const KP = 25;

export interface TrotSettings {
  /** rad per unit of action, and the pose that action 0 asks for, [12]. */
  readonly scale: number;
  readonly pose: readonly number[];
}

/** Writes actions for a position action about a pose. The command is vx, vy, m/s, wz, rad/s, and the clock, Hz. */
export function trot({ scale, pose }: TrotSettings): ReferencePolicy['make'] {
  return () => {
    const q = new Float64Array(12);
    const velocity = new Float64Array(3);
    /** How much further each foot landed, x and y, m. */
    const landed = new Float64Array(8);
    return ({ state, command }: StepView, action: Float32Array) => {
      const vx = command[0]!;
      const vy = command[1]!;
      const wz = command[2]!;
      const frequency = command[3]!;
      const walks = frequency > 0;
      const turns = frequency * state.time;
      const phase = turns - Math.floor(turns);
      bodyVelocity(state, velocity);
      const errorX = velocity[0]! - vx;
      const errorY = velocity[1]! - vy;
      const errorTurn = state.twist[5]! - wz;
      const sweep = walks ? 0.5 / frequency : 0;
      const feet = walks ? 2 : 4;
      const torqueX = -LEVEL * upY(state) - LEVEL_RATE * state.twist[3]!;
      const torqueY = LEVEL * upX(state) - LEVEL_RATE * state.twist[4]!;
      for (let leg = 0; leg < LEGS.length; leg++) {
        const x0 = HIP_X[leg]!;
        const y0 = HIP_Y[leg]! + LEG_Y[leg]!;
        // FR and RL swing in the first half turn, FL and RR in the second; s goes from 0 to 1 in each.
        const own = leg === 0 || leg === 3 ? phase : (phase + 0.5) % 1;
        const swings = walks && own < 0.5;
        const s = 2 * (own % 0.5);
        const soon = Math.min(1, RUSH * s);
        if (swings) {
          landed[2 * leg] = PLACEMENT * errorX * soon;
          landed[2 * leg + 1] = PLACEMENT * errorY * soon;
        } else if (!walks) {
          landed.fill(0);
        }
        // Over the ground a hip moves by v + w x r; its foot sweeps from half a stance ahead of it to half behind.
        const along = sweep * (swings ? soon - 0.5 : 0.5 - s);
        const x = x0 + (vx - wz * y0) * along + landed[2 * leg]!;
        const y = y0 + (vy + wz * x0) * along + landed[2 * leg + 1]!;
        legAngles(leg, x, y, (swings ? LIFT * sin(Math.PI * s) : 0) - HEIGHT, q);
        if (!swings) {
          // Force of each foot on the trunk, so that together they give PULL, TURN, LEVEL and the weight.
          const fx = (-PULL * errorX + (TURN * errorTurn * y0) / LEVERS.both) / feet;
          const fy = (-PULL * errorY - (TURN * errorTurn * x0) / LEVERS.both) / feet;
          const fz = (CARRY * WEIGHT + (torqueX * y0) / LEVERS.y - (torqueY * x0) / LEVERS.x) / feet;
          push(q, leg, fx, fy, Math.max(0, fz));
        }
      }
      for (let j = 0; j < q.length; j++) action[j] = clamp((q[j]! - pose[j]!) / scale, -1, 1);
    };
  };
}

/** Move the angles asked for by tau / kp, so that at the angles themselves the leg pushes the trunk with a force, N. */
function push(q: Float64Array, leg: number, fx: number, fy: number, fz: number): void {
  const hip = q[3 * leg]!;
  const thigh = q[3 * leg + 1]!;
  const calf = q[3 * leg + 2]!;
  const knee = thigh + calf;
  const s = sin(hip);
  const c = cos(hip);
  const side = LEG_Y[leg]!;
  const z = -SEGMENT * (cos(thigh) + cos(knee));
  // Columns of the foot's Jacobian in the plane of the leg
  const calfX = -SEGMENT * cos(knee);
  const calfZ = SEGMENT * sin(knee);
  const thighX = calfX - SEGMENT * cos(thigh);
  const thighZ = calfZ + SEGMENT * sin(thigh);
  const down = fz * c - fy * s;
  // tau = -J^T F
  q[3 * leg] = hip - ((side * c - z * s) * fz - (side * s + z * c) * fy) / KP;
  q[3 * leg + 1] = thigh - (thighX * fx + thighZ * down) / KP;
  q[3 * leg + 2] = calf - (calfX * fx + calfZ * down) / KP;
}
