/** Numbers by name on the command line. */

import { describe, expect, it } from 'vitest';
import { commandValues } from '../../cli/option-values.ts';

describe('commandValues', () => {
  it('reads names and numbers', () => {
    expect(commandValues('vx=0.5, wz = -2e-1')).toEqual({ vx: 0.5, wz: -0.2 });
  });

  it.each(['', 'vx', 'vx=', '=1', 'vx=1=2', 'vx=fast', 'vx=1,', 'vx=Infinity'])('refuses "%s"', (text) => {
    expect(() => commandValues(text)).toThrow(/should look like vx=0.5,wz=0.2/);
  });
});
