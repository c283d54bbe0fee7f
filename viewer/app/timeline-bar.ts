/** The bar below the picture: play, step, scrub, speed, loop, live. Shows a playhead and moves it. */

import { element, setText } from './dom.ts';
import type { FrameSource } from './frame-source.ts';
import { icon, iconButton } from './icons.ts';
import { type Playhead, SPEEDS } from './playhead.ts';

export class TimelineBar {
  readonly #playhead: Playhead;
  readonly #play: HTMLButtonElement;
  readonly #range = element('input', { type: 'range', 'aria-label': 'moment' });
  readonly #now = element('strong', { class: 'clock-now' });
  readonly #length = element('span', { class: 'clock-length' });
  readonly #speed = element('select', { title: 'Speed ([ and ])', 'aria-label': 'speed' });
  readonly #loop: HTMLButtonElement;
  readonly #live: HTMLButtonElement;
  readonly #controls: readonly (HTMLButtonElement | HTMLInputElement | HTMLSelectElement)[];
  #shownPlaying: boolean | null = null;

  constructor(container: HTMLElement, playhead: Playhead) {
    this.#playhead = playhead;
    this.#play = iconButton('play', 'Play or pause (space)', () => playhead.togglePlaying());
    this.#play.classList.add('play');
    const back = iconButton('back', 'One frame back (←)', () => playhead.step(-1));
    const forward = iconButton('forward', 'One frame on (→)', () => playhead.step(1));
    this.#loop = iconButton('loop', 'Repeat (O)', () => {
      playhead.loop = !playhead.loop;
    });
    this.#loop.classList.add('toggle');
    this.#live = element('button', { type: 'button', class: 'text-button live-button', title: 'Jump to live (L)' });
    this.#live.append(element('span', { class: 'dot' }), 'Live');
    this.#live.addEventListener('click', () => playhead.toLive());
    this.#range.step = 'any';
    this.#range.addEventListener('input', () => playhead.seek(Number(this.#range.value)));
    for (const speed of SPEEDS) this.#speed.append(new Option(`${speed}×`, String(speed)));
    this.#speed.addEventListener('change', () => playhead.setSpeed(Number(this.#speed.value)));
    const clock = element('span', { class: 'clock' }, this.#now, this.#length);
    container.append(back, this.#play, forward, this.#range, clock, this.#speed, this.#loop, this.#live);
    this.#controls = [back, this.#play, forward, this.#range, this.#speed, this.#loop];
    this.update(null);
  }

  update(source: FrameSource | null): void {
    const { time, playing, speed, loop, live } = this.#playhead;
    for (const control of this.#controls) control.disabled = source === null;
    this.#live.hidden = source === null || !source.isLive;
    this.#loop.hidden = source?.isLive === true;
    if (playing !== this.#shownPlaying) {
      this.#shownPlaying = playing;
      this.#play.replaceChildren(icon(playing ? 'pause' : 'play'));
      this.#play.setAttribute('aria-label', playing ? 'Pause' : 'Play');
    }
    this.#loop.setAttribute('aria-pressed', String(loop));
    this.#live.setAttribute('aria-pressed', String(live));
    if (this.#speed.value !== String(speed)) this.#speed.value = String(speed);
    if (source === null) {
      setText(this.#now, '');
      setText(this.#length, '–');
      return;
    }
    this.#range.min = String(source.start);
    this.#range.max = String(source.end);
    this.#range.value = String(time);
    setText(this.#now, formatTime(source.clockAt(time)));
    setText(this.#length, source.isLive ? behind(source.end - time, live) : ` / ${formatTime(source.end)}`);
  }
}

/** m:ss.cc; the minutes only when there are some. */
export function formatTime(seconds: number): string {
  const minutes = Math.floor(seconds / 60);
  if (minutes === 0) return `${seconds.toFixed(2)} s`;
  return `${minutes}:${(seconds - 60 * minutes).toFixed(2).padStart(5, '0')}`;
}

function behind(seconds: number, live: boolean): string {
  return live ? '' : ` −${seconds.toFixed(1)} s`;
}
