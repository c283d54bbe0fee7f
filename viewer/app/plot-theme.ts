/** How uPlot looks here: colours of the style sheet, number formats, the series' palette. */

import type uPlot from 'uplot';

/** Distinguishable on light and dark ground. */
const PALETTE = ['#4e9cff', '#ff9840', '#2fbf8a', '#e4609f', '#a68bff', '#d9b52f', '#38bfd0', '#f2705b'] as const;

export function seriesColor(index: number): string {
  return PALETTE[index % PALETTE.length]!;
}

/** At most four digits, no exponent where it can be helped. */
export function formatValue(value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return '–';
  const size = Math.abs(value);
  if (size >= 1e6) return `${(value / 1e6).toPrecision(3)}M`;
  if (size >= 1e4) return `${(value / 1e3).toPrecision(3)}k`;
  if (size >= 100) return value.toFixed(0);
  if (size >= 10) return value.toFixed(1);
  if (size >= 0.01 || size === 0) return value.toFixed(2);
  return value.toExponential(0);
}

/** Read anew at every drawing, so that a change of scheme shows. */
function styleOf(name: string): () => string {
  return () => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

const FONT = '11px system-ui, sans-serif';

function axis(size: number, format: (value: number) => string): uPlot.Axis {
  return {
    stroke: styleOf('--muted'),
    font: FONT,
    size,
    gap: 4,
    space: 40,
    grid: { stroke: styleOf('--plot-line'), width: 1 },
    ticks: { show: false },
    values: (_plot, splits) => splits.map(format),
  };
}

export function plotAxes(formatX: (value: number) => string): uPlot.Axis[] {
  return [
    { ...axis(22, formatX), space: 60 },
    { ...axis(42, formatValue), space: 26 },
  ];
}

/** Smallest range of the y axis: without it the noise of a constant would fill the plot. */
const MIN_RANGE = 1e-3;

export function yRange(_plot: uPlot, low: number | null, high: number | null): [number, number] {
  if (low === null || high === null) return [0, 1];
  const pad = Math.max(0.08 * (high - low), MIN_RANGE / 2);
  return [low - pad, high + pad];
}
