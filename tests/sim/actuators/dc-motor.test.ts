/** The torque-speed line at its corners, by hand: stall 20 N m, 10 rad/s without load, limit 12 N m. */

import { describe, expect, it } from 'vitest';
import type { ActuatorSpec } from '../../../sim/robot-spec.ts';
import { commandOf, torqueAt } from './rig.ts';

const SPEC: ActuatorSpec = { kind: 'dc-motor', stallTorque: 20, noLoadSpeed: 10 };

describe('a dc-motor drive', () => {
  it.each([
    // asked, qd, given
    [50, 0, 12], // at rest the limit holds, not the stall torque
    [50, 4, 12], // the corner: 20 (1 - 4/10) = 12
    [50, 7, 6], // on the line
    [50, 10, 0], // without load
    [50, 15, 0], // driven faster: it cannot push on, nor is it made to brake
    [50, -15, 12], // braking: the limit alone
    [-50, 0, -12],
    [-50, -4, -12],
    [-50, -7, -6],
    [-50, -10, 0],
    [-50, -15, 0],
    [-50, 15, -12],
    [3, 7, 3], // within the line it is a pd drive
    [-3, 7, -3],
    [3, 9, 2],
  ])('asked for %d N m at %d rad/s gives %d', (asked, qd, given) => {
    expect(torqueAt(SPEC, commandOf({ effort: asked }), 0, qd, { torqueLimit: [12] })).toBeCloseTo(given, 12);
  });

  it('obeys gains as pd does', () => {
    // 4 (1 - 0.5) + 1 (0 - 2) + 0.25
    expect(torqueAt(SPEC, commandOf({ q: 1, kp: 4, kd: 1, effort: 0.25 }), 0.5, 2)).toBeCloseTo(0.25, 12);
  });
});
