/** Episode summaries, against values worked out by hand. */

import { expect, it } from 'vitest';
import type { Episode } from '../../core/episode.ts';
import { summarizeEpisode, totalEpisodes } from '../../core/episode-summary.ts';
import { sampleEpisode, sampleMeta, sampleSteps } from './samples.ts';

it('measures rate, jitter, duration and return', () => {
  const meta = sampleMeta();
  // Commands 10 ms apart, one of them 4 ms late: two of four periods are off by 4 ms.
  const times = [0, 0.01, 0.024, 0.03, 0.04];
  const steps = sampleSteps(meta, 5).map((step, i) => ({
    ...step,
    commandTime: times[i]!,
    sensorTime: i * 0.5,
    reward: i + 1,
  }));
  const summary = summarizeEpisode({ meta, steps, outcome: { reason: 'completed', completed: true } });
  expect(summary).toMatchObject({ steps: 5, seconds: 2, return: 15, completed: true, outcome: 'completed' });
  expect(summary.rateHz).toBeCloseTo(100, 6);
  expect(summary.jitterMs).toBeCloseTo(4, 6);
});

it('says nothing where there is nothing: no steps, one step', () => {
  expect(summarizeEpisode(sampleEpisode(0))).toMatchObject({ steps: 0, seconds: 0, rateHz: 0, jitterMs: 0, return: 0 });
  expect(summarizeEpisode(sampleEpisode(1))).toMatchObject({ steps: 1, seconds: 0, rateHz: 0, jitterMs: 0 });
});

it('counts how episodes ended', () => {
  const ended = (outcome: Episode['outcome']) => summarizeEpisode({ ...sampleEpisode(2), outcome });
  const totals = totalEpisodes([
    ended({ reason: 'completed', completed: true }),
    ended({ reason: 'state older than 0.05 s', completed: false }),
    ended(null),
  ]);
  expect(totals).toMatchObject({ episodes: 3, steps: 6, completed: 1, cutOff: 1, faults: 1 });
  expect(totalEpisodes([]).meanReturn).toBeNull();
});
