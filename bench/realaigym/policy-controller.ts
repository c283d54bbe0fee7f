/**
 * A policy bundle as the judge's controller: the state becomes the contract's observation, the action its torque, held from control
 * step to control step, by the code that the trainer and the bridge run. Knows no plant.
 */

import { Actuation } from '../../core/action.ts';
import type { Contract } from '../../core/contract.ts';
import { InputError } from '../../core/errors.ts';
import { Observer } from '../../core/observation.ts';
import { makeCommand, makeState } from '../../core/robot.ts';
import type { Actor } from '../../policy/actor.ts';
import type { Controller } from './simulate.ts';

/** A policy's loop without its network: what it sees, and what its action does. */
export interface PolicyLoop {
  readonly obsDim: number;
  reset(): void;
  /** The observation of a control step; null in between, where the torque holds. @param measured [2 nJoints] */
  observe(measured: Float64Array, time: number): Float32Array | null;
  /** @param action [actionDim], not clipped */
  apply(action: Float32Array): void;
  /** On the driven joint, N m. */
  readonly torque: number;
}

/** The loop with its network. @param policy such as an Actor */
export function policyController(loop: PolicyLoop, policy: Pick<Actor, 'act'>): Controller {
  const action = new Float32Array(1);
  return {
    reset: () => loop.reset(),
    torque(measured, time) {
      const obs = loop.observe(measured, time);
      if (obs !== null) {
        policy.act(obs, action);
        loop.apply(action);
      }
      return loop.torque;
    },
  };
}

/**
 * @param joints of the plant, in its order @param driven which of them the policy commands @param dt of the plant, s
 * @throws InputError where the policy commands something else, or faster than the plant steps
 */
export function policyLoop(contract: Contract, joints: readonly string[], driven: number, dt: number): PolicyLoop {
  const commanded = contract.actions.flatMap((action) => (action.kind === 'effort' ? action.joints : []));
  if (contract.joints.map((joint) => joint.name).join() !== joints.join() || commanded.join() !== joints[driven]) {
    throw new InputError(
      `policy for ${contract.robot.name}: should command the torque of ${joints[driven]} of ${joints.join(', ')}, commands ${commanded.join(', ') || 'none'}`,
      { repair: 'give a run of the task that is judged' },
    );
  }
  const held = Math.round(1 / (contract.control.rateHz * dt));
  if (held < 1 || Math.abs(held * dt * contract.control.rateHz - 1) > 1e-9) {
    throw new InputError(`policy at ${contract.control.rateHz} Hz: its steps should be multiples of ${dt} s`, {
      repair: `train it at ${1 / dt} Hz, or at a whole fraction of that`,
    });
  }
  const observer = new Observer(contract.observations, contract);
  const actuation = new Actuation(contract);
  const state = makeState(joints.length);
  const command = makeCommand(joints.length);
  const obs = new Float32Array(observer.size);
  let wait = 0;
  return {
    obsDim: observer.size,
    reset() {
      observer.reset();
      actuation.reset();
      command.effort.fill(0);
      wait = 0;
    },
    observe(measured, time) {
      if (wait > 0) {
        wait--;
        return null;
      }
      wait = held - 1;
      state.time = time;
      for (let j = 0; j < joints.length; j++) {
        state.q[j] = measured[j]!;
        state.qd[j] = measured[joints.length + j]!;
        state.effort[j] = command.effort[j]!;
      }
      observer.observe(state, actuation.lastAction, obs);
      return obs;
    },
    apply(action) {
      actuation.apply(action, 0, command);
    },
    get torque() {
      return command.effort[driven]!;
    },
  };
}
