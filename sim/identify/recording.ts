/**
 * What identification needs of an episode, as columns: joint states, the torque that drove them, a smoothed velocity to
 * start simulations from, and which readings are wild. Real logs have velocity readings off by the chatter of a gear and
 * torque readings far beyond the motor; both are found from the log alone, counted and said. Knows no simulator.
 */

import type { Episode } from '../../core/episode.ts';
import { InputError } from '../../core/errors.ts';
import { solvePositive } from '../../core/linear-algebra.ts';
import { deviation, median, noiseOf, robustDeviation } from './robust-statistics.ts';

/** Matrices are row-major, [T * nJoints]. Plain data: it crosses to worker threads. */
export interface Recording {
  readonly name: string;
  readonly joints: readonly string[];
  /** s, from the first reading on, increasing, [T]. */
  readonly times: Float64Array;
  /** As logged, rad and rad/s. */
  readonly q: Float64Array;
  readonly qd: Float64Array;
  /** Velocity of a local parabola through the readings around each, rad/s. */
  readonly qdSmooth: Float64Array;
  /** 1 where the logged velocity of any joint is far from what its neighbours say, [T]. */
  readonly wild: Uint8Array;
  /** What drives a simulation, N m: as logged, until `settleTorque` finds that wild readings never acted. */
  readonly torque: Float64Array;
  /** The logged torque with wild readings replaced by the median of their neighbours, N m. */
  readonly torqueRepaired: Float64Array;
  /** When each torque was logged, s, [T]. */
  readonly torqueTimes: Float64Array;
  /** What drives that close a loop on position were asked for; with it, `torque` is what was added to their answer. */
  readonly targets?: PositionTargets;
  /** True when the torque is a sensor's reading; false when it is what was commanded. */
  readonly measured: boolean;
  /** Standard deviation of each joint's position and velocity: the units of errors, [nJoints]. */
  readonly qScale: readonly number[];
  readonly qdScale: readonly number[];
  readonly wildVelocities: number;
  readonly wildTorques: number;
}

/** kp (q* - q) + kd (qd* - qd), held from torque time to torque time. */
export interface PositionTargets {
  /** rad and rad/s, [T * nJoints] */
  readonly q: Float64Array;
  readonly qd: Float64Array;
  /** N m/rad and N m s/rad, [nJoints] */
  readonly kp: readonly number[];
  readonly kd: readonly number[];
}

/** Half the width of the parabola's support, s: a tenth of the period of a 0.5 m pendulum's fastest part. */
const SMOOTHING_SECONDS = 0.03;
/** A torque that jumps changes the acceleration by this share of its usual size. */
const ACCELERATION_JUMP = 0.5;
/** A reading this many robust standard deviations off is wild; of normal noise, 1 in 370 is. */
const WILD_VELOCITY = 3;
/** Torque may truly jump, so only what is far outside the recording's usual range counts. */
const WILD_TORQUE = 8;
const LEAST_STEPS = 20;

/** @throws InputError when the episode is too short, does not move, or has no torque to drive a simulation */
export function recordingOf(episode: Episode, name: string): Recording {
  const { steps, meta } = episode;
  const n = meta.joints.length;
  if (steps.length < LEAST_STEPS) {
    throw new InputError(`${name}: expected at least ${LEAST_STEPS} steps, found ${steps.length}`, {
      repair: 'give a longer recording',
    });
  }
  const column = (pick: (step: (typeof steps)[number]) => Float64Array) =>
    Float64Array.from({ length: steps.length * n }, (_, k) => pick(steps[Math.floor(k / n)]!)[k % n]!);
  const start = steps[0]!.sensorTime;
  const times = Float64Array.from(steps, (step) => step.sensorTime - start);
  const q = column((step) => step.q);
  const qd = column((step) => step.qd);
  checkColumns(name, times, q, qd);
  const effort = column((step) => step.effort);
  const command = column((step) => step.command);
  const driven = command.every(Number.isFinite);
  if (!driven && !effort.every(Number.isFinite)) {
    throw new InputError(`${name}: expected a command or a measured effort at every step, found neither`, {
      repair: 'record with efforts: a recording without torque says nothing of masses',
    });
  }
  // An importer that knows no command repeats the measured effort in its place.
  const measured = !driven || command.every((value, k) => value === effort[k]);
  const torque = driven ? command : effort;
  // A command is what it is; only a sensor can be wrong.
  const { torqueRepaired, wildTorques } = measured
    ? repairTorque(torque, n)
    : { torqueRepaired: torque, wildTorques: 0 };
  const { smooth, predicted } = smoothVelocity(times, q, qd, n);
  const { wild, wildVelocities } = findWildVelocities(qd, predicted, n);
  const qdSmooth = smooth.map((value, k) => (wild[Math.floor(k / n)] === 1 ? predicted[k]! : value));
  return {
    name,
    joints: meta.joints,
    times,
    q,
    qd,
    qdSmooth,
    wild,
    torque,
    torqueRepaired,
    torqueTimes: torqueTimesOf(steps, times),
    measured,
    qScale: scales(name, q, n, 'position'),
    qdScale: scales(name, qd, n, 'velocity'),
    wildVelocities,
    wildTorques,
  };
}

/** A command leaves the time of its computation after the reading it answers; that much is known on one clock. */
function torqueTimesOf(steps: Episode['steps'], times: Float64Array): Float64Array {
  const out = new Float64Array(steps.length);
  for (const [k, step] of steps.entries()) {
    const thinking = Math.max(0, step.commandTime - step.receiptTime);
    const next = times[k + 1] ?? Infinity;
    out[k] = Math.min(times[k]! + thinking, next);
  }
  return out;
}

