/** Which parameters are fitted of which joint. */

import { describe, expect, it } from 'vitest';
import { defaultFitted, fitParameters } from '../../../sim/identify/parameters.ts';

describe('the parameters that are fitted', () => {
  it('leave out the frictions of a joint that no torque moved: their range would be nothing, their scale 0 / 0', () => {
    const scales = [
      { torque: 2, velocity: 1 },
      { torque: 0, velocity: 3 },
    ];
    const found = fitParameters(defaultFitted, scales, false);
    expect(found.filter(({ joint }) => joint === 1).map(({ name }) => name)).toEqual(['massScale', 'comScale']);
    expect(found.filter(({ joint }) => joint === 0).map(({ name }) => name)).toEqual([
      'massScale',
      'comScale',
      'friction',
      'damping',
      'torqueOffset',
    ]);
    expect(found.every(({ lower, upper, reference }) => [lower, upper, reference].every(Number.isFinite))).toBe(true);
  });
});
