/** A message over the picture that goes by itself, or when it is clicked. */

const SHOWN_MS = 12_000;

export class MessageBar {
  readonly #node: HTMLElement;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(node: HTMLElement) {
    this.#node = node;
    node.addEventListener('click', () => {
      node.hidden = true;
    });
  }

  problem(text: string): void {
    clearTimeout(this.#timer);
    this.#node.textContent = text;
    this.#node.hidden = false;
    this.#timer = setTimeout(() => {
      this.#node.hidden = true;
    }, SHOWN_MS);
  }
}
