/**
 * What identification found, as a file: values with their certainty, the errors they were judged by, and where they come
 * from. JSON, versioned, checked when read; `train` takes it. Knows no file system: text goes in and out.
 */

import * as v from 'valibot';
import { InputError, MismatchError, messageOf } from '../../core/errors.ts';
import type { RobotModel } from '../../core/robot-model.ts';
import { jointNames } from '../../core/robot-model.ts';
import { parseWith } from '../../core/schema.ts';
import { cloneDynamics, type Dynamics, nominalDynamics, parameterUnits } from '../dynamics.ts';
import type { RandomizationTable } from '../randomization-terms.ts';
import { type PhysicsSettings, RAPIER } from '../rapier-robot.ts';
import type { ParameterSpread } from './distribution.ts';
import type { ParameterEstimate } from './estimate.ts';
import type { IdentifiedGroup } from './identify.ts';
import { fittable } from './parameters.ts';
import type { Recording } from './recording.ts';

export const PARAMETER_FILE_VERSION = 1;

/** Randomisation covers this many standard deviations to each side. */
const RANGE_DEVIATIONS = 2;

const finite = v.pipe(v.number(), v.finite());
const positive = v.pipe(finite, v.minValue(0));

const parameterSchema = v.strictObject({
  name: v.picklist(fittable),
  /** null for a parameter of the whole robot. */
  joint: v.nullable(v.string()),
  unit: v.string(),
  /** The fitted value, or the nominal one where the recordings do not tell it. */
  value: finite,
  nominal: finite,
  sd: positive,
  relativeSd: positive,
  identifiable: v.boolean(),
  confoundedWith: v.nullable(v.string()),
  /** What randomisation should cover; null where the recordings say nothing and the task's own range stays. */
  range: v.nullable(v.tuple([finite, finite])),
  /** The truncated normal that randomisation should draw from, in place of evenly over `range`. */
  distribution: v.optional(v.strictObject({ mean: finite, sd: positive, lower: finite, upper: finite })),
});

const sourceSchema = v.strictObject({
  name: v.string(),
  seconds: positive,
  /** Whether the torque was read from a sensor or is what was commanded. */
  torque: v.picklist(['measured', 'commanded']),
  /** RMS of angle and velocity over 0.5 s open-loop windows, in units of the recording's deviation. */
  errors: v.strictObject({ train: positive, test: positive, nominalTrain: positive, nominalTest: positive }),
});

export const parameterFileSchema = v.strictObject({
  schema: v.literal(PARAMETER_FILE_VERSION),
  robot: v.strictObject({ name: v.string(), urdfHash: v.string() }),
  engine: v.strictObject({ name: v.string(), version: v.string() }),
  physics: v.strictObject({
    physicsDt: positive,
    solverIterations: positive,
    solverSweeps: v.optional(positive),
  }),
  parameters: v.array(parameterSchema),
  sources: v.array(sourceSchema),
  seed: v.pipe(v.number(), v.integer(), v.minValue(0)),
});

export type ParameterFile = v.InferOutput<typeof parameterFileSchema>;

/** @param found of these recordings @param spreads how its parameters are distributed, where that was asked */
export function parameterFileOf(
  found: IdentifiedGroup,
  recordings: readonly Recording[],
  model: RobotModel,
  physics: PhysicsSettings,
  seed: number,
  spreads: readonly ParameterSpread[] = [],
): ParameterFile {
  const joints = jointNames(model);
  const measured = found.members.some((index) => recordings[index]!.measured);
  return {
    schema: PARAMETER_FILE_VERSION,
    robot: { name: model.name, urdfHash: model.urdfHash },
    engine: { ...RAPIER },
    physics: { ...physics },
    // The delay of a torque sensor's readings is not the latency of commands.
    parameters: found.estimates
      .filter((e) => !(measured && e.parameter.name === 'latency'))
      .map((e) =>
        entryOf(
          e,
          joints,
          spreads.find(({ parameter }) => parameter === e.parameter),
        ),
      ),
    sources: found.members.map((index, k) => {
      const recording = recordings[index]!;
      return {
        name: recording.name,
        seconds: recording.times.at(-1)!,
        torque: recording.measured ? 'measured' : 'commanded',
        errors: found.errors[k]!,
      };
    }),
    seed,
  };
}

