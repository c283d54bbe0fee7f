/**
 * The policy contract: everything a program needs to run a policy on a robot, stored as JSON inside every checkpoint.
 * Trainer, evaluator, page, bridge and twin read it and nothing else. The schema below is the single source of its
 * types. Knows nothing of networks' arithmetic, files or sockets.
 */

import * as v from 'valibot';
import { parseWith } from './schema.ts';

export const CONTRACT_VERSION = 2;

const finite = v.pipe(v.number(), v.finite());
const positive = v.pipe(finite, v.minValue(0));
const natural = v.pipe(v.number(), v.integer(), v.minValue(0));
const range = v.tuple([finite, finite]);
/** null stands for no limit: JSON has no Infinity. */
const limit = v.nullable(positive);

const jointSchema = v.strictObject({
  name: v.string(),
  /** +1, or -1 when the robot counts this joint the other way round. */
  sign: v.picklist([1, -1]),
  unit: v.picklist(['rad', 'm']),
  /** Position range the policy may use, rad or m; null for none. */
  position: v.nullable(range),
  /** Largest speed, rad/s or m/s. A faster joint is a fault. */
  velocity: limit,
  /** Largest effort, N m or N. Commands are clamped to it. */
  effort: positive,
  defaultPosition: finite,
  /** Gains that move the joint to its default position and damp it, N m/rad and N m s/rad. */
  kp: positive,
  kd: positive,
});

const actionSchema = v.strictObject({
  name: v.string(),
  kind: v.picklist(['effort', 'position', 'velocity', 'twist']),
  joints: v.array(v.string()),
  /**
   * command = clip(offset + scale * action): N m or N for effort, rad or m from the default position for position, rad/s or
   * m/s for velocity. `twist` is for a base on two wheels, `joints` left then right: two actions, forward m/s and turning
   * rad/s, each scaled by `scale` and `drive.angularScale`.
   */
  scale: finite,
  offset: finite,
  clip: range,
  /** Largest change of the command, per second; null for none. */
  rateLimit: limit,
  /** Of a `twist`: wheel radius and the distance between the wheels, m. */
  drive: v.optional(v.strictObject({ radius: positive, separation: positive, angularScale: positive })),
});

const observationSchema = v.strictObject({
  name: v.string(),
  /** The term's function in core/observation.ts. */
  term: v.string(),
  joints: v.array(v.string()),
  /** The sensor it reads, where its term reads one. */
  sensor: v.optional(v.string()),
  /** What it picks, where its term picks: names of numbers of the command, or of parameters. */
  of: v.optional(v.array(v.string())),
  /** Numbers this term writes, history included. */
  size: natural,
  unit: v.string(),
  frame: v.string(),
  scale: finite,
  clip: v.nullable(range),
  /** How many control steps are stacked, newest first. */
  history: v.pipe(natural, v.minValue(1)),
  /** How many control steps old the newest one is. */
  delay: natural,
});

export const normalizerSchema = v.strictObject({
  /** [obsDim] */
  mean: v.array(finite),
  variance: v.array(positive),
  count: positive,
  /** normalised = clip((obs - mean) / sqrt(variance + epsilon), -clip, clip) */
  epsilon: positive,
  clip: positive,
});

const count = v.pipe(v.number(), v.integer(), v.minValue(1));

/** Of every network: its last part is a perceptron, the body. */
const bodyEntries = {
  /** Numbers it sees, hidden layers of the body, numbers it gives. */
  layers: v.array(natural),
  activation: v.picklist(['tanh', 'elu', 'relu']),
  /** Of the last layer; the action contract clips what is linear. @default linear */
  output: v.optional(v.picklist(['linear', 'tanh'])),
};

/** Convolutions over time, as in rapid motor adaptation (Kumar et al., RSS 2021). */
const historyEncoderSchema = v.strictObject({
  /** Control steps it sees of every observation: their `history`. */
  steps: count,
  /** Of each observation: numbers a step, and how many of the newest steps the body sees beside the latent. */
  terms: v.array(v.strictObject({ width: count, steps: count })),
  /** Numbers that each step is first embedded in. */
  embed: count,
  /** One after another, oldest step first; none: every step is seen at once. */
  convolutions: v.array(v.strictObject({ channels: count, kernel: count, stride: count })),
  /** Numbers it gives to the body. */
  latent: count,
});

const privilegedEncoderSchema = v.strictObject({
  /** Numbers of the task's critic observations, which follow the observations. */
  inputs: count,
  hidden: v.array(count),
  latent: count,
  /** Of the critic observations. */
  normalizer: normalizerSchema,
});

