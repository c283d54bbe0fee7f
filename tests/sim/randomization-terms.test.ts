/** The check of a randomisation table: what it lets through, and what each refusal says. */

import { describe, expect, it } from 'vitest';
import { InputError } from '../../core/errors.ts';
import { perJointParameters, scalarParameters } from '../../sim/dynamics.ts';
import { checkRandomization, intervalParameters, type RandomizationTable } from '../../sim/randomization-terms.ts';
import { tasks } from '../../sim/tasks/index.ts';

const refused: Record<string, [unknown, RegExp, RegExp?]> = {
  'an unknown name': [
    { contactFricton: { operation: 'abs', range: [0, 1] } },
    /contactFricton is no/,
    /contactFriction/,
  ],
  'bounds in the wrong order': [
    { gravity: { operation: 'abs', range: [2, 1] } },
    /gravity .*found \[2, 1\]/,
    /\[1, 2\]/,
  ],
  'a bound that is not a number': [{ gravity: { operation: 'abs', range: [0, Number.NaN] } }, /finite range/],
  'a logarithm of 0': [{ damping: { operation: 'scale', range: [0, 1], distribution: 'logUniform' } }, /above 0/],
  'a negative deviation': [{ payload: { operation: 'add', range: [0, -1], distribution: 'gaussian' } }, /deviation/],
  'bounds of what is no gaussian': [
    { payload: { operation: 'add', range: [0, 1], within: [0, 1] } },
    /only a gaussian/,
  ],
  'bounds beside the mean': [
    { payload: { operation: 'add', range: [0, 1], distribution: 'gaussian', within: [1, 2] } },
    /around its mean/,
  ],
  'times without an interval': [{ gravity: { operation: 'abs', range: [9, 10], everySeconds: [1, 2] } }, /mode reset/],
  'an interval without times': [{ gravity: { operation: 'abs', range: [9, 10], mode: 'interval' } }, /found none/],
  'an interval of 0 s': [
    { gravity: { operation: 'abs', range: [9, 10], mode: 'interval', everySeconds: [0, 2] } },
    /found \[0, 2\]/,
  ],
  'inertia within an episode': [{ pseudoInertia: { density: [-1, 1], mode: 'interval' } }, /built again/],
  'a range of inertia in the wrong order': [{ pseudoInertia: { shear: [1, -1] } }, /pseudoInertia.shear/],
};

describe('checkRandomization', () => {
  it.each(Object.entries(refused))('refuses %s', (_, [table, message, repair]) => {
    const check = () => checkRandomization(table as RandomizationTable);
    expect(check).toThrow(InputError);
    expect(check).toThrow(message);
    if (repair !== undefined) {
      try {
        check();
      } catch (error) {
        expect((error as InputError).repair).toMatch(repair);
      }
    }
  });

  it('allows intervals exactly where no world has to be built again', () => {
    for (const name of [...perJointParameters, ...scalarParameters]) {
      const table: RandomizationTable = {
        [name]: { operation: 'abs', range: [0, 1], mode: 'interval', everySeconds: [1, 2] },
      };
      if (intervalParameters.includes(name)) expect(() => checkRandomization(table)).not.toThrow();
      else expect(() => checkRandomization(table), name).toThrow(/cannot change within an episode/);
    }
  });

  it('lets every task through', () => {
    for (const task of Object.values(tasks)) expect(() => checkRandomization(task.randomization)).not.toThrow();
  });
});
