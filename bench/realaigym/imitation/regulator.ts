/**
 * Linear-quadratic regulators of a plant with one driven joint: held still at a state, or along a trajectory (Riccati's recursion on
 * the linearised step). Knows no task.
 */

import { type Plant, RungeKutta } from '../plant.ts';

const SIZE = 4;
/** Of the central differences. */
const STEP = 1e-5;

/** u = -gains (x - x*), and the cost-to-go (x - x*)' cost (x - x*). */
export interface Regulator {
  readonly gains: Float64Array;
  /** [4, 4] */
  readonly cost: Float64Array;
}

export interface Weights {
  /** Cost of the squared state's parts, and of the squared torque, per second. */
  readonly state: readonly [number, number, number, number];
  readonly torque: number;
}

/** x' = A x + B u about a state: [4, 4] and [4]. */
function linearise(plant: Plant, driven: number, x: ArrayLike<number>, u: number, dt: number) {
  const integrator = new RungeKutta(plant);
  const tau = new Float64Array(plant.nJoints);
  const after = (j: number, by: number): Float64Array => {
    const at = Float64Array.from(x);
    if (j < SIZE) at[j]! += by;
    tau.fill(0);
    tau[driven] = u + (j === SIZE ? by : 0);
    integrator.step(at, tau, dt);
    return at;
  };
  const a = new Float64Array(SIZE * SIZE);
  const b = new Float64Array(SIZE);
  for (let j = 0; j <= SIZE; j++) {
    const [plus, minus] = [after(j, STEP), after(j, -STEP)];
    for (let i = 0; i < SIZE; i++) {
      const slope = (plus[i]! - minus[i]!) / (2 * STEP);
      if (j < SIZE) a[i * SIZE + j] = slope;
      else b[i] = slope;
    }
  }
  return { a, b };
}

/** One step back of Riccati's recursion: K = (R + B'SB)^-1 B'SA, S' = Q + A'S(A - BK). */
function riccati(a: Float64Array, b: Float64Array, next: Float64Array, weights: Weights, dt: number): Regulator {
  const sa = new Float64Array(SIZE * SIZE);
  const sb = new Float64Array(SIZE);
  for (let i = 0; i < SIZE; i++) {
    for (let k = 0; k < SIZE; k++) {
      const s = next[i * SIZE + k]!;
      sb[i]! += s * b[k]!;
      for (let j = 0; j < SIZE; j++) sa[i * SIZE + j]! += s * a[k * SIZE + j]!;
    }
  }
  let denominator = weights.torque * dt;
  for (let i = 0; i < SIZE; i++) denominator += b[i]! * sb[i]!;
  const gains = new Float64Array(SIZE);
  for (let j = 0; j < SIZE; j++) {
    for (let i = 0; i < SIZE; i++) gains[j]! += (b[i]! * sa[i * SIZE + j]!) / denominator;
  }
  const cost = new Float64Array(SIZE * SIZE);
  for (let i = 0; i < SIZE; i++) {
    for (let j = 0; j < SIZE; j++) {
      let sum = i === j ? weights.state[i]! * dt : 0;
      for (let k = 0; k < SIZE; k++) sum += a[k * SIZE + i]! * (sa[k * SIZE + j]! - sb[k]! * gains[j]!);
      cost[i * SIZE + j] = sum;
    }
  }
  return { gains, cost };
}

/** Most steps back until the regulator that holds a state has settled: 200 s of 2 ms. */
const MOST_STEPS = 100_000;

/** Holds the plant at an equilibrium without torque. */
export function holdingRegulator(
  plant: Plant,
  driven: number,
  state: ArrayLike<number>,
  weights: Weights,
  dt: number,
): Regulator {
  const { a, b } = linearise(plant, driven, state, 0, dt);
  let regulator: Regulator = { gains: new Float64Array(SIZE), cost: new Float64Array(SIZE * SIZE) };
  for (let i = 0; i < SIZE; i++) regulator.cost[i * SIZE + i] = weights.state[i]! * dt;
  for (let step = 0; step < MOST_STEPS; step++) {
    const before = regulator.cost;
    regulator = riccati(a, b, before, weights, dt);
    if (regulator.cost.every((s, i) => Math.abs(s - before[i]!) <= 1e-12 * (1 + Math.abs(s)))) break;
  }
  return regulator;
}

/**
 * Keeps the plant on a trajectory: one regulator for each of its steps.
 * @param states [steps, 4] @param torques [steps], N m @param last cost-to-go where the trajectory ends
 */
export function trackingRegulators(
  plant: Plant,
  driven: number,
  states: Float64Array,
  torques: Float64Array,
  last: Float64Array,
  weights: Weights,
  dt: number,
): Regulator[] {
  const regulators = new Array<Regulator>(torques.length);
  let cost = last;
  for (let n = torques.length - 1; n >= 0; n--) {
    const { a, b } = linearise(plant, driven, states.subarray(n * SIZE, (n + 1) * SIZE), torques[n]!, dt);
    const regulator = riccati(a, b, cost, weights, dt);
    regulators[n] = regulator;
    cost = regulator.cost;
  }
  return regulators;
}
