/** Every command mapping by the name a contract gives. Add one by adding a file and a line. */

import { InputError, nearest } from '../../core/errors.ts';
import { effortArray } from './effort-array.ts';
import { jointStateEffort } from './joint-state-effort.ts';
import type { CommandMapping } from './mapping.ts';

export const mappings: Readonly<Record<string, CommandMapping>> = {
  'joint-state-effort': jointStateEffort,
  'effort-array': effortArray,
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
