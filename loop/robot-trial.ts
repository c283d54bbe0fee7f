/**
 * Whether a robot runs in the simulator: dropped without torque and driven with random torques, watched for numbers that are
 * not finite, for speeds no robot has, for joints that come apart. Knows no terminal.
 */

import { NumericError } from '../core/errors.ts';
import { keyOf, RandomStream } from '../core/rng.ts';
import { makeCommand, type RobotState } from '../core/robot.ts';
import type { RobotModel } from '../core/robot-model.ts';
import { type Dynamics, nominalDynamics } from '../sim/dynamics.ts';
import { lowestPoint } from '../sim/extent.ts';
import { loadRapier, RapierRobot } from '../sim/rapier-robot.ts';
import { EMPTY_SCENE, FLOOR } from '../sim/scene.ts';

/** A light robot under full torques turns fast in 5 ms; here accuracy matters, not speed. */
export const TRIAL_PHYSICS = { physicsDt: 0.002, solverIterations: 4 };
const CONTROL = 0.02;
/** Torque of the random run where the file names no limit, as a share of what gravity asks of the whole robot at 1 m. */
const UNLIMITED_SHARE = 0.05;
/** Above this a joint has come apart, m. */
const LARGEST_SEPARATION = 0.03;

export interface Trial {
  /** s */
  readonly seconds: number;
  /** Largest joint speed, rad/s or m/s. */
  readonly fastest: number;
  /** Largest distance between two bodies' ideas of their joint, m. */
  readonly separation: number;
  /** How far the base moved from where it came to rest in the first second, m; 0 for a fixed base. */
  readonly drift: number;
  /** Joint positions at the end, rad or m. */
  readonly q: readonly number[];
  /** What went wrong; null when nothing did. */
  readonly problem: string | null;
}

/** @param torques none, or random ones within the limits @param seconds of simulated time */
export async function tryRobot(model: RobotModel, torques: 'none' | 'random', seconds: number): Promise<Trial> {
  const dynamics = withLimits(model);
  const robot = new RapierRobot(await loadRapier(), model, dynamics, TRIAL_PHYSICS);
  const nJoints = model.dof.length;
  const start = {
    q: Float64Array.from(model.dof, (j) => middle(model.joints[j]!.lower, model.joints[j]!.upper)),
    qd: new Float64Array(nJoints),
    base: Float64Array.of(0, 0, 0, 0, 0, 0, 1),
    twist: new Float64Array(6),
  };
  if (model.base === 'floating') start.base[2] = 0.02 - lowestPoint(model, start.q);
  robot.setScene(model.base === 'floating' ? FLOOR : EMPTY_SCENE);
  robot.resetTo(start);
  const random = new RandomStream(keyOf(1));
  const command = makeCommand(nJoints);
  const trial = { seconds: 0, fastest: 0, separation: 0, drift: 0 };
  let rest: readonly number[] = [];
  try {
    for (let k = 1; k * CONTROL <= seconds + 1e-9; k++) {
      if (torques === 'random')
        for (let j = 0; j < nJoints; j++) command.effort[j] = random.between(-1, 1) * dynamics.torqueLimit[j]!;
      robot.act(command);
      robot.step(CONTROL);
      trial.seconds = k * CONTROL;
      for (const speed of robot.truth.qd) trial.fastest = Math.max(trial.fastest, Math.abs(speed));
      trial.separation = Math.max(trial.separation, robot.jointSeparation);
      if (k === Math.round(Math.min(5, seconds / 2) / CONTROL)) rest = baseOf(robot.truth);
    }
    trial.drift = Math.hypot(...baseOf(robot.truth).map((value, k) => value - rest[k]!));
    const problem = trial.separation > LARGEST_SEPARATION ? `a joint came ${mm(trial.separation)} apart` : null;
    return { ...trial, q: Array.from(robot.truth.q), problem };
  } catch (error) {
    if (!(error instanceof NumericError)) throw error;
    return { ...trial, q: Array.from(robot.truth.q), problem: error.message };
  } finally {
    robot.close();
  }
}

function baseOf({ base }: RobotState): number[] {
  return [base[0]!, base[1]!, base[2]!];
}

function mm(metres: number): string {
  return `${(1000 * metres).toFixed(1)} mm`;
}

function middle(lower: number, upper: number): number {
  return Number.isFinite(lower) && Number.isFinite(upper) ? Math.min(upper, Math.max(lower, 0)) : 0;
}

/** The file's own limits, and something modest where it names none. */
function withLimits(model: RobotModel): Dynamics {
  const dynamics = nominalDynamics(model);
  const mass = model.links.reduce((sum, link) => sum + (link.inertial?.mass ?? 0), 0);
  const modest = Math.max(1e-3, UNLIMITED_SHARE * mass * dynamics.gravity);
  return { ...dynamics, torqueLimit: dynamics.torqueLimit.map((limit) => (Number.isFinite(limit) ? limit : modest)) };
}
