/**
 * One plot of the side panel: a group of channels over the time line, with the moment being shown as a line through it.
 * Hovering shows values in all plots at once; pressing and dragging moves the playhead. Knows no source.
 */

import uPlot from 'uplot';
import type { Channel } from '../../core/frame-ring.ts';
import { element, setText } from './dom.ts';
import { formatValue, plotAxes, seriesColor, yRange } from './plot-theme.ts';

const HEIGHT = 132;

export interface PlotChannel {
  readonly channel: Channel;
  /** Its column in the source's series. */
  readonly index: number;
}

export class ChannelPlot {
  readonly node: HTMLElement;
  readonly #plot: uPlot;
  readonly #channels: readonly PlotChannel[];
  readonly #line = element('div', { class: 'playhead-line' });
  readonly #values: readonly HTMLElement[];
  #hovered: number | null = null;
  #time = 0;

  constructor(title: string, channels: readonly PlotChannel[], onSeek: (time: number) => void) {
    this.#channels = channels;
    const units = new Set(channels.map(({ channel }) => unitOf(channel)));
    this.#values = channels.map(() => element('span', { class: 'legend-value' }));
    const items = channels.map((entry, i) => this.#legendItem(entry, i, units.size > 1));
    const legend = element('div', { class: 'legend' }, ...items);
    const body = element('div', { class: 'plot-body' });
    const common = units.size === 1 ? [...units][0]! : '';
    const heading = element('h3', {}, title, element('span', { class: 'unit' }, ` ${common}`));
    this.node = element('section', { class: 'plot', 'aria-label': title }, heading, legend, body);
    this.#plot = new uPlot(
      {
        width: 320,
        height: HEIGHT,
        legend: { show: false },
        padding: [6, 14, 0, 0],
        scales: { x: { time: false }, y: { range: yRange } },
        axes: plotAxes((seconds) => `${Number(seconds.toFixed(2))} s`),
        cursor: { sync: { key: 'landfall', setSeries: false }, drag: { x: false, y: false }, points: { size: 6 } },
        series: [
          {},
          ...channels.map((entry, i) => ({
            label: entry.channel.name,
            stroke: seriesColor(i),
            width: 1.5,
            points: { show: false },
          })),
        ],
        hooks: { setCursor: [(plot) => this.#hover(plot)] },
      },
      [[], ...channels.map(() => [])],
      body,
    );
    this.#plot.over.append(this.#line);
    this.#listen(onSeek);
    new ResizeObserver(() => {
      if (body.clientWidth > 0) this.#plot.setSize({ width: body.clientWidth, height: HEIGHT });
      this.#moveLine();
    }).observe(body);
  }

  /** @param columns of the whole source; the plot takes its own @param from,to what the x axis shows, s */
  setData(times: readonly number[], columns: readonly (readonly (number | null)[])[], from: number, to: number): void {
    const data = [times, ...this.#channels.map(({ index }) => columns[index]!)] as uPlot.AlignedData;
    this.#plot.batch(() => {
      this.#plot.setData(data, false);
      this.#plot.setScale('x', { min: from, max: Math.max(to, from + 1e-3) });
    });
    this.#showValues();
  }

  /** The moment being shown, s. */
  setTime(time: number): void {
    this.#time = time;
    this.#moveLine();
    this.#showValues();
  }

  /** After a change of the colour scheme. */
  repaint(): void {
    this.#plot.redraw(false, true);
  }

  dispose(): void {
    this.#plot.destroy();
    this.node.remove();
  }

  #legendItem({ channel }: PlotChannel, i: number, withUnit: boolean): HTMLElement {
    const swatch = element('span', { class: 'swatch' });
    swatch.style.background = seriesColor(i);
    const item = element('button', { type: 'button', class: 'legend-item', 'aria-pressed': 'true' });
    const unit = withUnit ? element('span', { class: 'unit' }, unitOf(channel)) : '';
    item.append(swatch, element('span', { class: 'legend-name' }, channel.name), this.#values[i]!, unit);
    item.addEventListener('click', () => {
      const show = item.getAttribute('aria-pressed') !== 'true';
      item.setAttribute('aria-pressed', String(show));
      this.#plot.setSeries(i + 1, { show });
    });
    return item;
  }

  #listen(onSeek: (time: number) => void): void {
    const { over } = this.#plot;
    const seek = (event: PointerEvent) => {
      const left = event.clientX - over.getBoundingClientRect().left;
      onSeek(this.#plot.posToVal(left, 'x'));
    };
    over.addEventListener('pointerdown', (event) => {
      if (event.button !== 0) return;
      over.setPointerCapture(event.pointerId);
      seek(event);
    });
    over.addEventListener('pointermove', (event) => {
      if (over.hasPointerCapture(event.pointerId)) seek(event);
    });
  }

  #hover(plot: uPlot): void {
    this.#hovered = plot.cursor.idx ?? null;
    this.#showValues();
  }

  #moveLine(): void {
    const left = this.#plot.valToPos(this.#time, 'x');
    const isInside = left >= 0 && left <= this.#plot.over.clientWidth;
    this.#line.style.transform = `translateX(${left}px)`;
    this.#line.style.visibility = isInside ? 'visible' : 'hidden';
  }

  /** Under the pointer, or else at the playhead. */
  #showValues(): void {
    const times = this.#plot.data[0];
    const index = this.#hovered ?? lastIndex(times, this.#time);
    for (const [i, node] of this.#values.entries()) {
      setText(node, formatValue(this.#plot.data[i + 1]?.[index]));
    }
  }
}

/** Empty for what has none, which is written 1. */
function unitOf({ unit }: Channel): string {
  return unit === '1' ? '' : unit;
}

/** The last entry of the ascending `times` that is not after `time`, or the first. */
function lastIndex(times: ArrayLike<number>, time: number): number {
  let [low, high] = [0, times.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (times[middle]! <= time + 1e-9) low = middle + 1;
    else high = middle;
  }
  return Math.max(0, low - 1);
}
