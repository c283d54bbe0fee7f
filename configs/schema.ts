/**
 * What an experiment's configuration holds, with every field's meaning, unit and bounds. A config is a frozen literal of
 * this type; the command line changes single fields by `key.path=value`.
 */

import * as v from 'valibot';
import { InputError, nearest } from '../core/errors.ts';
import { keysAt, parseWith } from '../core/schema.ts';
import { withAlgorithm } from './algorithms.ts';

const count = v.pipe(v.number(), v.integer(), v.minValue(1));
const positive = v.pipe(v.number(), v.finite(), v.gtValue(0));
const fraction = v.pipe(v.number(), v.minValue(0), v.maxValue(1));

const ALGORITHMS = ['ppo', 'sac', 'bc', 'iql', 'distill', 'rma'] as const;

const sacSchema = v.strictObject({
  /** Of actor, critics and temperature. */
  learningRate: positive,
  /** Discount per control step. */
  gamma: fraction,
  /** Share by which the target critics follow their critics at each update. */
  tau: fraction,
  batchSize: count,
  /** Transitions kept; the oldest are overwritten. */
  bufferSize: count,
  /** Control steps collected before the first update. */
  learnAfter: count,
  /** Updates of the critics per control step. */
  updateRatio: positive,
  /** Updates of the critics per update of actor and temperature. */
  actorEvery: count,
  /** In the ensemble. */
  critics: count,
  /** Critics drawn at random whose least value is the target's. */
  subset: count,
  /** Normalise each hidden layer of the critics. */
  layerNorm: v.boolean(),
  initialTemperature: positive,
  /** Entropy that the temperature steers to, nats for each number of the action. */
  actionEntropy: v.pipe(v.number(), v.finite()),
  /** Whether targets count the entropy of the next action. */
  backupEntropy: v.boolean(),
  /** Of each batch, drawn from the episodes in `data` where there are some. */
  priorShare: fraction,
});

const offlineSchema = v.strictObject({
  learningRate: positive,
  batchSize: count,
  /** Updates of an iteration. */
  updates: count,
  /** Share of the episodes that is not learned from, to see what the policy makes of what it has not seen. */
  heldOut: v.pipe(v.number(), v.minValue(0), v.ltValue(1)),
  /** Discount per control step. */
  gamma: fraction,
  /** Share by which the target critics follow their critics at each update. */
  tau: fraction,
  /** Of IQL's values: 0.5 is the mean of what was done, near 1 the best of it. */
  expectile: fraction,
  /** Of IQL's policy: how much a better action counts for; 0 is behaviour cloning. */
  sharpness: v.pipe(v.number(), v.finite(), v.minValue(0)),
});

export const configSchema = v.strictObject({
  /** A task of `landfall tasks`. */
  task: v.string(),
  /**
   * What learns: proximal policy optimisation; soft actor-critic; behaviour cloning or implicit Q-learning of the episodes in
   * `data`; a student that copies the actions of `teacher` on what it meets itself; or a student that takes over the body of
   * `teacher` and learns to tell from its history what the teacher's encoder is told (rapid motor adaptation; the teacher of
   * network.kind=privileged, the student of network.kind=history). @default ppo
   */
  algorithm: v.optional(v.picklist(ALGORITHMS)),
  /** The run, checkpoint or file that teaches, for distill and rma. */
  teacher: v.optional(v.string()),
  /** A directory of recorded episodes: all that bc and iql learn from, and a share of sac's batches. */
  data: v.optional(v.string()),
  /** Everything random follows from it. */
  seed: v.pipe(v.number(), v.integer(), v.minValue(0)),
  train: v.strictObject({
    /** Environments stepped side by side. */
    numEnvs: count,
    /** Control steps of each environment between updates. */
    horizon: count,
    /** Most updates. */
    iterations: count,
    /** Iterations between evaluations. */
    evalEvery: count,
    evalEpisodes: count,
    /** Stop at this success rate of an evaluation; null to use all iterations. */
    stopAtSuccess: v.nullable(fraction),
  }),
  ppo: v.strictObject({
    /** First learning rate. */
    learningRate: positive,
    minLearningRate: positive,
    maxLearningRate: positive,
    /** Discount per control step. */
    gamma: fraction,
    /** Of generalised advantage estimation. */
    lam: fraction,
    /** Of the surrogate's ratio. */
    clip: positive,
    /** Of the value estimate; null for none. */
    valueClip: v.nullable(positive),
    valueCoef: positive,
    entropyCoef: v.pipe(v.number(), v.minValue(0)),
    maxGradNorm: positive,
    /** Steers the learning rate; null keeps it. */
    targetKl: v.nullable(positive),
    epochs: count,
    minibatches: count,
    /**
     * What is made of the task's symmetries: `augment` learns from every step and from its mirror image, `loss` pulls the
     * policy towards a symmetric one. @default null: nothing
     */
    symmetry: v.optional(v.nullable(v.picklist(['augment', 'loss']))),
    /** Weight of the mirror loss. @default 0.5 */
    mirrorCoef: v.optional(positive),
  }),
  /** Of algorithm=sac. */
  sac: v.optional(sacSchema),
  /** Of algorithm=bc and algorithm=iql. */
  offline: v.optional(offlineSchema),
  network: v.strictObject({
    hidden: v.array(count),
    criticHidden: v.array(count),
    activation: v.picklist(['tanh', 'elu', 'relu']),
    /**
     * What comes before the actor's hidden layers: `mlp` nothing, `gru` a recurrent cell, `history` an encoder of the last
     * steps, `privileged` an encoder of the task's critic observations, which makes a teacher that no robot can run.
     * @default mlp
     */
    kind: v.optional(v.picklist(['mlp', 'gru', 'history', 'privileged'])),
    /** Numbers that a `gru` remembers. @default 64 */
    cell: v.optional(count),
    /** Control steps that a `history` sees. @default 16 */
    steps: v.optional(count),
    /** Numbers each of these is embedded in. @default 32 */
    embed: v.optional(count),
    /** Over them, oldest first: [channels, kernel, stride] each. @default none: all are seen at once */
    convolutions: v.optional(v.array(v.tuple([count, count, count]))),
    /** Hidden layers of a `privileged` encoder. @default [64] */
    encoderHidden: v.optional(v.array(count)),
    /** Numbers that an encoder gives to the actor's hidden layers. @default 8 */
    latent: v.optional(count),
    /** log of the exploration's first standard deviation. */
    initialLogStd: v.pipe(v.number(), v.finite()),
    /** Upper bound of it at the end, neared linearly. */
    finalLogStd: v.pipe(v.number(), v.finite()),
  }),
  /** Reward weights per second that differ from the task's, by term. */
  reward: v.record(v.string(), v.pipe(v.number(), v.finite())),
  /** Width of the task's randomisation: 0 none, 1 the task's ranges. */
  randomization: v.pipe(v.number(), v.minValue(0)),
  /** Widen the ranges of the task's `adr` while the policy succeeds at their bounds. @default false */
  adr: v.optional(v.boolean()),
  /** The module that defines the task or its robot, where the package does not: an absolute path. */
  module: v.optional(v.string()),
  /** A parameter file of `landfall identify` to randomise around; null for the URDF's parameters. */
  dynamics: v.nullable(v.string()),
  /** A delta action of `landfall identify --delta`: corrects actions in training, and nowhere else. @default none */
  delta: v.optional(v.string()),
});

