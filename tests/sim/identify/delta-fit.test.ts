/**
 * The delta action against the case that has an answer: of a joint under position control whose real gain is 0.65 of the
 * simulated one, 0.65 kp (q* - q) = kp (q* + D - q) gives D = -0.35 (q* - q).
 */

import { afterAll, describe, expect, it } from 'vitest';
import { InputError } from '../../../core/errors.ts';
import { foldIn, keyOf, RandomStream } from '../../../core/rng.ts';
import { makeCommand } from '../../../core/robot.ts';
import { DeltaAction, type DeltaActionModel, readDeltaAction } from '../../../sim/delta-action.ts';
import { fitDelta, invertDelta, refineDelta } from '../../../sim/identify/delta-fit.ts';
import { type Evaluator, makeLocalEvaluator, type ProblemWindow } from '../../../sim/identify/problem.ts';
import { type Recording, recordingOf } from '../../../sim/identify/recording.ts';
import { cutWindows, pooledError } from '../../../sim/identify/windows.ts';
import { loadRapier, RapierRobot } from '../../../sim/rapier-robot.ts';
import { model, nominal, physics, plantedEpisode, recipe } from './planted.ts';

const KEY = keyOf(11);
const [KP, KD, RATE] = [8, 0.3, 100];
const WEAKER = 0.65;
/** Motors strong enough never to saturate: a limit would be a second difference. */
const dynamics = { ...nominal, torqueLimit: [50] };

const open: Evaluator[] = [];
afterAll(async () => {
  for (const evaluator of open) await evaluator.close();
});

/** A joint that follows random targets with a gain of 0.65 kp. */
async function followed(seconds: number): Promise<Recording> {
  const random = new RandomStream(foldIn(KEY, 1));
  const robot = new RapierRobot(await loadRapier(), model, { ...dynamics, kpScale: [WEAKER] }, physics);
  robot.reset([0.3], [0]);
  const command = makeCommand(1);
  command.kp[0] = KP;
  command.kd[0] = KD;
  const count = seconds * RATE;
  const logs = { q: new Float64Array(count), qd: new Float64Array(count), target: new Float64Array(count) };
  let target = 0;
  for (let k = 0; k < count; k++) {
    if (k % 15 === 0) target = random.between(-1.5, 1.5);
    logs.q[k] = robot.truth.q[0]!;
    logs.qd[k] = robot.truth.qd[0]!;
    logs.target[k] = target;
    command.q[0] = target;
    robot.act(command);
    robot.step(1 / RATE);
  }
  robot.close();
  const template = await plantedEpisode({ dynamics: {}, seconds, noise: 0, key: KEY });
  const steps = template.steps.map((step, k) => ({
    ...step,
    q: logs.q.slice(k, k + 1),
    qd: logs.qd.slice(k, k + 1),
    command: Float64Array.of(0),
  }));
  const zeros = new Float64Array(count);
  return {
    ...recordingOf({ ...template, steps }, 'followed'),
    targets: { q: logs.target, qd: zeros, kp: [KP], kd: [KD] },
  };
}

function windowsOf(recording: Recording, seconds: number, begin: number, end: number): ProblemWindow[] {
  const settings = { seconds, stride: seconds, begin, end, soundStarts: false };
  return cutWindows(recording, settings).map((window) => ({ ...window, recording: 0 }));
}

/** D at a state and a target. */
function correction(delta: DeltaAction, q: number, qd: number, target: number): number {
  const command = makeCommand(1);
  command.q[0] = target;
  return delta.correct({ q: Float64Array.of(q), qd: Float64Array.of(qd) }, command).q[0]! - target;
}

/** Least-squares slope of D over (q* - q), over the states and targets of the log. */
function slopeOf(fitted: DeltaActionModel, recording: Recording): number {
  const delta = new DeltaAction(fitted);
  let [product, square] = [0, 0];
  for (let k = 0; k < recording.q.length; k++) {
    const error = recording.targets!.q[k]! - recording.q[k]!;
    product += error * correction(delta, recording.q[k]!, recording.qd[k]!, recording.targets!.q[k]!);
    square += error * error;
  }
  return product / square;
}

describe('a gain of 0.65', async () => {
  const recording = await followed(12);
  const evaluator = await makeLocalEvaluator({ ...recipe, nominal: dynamics }, [recording]);
  open.push(evaluator);
  const robot = { name: 'pendulum', urdfHash: model.urdfHash };
  const task = { evaluator, recordings: [recording], dynamics, robot, channel: 'position', limit: [1] } as const;
  // Two readings: one step of control, over which target and correction are constant.
  const inversion = (begin: number, end: number) => invertDelta(task, windowsOf(recording, 0.02, begin, end));
  const train = await inversion(0, 0.7);
  const supervised = fitDelta(train, await inversion(0.7, 1), { key: KEY });

  it('is found as -0.35 of the position error, within 5%', () => {
    expect(Math.abs(slopeOf(supervised, recording) / -0.35 - 1)).toBeLessThan(0.05);
  });

  it('makes the simulator follow the log in longer windows', async () => {
    const windows = windowsOf(recording, 0.3, 0.7, 1);
    const errorWith = async (delta?: DeltaActionModel) => {
      const request = { parameters: [], nominal: dynamics, points: [[]], windows, start: 'logged' } as const;
      const [residuals] = await evaluator.evaluate(delta === undefined ? request : { ...request, delta });
      return pooledError(residuals!);
    };
    expect(await errorWith(supervised)).toBeLessThan(0.15 * (await errorWith()));
  });

  it('is also found through the simulator, from a linear law that knows nothing', async () => {
    const nothing = { ...train.model };
    const windows = windowsOf(recording, 0.15, 0, 0.4);
    const refined = await refineDelta(task, nothing, windows, windowsOf(recording, 0.15, 0.7, 1), 8);
    expect(Math.abs(slopeOf(refined, recording) / -0.35 - 1)).toBeLessThan(0.05);
  });

  it('stays within its limit', () => {
    const wide = new DeltaAction({ ...supervised, weights: supervised.weights.map((w) => 50 * w) });
    expect(Math.abs(correction(wide, 0, 0, 1.5))).toBeLessThanOrEqual(1);
  });

  it('is read back from text, and a file of another shape is refused in one line', () => {
    expect(readDeltaAction(JSON.stringify(supervised), 'delta.json')).toEqual(supervised);
    const broken = JSON.stringify({ ...supervised, limit: [1, 1] });
    expect(() => readDeltaAction(broken, 'delta.json')).toThrow(InputError);
    expect(() => readDeltaAction(broken, 'delta.json')).toThrow(/^delta\.json: expected layers \[8, ..., 2\][^\n]*$/);
  });
});
