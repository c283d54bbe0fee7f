/** Random hits: bell-shaped torques on both joints, apart in time, as the robustness leaderboard draws them. Knows no robot. */

import { exp } from '../../core/math.ts';
import type { RandomStream } from '../../core/rng.ts';

const PER_JOINT = 3;
/** s between two hits, and before the first and after the last. */
const APART = 1;
/** Standard deviations in time, s. */
const WIDTH = [0.05, 0.1] as const;
/** N m: uniform in +-4.5, then 0.5 further from zero. */
const REACH = 4.5;
const LEAST = 0.5;

/** @returns N m, [2][steps] */
export function perturbationProfile(random: RandomStream, seconds: number, dt: number): readonly Float64Array[] {
  const count = 2 * PER_JOINT;
  const play = (seconds - (count + 1) * APART) / count;
  const centres = new Float64Array(count);
  let at = 0;
  for (let i = 0; i < count; i++) {
    at += APART + random.uniform() * play;
    centres[i] = at;
  }
  const order = new Int32Array(count);
  random.permutation(order);
  const steps = Math.round(seconds / dt);
  return [0, 1].map((joint) => {
    const profile = new Float64Array(steps);
    for (let i = 0; i < PER_JOINT; i++) {
      const centre = centres[order[joint * PER_JOINT + i]!]!;
      const width = random.between(WIDTH[0], WIDTH[1]);
      const drawn = random.between(-REACH, REACH);
      const amplitude = drawn + LEAST * Math.sign(drawn);
      // tau = a exp(-(t - t0)^2 / (2 s^2))
      for (let k = 0; k < steps; k++) profile[k]! += amplitude * exp(-((k * dt - centre) ** 2) / (2 * width * width));
    }
    return profile;
  });
}
