/** Whether an actuator's numbers make a drive, before one is built from them. Knows no drive. */

import { InputError } from '../../core/errors.ts';
import type { ActuatorNetwork, ActuatorSpec } from '../robot-spec.ts';

/** @param j names the joint, for errors @throws InputError with the field, what was expected and what came */
export function checkActuator(spec: ActuatorSpec, j: number): void {
  const where = `${spec.kind} actuator of joint ${j}`;
  atLeast(0, spec.latency ?? 0, 'latency', where);
  atLeast(0, spec.backlash ?? 0, 'backlash', where);
  switch (spec.kind) {
    case 'dc-motor':
      above(0, spec.stallTorque, 'stallTorque', where);
      above(0, spec.noLoadSpeed, 'noLoadSpeed', where);
      return;
    case 'velocity':
      atLeast(0, spec.gain, 'gain', where);
      return;
    case 'rotor':
      atLeast(0, spec.timeConstant, 'timeConstant', where);
      if (spec.backlash !== undefined && spec.backlash > 0) {
        throw new InputError(`${where}: a propeller has no play, found backlash ${spec.backlash}`, {
          repair: 'leave backlash out',
        });
      }
      return;
    case 'network':
      checkNetwork(spec.network, where);
      return;
    default:
      return;
  }
}

function checkNetwork(network: ActuatorNetwork, where: string): void {
  const { history, period, layers, weights, errorScale, velocityScale } = network;
  atLeast(1, history, 'network.history', where);
  above(0, period, 'network.period', where);
  above(0, errorScale, 'network.errorScale', where);
  above(0, velocityScale, 'network.velocityScale', where);
  if (!Number.isInteger(history) || layers.length < 2 || layers[0] !== 2 * history || layers.at(-1) !== 1) {
    throw new InputError(`${where}: expected layers [${2 * history}, ..., 1], found [${layers.join(', ')}]`, {
      repair: `a history of ${history} makes ${2 * history} inputs: errors, then velocities; the output is one torque`,
    });
  }
  let expected = 0;
  for (let l = 1; l < layers.length; l++) expected += (layers[l - 1]! + 1) * layers[l]!;
  if (weights.length !== expected || !weights.every(Number.isFinite)) {
    throw new InputError(`${where}: expected ${expected} finite weights, found ${weights.length}`, {
      repair: 'give W1 row by row, b1, W2, b2, ...',
    });
  }
}

function atLeast(least: number, value: number, field: string, where: string): void {
  if (Number.isFinite(value) && value >= least) return;
  throw new InputError(`${where}: expected ${field} of at least ${least}, found ${value}`, {
    repair: `correct ${field}`,
  });
}

function above(bound: number, value: number, field: string, where: string): void {
  if (Number.isFinite(value) && value > bound) return;
  throw new InputError(`${where}: expected ${field} above ${bound}, found ${value}`, { repair: `correct ${field}` });
}
