/** Numbers on the command line, checked where they are read. */

import { InvalidArgumentError } from 'commander';

export interface NumberBounds {
  readonly min?: number;
  readonly max?: number;
  readonly integer?: boolean;
}

/** A parser for commander's options. */
export function numberWithin({ min = -Infinity, max = Infinity, integer = false }: NumberBounds) {
  return (text: string): number => {
    const value = text.trim() === '' ? Number.NaN : Number(text);
    if (Number.isFinite(value) && value >= min && value <= max && (!integer || Number.isInteger(value))) return value;
    const kind = integer ? 'a whole number' : 'a number';
    const least = min === -Infinity ? '' : ` of at least ${min}`;
    const most = max === Infinity ? '' : `${least === '' ? ' of' : ' and'} at most ${max}`;
    throw new InvalidArgumentError(`It should be ${kind}${least}${most}.`);
  };
}

/** `vx=0.5,wz=-0.2` as numbers by name; a parser for commander's options. */
export function commandValues(text: string): Record<string, number> {
  const pairs = text.split(',').map((part): [string, number] => {
    const [name = '', value = '', ...rest] = part.split('=').map((word) => word.trim());
    const number = value === '' ? Number.NaN : Number(value);
    if (name === '' || rest.length > 0 || !Number.isFinite(number)) {
      throw new InvalidArgumentError(`It should look like vx=0.5,wz=0.2, found ${part.trim() || 'nothing'}.`);
    }
    return [name, number];
  });
  return Object.fromEntries(pairs);
}
