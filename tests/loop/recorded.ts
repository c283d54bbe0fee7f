/** Episodes recorded in simulation, as `landfall deploy` would record them: by a task's reference policy, or by noise. */

import type { Episode, EpisodeStep } from '../../core/episode.ts';
import { JOINTS_ALONE } from '../../core/episode.ts';
import { foldIn, keyOf, RandomStream } from '../../core/rng.ts';
import { type Experiment, evaluationRecipe } from '../../loop/experiment.ts';
import type { Environment } from '../../sim/environment.ts';
import { makeEnvironments } from '../../sim/recipe.ts';

export type Actor = (environment: Environment, random: RandomStream, action: Float32Array) => void;

/** The task's reference policy with noise of a standard deviation on its action. */
export function reference(experiment: Experiment, noise: number): () => Actor {
  return () => {
    const act = experiment.task.reference!.make();
    return (environment, random, action) => {
      act(environment.view, action);
      for (let k = 0; k < action.length; k++) action[k] = action[k]! + noise * random.normal();
    };
  };
}

/** A torque that is drawn anew every fifth step. */
export function aimless(): Actor {
  return ({ episodeSteps }, random, action) => {
    if (episodeSteps % 5 === 0) for (let k = 0; k < action.length; k++) action[k] = random.between(-1, 1);
  };
}

/** @param seed of the episodes, not of what is judged later */
export async function record(
  experiment: Experiment,
  make: () => Actor,
  count: number,
  seed: number,
): Promise<Episode[]> {
  const { contract, rewardNames } = experiment;
  const [environment] = await makeEnvironments(evaluationRecipe(experiment, contract, 'rapier', seed), 0, 1);
  const { actuation, observer, robot } = environment!;
  const obs = new Float32Array(observer.size);
  const action = new Float32Array(actuation.size);
  const episodes: Episode[] = [];
  for (let episode = 0; episode < count; episode++) {
    const act = make();
    const random = new RandomStream(foldIn(keyOf(seed), episode));
    const steps: EpisodeStep[] = [];
    action.fill(0);
    environment!.reset(episode, obs, 0);
    do {
      act(environment!, random, action);
      const { q, qd, time } = robot.observe();
      const before = { q: q.slice(), qd: qd.slice(), obs: obs.slice(), action: action.slice() };
      environment!.step(action, 0, obs, 0);
      const { effort } = environment!.command;
      steps.push({
        ...JOINTS_ALONE,
        ...before,
        sensorTime: time,
        receiptTime: time,
        commandTime: time,
        effort: new Float64Array(q.length).fill(Number.NaN),
        command: effort.slice(),
        reward: environment!.reward,
        rewardTerms: Object.fromEntries(rewardNames.map((name, k) => [name, environment!.rewardTerms[k]!])),
        terminated: environment!.terminated,
        truncated: environment!.truncated,
      });
    } while (!environment!.terminated && !environment!.truncated);
    episodes.push({
      meta: {
        id: `${seed}-${episode}`,
        source: 'sim',
        robot: contract.robot.name,
        task: contract.task,
        joints: contract.joints.map(({ name }) => name),
        rateHz: contract.control.rateHz,
        startedAt: 0,
        contract,
        shadow: false,
        parameters: {},
      },
      steps,
      outcome: { reason: 'completed', completed: true },
    });
  }
  await robot.close();
  return episodes;
}

/** The reference policy, pushed one way for seven of ten stretches of ten steps: most of what it does is poor. */
export function pushed(experiment: Experiment, push: number): () => Actor {
  return () => {
    const act = experiment.task.reference!.make();
    let bias = 0;
    return (environment, random, action) => {
      if (environment.episodeSteps % 10 === 0) bias = random.uniform() < 0.7 ? push : 0;
      act(environment.view, action);
      for (let k = 0; k < action.length; k++) action[k] = action[k]! + bias + 0.1 * random.normal();
    };
  };
}
