/** Episodes of a policy in simulation, recorded as a deployment records them: what the sensors said, not what was true. */

import type { Episode, EpisodeStep } from '../core/episode.ts';
import { type Key, RandomStream } from '../core/rng.ts';
import type { Environment } from '../sim/environment.ts';
import { type EnvironmentRecipe, makeEnvironments } from '../sim/recipe.ts';

/** What acts: an `Actor`, or anything that maps an observation to an action. */
export interface Acting {
  reset(): void;
  /** @param obs [obsDim] @param out [actionDim] */
  act(obs: Float32Array, out: Float32Array): void;
}

/** Uniform actions, the same for the same key: what a policy's return is measured from. */
export function aimlessPolicy(key: Key): Acting {
  const random = new RandomStream(key);
  return {
    reset() {},
    act(_, out) {
      for (let k = 0; k < out.length; k++) out[k] = random.between(-1, 1);
    },
  };
}

/** Episodes 0 to count - 1 of the recipe. */
export async function recordEpisodes(recipe: EnvironmentRecipe, policy: Acting, count: number): Promise<Episode[]> {
  const [environment] = await makeEnvironments(recipe, 0, 1);
  try {
    return Array.from({ length: count }, (_, number) => recordEpisode(environment!, recipe, policy, number));
  } finally {
    await environment!.robot.close();
  }
}

function recordEpisode(
  environment: Environment,
  { contract, engine }: EnvironmentRecipe,
  policy: Acting,
  number: number,
): Episode {
  const { rateHz } = contract.control;
  const joints = contract.joints.map(({ name }) => name);
  const driven = new Set(contract.actions.flatMap(({ kind, joints: own }) => (kind === 'effort' ? own : [])));
  const obs = new Float32Array(environment.observer.size);
  const action = new Float32Array(environment.actuation.size);
  const steps: EpisodeStep[] = [];
  environment.reset(number, obs, 0);
  policy.reset();
  do {
    const { q, qd, effort, base, twist, sensors } = environment.robot.observe();
    const before = {
      q: q.slice(),
      qd: qd.slice(),
      effort: effort.slice(),
      base: base.slice(),
      twist: twist.slice(),
      sensors: structuredClone(sensors),
      taskCommand: environment.taskCommand.slice(),
      obs: obs.slice(),
    };
    policy.act(obs, action);
    environment.step(action, 0, obs, 0);
    const { command } = environment;
    const time = steps.length / rateHz;
    steps.push({
      ...before,
      sensorTime: time,
      receiptTime: time,
      commandTime: time,
      action: action.slice(),
      // A joint that is asked for a position is sent no effort.
      command: command.effort.map((tau, j) => (driven.has(joints[j]!) ? tau : Number.NaN)),
      qTarget: command.q.slice(),
      qdTarget: command.qd.slice(),
      reward: environment.reward,
      rewardTerms: {},
      terminated: environment.terminated,
      truncated: environment.truncated,
    });
  } while (!environment.terminated && !environment.truncated);
  return {
    meta: {
      id: `${engine}-${number}`,
      source: engine === 'mujoco' ? 'twin' : 'sim',
      robot: contract.robot.name,
      task: contract.task,
      joints,
      rateHz,
      startedAt: 0,
      contract,
      shadow: false,
      parameters: environment.parameters(),
    },
    steps,
    outcome: { reason: 'completed', completed: true },
  };
}
