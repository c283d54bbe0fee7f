/** How uPlot looks here: colours of the style sheet, number formats, the series' palette. */

import type uPlot from 'uplot';

/** Distinguishable on light and dark ground. */
const PALETTE = ['#4e9cff', '#ff9840', '#2fbf8a', '#e4609f', '#a68bff', '#d9b52f', '#38bfd0', '#f2705b'] as const;

export function seriesColor(index: number): string {
  return PALETTE[index % PALETTE.length]!;
}

/** Nothing that is plotted here means anything below this. */
const TINY = 1e-6;

/** At most four digits, no exponent where it can be helped. */
export function formatValue(value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return '–';
  const size = Math.abs(value);
  if (size >= 1e6) return `${(value / 1e6).toPrecision(3)}M`;
  if (size >= 1e4) return `${(value / 1e3).toPrecision(3)}k`;
  if (size >= 100) return value.toFixed(0);
  if (size >= 10) return value.toFixed(1);
  if (size >= 0.01 || size < TINY) return value.toFixed(2);
  return size >= 0.001 ? value.toFixed(3) : value.toExponential(0);
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

/** @param space between the x axis' numbers, px */
export function plotAxes(formatX: (value: number) => string, space = 60): uPlot.Axis[] {
  return [
    { ...axis(22, formatX), space },
    { ...axis(42, formatValue), space: 26 },
  ];
}

/** Around a constant the y axis shows one unit, rather than the noise of its last digits. */
export function yRange(_plot: uPlot, low: number | null, high: number | null): [number, number] {
  if (low === null || high === null) return [0, 1];
  if (high - low < TINY * Math.max(1, Math.abs(high))) return [low - 0.5, high + 0.5];
  const pad = 0.08 * (high - low);
  return [low - pad, high + pad];
}
