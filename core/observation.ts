/**
 * Builds observations from robot states: the same bytes in trainer, bridge and page. The contract says which terms
 * (core/observation-terms.ts), in which order, with which scale, clip, history and delay.
 */

import type { ObservationContract, ObservationLayout } from './contract.ts';
import { InputError, nearest } from './errors.ts';
import { clamp } from './math.ts';
import { type ObservationInput, type ObservationTerm, observationTerms, type Picked } from './observation-terms.ts';
import { makeState, type RobotState } from './robot.ts';

interface BoundTerm {
  readonly term: ObservationTerm;
  readonly picked: Picked;
  readonly scale: number;
  readonly lower: number;
  readonly upper: number;
  /** Numbers of one control step. */
  readonly width: number;
  readonly history: number;
  readonly delay: number;
  /** Newest first: [history + delay, width]. */
  readonly past: Float64Array;
}

const NONE = new Float64Array(0);
const UNKNOWN: ObservationInput['parameters'] = {};

/** Stateful because terms have history. One per environment or robot; allocates nothing after construction. */
export class Observer {
  /** Numbers in one observation. */
  readonly size: number;
  readonly #terms: readonly BoundTerm[];
  readonly #scratch: Float64Array;
  readonly #input: { -readonly [K in keyof ObservationInput]: ObservationInput[K] };
  #fresh = true;

  /** @throws InputError for a term, joint, sensor or command that is not there, or a size that does not follow */
  constructor(observations: readonly ObservationContract[], layout: ObservationLayout) {
    this.#terms = observations.map((spec) => bind(spec, layout));
    this.#input = {
      state: makeState(0),
      lastAction: new Float32Array(0),
      command: NONE,
      objects: NONE,
      parameters: {},
    };
    this.size = observations.reduce((sum, spec) => sum + spec.size, 0);
    this.#scratch = new Float64Array(Math.max(1, ...this.#terms.map((t) => t.width)));
  }

  /** Forget the history: the next observation fills it with itself. */
  reset(): void {
    this.#fresh = true;
  }

  /**
   * Record one control step and write the observation.
   * @param lastAction [actionDim] @param out receives `size` numbers from `offset` on
   * @param command what the robot is asked to do, as the contract names it
   * @param objects,parameters for terms of critics alone
   */
  observe(
    state: RobotState,
    lastAction: Float32Array,
    out: Float32Array,
    offset = 0,
    command: Float64Array = NONE,
    objects: Float64Array = NONE,
    parameters: ObservationInput['parameters'] = UNKNOWN,
  ): void {
    this.#input.state = state;
    this.#input.lastAction = lastAction;
    this.#input.command = command;
    this.#input.objects = objects;
    this.#input.parameters = parameters;
    let at = offset;
    for (const bound of this.#terms) {
      const { width, past, scale, lower, upper } = bound;
      bound.term.write(this.#input, bound.picked, this.#scratch);
      if (this.#fresh) {
        for (let k = 0; k < past.length; k += width) {
          for (let i = 0; i < width; i++) past[k + i] = clamp(scale * this.#scratch[i]!, lower, upper);
        }
      } else {
        past.copyWithin(width, 0, past.length - width);
        for (let i = 0; i < width; i++) past[i] = clamp(scale * this.#scratch[i]!, lower, upper);
      }
      const from = bound.delay * width;
      const count = bound.history * width;
      for (let i = 0; i < count; i++) out[at + i] = past[from + i]!;
      at += count;
    }
    this.#fresh = false;
  }
}

function bind(spec: ObservationContract, layout: ObservationLayout): BoundTerm {
  const term = termNamed(spec.term, `observation ${spec.name}`);
  const picked = pick(spec, layout);
  const width = term.size(picked);
  if (width * spec.history !== spec.size) {
    throw new InputError(`observation ${spec.name}: size should be ${width * spec.history}, found ${spec.size}`, {
      repair: 'the contract was edited by hand or made by another version: export it again from its run',
    });
  }
  return {
    term,
    picked,
    scale: spec.scale,
    lower: spec.clip?.[0] ?? -Infinity,
    upper: spec.clip?.[1] ?? Infinity,
    width,
    history: spec.history,
    delay: spec.delay,
    past: new Float64Array((spec.history + spec.delay) * width),
  };
}

/** @throws InputError naming a near miss */
export function termNamed(name: string, where: string): ObservationTerm {
  const term = Object.hasOwn(observationTerms, name) ? observationTerms[name] : undefined;
  if (term !== undefined) return term;
  const known = Object.keys(observationTerms);
  const near = nearest(name, known);
  throw new InputError(`${where}: no term named ${name}`, {
    repair: near === undefined ? `known terms: ${known.join(', ')}` : `did you mean ${near}?`,
  });
}

/** What a term of a contract picks from the robot it is bound to. @throws InputError naming what is not there */
export function pick(
  spec: Pick<ObservationContract, 'name' | 'term' | 'joints' | 'sensor' | 'of'>,
  layout: ObservationLayout,
): Picked {
  const where = `observation ${spec.name}`;
  const { needs } = termNamed(spec.term, where);
  const names = layout.joints.map((joint) => joint.name);
  const joints = spec.joints.map((name) => indexOfJoint(names, name, where));
  const actionJoints = layout.actions.flatMap((action) => action.joints);
  const sensor = spec.sensor ?? '';
  if (needs === 'sensor' && !Object.hasOwn(layout.sensors, sensor)) {
    throw new InputError(`${where}: the robot has no sensor named ${sensor || '(none given)'}`, {
      repair: `its sensors: ${Object.keys(layout.sensors).join(', ') || 'none'}`,
    });
  }
  const commands = layout.command.names;
  const command = (needs === 'command' ? (spec.of ?? commands) : []).map((name) => {
    const index = commands.indexOf(name);
    if (index >= 0) return index;
    throw new InputError(`${where}: the command has no number named ${name}`, {
      repair: `its numbers: ${commands.join(', ') || 'none'}`,
    });
  });
  return {
    joints: Int32Array.from(joints),
    defaults: Float64Array.from(joints, (j) => layout.joints[j]!.defaultPosition),
    actions: Int32Array.from(spec.term === 'last_action' ? spec.joints : [], (name) =>
      indexOfJoint(actionJoints, name, `${where}: among the joints that take actions`),
    ),
    sensor,
    sensorSize: layout.sensors[sensor] ?? 0,
    command: Int32Array.from(command),
    names: needs === 'parameters' ? (spec.of ?? []) : [],
  };
}

/** @throws InputError when the robot has no such joint */
export function indexOfJoint(joints: readonly string[], name: string, where: string): number {
  const index = joints.indexOf(name);
  if (index < 0) {
    throw new InputError(`${where}: the robot has no joint named ${name}`, {
      repair: `its joints: ${joints.join(', ')}`,
    });
  }
  return index;
}
