/** The connection in one line: state, frames a second, frames left out, round trip. */

import type { ConnectionFigures, ConnectionState } from './connection.ts';
import { element, setText } from './dom.ts';

const LABELS: Readonly<Record<ConnectionState, string>> = {
  connecting: 'connecting',
  connected: 'connected',
  lost: 'no server',
  incompatible: 'reload the page',
};

export class Hud {
  readonly #dot = element('span', { class: 'dot' });
  readonly #state = element('span');
  readonly #rate = element('span', { class: 'detail', title: 'frames received a second' });
  readonly #drop = element('span', { class: 'detail', title: 'frames left out because this page was too slow' });
  readonly #latency = element('span', { class: 'detail', title: 'round trip to the server' });

  constructor(container: HTMLElement) {
    container.append(
      element('span', { class: 'state' }, this.#dot, this.#state),
      this.#rate,
      this.#drop,
      this.#latency,
    );
  }

  update(state: ConnectionState, figures: ConnectionFigures, hasSource: boolean): void {
    const isConnected = state === 'connected';
    this.#dot.className = `dot ${isConnected ? 'live' : state === 'connecting' ? '' : 'lost'}`;
    setText(this.#state, LABELS[state]);
    for (const node of [this.#rate, this.#drop]) node.hidden = !isConnected || !hasSource;
    this.#latency.hidden = !isConnected;
    setText(this.#rate, `${figures.framesPerSecond.toFixed(0)} fps`);
    setText(this.#drop, `drop ${(100 * figures.dropShare).toFixed(0)}%`);
    this.#drop.classList.toggle('warn', figures.dropShare > 0.1);
    setText(this.#latency, Number.isNaN(figures.roundTripMs) ? '' : `${figures.roundTripMs.toFixed(0)} ms`);
  }
}
