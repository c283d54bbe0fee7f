/**
 * What core/action.ts does to an action, as the constants of a few matrix operations: the command that a robot is given, one
 * number a joint. Knows no file format.
 *
 *   value = clip(offset + scale clip(action, -1, 1), lower, upper), at most maxStep from the last value
 *   command = value matrix + bias,    last value = last command inverse + inverseBias
 */

import { type ActionContract, actionDim, type Contract } from '../../core/contract.ts';
import { InputError } from '../../core/errors.ts';

/** What one number of a command is. */
export interface CommandEntry {
  readonly joint: string;
  /** +1, or -1 when the robot counts this joint the other way round: its states and commands are then negated. */
  readonly sign: 1 | -1;
  /** null: no action moves this joint, and its number is always 0. */
  readonly quantity: 'effort' | 'position' | 'velocity' | null;
  readonly unit: string;
  /** The drive's gains: tau = kp (position - q) + kd (velocity - qd) + effort, what is not commanded being 0. */
  readonly kp: number;
  readonly kd: number;
}

export interface CommandMap {
  readonly entries: readonly CommandEntry[];
  /** [actionDim] */
  readonly scale: Float64Array;
  readonly offset: Float64Array;
  readonly lower: Float64Array;
  readonly upper: Float64Array;
  /** [actionDim]; Infinity where there is no limit. */
  readonly maxStep: Float64Array;
  readonly isRateLimited: boolean;
  /** [actionDim, nJoints] */
  readonly matrix: Float64Array;
  /** [nJoints] */
  readonly bias: Float64Array;
  /** [nJoints, actionDim] */
  readonly inverse: Float64Array;
  /** [actionDim] */
  readonly inverseBias: Float64Array;
  /** The last command before the first one, [nJoints]. */
  readonly initial: Float64Array;
}

type CommandContract = Pick<Contract, 'actions' | 'joints' | 'control'>;

/** @throws InputError for a joint that two actions command: it has no one number */
export function commandMap(contract: CommandContract): CommandMap {
  const { joints, actions, control } = contract;
  const [rows, columns] = [actionDim(contract), joints.length];
  const map = {
    scale: new Float64Array(rows),
    offset: new Float64Array(rows),
    lower: new Float64Array(rows),
    upper: new Float64Array(rows),
    maxStep: new Float64Array(rows),
    matrix: new Float64Array(rows * columns),
    bias: new Float64Array(columns),
    inverse: new Float64Array(columns * rows),
    inverseBias: new Float64Array(rows),
    initial: new Float64Array(columns),
  };
  const names = joints.map(({ name }) => name);
  const entries: CommandEntry[] = joints.map(({ name, sign }) => ({
    joint: name,
    sign,
    quantity: null,
    unit: '',
    kp: 0,
    kd: 0,
  }));
  let row = 0;
  for (const action of actions) {
    const own = action.joints.map((name) => names.indexOf(name));
    for (const [i, j] of own.entries()) {
      if (j < 0 || entries[j]!.quantity !== null) {
        throw new InputError(
          `action ${action.name}: joint ${action.joints[i]} ${j < 0 ? 'is not there' : 'has two actions'}`,
          { repair: 'an exported policy gives each joint one command: give each joint of the task one action' },
        );
      }
      entries[j] = entryOf(action, joints[j]!);
      const k = row + i;
      map.scale[k] = action.kind === 'twist' && i === 1 ? action.drive!.angularScale : action.scale;
      map.offset[k] = action.offset;
      [map.lower[k], map.upper[k]] = action.clip;
      map.maxStep[k] = action.rateLimit === null ? Infinity : action.rateLimit / control.rateHz;
      if (action.kind === 'twist') continue;
      const rest = action.kind === 'position' ? joints[j]!.defaultPosition : 0;
      map.matrix[k * columns + j] = 1;
      map.bias[j] = rest;
      map.inverse[j * rows + k] = 1;
      map.inverseBias[k] = -rest;
    }
    if (action.kind === 'twist') turnWheels(action, row, own as [number, number], map, rows, columns);
    row += own.length;
  }
  for (let j = 0; j < columns; j++) {
    map.initial[j] = map.bias[j]!;
    for (let k = 0; k < rows; k++) map.initial[j]! += map.offset[k]! * map.matrix[k * columns + j]!;
  }
  return { ...map, entries, isRateLimited: map.maxStep.some(Number.isFinite) };
}

function entryOf({ kind }: ActionContract, joint: Contract['joints'][number]): CommandEntry {
  const { name, sign, unit, kp, kd } = joint;
  const base = { joint: name, sign };
  switch (kind) {
    case 'effort':
      return { ...base, quantity: 'effort', unit: unit === 'rad' ? 'N m' : 'N', kp: 0, kd: 0 };
    case 'position':
      return { ...base, quantity: 'position', unit, kp, kd };
    case 'velocity':
    case 'twist':
      return { ...base, quantity: 'velocity', unit: `${unit}/s`, kp: 0, kd };
  }
}

/** Wheel speeds of the twist (v, w): (v -+ w d / 2) / r, left then right, and the twist of wheel speeds. */
function turnWheels(
  { drive }: ActionContract,
  row: number,
  wheels: readonly [number, number],
  { matrix, inverse }: Pick<CommandMap, 'matrix' | 'inverse'>,
  rows: number,
  columns: number,
): void {
  const { radius, separation } = drive!;
  for (const [side, j] of wheels.entries()) {
    const outwards = side === 0 ? -1 : 1;
    matrix[row * columns + j] = 1 / radius;
    matrix[(row + 1) * columns + j] = (outwards * separation) / (2 * radius);
    inverse[j * rows + row] = radius / 2;
    inverse[j * rows + row + 1] = (outwards * radius) / separation;
  }
}
