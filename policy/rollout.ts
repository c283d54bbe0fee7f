/**
 * Steps a slice of the environments through one iteration with the current policy. The same function runs in one thread
 * and in many: what environment n does depends on (seed, n) alone. Allocates nothing per step.
 */

import type { Contract } from '../core/contract.ts';
import { InputError, NumericError } from '../core/errors.ts';
import { clamp, exp, tanh } from '../core/math.ts';
import { foldIn, type Key, RandomStream } from '../core/rng.ts';
import type { Environment, EnvironmentSnapshot } from '../sim/environment.ts';
import { ObsNormalizer } from './actor.ts';
import { sizesOf } from './architecture.ts';
import { DivergenceError, divergedIn, firstNonFinite, type Origin } from './divergence.ts';
import { type Inference, inferenceOf } from './inference.ts';
import { splitTensors } from './mlp.ts';
import type { RolloutBuffer } from './rollout-buffer.ts';
import { explorerLayers, LOG_STD_RANGE } from './squashed-gaussian.ts';

const HALF_LOG_TWO_PI = 0.9189385332046727;

/** Sees every environment step of a slice; the viewer's tap. */
export type StepTap = (t: number, n: number, environment: Environment, obs: Float32Array, obsOffset: number) => void;

export class Rollout {
  readonly #environments: readonly Environment[];
  readonly #first: number;
  readonly #buffer: RolloutBuffer;
  readonly #contract: Contract;
  readonly #network: Inference;
  readonly #weights: readonly Float32Array[];
  readonly #logStd: Float32Array;
  readonly #std: Float64Array;
  readonly #input: Float32Array;
  /** Parts of the input: the observation, and for a teacher what only the critic sees. */
  readonly #obs: Float32Array;
  readonly #known: Float32Array;
  /** What the actor remembers of each environment, in the buffer. */
  readonly #states: readonly Float32Array[];
  /** Mean of the action, and its log-std where that depends on the state. */
  readonly #mean: Float32Array;
  /** What the environment gets: the action, squashed where the network's output is. */
  readonly #acted: Float32Array;
  readonly #squash: boolean;
  readonly #random = new RandomStream([0, 0]);
  readonly #noiseKeys: readonly Key[];
  readonly #episodes: Int32Array;
  #started = false;

