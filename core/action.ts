/**
 * Turns a policy's action into a joint command: scale, offset, clip and rate limit of the contract's action terms.
 * The same bytes in trainer, bridge and page. Safety limits are not here: the bridge clamps again, on its own.
 */

import type { ActionContract, Contract } from './contract.ts';
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
        const wanted = clamp(spec.offset + spec.scale * a, spec.clip[0], spec.clip[1]);
        const value = clamp(wanted, last[i]! - maxStep, last[i]! + maxStep);
        last[i] = value;
        const j = joints[i]!;
        if (spec.kind === 'effort') {
          out.effort[j] = value;
        } else {
          out.q[j] = this.#defaults[j]! + value;
          out.kp[j] = this.#kp[j]!;
          out.kd[j] = this.#kd[j]!;
        }
      }
    }
  }
}
