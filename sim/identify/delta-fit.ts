/**
 * A delta action from logs. Supervised: for each short window the constant correction under which the simulation ends as the
 * log does, by least squares on how the window answers to a correction (the inverse of the simulator, as in grounded action
 * transformation: Hanna & Stone 2017), then a perceptron from state and action to it. Refined: the perceptron's weights
 * themselves, by least squares on longer windows, through the simulator. Knows no files and no threads.
 */

import type { Key } from '../../core/rng.ts';
import { DeltaAction, type DeltaActionModel, INPUTS_PER_JOINT } from '../delta-action.ts';
import type { Dynamics } from '../dynamics.ts';
import { weightCount } from '../perceptron.ts';
import { leastSquares } from './least-squares.ts';
import { identity, solvePositive } from '../../core/linear-algebra.ts';
import { fitPerceptron, type Samples } from './perceptron-fit.ts';
import type { Evaluator, ProblemWindow } from './problem.ts';
import type { Recording } from './recording.ts';
import { RobustLoss } from './robust-loss.ts';

export interface DeltaTask {
  readonly evaluator: Evaluator;
  readonly recordings: readonly Recording[];
  /** Of the simulator to be corrected. */
  readonly dynamics: Dynamics;
  readonly robot: DeltaActionModel['robot'];
  readonly channel: DeltaActionModel['channel'];
  /** The largest correction, rad or N m, [nJoints]. */
  readonly limit: readonly number[];
}

export interface DeltaFitOptions {
  readonly key: Key;
  /** @default [16] */
  readonly hidden?: readonly number[];
  /** @default 300 */
  readonly epochs?: number;
}

/** Share of the limit that windows are tried with, and ridge towards no correction, relative to a window's mean answer. */
const TRIAL = 0.3;
const RIDGE = 0.02;

/** Short windows with the correction each asks for. */
export interface Inversion {
  readonly model: DeltaActionModel;
  readonly samples: Samples;
}

/** @param windows short: a correction is constant over each */
export async function invertDelta(task: DeltaTask, windows: readonly ProblemWindow[]): Promise<Inversion> {
  const n = task.limit.length;
  const model = withoutEffect(task);
  // Points: no correction, then each joint's alone, to either side. Only the biases act.
  const biases = weightCount(model.layers) - n;
  const points = [0, ...task.limit.flatMap((_, j) => [j + 1, -(j + 1)])].map((signed) => {
    const weights = new Array<number>(biases + n).fill(0);
    if (signed !== 0) weights[biases + Math.abs(signed) - 1] = Math.sign(signed) * TRIAL;
    return weights;
  });
  const { evaluator, dynamics } = task;
  const answers = await evaluator.evaluate({
    parameters: [],
    nominal: dynamics,
    points,
    windows,
    start: 'smoothed',
    delta: model,
  });
  const observer = new DeltaAction(model);
  const nIn = INPUTS_PER_JOINT * n;
  const inputs = new Float64Array(windows.length * nIn);
  const outputs = new Float64Array(windows.length * n);
  for (const [w, window] of windows.entries()) {
    observeMiddle(observer, task.recordings[window.recording]!, window);
    inputs.set(observer.perceptron.input, w * nIn);
    outputs.set(
      solveWindow(
        answers.map((ofPoint) => ofPoint[w]!),
        n,
      ),
      w * n,
    );
  }
  return { model, samples: { inputs, outputs } };
}

/** argmin over d of |e + J d|^2 + ridge |d|^2, in shares of the limit and within it. */
function solveWindow(answers: readonly Float64Array[], n: number): Float64Array {
  const e = answers[0]!;
  const matrix = new Float64Array(n * n);
  const right = new Float64Array(n);
  const slope = (j: number, k: number) => (answers[2 * j + 1]![k]! - answers[2 * j + 2]![k]!) / (2 * TRIAL);
  for (let k = 0; k < e.length; k++) {
    for (let a = 0; a < n; a++) {
      right[a] = right[a]! - slope(a, k) * e[k]!;
      for (let b = 0; b < n; b++) matrix[a * n + b] = matrix[a * n + b]! + slope(a, k) * slope(b, k);
    }
  }
  let trace = 1e-12;
  for (let a = 0; a < n; a++) trace += matrix[a * n + a]! / n;
  const ridge = identity(n).map((one, i) => matrix[i]! + one * RIDGE * trace);
  return (solvePositive(ridge, right, n) ?? right.fill(0)).map((d) => Math.min(1, Math.max(-1, d)));
}

