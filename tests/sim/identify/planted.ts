/** Episodes of a simulated pendulum with known parameters, to be found again. */

import { readFileSync } from 'node:fs';
import { type Episode, type EpisodeStep, JOINTS_ALONE } from '../../../core/episode.ts';
import { foldIn, type Key, RandomStream } from '../../../core/rng.ts';
import { makeCommand } from '../../../core/robot.ts';
import { type Dynamics, nominalDynamics } from '../../../sim/dynamics.ts';
import type { RobotRecipe } from '../../../sim/identify/problem.ts';
import { loadRapier, RapierRobot } from '../../../sim/rapier-robot.ts';
import { parseUrdf } from '../../../sim/urdf.ts';

export const urdf = readFileSync('configs/robots/pendulum.urdf', 'utf8');
export const model = parseUrdf(urdf, { where: 'pendulum.urdf' });
export const physics = { physicsDt: 0.005, solverIterations: 4 };
export const nominal = nominalDynamics(model);
export const recipe: RobotRecipe = { urdf, physics, nominal };

const RATE = 100;

export interface PlantedOptions {
  readonly dynamics: Partial<Dynamics>;
  readonly seconds: number;
  /** Sensor noise as a share of these episodes' deviations: about 0.7 rad and 2.5 rad/s. */
  readonly noise: number;
  readonly key: Key;
  /** The torque column is a sensor's reading, not the command. @default false */
  readonly measured?: boolean;
  /** A step at which the motor kicks with 17 N m. */
  readonly kickAt?: number;
}

/** Torque against the motion to brake or with it to pump, at random, from a random state: energetic, never still. */
export async function plantedEpisode(options: PlantedOptions): Promise<Episode> {
  const random = new RandomStream(options.key);
  const dynamics: Dynamics = { ...nominal, ...options.dynamics };
  const robot = new RapierRobot(await loadRapier(), model, dynamics, physics);
  robot.setDynamics({ ...dynamics, positionNoise: 0.7 * options.noise, velocityNoise: 2.5 * options.noise });
  robot.seedNoise(foldIn(options.key, 1));
  robot.reset([random.between(-2, 2)], [random.between(-3, 3)]);
  const command = makeCommand(1);
  const steps: EpisodeStep[] = [];
  let torque = 0;
  for (let k = 0; k < options.seconds * RATE; k++) {
    const state = robot.observe();
    if (k % 20 === 0) torque = (random.uniform() < 0.8 ? Math.sign(state.qd[0]!) : -1) * random.between(0.4, 1);
    const sent = k === options.kickAt ? 17 : torque;
    command.effort[0] = sent;
    steps.push({
      sensorTime: k / RATE,
      receiptTime: k / RATE,
      commandTime: k / RATE,
      q: state.q.slice(),
      qd: state.qd.slice(),
      effort: Float64Array.of(options.measured === true ? sent : Number.NaN),
      obs: new Float32Array(0),
      action: new Float32Array(0),
      ...JOINTS_ALONE,
      command: Float64Array.of(sent),
      reward: 0,
      rewardTerms: {},
      terminated: false,
      truncated: false,
    });
    robot.act(command);
    robot.step(1 / RATE);
  }
  robot.close();
  return {
    meta: {
      id: `planted-${options.key.join('-')}`,
      source: 'sim',
      robot: 'pendulum',
      task: 'pendulum',
      joints: ['shoulder'],
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