  /**
   * @param first id of the slice's first environment
   * @param key of the exploration noise
   */
  constructor(
    environments: readonly Environment[],
    first: number,
    buffer: RolloutBuffer,
    contract: Contract,
    key: Key,
  ) {
    this.#environments = environments;
    this.#first = first;
    this.#buffer = buffer;
    this.#contract = contract;
    const { network } = contract;
    const { obsDim, actionDim, parameters, stateDim = 0, stateStd = false } = buffer.shape;
    const layers = stateStd ? explorerLayers(network.layers) : network.layers;
    // Noise comes before squashing.
    const explorer = { ...network, layers, output: 'linear' } as const;
    this.#network = inferenceOf(explorer);
    this.#weights = splitTensors(buffer.parameters, sizesOf(explorer));
    this.#states = environments.map((_, i) =>
      buffer.nextActorState.subarray((first + i) * stateDim, (first + i + 1) * stateDim),
    );
    this.#input = new Float32Array(layers[0]!);
    this.#obs = this.#input.subarray(0, obsDim);
    this.#known = this.#input.subarray(obsDim);
    this.#mean = new Float32Array(layers.at(-1)!);
    this.#logStd = stateStd ? this.#mean.subarray(actionDim) : buffer.parameters.subarray(parameters - actionDim);
    this.#std = new Float64Array(actionDim);
    this.#acted = new Float32Array(actionDim);
    this.#squash = network.output === 'tanh';
    this.#noiseKeys = environments.map((_, i) => foldIn(key, first + i));
    this.#episodes = new Int32Array(environments.length);
    for (const [i, environment] of environments.entries()) {
      const { criticObserver, level, bounds } = environment;
      const size = criticObserver?.size ?? 0;
      if (size !== buffer.shape.criticDim) {
        throw new InputError(
          `the task's critic sees ${size} numbers of its own, the buffer holds ${buffer.shape.criticDim}`,
          {
            repair: 'give the network settings of the same task: criticInputs is the size of its criticObservations',
          },
        );
      }
      if (bounds.length !== buffer.bounds.length) {
        throw new InputError(`ADR has ${bounds.length} bounds, the buffer holds ${buffer.bounds.length}`, {
          repair: "give the buffer two bounds a parameter of the recipe's adr",
        });
      }
      buffer.level[first + i] = level;
      // All environments begin at the same bounds and read them where the learner writes them.
      buffer.bounds.set(bounds);
      environment.bounds = buffer.bounds;
    }
  }

  /** Where the slice's environments stand, after an iteration. */
  snapshots(): EnvironmentSnapshot[] {
    return this.#environments.map((environment) => environment.snapshot());
  }

  /**
   * Be where they stood; the next iteration goes on from there.
   * @param snapshots one an environment of the slice
   * @throws InputError when an episode does not come to where it was
   */
  restore(snapshots: readonly EnvironmentSnapshot[]): void {
    const { shape, obs, criticObs, level } = this.#buffer;
    const { obsDim, criticDim } = shape;
    for (const [i, environment] of this.#environments.entries()) {
      const snapshot = snapshots[i]!;
      const n = this.#first + i;
      const row = shape.horizon * shape.numEnvs + n;
      try {
        environment.restore(snapshot, obs, row * obsDim, criticObs, row * criticDim);
      } catch (error) {
        if (error instanceof NumericError) throw changedSince(n, error);
        throw error;
      }
      if (snapshot.actions.length > 0 && (environment.terminated || environment.truncated)) throw changedSince(n);
      this.#episodes[i] = snapshot.episode + 1;
      level[n] = environment.level;
    }
    this.#started = true;
  }

  /**
   * Fill the slice's columns of the buffer.
   * @param iteration counts from 0 and seeds the exploration noise
   */
  collect(iteration: number, tap?: StepTap): void {
    const { shape, obs, criticObs, normalizer, criticNormalizer, actorState, termSums, level } = this.#buffer;
    const { horizon, numEnvs, obsDim, criticDim, rewardTerms, stateDim = 0 } = shape;
    const normalize = this.#normalizerOf(normalizer);
    const normalizeKnown = this.#normalizerOf(criticNormalizer);
    this.#readStd();
    const last = horizon * numEnvs;
    for (let i = 0; i < this.#environments.length; i++) {
      const n = this.#first + i;
      const environment = this.#environments[i]!;
      if (this.#started) {
        obs.copyWithin(n * obsDim, (last + n) * obsDim, (last + n + 1) * obsDim);
        criticObs.copyWithin(n * criticDim, (last + n) * criticDim, (last + n + 1) * criticDim);
      } else {
        environment.level = level[n]!;
        environment.reset(0, obs, n * obsDim);
        environment.observeCritic(criticObs, n * criticDim);
        this.#episodes[i] = 1;
        this.#states[i]!.fill(0);
      }
      actorState.set(this.#states[i]!, n * stateDim);
      termSums.fill(0, n * rewardTerms, (n + 1) * rewardTerms);
    }
    this.#started = true;
    for (let t = 0; t < horizon; t++) {
      for (let i = 0; i < this.#environments.length; i++) this.#step(iteration, t, i, normalize, normalizeKnown, tap);
    }
    for (let i = 0; i < this.#environments.length; i++) level[this.#first + i] = this.#environments[i]!.level;
  }

  #readStd(): void {
    for (let k = 0; k < this.#std.length; k++) this.#std[k] = exp(this.#logStd[k]!);
  }

  /** @param statistics mean, then variance */
  #normalizerOf(statistics: Float64Array): ObsNormalizer {
    const half = statistics.length / 2;
    return new ObsNormalizer({
      ...this.#contract.normalizer,
      mean: Array.from(statistics.subarray(0, half)),
      variance: Array.from(statistics.subarray(half)),
    });
  }

  #step(
    iteration: number,
    t: number,
    i: number,
    normalize: ObsNormalizer,
    normalizeKnown: ObsNormalizer,
    tap: StepTap | undefined,
  ): void {
    const buffer = this.#buffer;
    const { horizon, numEnvs, obsDim, criticDim, actionDim, rewardTerms } = buffer.shape;
    const environment = this.#environments[i]!;
    const n = this.#first + i;
    const cell = t * numEnvs + n;

    normalize.apply(buffer.obs, cell * obsDim, this.#obs);
    normalizeKnown.apply(buffer.criticObs, cell * criticDim, this.#known);
    this.#network.forward(this.#weights, this.#input, this.#mean, this.#states[i]!);
    if (buffer.shape.stateStd === true) {
      for (let k = 0; k < actionDim; k++) this.#logStd[k] = clamp(this.#logStd[k]!, LOG_STD_RANGE[0], LOG_STD_RANGE[1]);
      this.#readStd();
    }
    this.#random.resetFolded(this.#noiseKeys[i]!, iteration * horizon + t);
    let logProb = 0;
    for (let k = 0; k < actionDim; k++) {
      // a = mu + sigma z,   log pi(a) = sum -z^2/2 - log sigma - log(2 pi)/2
      const z = this.#random.normal();
      const a = this.#mean[k]! + this.#std[k]! * z;
      buffer.action[cell * actionDim + k] = a;
      this.#acted[k] = this.#squash ? tanh(a) : a;
      logProb += -0.5 * z * z - this.#logStd[k]! - HALF_LOG_TWO_PI;
    }
    if (!Number.isFinite(logProb) || firstNonFinite(buffer.action, cell * actionDim, actionDim) >= 0) {
      this.#requireFinite(cell * obsDim, cell * criticDim, iteration, t, i);
      throw this.#diverged('action', buffer.action, cell * actionDim, actionDim, iteration, t, i);
    }
    buffer.logProb[cell] = logProb;

    const next = (cell + numEnvs) * obsDim;
    const nextCritic = (cell + numEnvs) * criticDim;
    try {
      environment.step(this.#acted, 0, buffer.obs, next);
      environment.observeCritic(buffer.criticObs, nextCritic);
    } catch (error) {
      const where = `environment ${n}, iteration ${iteration}, step ${t}`;
      throw divergedIn(environment, error, where, this.#origin(iteration, t, i));
    }
    this.#requireFinite(next, nextCritic, iteration, t, i);
    buffer.reward[cell] = environment.reward;
    buffer.terminated[cell] = environment.terminated ? 1 : 0;
    buffer.truncated[cell] = environment.truncated ? 1 : 0;
    for (let k = 0; k < rewardTerms; k++) {
      buffer.termSums[n * rewardTerms + k] = buffer.termSums[n * rewardTerms + k]! + environment.rewardTerms[k]!;
    }
    tap?.(t, n, environment, buffer.obs, next);
    if (!environment.terminated && !environment.truncated) {
      buffer.endedLength[cell] = 0;
      return;
    }
    buffer.endedReturn[cell] = environment.episodeReturn;
    buffer.endedLength[cell] = environment.episodeSteps;
    buffer.endedSuccess[cell] = environment.success ? 1 : 0;
    if (buffer.bounds.length > 0) {
      buffer.endedBound[cell] = environment.bound;
      buffer.endedBoundValue[cell] = environment.boundValue;
    }
    buffer.finalObs.set(buffer.obs.subarray(next, next + obsDim), cell * obsDim);
    buffer.finalCriticObs.set(buffer.criticObs.subarray(nextCritic, nextCritic + criticDim), cell * criticDim);
    environment.reset(this.#episodes[i]!, buffer.obs, next);
    this.#states[i]!.fill(0);
    environment.observeCritic(buffer.criticObs, nextCritic);
    this.#episodes[i] = this.#episodes[i]! + 1;
    this.#requireFinite(next, nextCritic, iteration, t, i);
  }

  /** What environment `i` of the slice has just been seen to be. Clipped, an infinity would only show in the statistics. */
  #requireFinite(obs: number, criticObs: number, iteration: number, t: number, i: number): void {
    const buffer = this.#buffer;
    const { obsDim, criticDim } = buffer.shape;
    if (firstNonFinite(buffer.obs, obs, obsDim) >= 0)
      throw this.#diverged('observation', buffer.obs, obs, obsDim, iteration, t, i);
    if (firstNonFinite(buffer.criticObs, criticObs, criticDim) >= 0)
      throw this.#diverged('critic observation', buffer.criticObs, criticObs, criticDim, iteration, t, i);
  }

  #origin(iteration: number, step: number, i: number): Omit<Origin, 'tensor'> {
    const env = this.#first + i;
    return { iteration, env, step, episode: { env, at: this.#environments[i]!.snapshot() } };
  }

  /** @param values of which [from, from + count) holds the number that is not finite */
  #diverged(
    name: string,
    values: Float32Array,
    from: number,
    count: number,
    iteration: number,
    t: number,
    i: number,
  ): DivergenceError {
    const at = Math.max(from, firstNonFinite(values, from, count));
    const tensor = `${name} ${this.#partOf(name, at - from)}`;
    return new DivergenceError(
      `environment ${this.#first + i}, iteration ${iteration}, step ${t}: ${tensor} is ${values[at]}`,
      { ...this.#origin(iteration, t, i), tensor },
    );
  }

  /** A number of an observation or an action by the name of its term, such as `imu[2]`. */
  #partOf(tensor: string, k: number): string {
    if (tensor !== 'observation') return String(k);
    let at = k;
    for (const { name, size } of this.#contract.observations) {
      if (at < size) return size === 1 ? name : `${name}[${at}]`;
      at -= size;
    }
    return String(k);
  }
}

function changedSince(env: number, cause?: unknown): InputError {
  return new InputError(`environment ${env} does not come to where it was in its episode`, {
    repair:
      "the task or the simulator has changed since the checkpoint: delete the checkpoint's environments.safetensors to go on with new episodes",
    ...(cause === undefined ? {} : { cause }),
  });
}
