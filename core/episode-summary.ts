/** What a person wants to know of an episode at a glance: how long, how steady, how good, how it ended. */

import { type Episode, episodeDuration, episodeReturn } from './episode.ts';

/** The reason given to a recording that was cut off and repaired. */
export const CUT_OFF = 'cut off';

export interface EpisodeSummary {
  readonly id: string;
  readonly source: string;
  readonly robot: string;
  readonly task: string;
  readonly steps: number;
  readonly seconds: number;
  /** Steps per second, from the median time between commands; 0 with fewer than two steps. */
  readonly rateHz: number;
  /** 99th percentile of how far the time between commands is from its median, ms. */
  readonly jitterMs: number;
  /** Sum of rewards; null for an imported recording, which has none. */
  readonly return: number | null;
  /** How it ended; null when the recording was cut off. */
  readonly outcome: string | null;
  readonly completed: boolean;
  readonly shadow: boolean;
}

export function summarizeEpisode(episode: Episode): EpisodeSummary {
  const { meta, steps, outcome } = episode;
  const periods = new Float64Array(Math.max(0, steps.length - 1));
  for (let i = 0; i < periods.length; i++) periods[i] = steps[i + 1]!.commandTime - steps[i]!.commandTime;
  const period = quantile(periods, 0.5);
  const deviations = periods.map((p) => Math.abs(p - period));
  return {
    id: meta.id,
    source: meta.source,
    robot: meta.robot,
    task: meta.task,
    steps: steps.length,
    seconds: episodeDuration(episode),
    rateHz: period > 0 ? 1 / period : 0,
    jitterMs: 1000 * quantile(deviations, 0.99),
    return: meta.source === 'import' ? null : episodeReturn(episode),
    outcome: outcome?.reason ?? null,
    completed: outcome?.completed ?? false,
    shadow: meta.shadow,
  };
}

export interface EpisodeTotals {
  readonly episodes: number;
  readonly steps: number;
  readonly seconds: number;
  /** null without episodes that have rewards. */
  readonly meanReturn: number | null;
  readonly completed: number;
  readonly cutOff: number;
  /** Ended by a fault. */
  readonly faults: number;
}

export function totalEpisodes(summaries: readonly EpisodeSummary[]): EpisodeTotals {
  const sum = (value: (summary: EpisodeSummary) => number) => summaries.reduce((total, s) => total + value(s), 0);
  const rewarded = sum((s) => Number(s.return !== null));
  return {
    episodes: summaries.length,
    steps: sum((s) => s.steps),
    seconds: sum((s) => s.seconds),
    meanReturn: rewarded === 0 ? null : sum((s) => s.return ?? 0) / rewarded,
    completed: sum((s) => Number(s.completed)),
    cutOff: sum((s) => Number(isCutOff(s))),
    faults: sum((s) => Number(!isCutOff(s) && !s.completed)),
  };
}

function isCutOff({ outcome }: EpisodeSummary): boolean {
  return outcome === null || outcome === CUT_OFF;
}

/** The value below which a share `p` of the values lies, the nearest one; 0 of none. */
function quantile(values: Float64Array, p: number): number {
  const sorted = values.slice().sort();
  return sorted[Math.ceil(p * sorted.length) - 1] ?? 0;
}