function entryOf(
  estimate: ParameterEstimate,
  joints: readonly string[],
  spread: ParameterSpread | undefined,
): ParameterFile['parameters'][number] {
  const { parameter, value, nominal, sd, relativeSd, identifiable, confoundedWith } = estimate;
  const reach = RANGE_DEVIATIONS * sd;
  const clip = (x: number) => Math.min(parameter.upper, Math.max(parameter.lower, x));
  return {
    name: parameter.name,
    joint: parameter.joint === null ? null : joints[parameter.joint]!,
    unit: parameterUnits[parameter.name],
    value,
    nominal,
    sd,
    relativeSd,
    identifiable,
    confoundedWith: confoundedWith === null ? null : confoundedWith.name,
    ...(spread === undefined || !identifiable
      ? { range: identifiable ? [clip(value - reach), clip(value + reach)] : null }
      : spreadOf(spread)),
  };
}

/** What the recordings told no more of than was known keeps the task's own range. */
function spreadOf({ mean, sd, lower, upper, informed }: ParameterSpread) {
  return informed
    ? { range: [lower, upper] as [number, number], distribution: { mean, sd, lower, upper } }
    : { range: null };
}

/**
 * @param where names the file, for errors
 * @throws InputError naming the field, what was expected and what came
 */
export function readParameterFile(text: string, where: string): ParameterFile {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new InputError(`${where}: expected JSON, found something else: ${messageOf(cause)}`, {
      cause,
      repair: 'make it anew: landfall identify ROBOT --episodes FILE... --out params.json',
    });
  }
  return parseWith(parameterFileSchema, value, `parameter file ${where}`);
}

export interface FittedDynamics {
  /** The URDF's parameters with the identified ones in their place. */
  readonly dynamics: Dynamics;
  /** How far each identified parameter may lie from that: to be put over the task's own randomisation. */
  readonly spread: RandomizationTable;
}

/** @throws MismatchError when the file was made for another robot */
export function dynamicsFrom(
  file: ParameterFile,
  model: RobotModel,
  nominal: Dynamics = nominalDynamics(model),
): FittedDynamics {
  if (file.robot.urdfHash !== model.urdfHash) {
    throw new MismatchError(
      `the parameters were identified for ${file.robot.name} (URDF ${file.robot.urdfHash.slice(0, 12)}), found ${model.name} (URDF ${model.urdfHash.slice(0, 12)})`,
      { repair: 'identify again with this robot: landfall identify' },
    );
  }
  const joints = jointNames(model);
  const dynamics = cloneDynamics(nominal);
  const spread: RandomizationTable = {};
  for (const { name, joint, value: fitted, range, distribution } of file.parameters) {
    if (range === null) continue;
    const value = distribution?.mean ?? fitted;
    if (name === 'latency') {
      dynamics.latency = value;
    } else {
      const index = joints.indexOf(joint ?? '');
      if (index < 0) {
        throw new InputError(`the parameters name a joint ${joint ?? 'null'} that ${model.name} does not have`, {
          repair: `its joints: ${joints.join(', ')}`,
        });
      }
      dynamics[name][index] = value;
    }
    // One range for all joints: it must not take the smallest value below what its own range allows.
    const [down, up] = [range[0] - value, range[1] - value];
    if (distribution !== undefined) {
      const { range: sds = [0, 0], within = [-Infinity, Infinity] } = spread[name] ?? {};
      spread[name] = {
        operation: 'add',
        distribution: 'gaussian',
        range: [0, Math.max(sds[1], distribution.sd)],
        within: [Math.max(within[0], down), Math.min(within[1], up)],
      };
      continue;
    }
    const known = spread[name]?.range ?? [-Infinity, -Infinity];
    spread[name] = { operation: 'add', range: [Math.max(known[0], down), Math.max(known[1], up)] };
  }
  return { dynamics, spread };
}
