/** Every command mapping by the name a contract gives. Add one by adding a file and a line. */

import type { Contract } from '../../core/contract.ts';
import { InputError, nearest } from '../../core/errors.ts';
import { effortArray } from './effort-array.ts';
import { jointStateEffort } from './joint-state-effort.ts';
import { jointStatePd } from './joint-state-pd.ts';
import { jointTrajectory } from './joint-trajectory.ts';
import type { CommandMapping } from './mapping.ts';
import { positionArray } from './position-array.ts';
import { thrustArray } from './thrust-array.ts';
import { twist, twistStamped } from './twist.ts';
import { velocityArray } from './velocity-array.ts';

export const mappings: Readonly<Record<string, CommandMapping>> = {
  'joint-state-effort': jointStateEffort,
  'effort-array': effortArray,
  'joint-state-pd': jointStatePd,
  'position-array': positionArray,
  'joint-trajectory': jointTrajectory,
  'velocity-array': velocityArray,
  twist,
  'twist-stamped': twistStamped,
  'thrust-array': thrustArray,
};

/** @throws InputError naming the mappings there are */
export function mappingNamed(name: string): CommandMapping {
  const mapping = Object.hasOwn(mappings, name) ? mappings[name] : undefined;
  if (mapping !== undefined) return mapping;
  const known = Object.keys(mappings);
  const near = nearest(name, known);
  throw new InputError(`contract: no command mapping named ${name}`, {
    repair: near === undefined ? `mappings: ${known.join(', ')}` : `did you mean ${near}?`,
  });
}

/**
 * The mapping of a contract, checked against its joints and actions.
 * @throws InputError when there is none of this name, an option is missing, or an action cannot be sent through it
 */
export function mappingOf({ ros, joints, actions }: Pick<Contract, 'ros' | 'joints' | 'actions'>): CommandMapping {
  const { mapping: name, options } = ros.command;
  const mapping = mappingNamed(name);
  for (const option of mapping.needs) {
    const value = options?.[option];
    if (value !== undefined && value > 0) continue;
    throw new InputError(`contract: mapping ${name} needs the option ${option}, above 0, found ${value ?? 'none'}`, {
      repair: 'give it in ros.command.options of the robot',
    });
  }
  const { kinds, drivesAll } = mapping.takes;
  for (const { name: action, kind } of actions) {
    if (kinds.includes(kind)) continue;
    throw new InputError(`contract: action ${action} is a ${kind}, mapping ${name} sends ${kinds.join(' or ')}`, {
      repair: 'choose a mapping for this kind of action, or another kind of action',
    });
  }
  const driven = new Set(actions.flatMap((action) => action.joints));
  const idle = drivesAll ? joints.find((joint) => !driven.has(joint.name)) : undefined;
  if (idle !== undefined) {
    throw new InputError(`contract: mapping ${name} commands every joint, but no action drives ${idle.name}`, {
      repair: 'give the task an action for it, or choose a mapping by efforts',
    });
  }
  if (mapping.needs.includes('separation') && joints.length < 2) {
    throw new InputError(`contract: mapping ${name} needs two wheels, found ${joints.length} joints`);
  }
  return mapping;
}
