/** Keyboard shortcuts: one table for what they do and what the overlay says of them. */

import { makeDialog } from './dialog.ts';
import { element } from './dom.ts';

export interface Shortcut {
  /** Values of KeyboardEvent.key; Shift is part of the key. */
  readonly keys: readonly string[];
  /** What the overlay shows instead of the keys. */
  readonly shown?: readonly string[];
  readonly does: string;
  readonly run: (event: KeyboardEvent) => void;
}

export class Shortcuts {
  readonly #dialog: HTMLDialogElement;

  constructor(shortcuts: readonly Shortcut[]) {
    const list = element('dl', { class: 'shortcuts' });
    const all: Shortcut[] = [...shortcuts, { keys: ['?'], does: 'show or hide this list', run: () => this.toggle() }];
    for (const { keys, shown, does } of all) {
      const caps = (shown ?? keys).map((key) => element('kbd', {}, key));
      list.append(element('dt', {}, ...caps), element('dd', {}, does));
    }
    this.#dialog = makeDialog('Keyboard shortcuts', list);
    document.addEventListener('keydown', (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event)) return;
      const shortcut = all.find(({ keys }) => keys.includes(event.key));
      const isBlocked = document.querySelector('dialog[open]') !== null && event.key !== '?';
      if (shortcut === undefined || isBlocked) return;
      event.preventDefault();
      shortcut.run(event);
    });
  }

  toggle(): void {
    if (this.#dialog.open) this.#dialog.close();
    else this.#dialog.showModal();
  }
}

/** The control that has the focus needs this key itself. */
function isTyping({ target, key }: KeyboardEvent): boolean {
  if (target instanceof HTMLSelectElement) return true;
  if (target instanceof HTMLInputElement) return target.type !== 'range' || key.startsWith('Arrow');
  return target instanceof HTMLButtonElement && (key === ' ' || key === 'Enter');
}
