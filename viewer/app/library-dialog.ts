/** What the server has to open, and the way to open a file of one's own. */

import type { Library, RecordingEntry, RunEntry } from '../protocol.ts';
import { makeDialog } from './dialog.ts';
import { element } from './dom.ts';

/** More episodes than this are not shown side by side. */
export const MAX_SIDE_BY_SIDE = 16;

export interface LibraryActions {
  openFiles(files: readonly File[]): void;
  openRecordings(entries: readonly RecordingEntry[]): void;
  openMetrics(run: RunEntry): void;
}

/** @returns an empty library when the page was not served by Landfall */
export async function fetchLibrary(): Promise<Library> {
  const response = await fetch('library').catch(() => null);
  return response?.ok ? ((await response.json()) as Library) : { runs: [], recordings: [] };
}

export class LibraryDialog {
  readonly #dialog: HTMLDialogElement;
  readonly #list = element('div');
  readonly #actions: LibraryActions;

  constructor(actions: LibraryActions) {
    this.#actions = actions;
    const input = element('input', { type: 'file', id: 'file', 'aria-label': 'recording files' });
    input.multiple = true;
    input.accept = '.mcap,.urdf';
    input.hidden = true;
    input.addEventListener('change', () => {
      this.#dialog.close();
      actions.openFiles([...(input.files ?? [])]);
      input.value = '';
    });
    const choose = element('button', { type: 'button', class: 'text-button' }, 'Choose .mcap files…');
    choose.addEventListener('click', () => input.click());
    this.#dialog = makeDialog('Open', element('p', {}, choose, input), this.#list);
  }

  async show(): Promise<void> {
    this.#list.replaceChildren();
    this.#dialog.showModal();
    const { runs, recordings } = await fetchLibrary();
    const sections = runs.map((run) => this.#runSection(run));
    if (recordings.length > 0) sections.unshift(this.#section('Given files', recordings, null));
    const none = element(
      'p',
      { class: 'hint' },
      'The server offers no runs. Start it with: landfall view RUN_OR_DIRECTORY',
    );
    this.#list.replaceChildren(...(sections.length === 0 ? [none] : sections));
  }

  #runSection(run: RunEntry): HTMLElement {
    const { openMetrics } = this.#actions;
    const curves = run.hasMetrics ? this.#button('Training curves', () => openMetrics(run)) : null;
    return this.#section(run.name, run.recordings, curves);
  }

  #section(title: string, entries: readonly RecordingEntry[], extra: HTMLElement | null): HTMLElement {
    const { openRecordings } = this.#actions;
    const newest = entries.slice(-MAX_SIDE_BY_SIDE);
    const together =
      entries.length > 1 ? this.#button(`${newest.length} side by side`, () => openRecordings(newest)) : null;
    const head = element(
      'div',
      { class: 'run-head' },
      element('span', { class: 'run-name', title }, title),
      extra,
      together,
    );
    const items = entries.map((entry) => {
      const button = element(
        'button',
        { type: 'button' },
        entry.name,
        element('span', { class: 'size' }, sizeOf(entry)),
      );
      button.addEventListener('click', () => {
        this.#dialog.close();
        openRecordings([entry]);
      });
      return element('li', {}, button);
    });
    return element('section', { class: 'run' }, head, element('ul', { class: 'recordings' }, ...items));
  }

  #button(label: string, onClick: () => void): HTMLButtonElement {
    const button = element('button', { type: 'button', class: 'text-button' }, label);
    button.addEventListener('click', () => {
      this.#dialog.close();
      onClick();
    });
    return button;
  }
}

function sizeOf({ bytes }: RecordingEntry): string {
  return bytes >= 1e6 ? `${(bytes / 1e6).toFixed(1)} MB` : `${Math.ceil(bytes / 1e3)} kB`;
}
