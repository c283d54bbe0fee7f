/**
 * One step of the policy: observation, action, joint command, with the code the trainer uses. Refuses numbers that are
 * not finite on both sides of the network. Knows no robot and no limits.
 */

import { Actuation } from '../core/action.ts';
import type { Contract } from '../core/contract.ts';
import { Observer } from '../core/observation.ts';
import { type JointCommand, makeCommand, type RobotState } from '../core/robot.ts';
import { taskCommandOf } from '../core/task-command.ts';
import { type Fault, makeFault } from './faults.ts';

/** A deterministic policy, normaliser included. */
export interface ActorLike {
  /** @param obs [obsDim] @param out [actionDim] */
  act(obs: Float32Array, out: Float32Array): void;
  /** An episode begins: forget the one before, where it remembers one. */
  reset?(): void;
  /** What its last hidden layer made of the last observation, where a guard looks at it. */
  readonly features?: Float32Array;
}

const NOTHING = new Float32Array(0);

export class PolicyStep {
  /** Of the last step; reused. */
  readonly obs: Float32Array;
  readonly action: Float32Array;
  readonly command: JointCommand;
  /** As the contract names it. */
  readonly taskCommand: Float64Array;
  /** The action before, clipped to [-1, 1]. */
  readonly previousAction: Float32Array;
  readonly #actor: ActorLike;
  readonly #observer: Observer;
  readonly #actuation: Actuation;

  /** @param taskCommand what the robot is asked to do, as the contract names it */
  constructor(contract: Contract, actor: ActorLike, taskCommand: Float64Array = taskCommandOf(contract, {})) {
    this.#actor = actor;
    this.taskCommand = taskCommand;
    this.#observer = new Observer(contract.observations, contract);
    this.#actuation = new Actuation(contract);
    this.obs = new Float32Array(this.#observer.size);
    this.action = new Float32Array(this.#actuation.size);
    this.previousAction = new Float32Array(this.#actuation.size);
    this.command = makeCommand(contract.joints.length);
  }

  /** Of the last observation, reused; no numbers where the actor shows none. */
  get features(): Float32Array {
    return this.#actor.features ?? NOTHING;
  }

  /** This step's action, clipped to [-1, 1]. */
  get clippedAction(): Float32Array {
    return this.#actuation.lastAction;
  }

  /** An episode begins. */
  reset(): void {
    this.#observer.reset();
    this.#actuation.reset();
    this.#actor.reset?.();
    this.previousAction.fill(0);
  }

  /** @returns a fault, and then the command may not be used */
  compute(state: RobotState): Fault | null {
    this.#observer.observe(state, this.#actuation.lastAction, this.obs, 0, this.taskCommand);
    const badInput = this.obs.findIndex((value) => !Number.isFinite(value));
    if (badInput >= 0) return notFinite('observation', badInput, this.obs);
    this.#actor.act(this.obs, this.action);
    const badOutput = this.action.findIndex((value) => !Number.isFinite(value));
    if (badOutput >= 0) return notFinite('action', badOutput, this.action);
    this.previousAction.set(this.#actuation.lastAction);
    this.#actuation.apply(this.action, 0, this.command);
    return null;
  }
}

function notFinite(what: string, index: number, values: Float32Array): Fault {
  return makeFault(
    'not-finite',
    `${what}[${index}] is ${values[index]}`,
    what === 'action' ? 'the checkpoint is broken: deploy another one' : 'look into the sensor and its driver',
  );
}
