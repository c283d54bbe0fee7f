/** Which of several environments is selected, with a way to the ones beside it. */

import { element, setText } from './dom.ts';
import type { FrameSource } from './frame-source.ts';
import { iconButton } from './icons.ts';

export class EnvironmentPicker {
  readonly #container: HTMLElement;
  readonly #label = element('span');
  #selected = 0;

  constructor(container: HTMLElement, onSelect: (env: number) => void) {
    this.#container = container;
    container.append(
      iconButton('left', 'Previous environment (K)', () => onSelect(this.#selected - 1)),
      this.#label,
      iconButton('right', 'Next environment (J)', () => onSelect(this.#selected + 1)),
    );
  }

  /** Hidden when there is only one. */
  show(source: FrameSource, selected: number): void {
    this.#selected = selected;
    this.#container.hidden = source.numEnvs < 2;
    setText(this.#label, `${source.labelOf(selected)} of ${source.numEnvs}`);
  }
}
