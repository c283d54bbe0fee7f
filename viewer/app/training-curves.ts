/** Training curves: the three figures a person asks for first, and every other metric below a fold. */

import uPlot from 'uplot';
import type { MetricsRecord } from '../protocol.ts';
import { element, setText } from './dom.ts';
import { formatValue, plotAxes, seriesColor, yRange } from './plot-theme.ts';

const HEIGHT = 84;

/** What the large curves show, by the names a trainer may use. */
const HEADLINES: readonly (readonly [string, RegExp])[] = [
  ['Return', /^(mean)?return$/i],
  ['Success', /^success(rate)?$/i],
  ['Steps / s', /^(env)?steps(per|\/)s(econd)?$/i],
];
/** What counts, rather than measures. */
const COUNTERS = new Set(['iteration', 'envSteps', 'seconds']);

class Curve {
  readonly node: HTMLElement;
  readonly #plot: uPlot;
  readonly #latest = element('strong', { class: 'curve-latest' });

  constructor(title: string, color: string) {
    const body = element('div', { class: 'plot-body' });
    this.node = element(
      'section',
      { class: 'curve', 'aria-label': title },
      element('h4', {}, title),
      this.#latest,
      body,
    );
    this.#plot = new uPlot(
      {
        width: 200,
        height: HEIGHT,
        legend: { show: false },
        padding: [6, 10, 0, 0],
        scales: { x: { time: false }, y: { range: yRange } },
        axes: plotAxes((iteration) => String(Math.round(iteration)), 36),
        cursor: { drag: { x: false, y: false }, points: { size: 6 } },
        series: [{}, { label: title, stroke: color, width: 1.5, points: { show: false }, spanGaps: true }],
        hooks: { setCursor: [(plot) => this.#show(plot)] },
      },
      [[], []],
      body,
    );
    new ResizeObserver(() => {
      if (body.clientWidth > 0) this.#plot.setSize({ width: body.clientWidth, height: HEIGHT });
    }).observe(body);
  }

  setData(iterations: number[], values: (number | null)[]): void {
    this.#plot.setData([iterations, values]);
    this.#show(this.#plot);
  }

  repaint(): void {
    this.#plot.redraw(false, true);
  }

  dispose(): void {
    this.#plot.destroy();
  }

  /** Under the pointer, or else the latest. */
  #show(plot: uPlot): void {
    const values = plot.data[1];
    if (values === undefined) return;
    setText(this.#latest, formatValue(values[plot.cursor.idx ?? values.length - 1]));
  }
}

export class TrainingCurves {
  readonly #container: HTMLElement;
  readonly #headlines = element('div', { class: 'curves' });
  readonly #others = element('div', { class: 'curves' });
  readonly #fold = element('details', { hidden: true }, element('summary', {}, 'All metrics'), this.#others);
  #records: MetricsRecord[] = [];
  readonly #curves = new Map<string, Curve>();
  #isDirty = false;

  /** @param container is hidden while there are no metrics */
  constructor(container: HTMLElement) {
    this.#container = container;
    container.append(this.#headlines, this.#fold);
    this.#fold.addEventListener('toggle', () => {
      this.#isDirty = true;
    });
  }

  get records(): readonly MetricsRecord[] {
    return this.#records;
  }

  add(records: readonly MetricsRecord[], isReset: boolean): void {
    if (isReset) {
      this.#records = [];
      for (const curve of this.#curves.values()) curve.dispose();
      this.#curves.clear();
      this.#headlines.replaceChildren();
      this.#others.replaceChildren();
    }
    this.#records.push(...records);
    this.#isDirty = true;
  }

  /** Draw what has come; at most once a picture. */
  update(): void {
    if (!this.#isDirty) return;
    this.#isDirty = false;
    this.#container.hidden = this.#records.length === 0;
    const iterations = this.#records.map((record, i) => record.iteration ?? i);
    for (const name of metricNames(this.#records)) {
      const isHeadline = HEADLINES.some(([, pattern]) => pattern.test(name));
      if (!isHeadline && !this.#fold.open) {
        this.#fold.hidden = false;
        continue;
      }
      const curve = this.#curves.get(name) ?? this.#addCurve(name);
      curve.setData(
        iterations,
        this.#records.map((record) => finiteOrNull(record[name])),
      );
    }
  }

  repaint(): void {
    for (const curve of this.#curves.values()) curve.repaint();
  }

  #addCurve(name: string): Curve {
    const headline = HEADLINES.findIndex(([, pattern]) => pattern.test(name));
    const curve = new Curve(HEADLINES[headline]?.[0] ?? name, seriesColor(headline < 0 ? 4 : [0, 2, 1][headline]!));
    this.#curves.set(name, curve);
    curve.node.style.order = String(headline);
    (headline < 0 ? this.#others : this.#headlines).append(curve.node);
    return curve;
  }
}

function metricNames(records: readonly MetricsRecord[]): string[] {
  const names = new Set(records.slice(-50).flatMap((record) => Object.keys(record)));
  return [...names].filter((name) => !COUNTERS.has(name));
}

function finiteOrNull(value: number | undefined): number | null {
  return value !== undefined && Number.isFinite(value) ? value : null;
}
