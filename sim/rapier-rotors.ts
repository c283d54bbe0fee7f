/** Propellers on a robot's bodies: their thrust at the joint's origin and the torque of the air. Allocates nothing a step. */

import type { RobotState } from '../core/robot.ts';
import type { RobotModel } from '../core/robot-model.ts';
import { rotateAt } from '../core/rotation.ts';
import { rotorReaction } from './actuators/rotor.ts';
import type { RobotRig } from './joint-rig.ts';
import type { MassProperties } from './mass-properties.ts';
import type { RapierBodies } from './rapier-bodies.ts';
import type { ActuatorSpec } from './robot-spec.ts';
import { type RotorMount, rotorMounts } from './rotors.ts';

export class RapierRotors {
  readonly count: number;
  readonly #rotors: readonly RotorMount[];
  readonly #axis = new Float64Array(3);
  readonly #arm = new Float64Array(3);
  readonly #com = new Float64Array(3);

  /** @param actuators per moving joint */
  constructor(actuators: readonly ActuatorSpec[], model: RobotModel, rig: RobotRig) {
    this.#rotors = rotorMounts(actuators, model, rig);
    this.count = this.#rotors.length;
  }

  /** @param thrusts N, per moving joint @param state its efforts take the thrusts */
  blow(thrusts: Float64Array, bodies: RapierBodies, masses: readonly MassProperties[], state: RobotState): void {
    const { rotations, forces, torques } = bodies;
    for (let i = 0; i < this.#rotors.length; i++) {
      const { dof, body, axis, at, spec } = this.#rotors[i]!;
      const thrust = thrusts[dof]!;
      state.effort[dof] = thrust;
      const b = 4 * body;
      const a = this.#axis;
      const r = this.#arm;
      rotateAt(rotations, b, axis, a);
      rotateAt(rotations, b, at, r);
      rotateAt(rotations, b, masses[body]!.com, this.#com);
      for (let k = 0; k < 3; k++) r[k] = r[k]! - this.#com[k]!;
      const reaction = rotorReaction(spec, thrust);
      const to = 3 * body;
      for (let k = 0; k < 3; k++) forces[to + k] = forces[to + k]! + thrust * a[k]!;
      // tau = r x F + reaction about the axis
      torques[to] = torques[to]! + thrust * (r[1]! * a[2]! - r[2]! * a[1]!) + reaction * a[0]!;
      torques[to + 1] = torques[to + 1]! + thrust * (r[2]! * a[0]! - r[0]! * a[2]!) + reaction * a[1]!;
      torques[to + 2] = torques[to + 2]! + thrust * (r[0]! * a[1]! - r[1]! * a[0]!) + reaction * a[2]!;
    }
  }
}