export type ExperimentConfig = v.InferOutput<typeof configSchema>;

/** A config, checked by the compiler and frozen. */
export function defineConfig(config: ExperimentConfig): ExperimentConfig {
  return Object.freeze(config);
}

/** @throws InputError naming the field and a near miss */
export function parseConfig(value: unknown, where: string): ExperimentConfig {
  return parseWith(configSchema, value, where);
}

/**
 * A config with single fields changed.
 * @param overrides such as `ppo.learningRate=3e-4` or `network.hidden=[128,128]`; the value is JSON, or a bare word
 * @throws InputError naming the override, what was expected and a near miss
 */
export function applyOverrides(config: ExperimentConfig, overrides: readonly string[]): ExperimentConfig {
  const chosen = overrides.findLast((override) => override.startsWith('algorithm='))?.slice('algorithm='.length);
  const algorithm = ALGORITHMS.find((name) => name === chosen);
  const base = algorithm === undefined ? config : withAlgorithm(config, algorithm);
  const copy = structuredClone(base) as Record<string, unknown>;
  for (const override of overrides) {
    const split = override.indexOf('=');
    if (split <= 0) {
      throw new InputError(`a setting should look like key=value, found ${override}`, {
        repair: 'for example ppo.learningRate=3e-4',
      });
    }
    assign(copy, override.slice(0, split), parseValue(override.slice(split + 1)));
  }
  return parseConfig(copy, 'settings');
}

function assign(target: Record<string, unknown>, path: string, value: unknown): void {
  const segments = path.split('.');
  let node = target;
  for (const segment of segments.slice(0, -1)) {
    const next = node[segment];
    if (next === undefined && settingPaths().includes(path)) {
      throw new InputError(`${path} is a setting of another algorithm`, {
        repair: segment === 'sac' ? 'add algorithm=sac' : 'add algorithm=bc or algorithm=iql',
      });
    }
    if (typeof next !== 'object' || next === null || Array.isArray(next)) throw unknownSetting(path);
    node = next as Record<string, unknown>;
  }
  const last = segments.at(-1)!;
  // Assigning __proto__ would change nothing and say nothing.
  const open = path.startsWith('reward.') && segments.length === 2 && last !== '__proto__';
  if (!open && !keysAt(configSchema, path).includes(last)) throw unknownSetting(path);
  node[last] = value;
}

function unknownSetting(path: string): InputError {
  const near = nearest(path, settingPaths());
  return new InputError(`unknown setting ${path}`, {
    repair: near === undefined ? `settings: ${settingPaths().join(', ')}` : `did you mean ${near}?`,
  });
}

/** Every setting's path, such as `ppo.clip`. */
export function settingPaths(): string[] {
  return Object.entries(configSchema.entries).flatMap(([key, entry]) => {
    const inner = 'wrapped' in entry ? entry.wrapped : entry;
    if ('entries' in inner) return Object.keys(inner.entries).map((child) => `${key}.${child}`);
    return key === 'reward' ? ['reward.TERM'] : [key];
  });
}

function parseValue(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
