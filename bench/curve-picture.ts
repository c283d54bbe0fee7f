/** Learning curves as an SVG picture: one line a seed, over control steps. Plain text, so that it lives in a repository. */

import type { CurvePoint } from './curve.ts';

const WIDTH = 560;
const HEIGHT = 240;
const MARGIN = { left: 52, right: 12, top: 28, bottom: 36 } as const;
/** Colours told apart by people who see red and green alike (Okabe & Ito 2008). */
const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00'] as const;

/**
 * @param title of the picture
 * @param curves one a seed, by name
 * @param value what is drawn
 * @param range of the vertical axis; the least and the most there are without one
 */
export function curvePicture(
  title: string,
  curves: Readonly<Record<string, readonly CurvePoint[]>>,
  value: (point: CurvePoint) => number,
  range?: readonly [number, number],
): string {
  const points = Object.values(curves).flat();
  const values = points.map(value);
  const [low, high] = range ?? [Math.min(...values), Math.max(...values)];
  const most = Math.max(...points.map(({ envSteps }) => envSteps));
  const span = high > low ? high - low : 1;
  const x = (steps: number) => MARGIN.left + (steps / most) * (WIDTH - MARGIN.left - MARGIN.right);
  const y = (v: number) => HEIGHT - MARGIN.bottom - ((v - low) / span) * (HEIGHT - MARGIN.top - MARGIN.bottom);
  const lines = Object.entries(curves).flatMap(([name, curve], i) => {
    const colour = COLOURS[i % COLOURS.length]!;
    const path = curve.map((point) => `${x(point.envSteps).toFixed(1)},${y(value(point)).toFixed(1)}`).join(' ');
    return [
      `<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="1.6"/>`,
      `<text x="${WIDTH - MARGIN.right - 70 * (Object.keys(curves).length - i) + 10}" y="16" fill="${colour}">${escaped(name)}</text>`,
    ];
  });
  const ticks = [0, 0.5, 1].flatMap((share) => {
    const v = low + share * span;
    const steps = share * most;
    return [
      `<line x1="${MARGIN.left}" x2="${WIDTH - MARGIN.right}" y1="${y(v).toFixed(1)}" y2="${y(v).toFixed(1)}" stroke="#ddd"/>`,
      `<text x="${MARGIN.left - 6}" y="${(y(v) + 4).toFixed(1)}" text-anchor="end">${Number(v.toPrecision(3))}</text>`,
      `<text x="${x(steps).toFixed(1)}" y="${HEIGHT - MARGIN.bottom + 16}" text-anchor="${share === 1 ? 'end' : 'middle'}">${short(steps)}</text>`,
    ];
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" font-family="sans-serif" font-size="11" fill="#444">`,
    `<title>${escaped(title)}</title>`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
    `<text x="${MARGIN.left}" y="16" font-weight="bold">${escaped(title)}</text>`,
    ...ticks,
    ...lines,
    `<text x="${WIDTH / 2}" y="${HEIGHT - 6}" text-anchor="middle">control steps</text>`,
    '</svg>',
    '',
  ].join('\n');
}

function short(steps: number): string {
  return steps >= 1e6 ? `${(steps / 1e6).toFixed(1)} M` : `${Math.round(steps / 1e3)} k`;
}

function escaped(text: string): string {
  return text.replace(/[&<>]/g, (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;' })[c]!);
}
