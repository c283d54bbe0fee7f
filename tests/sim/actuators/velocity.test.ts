/** The velocity drive by hand, and the speed it settles at under a load. */

import { describe, expect, it } from 'vitest';
import type { ActuatorSpec } from '../../../sim/robot-spec.ts';
import { commandOf, course, drivesOf, torqueAt } from './rig.ts';

const SPEC: ActuatorSpec = { kind: 'velocity', gain: 0.4 };

describe('a velocity drive', () => {
  it('is its own gain on the velocity asked for, within the limit, whatever the command says besides', () => {
    expect(torqueAt(SPEC, commandOf({ q: 9, qd: 3, kp: 5, kd: 7, effort: 2 }), 1, 1)).toBeCloseTo(0.8, 12);
    expect(torqueAt(SPEC, commandOf({ qd: 3 }), 0, 1, { kdScale: [1.5] })).toBeCloseTo(1.2, 12);
    expect(torqueAt(SPEC, commandOf({ qd: 30 }), 0, 1, { torqueLimit: [2] })).toBe(2);
    expect(torqueAt(SPEC, commandOf({ qd: -30 }), 0, 1, { torqueLimit: [2] })).toBe(-2);
  });

  it('approaches the speed with time constant I / gain, less load / gain', () => {
    const [dt, inertia, load] = [0.001, 0.04, -0.2];
    const { qd } = course(drivesOf(SPEC, dt, commandOf({ qd: 5 })), dt, inertia, () => load, 2000);
    // 5 - 0.2 / 0.4 in the end; after one time constant, 0.1 s, 1 - (1 - dt gain / I)^100 of it
    expect(qd.at(-1)).toBeCloseTo(4.5, 6);
    expect(qd[99]).toBeCloseTo(4.5 * (1 - 0.99 ** 100), 9);
  });
});
