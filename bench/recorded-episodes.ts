/**
 * Episodes of a policy in simulation, recorded as a deployment would record them. They run in simulated time, on the same code
 * as a deployment's observations and actions.
 */

import type { Episode, EpisodeStep } from '../core/episode.ts';
import { Actor } from '../policy/actor.ts';
import type { Bundle } from '../policy/checkpoint.ts';
import type { Environment } from '../sim/environment.ts';
import { type EnvironmentRecipe, makeEnvironments } from '../sim/recipe.ts';

/** Episodes 0 to count - 1 of the recipe: the state before each step, and what came of it. */
export async function recordEpisodes(recipe: EnvironmentRecipe, bundle: Bundle, count: number): Promise<Episode[]> {
  const [environment] = await makeEnvironments(recipe, 0, 1);
  const actor = new Actor(bundle.contract, bundle.weights);
  const episodes = Array.from({ length: count }, (_, number) => recordEpisode(environment!, actor, bundle, number));
  await environment!.robot.close();
  return episodes;
}

function recordEpisode(environment: Environment, actor: Actor, { contract }: Bundle, number: number): Episode {
  const { rateHz } = contract.control;
  const obs = new Float32Array(environment.observer.size);
  const action = new Float32Array(environment.actuation.size);
  const steps: EpisodeStep[] = [];
  environment.reset(number, obs, 0);
  actor.reset();
  do {
    const { q, qd, effort, base, twist, sensors } = environment.robot.observe();
    const before = {
      q: Float64Array.from(q),
      qd: Float64Array.from(qd),
      effort: Float64Array.from(effort),
      base: Float64Array.from(base),
      twist: Float64Array.from(twist),
      sensors: structuredClone(sensors),
      obs: Float32Array.from(obs),
    };
    actor.act(obs, action);
    environment.step(action, 0, obs, 0);
    const time = steps.length / rateHz;
    steps.push({
      ...before,
      sensorTime: time,
      receiptTime: time,
      commandTime: time,
      action: Float32Array.from(action),
      taskCommand: environment.taskCommand.slice(),
      command: Float64Array.from(environment.command.effort),
      qTarget: Float64Array.from(environment.command.q),
      qdTarget: Float64Array.from(environment.command.qd),
      reward: environment.reward,
      rewardTerms: {},
      terminated: environment.terminated,
      truncated: environment.truncated,
    });
  } while (!environment.terminated && !environment.truncated);
  return {
    meta: {
      id: `twin-${number}`,
      source: 'twin',
      robot: contract.robot.name,
      task: contract.task,
      joints: contract.joints.map((joint) => joint.name),
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
