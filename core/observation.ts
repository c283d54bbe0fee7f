/**
 * Builds observations from robot states: the same bytes in trainer, bridge and page. A term is a pure function over
 * `RobotState`; the contract says which terms, in which order, with which scale, clip, history and delay.
 * Add a term by adding one entry to `observationTerms`.
 */

import type { ObservationContract } from './contract.ts';
import { InputError, nearest } from './errors.ts';
import { clamp, cos, sin } from './math.ts';
import type { RobotState } from './robot.ts';

export interface ObservationTerm {
  readonly unit: string;
  readonly frame: string;
  /** Numbers written per joint, before history. */
  readonly sizePerJoint: number;
  /** @param joints indices into the state's arrays @param lastAction the action before this state, [actionDim] */
  write(state: RobotState, lastAction: Float32Array, joints: Int32Array, out: Float64Array): void;
}

export const observationTerms: Readonly<Record<string, ObservationTerm>> = {
  /** sin q, cos q of each joint: an angle without a jump. */
  joint_sin_cos: {
    unit: '1',
    frame: 'joint',
    sizePerJoint: 2,
    write(state, _lastAction, joints, out) {
      for (let i = 0; i < joints.length; i++) {
        const q = state.q[joints[i]!]!;
        out[2 * i] = sin(q);
        out[2 * i + 1] = cos(q);
      }
    },
  },
  joint_position: {
    unit: 'rad',
    frame: 'joint',
    sizePerJoint: 1,
    write(state, _lastAction, joints, out) {
      for (let i = 0; i < joints.length; i++) out[i] = state.q[joints[i]!]!;
    },
  },
  joint_velocity: {
    unit: 'rad/s',
    frame: 'joint',
    sizePerJoint: 1,
    write(state, _lastAction, joints, out) {
      for (let i = 0; i < joints.length; i++) out[i] = state.qd[joints[i]!]!;
    },
  },
  /** The action sent before this state was measured, clipped to [-1, 1]: makes a delay observable. */
  last_action: {
    unit: '1',
    frame: 'action',
    sizePerJoint: 1,
    write(_state, lastAction, joints, out) {
      for (let i = 0; i < joints.length; i++) out[i] = lastAction[i]!;
    },
  },
};

interface BoundTerm {
  readonly term: ObservationTerm;
  readonly joints: Int32Array;
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

/** Stateful because terms have history. One per environment or robot; allocates nothing after construction. */
export class Observer {
  /** Numbers in one observation. */
  readonly size: number;
  readonly #terms: readonly BoundTerm[];
  readonly #scratch: Float64Array;
  #fresh = true;

  /**
   * @param joints the joint names in the order of the state's arrays
   * @throws InputError for an unknown term or joint, or a size that does not follow from the term
   */
  constructor(observations: readonly ObservationContract[], joints: readonly string[]) {
    this.#terms = observations.map((spec) => bind(spec, joints));
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
   */
  observe(state: RobotState, lastAction: Float32Array, out: Float32Array, offset = 0): void {
    let at = offset;
    for (const bound of this.#terms) {
      const { width, past, scale, lower, upper } = bound;
      bound.term.write(state, lastAction, bound.joints, this.#scratch);
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

function bind(spec: ObservationContract, joints: readonly string[]): BoundTerm {
  const term = observationTerms[spec.term];
  if (term === undefined) {
    const known = Object.keys(observationTerms);
    const near = nearest(spec.term, known);
    throw new InputError(`observation ${spec.name}: no term named ${spec.term}`, {
      repair: near === undefined ? `known terms: ${known.join(', ')}` : `did you mean ${near}?`,
    });
  }
  const indices = spec.joints.map((name) => indexOfJoint(joints, name, `observation ${spec.name}`));
  const width = term.sizePerJoint * indices.length;
  if (width * spec.history !== spec.size) {
    throw new InputError(`observation ${spec.name}: size should be ${width * spec.history}, found ${spec.size}`, {
      repair: 'the contract was edited by hand or made by another version: export it again from its run',
    });
  }
  return {
    term,
    joints: Int32Array.from(indices),
    scale: spec.scale,
    lower: spec.clip?.[0] ?? -Infinity,
    upper: spec.clip?.[1] ?? Infinity,
    width,
    history: spec.history,
    delay: spec.delay,
    past: new Float64Array((spec.history + spec.delay) * width),
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
