/**
 * A policy bundle as the judge's controller: the state becomes the contract's observation, the action its torque, held from control
 * step to control step, by the code that the trainer and the bridge run. Knows no plant.
 */

import { Actuation } from '../../core/action.ts';
import type { Contract } from '../../core/contract.ts';
import { InputError } from '../../core/errors.ts';
import { Observer } from '../../core/observation.ts';
import { makeCommand, makeState } from '../../core/robot.ts';
import type { Controller } from './simulate.ts';

/** The network of a policy, from its bundle or from its ONNX file. */
export interface MeanAction {
  /** @param obs [obsDim] @param out [actionDim], not clipped */
  act(obs: Float32Array, out: Float32Array): void;
}

/**
 * @param joints of the plant, in its order @param driven which of them the policy commands @param dt of the plant, s
 * @throws InputError where the policy commands something else, or faster than the plant steps
 */
export function policyController(
  contract: Contract,
  policy: MeanAction,
  joints: readonly string[],
  driven: number,
  dt: number,
): Controller {
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
  const action = new Float32Array(actuation.size);
  let wait = 0;
  return {
    reset() {
      observer.reset();
      actuation.reset();
      command.effort.fill(0);
      wait = 0;
    },
    torque(measured, time) {
      if (wait > 0) {
        wait--;
        return command.effort[driven]!;
      }
      wait = held - 1;
      state.time = time;
      for (let j = 0; j < joints.length; j++) {
        state.q[j] = measured[j]!;
        state.qd[j] = measured[joints.length + j]!;
        state.effort[j] = command.effort[j]!;
      }
      observer.observe(state, actuation.lastAction, obs);
      policy.act(obs, action);
      actuation.apply(action, 0, command);
      return command.effort[driven]!;
    },
  };
}
