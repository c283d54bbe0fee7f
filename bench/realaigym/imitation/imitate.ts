/**
 * A network learns the teacher by DAgger (S. Ross, G. Gordon, D. Bagnell, AISTATS 2011): it runs in the troubles of the robustness
 * leaderboard, with other numbers than the judge's, the teacher says what it would have done where the network came, and the network is
 * fitted to everything said so far. Knows no bundle.
 */

import { clamp } from '../../../core/math.ts';
import { foldIn, keyOf, RandomStream } from '../../../core/rng.ts';
import { Mlp, splitTensors, tensorSizes } from '../../../policy/mlp.ts';
import { SimdMemory } from '../../../policy/simd/simd-memory.ts';
import { SimdMlp } from '../../../policy/simd/simd-mlp.ts';
import { doublePendulum, leaderboardModels } from '../double-pendulum.ts';
import { robustnessTrials } from '../robustness.ts';
import { type Controller, simulate } from '../simulate.ts';
import { Lessons } from './lessons.ts';
import { FEATURES, writeFeatures } from './student.ts';
import { type DoublePendulumTask, DT, type Swing } from './swing.ts';
import { swingTeacher, type Teacher } from './teacher.ts';

export interface Stage {
  /** Of the teacher's tracking. */
  readonly stiffness: number;
  readonly rounds: number;
  readonly learningRate: number;
  /** Lessons of a minibatch that are drawn from the swing-up alone, of 512. */
  readonly nominalRows: number;
}

export interface ImitationOptions {
  readonly task: DoublePendulumTask;
  readonly swing: Swing;
  readonly hidden: readonly number[];
  readonly stages: readonly Stage[];
  /** Runs between two fits, and minibatches of a fit. */
  readonly runs: number;
  readonly minibatches: number;
  readonly seed: number;
  readonly onRound?: (round: number, error: number, student: Controller) => void;
}

const CAPACITY = 600_000;
const BATCH = 512;
/** Errors beyond this share of the motor's limit count linearly (Huber). */
const HUBER = 0.1;
/** Of the loss; Adam does not see it, but its epsilon does. */
const LOSS_SCALE = 10;
const WARM_UP = 100;
/** Of a stage's learning rate, at its end. */
const LAST_RATE = 0.005;
/** Steps of a run, and how long one of the two drives it before the next draw. */
const RUN_STEPS = 4000;
const TURN_STEPS = 150;
/** Share of the runs with perturbations. */
const HIT_SHARE = 0.4;
/** Lessons before the first run: around the swing-up and around standing. */
const AROUND_SWING = 60_000;
const AROUND_STANDING = 40_000;

/** Velocities as the student makes them: from this reading of the positions and the one before. */
function withDifferences(torque: (x: Float64Array) => number): Controller {
  const x = new Float64Array(4);
  const before = new Float64Array(2);
  let fresh = true;
  return {
    reset() {
      fresh = true;
    },
    torque(measured) {
      for (let j = 0; j < 2; j++) {
        const q = measured[j]!;
        x[j] = q;
        x[2 + j] = fresh ? 0 : (q - before[j]!) / DT;
        before[j] = q;
      }
      fresh = false;
      return torque(x);
    },
  };
}

/** @returns parameters of the network of features, W1 [in, out], b1, ... */
export function imitate(options: ImitationOptions): Float32Array {
  const { task, hidden, seed } = options;
  const layers = [FEATURES, ...hidden, 1];
  const memory = new SimdMemory();
  const network = new SimdMlp(memory, layers, 'elu', { rows: BATCH });
  const parameters = memory.allocate(network.size);
  const gradient = memory.allocate(network.size);
  const firstMoment = memory.allocate(network.size);
  const secondMoment = memory.allocate(network.size);
  const order = memory.allocate(BATCH);
  const key = foldIn(keyOf(seed), 4);
  const random = new RandomStream(key);
  let teacher = swingTeacher(task, options.swing, options.stages[0]!.stiffness);
  const lessons = new Lessons(memory, CAPACITY, teacher);
  // No allocation from here on: views stay good.
  const tensors = splitTensors(memory.floats(parameters, network.size), tensorSizes(layers));
  for (let l = 0; 2 * l < tensors.length; l++) {
    const scale = (2 * l + 2 === tensors.length ? 0.3 : 1) / Math.sqrt(layers[l]!);
    const weights = tensors[2 * l]!;
    for (let i = 0; i < weights.length; i++) weights[i] = scale * random.normal();
  }
  const student = withDifferences(networkTorque(layers, tensors, teacher.limit));
  firstLessons(lessons, teacher, random);
  let round = 0;
  for (const stage of options.stages) {
    teacher = swingTeacher(task, options.swing, stage.stiffness);
    lessons.teacher = teacher;
    memory.floats(firstMoment, network.size).fill(0);
    memory.floats(secondMoment, network.size).fill(0);
    let step = 0;
    const steps = stage.rounds * options.minibatches;
    for (let r = 0; r < stage.rounds; r++) {
      if (round > 0) rounds(options, round, lessons, teacher, student, foldIn(key, round), random);
      let error = 0;
      for (let m = 0; m < options.minibatches; m++) {
        error += fitGradient(memory, network, { parameters, gradient, order }, lessons, stage.nominalRows, random);
        step++;
        const fall = 0.5 * (1 + Math.cos((Math.PI * step) / steps));
        const rate = stage.learningRate * Math.min(1, step / WARM_UP) * (LAST_RATE + (1 - LAST_RATE) * fall);
        const [c1, c2] = [1 - 0.9 ** step, 1 - 0.999 ** step];
        const { size } = network;
        memory.kernel.adam(parameters, firstMoment, secondMoment, gradient, size, 1, rate, 0.9, 0.999, c1, c2, 1e-8);
      }
      options.onRound?.(round, error / options.minibatches, student);
      round++;
    }
  }
  return memory.floats(parameters, network.size).slice();
}

