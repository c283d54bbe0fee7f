/** Episodes for the guard's benchmark: a policy on a robot in simulated time, with a fault from some step on or without. */

import { foldIn, type Key, RandomStream } from '../../core/rng.ts';
import { Actor } from '../../policy/actor.ts';
import type { Bundle } from '../../policy/checkpoint.ts';
import type { Trace } from '../../policy/guard/trace.ts';
import type { Environment } from '../../sim/environment.ts';
import { type EnvironmentRecipe, makeEnvironments } from '../../sim/recipe.ts';
import type { StartState, TaskDefinition } from '../../sim/task.ts';
import type { FaultyRobot, InjectedFault } from './guard-faults.ts';

export interface Trial {
  readonly trace: Trace;
  /** The step whose command the fault is the first to spoil; Infinity without one. */
  readonly onset: number;
  /** Joint readings, [steps, nJoints]. */
  readonly q: Float64Array;
  /** By the task's own test. */
  readonly success: boolean;
}

export interface TrialPlan {
  readonly recipe: EnvironmentRecipe;
  readonly task: TaskDefinition;
  /** null: the task's reference acts. */
  readonly bundle: Bundle | null;
  /** Of the first episode, and how many. */
  readonly first: number;
  readonly count: number;
  readonly fault?: { readonly fault: InjectedFault; readonly robot: FaultyRobot };
}

/** Purpose of the key that says when a fault begins. */
const ONSET = 4711;
/** Faults begin within this part of an episode, while every robot of the study still moves: at rest many change nothing. */
const BEGIN = [0.05, 0.25] as const;

/** The step at which a fault of this episode begins, or would. */
export function onsetOf(key: Key, { episodeSeconds, rateHz }: TaskDefinition, episode: number): number {
  const random = new RandomStream(foldIn(foldIn(key, ONSET), episode));
  return Math.round(episodeSeconds * rateHz * random.between(...BEGIN));
}

/** Episodes in which the fault cannot be are left out. */
export async function runTrials(plan: TrialPlan): Promise<Trial[]> {
  const [environment] = await makeEnvironments(plan.recipe, 0, 1);
  try {
    const trials: Trial[] = [];
    for (let i = 0; i < plan.count; i++) {
      const trial = runTrial(environment!, plan, plan.first + i);
      if (trial !== null) trials.push(trial);
    }
    return trials;
  } finally {
    await environment!.robot.close();
  }
}

function runTrial(environment: Environment, { recipe, task, bundle, fault }: TrialPlan, episode: number): Trial | null {
  const onset = fault === undefined ? Infinity : onsetOf(recipe.key, task, episode);
  const policy = policyOf(environment, task, bundle);
  const [seen, done] = [environment.observer.size, environment.actuation.size];
  const obs = new Float32Array(seen);
  const action = new Float32Array(done);
  const rows = { obs: [] as number[], action: [] as number[], features: [] as number[], q: [] as number[] };
  environment.reset(episode, obs, 0);
  policy.reset();
  let steps = 0;
  do {
    policy.act(obs, action);
    rows.obs.push(...obs);
    rows.action.push(...action);
    rows.features.push(...policy.features);
    rows.q.push(...environment.robot.observe().q);
    if (steps === onset) {
      const dynamics = fault!.fault.apply(recipe.dynamics, episode, fault!.robot);
      if (dynamics === null) return null;
      inject(environment, fault!.fault, dynamics);
    }
    environment.step(action, 0, obs, 0);
    steps++;
  } while (!environment.terminated && !environment.truncated);
  if (fault !== undefined && steps <= onset) return null;
  return {
    trace: {
      steps,
      obs: Float32Array.from(rows.obs),
      action: Float32Array.from(rows.action),
      features: Float32Array.from(rows.features),
    },
    onset,
    q: Float64Array.from(rows.q),
    success: environment.success,
  };
}

function inject({ robot }: Environment, fault: InjectedFault, dynamics: EnvironmentRecipe['dynamics']): void {
  if (fault.needsReset !== true) {
    robot.updateDynamics(dynamics);
    return;
  }
  const { q, qd, base, twist } = robot.truth;
  const start: StartState = { q: q.slice(), qd: qd.slice(), base: base.slice(), twist: twist.slice() };
  robot.setDynamics(dynamics);
  robot.resetTo(start);
}

interface TrialPolicy {
  readonly features: Float32Array;
  reset(): void;
  act(obs: Float32Array, action: Float32Array): void;
}

function policyOf(environment: Environment, task: TaskDefinition, bundle: Bundle | null): TrialPolicy {
  if (bundle !== null) return new Actor(bundle.contract, bundle.weights);
  let act = task.reference!.make();
  return {
    features: new Float32Array(0),
    reset: () => {
      act = task.reference!.make();
    },
    act: (_, action) => act(environment.view, action),
  };
}