function checkColumns(name: string, times: Float64Array, q: Float64Array, qd: Float64Array): void {
  const bad = [...q, ...qd, ...times].findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) {
    throw new InputError(`${name}: expected finite positions, velocities and times, found one that is not`, {
      repair: 'remove the bad lines',
    });
  }
  for (let k = 1; k < times.length; k++) {
    if (times[k]! > times[k - 1]!) continue;
    throw new InputError(`${name}: expected sensor times that increase, found ${times[k]} s after ${times[k - 1]} s`, {
      repair: 'remove the repeated steps',
    });
  }
}

function columnOf(values: Float64Array, n: number, j: number): Float64Array {
  return Float64Array.from({ length: values.length / n }, (_, k) => values[k * n + j]!);
}

function scales(name: string, values: Float64Array, n: number, what: string): number[] {
  return Array.from({ length: n }, (_, j) => {
    const sd = deviation(columnOf(values, n, j));
    if (sd > 1e-9) return sd;
    throw new InputError(`${name}: expected every joint to move, found the ${what} of joint ${j + 1} constant`, {
      repair: 'give a recording in which the robot moves',
    });
  });
}

/**
 * At each reading the parabola q(s) = q0 + v s + a s^2 / 2 that fits positions and velocities around it best; v is
 * returned, with the reading's own velocity and without it. A reading counts by its noise and by how far the motion may
 * have left the parabola until then: a torque that jumps changes the acceleration by `jump`.
 */
function smoothVelocity(times: Float64Array, q: Float64Array, qd: Float64Array, n: number) {
  const smooth = new Float64Array(qd.length);
  const predicted = new Float64Array(qd.length);
  for (let j = 0; j < n; j++) {
    const position = columnOf(q, n, j);
    const velocity = columnOf(qd, n, j);
    const log: JointLog = {
      times,
      position,
      velocity,
      positionNoise: Math.max(noiseOf(position), 1e-3 * deviation(position)),
      velocityNoise: Math.max(noiseOf(velocity), 1e-3 * deviation(velocity)),
      jump: ACCELERATION_JUMP * usualAcceleration(times, velocity),
    };
    for (let k = 0; k < times.length; k++) {
      smooth[k * n + j] = parabolaVelocity(log, k, true);
      predicted[k * n + j] = parabolaVelocity(log, k, false);
    }
  }
  return { smooth, predicted };
}

interface JointLog {
  readonly times: Float64Array;
  readonly position: Float64Array;
  readonly velocity: Float64Array;
  /** Standard deviations of the readings' noise, rad and rad/s, and of a change of acceleration, rad/s2. */
  readonly positionNoise: number;
  readonly velocityNoise: number;
  readonly jump: number;
}

function usualAcceleration(times: Float64Array, velocity: Float64Array): number {
  const period = times.at(-1)! / (times.length - 1);
  const lag = Math.max(1, Math.round((2 * SMOOTHING_SECONDS) / period));
  const count = Math.max(0, times.length - lag);
  return robustDeviation(
    Float64Array.from({ length: count }, (_, k) => (velocity[k + lag]! - velocity[k]!) / (times[k + lag]! - times[k]!)),
  );
}

function parabolaVelocity(log: JointLog, k: number, withOwn: boolean): number {
  const { times, position, velocity, jump } = log;
  const normal = new Float64Array(9);
  const right = new Float64Array(3);
  const add = (row: readonly number[], value: number, variance: number) => {
    for (let a = 0; a < 3; a++) {
      right[a] = right[a]! + (row[a]! * value) / variance;
      for (let b = 0; b < 3; b++) normal[a * 3 + b] = normal[a * 3 + b]! + (row[a]! * row[b]!) / variance;
    }
  };
  const within = (i: number) => Math.abs(times[i]! - times[k]!) <= SMOOTHING_SECONDS;
  for (const side of [1, -1]) {
    // A slow log still gives each side one neighbour.
    for (let i = side > 0 ? k : k - 1; i >= 0 && i < times.length && (within(i) || i === k + side); i += side) {
      const s = times[i]! - times[k]!;
      add([1, s, (s * s) / 2], position[i]! - position[k]!, log.positionNoise ** 2 + ((jump * s * s) / 2) ** 2);
      if (i !== k || withOwn) add([0, 1, s], velocity[i]!, log.velocityNoise ** 2 + (jump * s) ** 2);
    }
  }
  return solvePositive(normal, right, 3)?.[1] ?? velocity[k]!;
}

/** @param predicted each reading from its neighbours alone */
function findWildVelocities(qd: Float64Array, predicted: Float64Array, n: number) {
  const wild = new Uint8Array(qd.length / n);
  for (let j = 0; j < n; j++) {
    const departure = columnOf(qd, n, j).map((value, k) => Math.abs(value - predicted[k * n + j]!));
    const limit = WILD_VELOCITY * robustDeviation(departure);
    // With half of the readings exact there is no noise to compare with.
    if (limit > 0) for (const [k, value] of departure.entries()) if (value > limit) wild[k] = 1;
  }
  return { wild, wildVelocities: wild.reduce((sum, flag) => sum + flag, 0) };
}

/** Replace readings far outside the usual range by the median of the five around them (Hampel's filter). */
function repairTorque(torque: Float64Array, n: number): { torqueRepaired: Float64Array; wildTorques: number } {
  const out = torque.slice();
  let wildTorques = 0;
  for (let j = 0; j < n; j++) {
    const column = columnOf(torque, n, j);
    const limit = WILD_TORQUE * robustDeviation(column, median(column));
    for (const [k, value] of column.entries()) {
      const local = median(column.subarray(Math.max(0, k - 2), k + 3));
      if (Math.abs(value - local) <= limit || limit === 0) continue;
      out[k * n + j] = local;
      wildTorques++;
    }
  }
  return { torqueRepaired: out, wildTorques };
}
