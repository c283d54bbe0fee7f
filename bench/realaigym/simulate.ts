/**
 * One run of a controller on a plant, as the RealAIGym simulator does it: measure (late and noisily), ask the controller, let the motor
 * do what it can of it, integrate one step. Knows no score.
 */

import { clamp } from '../../core/math.ts';
import type { RandomStream } from '../../core/rng.ts';
import { type Plant, RungeKutta } from './plant.ts';

/** A policy as the judge sees it. */
export interface Controller {
  /** Called before each run. */
  reset(): void;
  /** Torque on the driven joint, N m. @param state measured angles, then velocities @param time s */
  torque(state: Float64Array, time: number): number;
}

/** What the run is made worse by. Fields left out do nothing. */
export interface Imperfections {
  /** Standard deviation of every velocity reading, rad/s. */
  readonly velocityNoise?: number;
  /** Age of every reading, s. */
  readonly delay?: number;
  /** Standard deviation of the motor's torque, N m. */
  readonly torqueNoise?: number;
  /** How much of a change of torque the motor follows in one step: 1 all of it, above 1 too much. */
  readonly response?: number;
  /** Torques added at each step, N m, [nJoints][steps]; they pass the motor's limit. */
  readonly perturbation?: readonly Float64Array[];
}

/** Sample k is the state before step k and the torque of step k. */
export interface Trajectory {
  readonly dt: number;
  readonly steps: number;
  readonly nJoints: number;
  /** s, [steps] */
  readonly time: Float64Array;
  /** [steps + 1, 2 nJoints]: the last is where the run ends. */
  readonly states: Float64Array;
  /** What the motors gave, N m, [steps, nJoints]. */
  readonly torques: Float64Array;
}

export interface RunOptions {
  readonly dt: number;
  readonly steps: number;
  /** The joint the controller commands. */
  readonly driven: number;
  readonly imperfections?: Imperfections;
  /** Of the noise; needed where there is any. */
  readonly random?: RandomStream;
}

/** Start hanging at rest. */
export function simulate(plant: Plant, controller: Controller, options: RunOptions): Trajectory {
  controller.reset();
  const run = simulation(plant, options);
  let next = run.next();
  while (next.done !== true) next = run.next(controller.torque(next.value.measured, next.value.time));
  return next.value;
}

/** What a controller is asked about; reused from step to step. */
export interface Question {
  readonly measured: Float64Array;
  time: number;
}

/** The same for whoever answers later, such as a runtime that works asynchronously: asks, and wants the torque. */
export function* simulation(plant: Plant, options: RunOptions): Generator<Question, Trajectory, number> {
  const { dt, steps, driven, random } = options;
  const { velocityNoise = 0, delay = 0, torqueNoise = 0, response = 1, perturbation } = options.imperfections ?? {};
  const { nJoints } = plant;
  const size = 2 * nJoints;
  const time = new Float64Array(steps);
  const states = new Float64Array((steps + 1) * size);
  const torques = new Float64Array(steps * nJoints);
  const x = new Float64Array(size);
  const measured = new Float64Array(size);
  const question: Question = { measured, time: 0 };
  const tau = new Float64Array(nJoints);
  const integrator = new RungeKutta(plant);
  const late = Math.trunc(delay / dt);
  let last = 0;
  let t = 0;
  for (let k = 0; k < steps; k++) {
    const from = Math.max(0, k - late) * size;
    for (let i = 0; i < size; i++) measured[i] = states[from + i]!;
    if (velocityNoise > 0) for (let i = nJoints; i < size; i++) measured[i]! += velocityNoise * random!.normal();
    question.time = t;
    const wanted: number = yield question;
    // u = u' + r (u* - u') + noise, u' the torque of the step before, perturbation included
    last += response * (wanted - last);
    if (torqueNoise > 0) last += torqueNoise * random!.normal();
    const limit = plant.torqueLimit[driven]!;
    tau.fill(0);
    tau[driven] = clamp(last, -limit, limit);
    if (perturbation !== undefined) {
      const at = Math.trunc(t / dt);
      for (let j = 0; j < nJoints; j++) tau[j]! += perturbation[j]![at] ?? 0;
    }
    last = tau[driven]!;
    time[k] = t;
    torques.set(tau, k * nJoints);
    integrator.step(x, tau, dt);
    states.set(x, (k + 1) * size);
    t += dt;
  }
  return { dt, steps, nJoints, time, states, torques };
}
