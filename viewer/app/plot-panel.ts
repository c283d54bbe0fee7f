/** The plots of the selected environment: rewards, observation, torque, and what else there is. */

import type { Channel } from '../../core/frame-ring.ts';
import { ChannelPlot } from './channel-plot.ts';
import { element } from './dom.ts';
import type { FrameSource } from './frame-source.ts';

const GROUPS: readonly (readonly [Channel['group'], string])[] = [
  ['reward', 'Reward terms'],
  ['torque', 'Torque'],
  ['obs', 'Observation'],
  ['other', 'State'],
];

/** Live, the plots show this much, s. A recording up to RECORDED_SPAN is shown whole. */
const LIVE_SPAN = 10;
const RECORDED_SPAN = 30;
/** Redraws a second while playing; the playhead's line moves at every picture. */
const REDRAWS_PER_SECOND = 20;

export class PlotPanel {
  readonly #container: HTMLElement;
  readonly #onSeek: (time: number) => void;
  #plots: readonly ChannelPlot[] = [];
  #source: FrameSource | null = null;
  #env = 0;
  #drawn = { from: NaN, to: NaN, end: NaN, env: -1 };
  #sinceRedraw = 0;

  constructor(container: HTMLElement, onSeek: (time: number) => void) {
    this.#container = container;
    this.#onSeek = onSeek;
  }

  show(source: FrameSource): void {
    for (const plot of this.#plots) plot.dispose();
    this.#source = source;
    this.#env = 0;
    const channels = source.channels.map((channel, index) => ({ channel, index }));
    this.#plots = GROUPS.flatMap(([group, title]) => {
      const own = channels.filter(({ channel }) => channel.group === group);
      return own.length === 0 ? [] : [new ChannelPlot(title, own, this.#onSeek)];
    });
    const nodes = this.#plots.map((plot) => plot.node);
    const empty = element('p', { class: 'hint' }, 'Nothing is plotted: this source has no channels.');
    this.#container.replaceChildren(...(nodes.length === 0 ? [empty] : nodes));
    this.#drawn.env = -1;
  }

  select(env: number): void {
    this.#env = env;
  }

  /** @param seconds of wall time since the last call */
  update(time: number, isLive: boolean, seconds: number): void {
    const source = this.#source;
    if (source === null) return;
    this.#sinceRedraw += seconds;
    const [from, to] = windowOf(source, time, isLive);
    const drawn = this.#drawn;
    const isChanged = from !== drawn.from || to !== drawn.to || source.end !== drawn.end || this.#env !== drawn.env;
    if (isChanged && (this.#sinceRedraw >= 1 / REDRAWS_PER_SECOND || this.#env !== drawn.env)) {
      this.#sinceRedraw = 0;
      this.#drawn = { from, to, end: source.end, env: this.#env };
      const { times, columns } = source.series(this.#env, from, to);
      for (const plot of this.#plots) plot.setData(times, columns, from, to);
    }
    for (const plot of this.#plots) plot.setTime(time);
  }

  repaint(): void {
    for (const plot of this.#plots) plot.repaint();
  }
}

/** What the time axis shows. */
function windowOf(source: FrameSource, time: number, isLive: boolean): [number, number] {
  const { start, end } = source;
  if (isLive) {
    const from = Math.max(start, end - LIVE_SPAN);
    return [from, from + LIVE_SPAN];
  }
  const span = source.isLive ? LIVE_SPAN : RECORDED_SPAN;
  if (end - start <= span) return [start, end];
  const from = Math.max(start, Math.min(end - span, time - 0.7 * span));
  return [from, from + span];
}