/** State and action in the middle of a window. */
function observeMiddle(observer: DeltaAction, recording: Recording, { from, to }: ProblemWindow): void {
  const n = recording.joints.length;
  const middle = (from + to - 1) >> 1;
  const at = (values: Float64Array, k: number) => values.subarray(k * n, (k + 1) * n);
  const effort = new Float64Array(n);
  for (let k = from; k < to; k++) {
    for (let j = 0; j < n; j++) effort[j] = effort[j]! + recording.torque[k * n + j]! / (to - from);
  }
  const q = recording.targets === undefined ? effort : at(recording.targets.q, middle);
  observer.observe({ q: at(recording.q, middle), qd: at(recording.qdSmooth, middle) }, { q, effort });
}

/** Units from the recordings, and no weights yet. */
function withoutEffect({ recordings, channel, limit, robot }: DeltaTask): DeltaActionModel {
  const n = limit.length;
  const layers = [INPUTS_PER_JOINT * n, n];
  const scale = (pick: (recording: Recording, k: number) => number, j: number) => {
    let sum = 0;
    let count = 0;
    for (const recording of recordings) {
      for (let k = j; k < recording.q.length; k += n) sum += pick(recording, k) ** 2;
      count += recording.q.length / n;
    }
    return Math.max(1e-6, Math.sqrt(sum / count));
  };
  const joints = limit.map((_, j) => j);
  return {
    schema: 1,
    robot,
    channel,
    velocityScale: joints.map((j) => scale((r, k) => r.qdSmooth[k]!, j)),
    actionScale: joints.map((j) =>
      scale((r, k) => (channel === 'position' ? r.targets!.q[k]! - r.q[k]! : r.torque[k]!), j),
    ),
    limit: [...limit],
    layers,
    activation: 'tanh',
    weights: new Array<number>(weightCount(layers)).fill(0),
  };
}

/** @param held what the weights are chosen on; null to take the last */
export function fitDelta(train: Inversion, held: Inversion | null, options: DeltaFitOptions): DeltaActionModel {
  const { model } = train;
  const n = model.limit.length;
  const layers = [INPUTS_PER_JOINT * n, ...(options.hidden ?? [16]), n];
  const { weights } = fitPerceptron(train.samples, held?.samples ?? null, {
    layers,
    activation: 'tanh',
    key: options.key,
    epochs: options.epochs ?? 300,
    zeroOutput: true,
  });
  return { ...model, layers, weights: [...weights] };
}

/**
 * The weights that make the simulator follow the log over whole windows.
 * @param held windows that the iteration is chosen on
 */
export async function refineDelta(
  task: DeltaTask,
  start: DeltaActionModel,
  windows: readonly ProblemWindow[],
  held: readonly ProblemWindow[],
  iterations: number,
): Promise<DeltaActionModel> {
  const residualsOf = (subset: readonly ProblemWindow[]) => (points: readonly (readonly number[])[]) =>
    task.evaluator.evaluate({
      parameters: [],
      nominal: task.dynamics,
      points,
      windows: subset,
      start: 'smoothed',
      delta: start,
    });
  const residuals = residualsOf(windows);
  const lossOf = async (subset: readonly ProblemWindow[]) => {
    const [reference] = await residualsOf(subset)([start.weights]);
    const loss = new RobustLoss(task.recordings, subset, reference!);
    return { loss, value: loss.value(reference!) };
  };
  const { loss } = await lossOf(windows);
  const judge = await lossOf(held);
  const bound = start.weights.map(() => 8);
  const problem = { residuals, loss, lower: bound.map((b) => -b), upper: bound };
  let best = { weights: start.weights, value: judge.value };
  let u: readonly number[] = start.weights;
  for (let k = 0; k < iterations; k++) {
    const next = await leastSquares(problem, u, { maxIterations: 1 });
    if (next.u === u) break;
    u = next.u;
    loss.refer(next.residuals);
    const [found] = await residualsOf(held)([u]);
    const value = judge.loss.value(found!);
    if (value < best.value) best = { weights: [...u], value };
  }
  return { ...start, weights: [...best.weights] };
}