/** The network's torque, N m. */
function networkTorque(layers: readonly number[], tensors: readonly Float32Array[], limit: number) {
  const mlp = new Mlp(layers, 'elu');
  const features = new Float32Array(FEATURES);
  const action = new Float32Array(1);
  return (x: Float64Array) => {
    writeFeatures(x, features, 0);
    mlp.forward(tensors, features, action);
    return clamp(limit * action[0]!, -limit, limit);
  };
}

/** States spread by many sizes around the swing-up and around standing. */
function firstLessons(lessons: Lessons, teacher: Teacher, random: RandomStream): void {
  const x = new Float64Array(4);
  const steps = teacher.torques.length;
  for (let i = 0; i < AROUND_SWING; i++) {
    const n = random.below(steps);
    const size = Math.exp(random.between(-4, 0));
    const spread = [0.25, 0.4, 1.2, 2.4];
    for (let k = 0; k < 4; k++) x[k] = teacher.states[4 * n + k]! + size * spread[k]! * random.normal();
    lessons.add(x);
  }
  for (let i = 0; i < AROUND_STANDING; i++) {
    const size = Math.exp(random.between(-5, 0));
    const spread = [0.3, 0.4, 1.5, 3];
    for (let k = 0; k < 4; k++) x[k] = (k === 0 ? Math.PI : 0) + size * spread[k]! * random.normal();
    lessons.add(x);
  }
}

/** The student runs, in turns with the teacher, and asks about where it came. */
function rounds(
  { task, runs }: ImitationOptions,
  round: number,
  lessons: Lessons,
  teacher: Teacher,
  student: Controller,
  key: readonly [number, number],
  random: RandomStream,
): void {
  // The judge's seed is 1.
  const trials = robustnessTrials(leaderboardModels[task], 1000 + round);
  const hits = trials.filter((trial) => trial.trouble === 'perturbations');
  const example = withDifferences((x) => teacher.torque(x));
  const share = round < 2 ? 0.5 : 0.15;
  for (let run = 0; run < runs; run++) {
    const among = random.uniform() < HIT_SHARE ? hits : trials;
    const { model, imperfections } = among[random.below(among.length)]!;
    let count = 0;
    let teaches = false;
    const both: Controller = {
      reset() {
        student.reset();
        example.reset();
      },
      torque(measured, time) {
        const wanted = student.torque(measured, time);
        const shown = example.torque(measured, time);
        if (count++ % TURN_STEPS === 0) teaches = random.uniform() < share;
        return teaches ? shown : wanted;
      },
    };
    const noise = new RandomStream(foldIn(key, run));
    const { driven } = teacher;
    const { states } = simulate(doublePendulum(model), both, {
      dt: DT,
      steps: RUN_STEPS,
      driven,
      imperfections,
      random: noise,
    });
    for (let n = 0; n < RUN_STEPS; n += 2 + random.below(7)) {
      const x = states.subarray(4 * n, 4 * n + 4);
      const wild = !(Math.abs(x[2]!) < 40 && Math.abs(x[3]!) < 60);
      const settled = Math.cos(x[0]!) < -0.998 && Math.cos(x[1]!) > 0.998;
      // Of standing still a few lessons are enough.
      if (wild || (settled && random.uniform() < 0.8)) continue;
      lessons.add(x);
    }
  }
}

/** @returns the weighted mean error, a share of the motor's limit */
function fitGradient(
  memory: SimdMemory,
  network: SimdMlp,
  at: { readonly parameters: number; readonly gradient: number; readonly order: number },
  lessons: Lessons,
  nominalRows: number,
  random: RandomStream,
): number {
  const order = memory.ints(at.order, BATCH);
  for (let b = 0; b < BATCH; b++) order[b] = random.below(b < nominalRows ? lessons.nominal : lessons.count);
  memory.kernel.gatherRows(network.input, network.inputStride, lessons.features, FEATURES, at.order, BATCH, FEATURES);
  network.forward(at.parameters, BATCH);
  const output = memory.floats(network.output, BATCH * network.outputStride);
  let sum = 0;
  let weights = 0;
  for (let b = 0; b < BATCH; b++) {
    const wanted = lessons.torques[order[b]!]!;
    const weight = lessons.weights[order[b]!]!;
    const given = output[b * network.outputStride]!;
    // Beyond the limit, more is as good as the limit.
    const beyond = (wanted >= 1 && given > 1) || (wanted <= -1 && given < -1);
    const error = beyond ? 0 : given - wanted;
    output[b * network.outputStride] = (LOSS_SCALE * weight * clamp(error, -HUBER, HUBER)) / BATCH;
    sum += weight * Math.abs(error);
    weights += weight;
  }
  network.backward(at.parameters, at.gradient, BATCH, false);
  return sum / weights;
}
