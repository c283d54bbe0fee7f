/** What somebody asks the robot to do, as the numbers of the contract's command. Knows no terminal. */

import type { Contract } from './contract.ts';
import { InputError, nearest } from './errors.ts';
import { clamp } from './math.ts';

/**
 * The command in the contract's order and ranges; what is not asked for is 0, or the nearest the range allows.
 * @throws InputError for a name the contract does not have, and for a number that is not finite
 */
export function taskCommandOf(
  { command }: Pick<Contract, 'command'>,
  wanted: Readonly<Record<string, number>>,
): Float64Array {
  for (const [name, value] of Object.entries(wanted)) {
    if (!command.names.includes(name)) {
      const near = nearest(name, command.names);
      const known = command.names.join(', ') || 'none: this policy takes no command';
      throw new InputError(`the policy takes no command named ${name}`, {
        repair: near === undefined ? `commands: ${known}` : `did you mean ${near}?`,
      });
    }
    if (!Number.isFinite(value)) throw new InputError(`command ${name} should be a number, found ${value}`);
  }
  return Float64Array.from(command.names, (name, i) => {
    const [lower, upper] = command.ranges[i]!;
    return clamp(Object.hasOwn(wanted, name) ? wanted[name]! : 0, lower, upper);
  });
}
