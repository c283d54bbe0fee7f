/** Starts a page, gives it its keys, and lets tests and scripts look inside: `window.landfall`. */

import { byId } from './dom.ts';
import { hashObservations } from './observation-check.ts';
import type { Page } from './page.ts';
import { Shortcuts } from './shortcuts.ts';

export interface Inspection {
  state(): ReturnType<typeof stateOf>;
  hashObservations: typeof hashObservations;
  basePosition(env: number): { x: number; y: number } | null;
}

declare global {
  interface Window {
    landfall: Inspection;
  }
}

export function startPage(page: Page): void {
  const { playhead } = page;
  const shortcuts = new Shortcuts([
    { keys: [' '], shown: ['space'], does: 'play or pause', run: () => playhead.togglePlaying() },
    { keys: ['ArrowLeft', ','], shown: ['←', ','], does: 'one frame back', run: () => playhead.step(-1) },
    { keys: ['ArrowRight', '.'], shown: ['→', '.'], does: 'one frame on', run: () => playhead.step(1) },
    { keys: ['['], does: 'slower', run: () => playhead.changeSpeed(-1) },
    { keys: [']'], does: 'faster', run: () => playhead.changeSpeed(1) },
    { keys: ['Home'], does: 'to the beginning', run: () => playhead.seek(page.source?.start ?? 0) },
    { keys: ['End'], does: 'to the end', run: () => playhead.seek(page.source?.end ?? 0) },
    { keys: ['l', 'L'], shown: ['L'], does: 'jump to live', run: () => playhead.toLive() },
    {
      keys: ['o', 'O'],
      shown: ['O'],
      does: 'repeat a recording, or not',
      run: () => {
        playhead.loop = !playhead.loop;
      },
    },
    { keys: ['j', 'J'], shown: ['J'], does: 'next environment', run: () => page.select(page.selected + 1) },
    { keys: ['k', 'K'], shown: ['K'], does: 'previous environment', run: () => page.select(page.selected - 1) },
    {
      keys: ['f', 'F'],
      shown: ['F'],
      does: 'look at the selected robot and follow it, or let it go',
      run: () => page.toggleFollowing(),
    },
    { keys: ['a', 'A'], shown: ['A'], does: 'look at all robots', run: () => page.fitAll() },
    { keys: ['r', 'R'], shown: ['R'], does: 'open a run or a recording', run: () => page.openLibrary() },
  ]);
  byId('help', HTMLElement).addEventListener('click', () => shortcuts.toggle());
  window.landfall = {
    state: () => stateOf(page),
    hashObservations,
    basePosition: (env) => page.basePosition(env),
  };
}

/** What the page shows, in numbers. */
function stateOf(page: Page) {
  const { source, selected, q, bases, cost, connection, metricsCount } = page;
  const { following, scene } = page.view;
  const { time, playing, speed, loop, live } = page.playhead;
  return {
    connection: connection.state,
    ...connection.figures,
    source:
      source === null
        ? null
        : {
            kind: source.kind,
            title: source.title,
            isLive: source.isLive,
            robot: source.model.name,
            numEnvs: source.numEnvs,
            channels: source.channels.map((channel) => channel.name),
            start: source.start,
            end: source.end,
          },
    selected,
    playhead: { time, playing, speed, loop, live },
    following,
    scene:
      scene === null
        ? null
        : {
            ground: typeof scene.ground === 'string' ? scene.ground : 'terrain',
            statics: scene.statics.length,
            objects: scene.objects.length,
          },
    q: Array.from(q),
    bases: Array.from(bases),
    metricsCount,
    ...cost,
  };
}
