/** Identification on real recordings, with a quick search: `landfall bench identify` is the full measurement. */

import { existsSync } from 'node:fs';
import { expect, it } from 'vitest';
import { benchIdentify, RECORDINGS } from '../../bench/identify.ts';
import { publishedResiduals } from '../../bench/published-pendulum.ts';
import { keyOf } from '../../core/rng.ts';
import { budgets } from '../../sim/identify/identify.ts';
import type { Recording } from '../../sim/identify/recording.ts';
import { model, physics } from '../sim/identify/planted.ts';

const DATA = '../shared/data/pendulum';
const here = RECORDINGS.every((name) => existsSync(`${DATA}/${name}.csv`));

it.skipIf(!here)(
  'real pendulum recordings (skipped where ../shared/data is not there): the fit beats the published model',
  async () => {
    const { recordings } = await benchIdentify({
      directory: DATA,
      model,
      physics,
      budget: { ...budgets.quick, leastWindows: 20, testStride: 0.1 },
      key: keyOf(1),
      workers: 2,
      singlesOnly: true,
      hindsightEvaluations: 40,
    });
    const ratio = (name: string) => recordings[name]!.fitted / recordings[name]!.published;
    expect(ratio('energy_shaping')).toBeLessThanOrEqual(0.8);
    expect(ratio('dircol_swingup')).toBeLessThanOrEqual(0.8);
    expect(ratio('ilqr_swingup')).toBeLessThanOrEqual(1);
    expect(ratio('pd_swingup')).toBeLessThanOrEqual(1);
    // Hindsight starts at the fit and only descends.
    for (const { everyWindow } of Object.values(recordings))
      expect(everyWindow.hindsight).toBeLessThanOrEqual(everyWindow.fitted);
    // Someone threw the arm over at 16 s of one and stopped it at 3 s of another; nobody touched the rest.
    const pushes = (name: string) => recordings[name]!.disturbances.map(({ begin }) => Math.round(begin));
    expect(pushes('energy_shaping')).toEqual([16]);
    expect(pushes('ilqr_swingup')).toEqual([3]);
    expect(pushes('dircol_swingup')).toEqual([]);
    // Readings of 17 N m: the gear's chatter, which the motion shows.
    expect(recordings.pd_swingup!.wildTorques).toEqual({ kept: 38, replaced: 0 });
  },
);

it('the published model keeps its energy but for friction, and falls as theory says at first', () => {
  const count = 2000;
  const times = Float64Array.from({ length: count }, (_, k) => k * 0.005);
  const still = new Float64Array(count);
  const resting: Recording = {
    name: 'still',
    joints: ['shoulder'],
    times,
    q: Float64Array.from(times, () => Math.PI / 2),
    qd: still,
    qdSmooth: still,
    wild: new Uint8Array(count),
    torque: still,
    torqueRepaired: still,
    torqueTimes: times,
    measured: true,
    qScale: [1],
    qdScale: [1],
    wildVelocities: 0,
    wildTorques: 0,
  };
  // From the horizontal: qdd = -g / l = -19.62 rad/s2, less Coulomb friction against the fall once it moves.
  const first = publishedResiduals(resting, { from: 0, to: 4 }, 'logged');
  const fall = -9.81 / 0.5 + 0.093 / (0.57288 * 0.25);
  expect(first.at(-1)! / 0.02).toBeCloseTo(fall, 0);
  // After 10 s of viscous and dry friction it hangs at rest.
  const last = publishedResiduals(resting, { from: 0, to: count - 1 }, 'logged');
  expect(Math.abs(last.at(-2)! + Math.PI / 2)).toBeLessThan(0.05);
  expect(Math.abs(last.at(-1)!)).toBeLessThan(0.05);
});
