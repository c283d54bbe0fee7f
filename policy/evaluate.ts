/**
 * Judges a policy: whole episodes with its mean action. The engine does not matter; the episodes of a seed are the same
 * for every policy, so two policies can be compared pair by pair. Allocates nothing per step.
 */

import { type Key, RandomStream } from '../core/rng.ts';
import type { Environment } from '../sim/environment.ts';
import { divergedIn } from './divergence.ts';

export interface EpisodeScore {
  readonly return: number;
  readonly success: boolean;
  readonly steps: number;
  readonly terminated: boolean;
}

export interface Evaluation {
  readonly episodes: number;
  readonly successRate: number;
  readonly meanReturn: number;
  /** Bootstrap interval of the mean return. */
  readonly ci95: readonly [number, number];
  /** Wilson interval of the success rate. */
  readonly successCi95: readonly [number, number];
}

export interface ActingPolicy {
  /** It acts on what only a simulation knows, too. */
  readonly isPrivileged?: boolean;
  /** An episode begins. */
  reset?(): void;
  /** @param obs [obsDim] @param out [actionDim] @param known the critic's observation, for a privileged policy */
  act(obs: Float32Array, out: Float32Array, known: Float32Array): void;
}

/** Runs one episode at a time in one environment. */
export class EpisodeRunner {
  readonly environment: Environment;
  readonly obs: Float32Array;
  readonly action: Float32Array;
  readonly #known: Float32Array;

  constructor(environment: Environment) {
    this.environment = environment;
    this.obs = new Float32Array(environment.observer.size);
    this.action = new Float32Array(environment.actuation.size);
    this.#known = new Float32Array(environment.criticObserver?.size ?? 0);
  }

  /**
   * @param episode number, which with the environment's key decides everything random
   * @param onStep sees `obs` as it was before the step, and the environment after it
   * @throws DivergenceError when a number is not finite
   */
  run(
    policy: ActingPolicy,
    episode: number,
    onStep?: (obs: Float32Array, action: Float32Array, environment: Environment) => void,
  ): EpisodeScore {
    const { environment, obs, action } = this;
    const before = onStep === undefined ? obs : new Float32Array(obs.length);
    environment.reset(episode, obs, 0);
    policy.reset?.();
    do {
      if (policy.isPrivileged === true) environment.observeCritic(this.#known, 0);
      policy.act(obs, action, this.#known);
      if (onStep !== undefined) before.set(obs);
      try {
        environment.step(action, 0, obs, 0);
      } catch (error) {
        const at = { env: 0, at: environment.snapshot() };
        throw divergedIn(environment, error, `episode ${episode}`, { iteration: 0, env: 0, step: null, episode: at });
      }
      onStep?.(before, action, environment);
    } while (!environment.terminated && !environment.truncated);
    return {
      return: environment.episodeReturn,
      success: environment.success,
      steps: environment.episodeSteps,
      terminated: environment.terminated,
    };
  }
}

/** @param key of the bootstrap's resampling */
export function summarise(scores: readonly EpisodeScore[], key: Key): Evaluation {
  const returns = scores.map((score) => score.return);
  const successes = scores.filter((score) => score.success).length;
  return {
    episodes: scores.length,
    successRate: successes / scores.length,
    meanReturn: mean(returns),
    ci95: bootstrapMean(returns, 0.95, key),
    successCi95: wilson(successes, scores.length),
  };
}

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Percentile bootstrap of the mean (Efron 1979). @param level such as 0.95 */
export function bootstrapMean(values: readonly number[], level: number, key: Key, resamples = 2000): [number, number] {
  if (values.length === 0) return [Number.NaN, Number.NaN];
  const random = new RandomStream(key);
  const means = Float64Array.from({ length: resamples }, () => {
    let sum = 0;
    for (let i = 0; i < values.length; i++) sum += values[random.below(values.length)]!;
    return sum / values.length;
  }).sort();
  const at = (p: number) => means[Math.min(resamples - 1, Math.max(0, Math.round(p * (resamples - 1))))]!;
  return [at((1 - level) / 2), at((1 + level) / 2)];
}

/** Wilson (1927): centre and half-width of a proportion's 95% interval. */
export function wilson(successes: number, trials: number): [number, number] {
  const z = 1.959964;
  const p = successes / trials;
  const centre = (p + (z * z) / (2 * trials)) / (1 + (z * z) / trials);
  const half = (z / (1 + (z * z) / trials)) * Math.sqrt((p * (1 - p)) / trials + (z * z) / (4 * trials * trials));
  return [Math.max(0, centre - half), Math.min(1, centre + half)];
}
