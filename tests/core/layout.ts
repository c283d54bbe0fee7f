/** What observation terms are bound to, for robots that are nothing but joints. */

import type { ObservationLayout } from '../../core/contract.ts';

/** Each joint takes an action. @param changes sensors, commands, other joints */
export function layoutOf(joints: readonly string[], changes: Partial<ObservationLayout> = {}): ObservationLayout {
  return {
    joints: joints.map((name) => ({
      name,
      sign: 1,
      unit: 'rad',
      position: null,
      velocity: null,
      effort: 1,
      defaultPosition: 0,
      kp: 0,
      kd: 0,
    })),
    actions: [
      { name: 'effort', kind: 'effort', joints: [...joints], scale: 1, offset: 0, clip: [-1, 1], rateLimit: null },
    ],
    sensors: {},
    command: { names: [], units: [], ranges: [] },
    ...changes,
  };
}
