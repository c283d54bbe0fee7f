/**
 * Recordings of a simulated pendulum whose parameters are known, or whose gears have play that no parameter stands for:
 * what an identification is to find again, and what it is to doubt.
 */

import { type Episode, type EpisodeStep, JOINTS_ALONE } from '../../../core/episode.ts';
import { foldIn, type Key, RandomStream } from '../../../core/rng.ts';
import { makeCommand } from '../../../core/robot.ts';
import type { Dynamics } from '../../../sim/dynamics.ts';
import { estimate } from '../../../sim/identify/estimate.ts';
import { budgets, driveScales } from '../../../sim/identify/identify.ts';
import { defaultFitted, fitParameters, parameterValue } from '../../../sim/identify/parameters.ts';
import { makeLocalEvaluator, type RobotRecipe } from '../../../sim/identify/problem.ts';
import { recordingOf } from '../../../sim/identify/recording.ts';
import { checkStructure } from '../../../sim/identify/structure.ts';
import { cutWindows } from '../../../sim/identify/windows.ts';
import { loadRapier, RapierRobot } from '../../../sim/rapier-robot.ts';
import { PLAIN_ROBOT } from '../../../sim/robot-spec.ts';
import { parseUrdf } from '../../../sim/urdf.ts';

const RATE = 100;
const SECONDS = 8;
const EPISODES = 5;
/** Of readings, as shares of the motion's deviation. */
const NOISE = 0.01;
/** Of the rotor behind the play, kg m2: a tenth of the arm's. */
const ROTOR = 0.01;
const STRIDE = 0.5;
const BLOCK = 3;

export interface PlantedFigures {
  readonly backlash: number;
  readonly seed: number;
  /** Largest relative error of the parameters that were called identifiable. */
  readonly worst: number;
  readonly identifiable: number;
  /** Of bootstrap and Fisher deviations, the median over the parameters. */
  readonly ratio: number;
  readonly misfit: number;
  readonly suspect: boolean;
}

/** Parameters to be found again, other ones for each key. */
function truthOf(nominal: Dynamics, key: Key): Dynamics {
  const random = new RandomStream(key);
  return {
    ...nominal,
    massScale: [random.between(0.8, 1.4)],
    comScale: [random.between(0.9, 1.1)],
    friction: [random.between(0.05, 0.15)],
    damping: [random.between(0.05, 0.1)],
    torqueOffset: [random.between(0.03, 0.08)],
    latency: random.between(0.008, 0.02),
    torqueLimit: [100],
  };
}

/** @param backlash rad of play, 0 for the structure that is fitted */
export async function plantedFigures(
  robot: RobotRecipe,
  backlash: number,
  seed: number,
  key: Key,
): Promise<PlantedFigures> {
  const armature = [backlash > 0 ? ROTOR : 0];
  const truth = { ...truthOf(robot.nominal, foldIn(key, 1)), armature };
  const episodes: Episode[] = [];
  for (let i = 0; i < EPISODES; i++) episodes.push(await episodeOf(robot, truth, backlash, foldIn(key, 10 + i)));
  const recordings = episodes.map((episode, i) => recordingOf(episode, `planted ${i}`));
  const windows = recordings.flatMap((recording, index) =>
    cutWindows(recording, { seconds: 0.5, stride: STRIDE, begin: 0, end: 1, soundStarts: true }).map((window) => ({
      ...window,
      recording: index,
    })),
  );
  // What is known of the rotor is known to both.
  const nominal = { ...robot.nominal, armature };
  const evaluator = await makeLocalEvaluator({ ...robot, nominal }, recordings);
  const found = await estimate(
    {
      evaluator,
      recordings,
      windows,
      parameters: fitParameters(defaultFitted, driveScales(recordings), false),
      nominal,
    },
    { budget: budgets.quick.joint, key: foldIn(key, 2) },
    recordings.map(() => 1),
  );
  const known = found.estimates.filter((e) => e.identifiable);
  const errors = known.map(({ parameter, value }) => Math.abs(value / parameterValue(parameter, truth) - 1));
  const { ratio, misfit, suspect } = await checkStructure(found, recordings, BLOCK, foldIn(key, 3));
  return { backlash, seed, worst: Math.max(...errors), identifiable: known.length, ratio, misfit, suspect };
}

/** Torque with the motion to pump or against it to brake, at random. */
async function episodeOf(robot: RobotRecipe, truth: Dynamics, backlash: number, key: Key): Promise<Episode> {
  const random = new RandomStream(key);
  const model = parseUrdf(robot.urdf, { where: 'the pendulum' });
  const name = model.joints[model.dof[0]!]!.name;
  const spec = { ...PLAIN_ROBOT, actuators: { [name]: { kind: 'pd', backlash } as const } };
  const simulated = new RapierRobot(await loadRapier(), model, truth, robot.physics, spec);
  simulated.setDynamics({ ...truth, positionNoise: 0.7 * NOISE, velocityNoise: 2.5 * NOISE });
  simulated.seedNoise(foldIn(key, 1));
  simulated.reset([random.between(-2, 2)], [random.between(-3, 3)]);
  const command = makeCommand(1);
  const steps: EpisodeStep[] = [];
  for (let k = 0; k < SECONDS * RATE; k++) {
    const { q, qd } = simulated.observe();
    if (k % 20 === 0) {
      command.effort[0] = (random.uniform() < 0.8 ? Math.sign(qd[0]!) : -1) * random.between(0.4, 1);
    }
    const time = k / RATE;
    steps.push({
      sensorTime: time,
      receiptTime: time,
      commandTime: time,
      q: q.slice(),
      qd: qd.slice(),
      effort: Float64Array.of(Number.NaN),
      obs: new Float32Array(0),
      action: new Float32Array(0),
      ...JOINTS_ALONE,
      command: command.effort.slice(),
      reward: 0,
      rewardTerms: {},
      terminated: false,
      truncated: false,
    });
    simulated.act(command);
    simulated.step(1 / RATE);
  }
  simulated.close();
  return {
    meta: {
      id: `planted-${key.join('-')}`,
      source: 'sim',
      robot: model.name,
      task: 'pendulum',
      joints: [name],
      rateHz: RATE,
      startedAt: 0,
      contract: null,
      shadow: false,
      parameters: {},
    },
    steps,
    outcome: { reason: 'completed', completed: true },
  };
}
