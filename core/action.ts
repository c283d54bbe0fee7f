/**
 * Turns a policy's action into a joint command: scale, offset, clip and rate limit of the contract's action terms.
 * The same bytes in trainer, bridge and page. Safety limits are not here: the bridge clamps again, on its own.
 */

import type { ActionContract, Contract } from './contract.ts';
import { InputError } from './errors.ts';
import { clamp } from './math.ts';
import { indexOfJoint } from './observation.ts';
import type { JointCommand } from './robot.ts';

interface BoundAction {
  readonly spec: ActionContract;
  readonly joints: Int32Array;
  /** Last commanded value per joint, in the command's unit. */
  readonly last: Float64Array;
  readonly maxStep: number;
}

/** Stateful because of the rate limit and the remembered action. Allocates nothing after construction. */
export class Actuation {
  /** Numbers in one action. */
  readonly size: number;
  /** The last action, clipped to [-1, 1]; what the `last_action` observation sees. */
  readonly lastAction: Float32Array;
  readonly #terms: readonly BoundAction[];
  readonly #defaults: Float64Array;
  readonly #kp: Float64Array;
  readonly #kd: Float64Array;

  constructor(contract: Pick<Contract, 'actions' | 'joints' | 'control'>) {
    const names = contract.joints.map((joint) => joint.name);
    for (const { name, kind, joints, drive } of contract.actions) {
      if (kind === 'twist' && (joints.length !== 2 || drive === undefined))
        throw new InputError(`action ${name}: a twist should have two wheels, left then right, and a drive`, {
          repair: 'give joints: [left, right] and drive: { radius, separation, angularScale }',
        });
    }
    this.#terms = contract.actions.map((spec) => ({
      spec,
      joints: Int32Array.from(spec.joints.map((name) => indexOfJoint(names, name, `action ${spec.name}`))),
      last: new Float64Array(spec.joints.length),
      maxStep: spec.rateLimit === null ? Infinity : spec.rateLimit / contract.control.rateHz,
    }));
    this.size = contract.actions.reduce((sum, spec) => sum + spec.joints.length, 0);
    this.lastAction = new Float32Array(this.size);
    this.#defaults = Float64Array.from(contract.joints, (joint) => joint.defaultPosition);
    this.#kp = Float64Array.from(contract.joints, (joint) => joint.kp);
    this.#kd = Float64Array.from(contract.joints, (joint) => joint.kd);
    this.reset();
  }

  /** Forget the last action and the last command. */
  reset(): void {
    this.lastAction.fill(0);
    for (const term of this.#terms) term.last.fill(term.spec.offset);
  }

  /** @param action receives no change, read from `offset` on, [actionDim] @param out the whole command is written */
  apply(action: Float32Array, offset: number, out: JointCommand): void {
    out.q.fill(0);
    out.qd.fill(0);
    out.effort.fill(0);
    out.kp.fill(0);
    out.kd.fill(0);
    let at = 0;
    for (const { spec, joints, last, maxStep } of this.#terms) {
      for (let i = 0; i < joints.length; i++) {
        const a = clamp(action[offset + at]!, -1, 1);
        this.lastAction[at++] = a;
        const scale = spec.kind === 'twist' && i === 1 ? spec.drive!.angularScale : spec.scale;
        const wanted = clamp(spec.offset + scale * a, spec.clip[0], spec.clip[1]);
        const value = clamp(wanted, last[i]! - maxStep, last[i]! + maxStep);
        last[i] = value;
        const j = joints[i]!;
        switch (spec.kind) {
          case 'effort':
            out.effort[j] = value;
            break;
          case 'position':
            out.q[j] = this.#defaults[j]! + value;
            out.kp[j] = this.#kp[j]!;
            out.kd[j] = this.#kd[j]!;
            break;
          case 'velocity':
          case 'twist':
            out.qd[j] = value;
            out.kd[j] = this.#kd[j]!;
            break;
        }
      }
      if (spec.kind === 'twist') turnWheels(spec, last, joints, out);
    }
  }
}

/** Wheel speeds of the twist (v, w) in `twist`: (v -+ w d / 2) / r, left then right. */
function turnWheels(spec: ActionContract, twist: Float64Array, wheels: Int32Array, out: JointCommand): void {
  const { radius, separation } = spec.drive!;
  const half = (twist[1]! * separation) / 2;
  out.qd[wheels[0]!] = (twist[0]! - half) / radius;
  out.qd[wheels[1]!] = (twist[0]! + half) / radius;
}
