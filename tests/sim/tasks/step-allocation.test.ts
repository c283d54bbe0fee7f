/**
 * What a control step of each task leaves on the heap: no array and no object, and few numbers. V8 boxes a number, 16 bytes,
 * that crosses a call it does not inline; a reward term's must, so no task is at zero. Each is measured as it is trained, in a
 * thread of its own that has run nothing else, within episodes, as the median over segments of 20 steps so that a collection
 * does not hide in it.
 */

import { expect, it } from 'vitest';
import { stepAllocation } from '../../../bench/sim.ts';
import { tasks } from '../../../sim/tasks/index.ts';

/**
 * Bytes. Measured 160 to 1520. Twice that: what V8 has inlined after the warm-up differs from run to
 * run, on a busy machine most.
 */
const LIMITS: Readonly<Record<string, number>> = {
  'arm-reach': 3040,
  'nav-lidar': 1300,
  'quadrotor-hover': 2400,
  'quadruped-velocity': 2560,
  'quadruped-rough': 2560,
  'arm-push': 1600,
};

// Again where V8's compiler, which works beside, had not come to it: what allocates always does so every time.
it.each(Object.keys(tasks))('%s: numbers alone', { retry: 2 }, async (name) => {
  const bytes = await stepAllocation(name);
  expect(bytes).not.toBeNull();
  expect(bytes!).toBeLessThan(LIMITS[name] ?? 1024);
});
