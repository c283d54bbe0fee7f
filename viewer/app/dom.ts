/** Elements without a framework. Knows no page. */

type Child = Node | string | null;

interface Attributes {
  readonly class?: string;
  readonly title?: string;
  readonly type?: string;
  readonly id?: string;
  readonly hidden?: boolean;
  readonly onClick?: (event: MouseEvent) => void;
  /** aria-*, role and whatever else is set as it is. */
  readonly [name: `aria-${string}`]: string;
  readonly role?: string;
}

export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === 'onClick') node.addEventListener('click', value as (event: Event) => void);
    else if (name === 'hidden') node.hidden = value === true;
    else if (value !== undefined) node.setAttribute(name, String(value));
  }
  node.append(...children.filter((child) => child !== null));
  return node;
}

/** The element of index.html with this id. */
export function byId<T extends HTMLElement>(id: string, type: new () => T): T {
  const node = document.getElementById(id);
  if (!(node instanceof type)) throw new Error(`index.html: expected ${type.name} #${id}`);
  return node;
}

/** Set a text only when it differs: writing it again would cost a layout. */
export function setText(node: Node, text: string): void {
  if (node.textContent !== text) node.textContent = text;
}

export function prefersReducedMotion(): boolean {
  return matchMedia('(prefers-reduced-motion: reduce)').matches;
}