const networkSchema = v.variant('kind', [
  v.strictObject({ kind: v.literal('mlp'), ...bodyEntries }),
  /** A gated recurrent unit (Cho et al. 2014) of `cell` numbers before the body; they are 0 when an episode begins. */
  v.strictObject({ kind: v.literal('gru'), ...bodyEntries, cell: count }),
  /** What the last steps tell, encoded, beside the newest observation. */
  v.strictObject({ kind: v.literal('history'), ...bodyEntries, encoder: historyEncoderSchema }),
  /** What only a simulation knows, encoded, beside the observation: a teacher. No robot can run it. */
  v.strictObject({ kind: v.literal('privileged'), ...bodyEntries, encoder: privilegedEncoderSchema }),
]);

const topicSchema = v.strictObject({ topic: v.string(), type: v.string() });

/** A reading older than `age` is a fault, s. @default safety.stateAge */
const sensorTopicSchema = v.strictObject({ ...topicSchema.entries, age: v.optional(positive) });

const rosSchema = v.strictObject({
  state: topicSchema,
  /** `mapping` names a file of bridge/mappings/, which turns a joint command into a message of `type`. */
  command: v.strictObject({
    topic: v.string(),
    type: v.string(),
    mapping: v.string(),
    /** Numbers the mapping needs, such as a wheel's radius. */
    options: v.optional(v.record(v.string(), finite)),
  }),
  /** Where each sensor's readings come from, by its name. */
  sensors: v.optional(v.record(v.string(), sensorTopicSchema)),
  /** Where pose and velocity of the base come from, where something measures them. */
  odometry: v.optional(sensorTopicSchema),
  /** Who stops the robot when commands stop, and after how long; null when nobody does. */
  watchdog: v.nullable(v.strictObject({ seconds: positive, by: v.string() })),
});

const safetySchema = v.strictObject({
  /** A state older than this is a fault, s. */
  stateAge: positive,
  /** A round trip to the robot slower than this at arming is a refusal, s. */
  roundTrip: positive,
  /** How long damping is commanded on every exit, s. */
  damping: positive,
});

const commandSchema = v.strictObject({
  names: v.array(v.string()),
  units: v.array(v.string()),
  ranges: v.array(range),
});

export const contractSchema = v.strictObject({
  schema: v.literal(CONTRACT_VERSION),
  robot: v.strictObject({ name: v.string(), urdfHash: v.string() }),
  joints: v.array(jointSchema),
  control: v.strictObject({ rateHz: positive, physicsDt: positive }),
  actions: v.array(actionSchema),
  observations: v.array(observationSchema),
  /** What the robot is asked to do; no names when the task says it all. */
  command: commandSchema,
  /** Numbers of each of the robot's sensors by name, its joint encoders aside. */
  sensors: v.record(v.string(), natural),
  normalizer: normalizerSchema,
  network: networkSchema,
  safety: safetySchema,
  ros: rosSchema,
  engine: v.strictObject({ name: v.string(), version: v.string() }),
  task: v.string(),
  seed: natural,
  /** The resolved configuration of the run that made the policy. */
  config: v.record(v.string(), v.unknown()),
});

export type Contract = v.InferOutput<typeof contractSchema>;
export type JointContract = Contract['joints'][number];
export type ActionContract = Contract['actions'][number];
export type ObservationContract = Contract['observations'][number];
export type NormalizerContract = Contract['normalizer'];
export type NetworkContract = Contract['network'];
export type RosContract = Contract['ros'];
export type SafetyContract = Contract['safety'];

/**
 * A contract from JSON of unknown origin.
 * @param where names the file or message, for the error
 * @throws InputError naming the field, what was expected and what came
 */
export function parseContract(value: unknown, where: string): Contract {
  const contract = parseWith(contractSchema, value, `policy contract in ${where}`);
  return contract;
}

/** Numbers in one observation. */
export function obsDim(contract: Pick<Contract, 'observations'>): number {
  return contract.observations.reduce((sum, term) => sum + term.size, 0);
}

/** Numbers in one action. */
export function actionDim(contract: Pick<Contract, 'actions'>): number {
  return contract.actions.reduce((sum, term) => sum + term.joints.length, 0);
}

/** What observation terms are bound to. */
export type ObservationLayout = Pick<Contract, 'joints' | 'sensors' | 'command' | 'actions'>;
