/** A dialog with a heading and a way out. */

import { element } from './dom.ts';
import { iconButton } from './icons.ts';

export function makeDialog(title: string, ...body: readonly Node[]): HTMLDialogElement {
  const dialog = element('dialog', { 'aria-label': title });
  const head = element(
    'div',
    { class: 'dialog-head' },
    title,
    iconButton('close', 'Close (Esc)', () => dialog.close()),
  );
  dialog.append(head, element('div', { class: 'dialog-body' }, ...body));
  dialog.addEventListener('click', (event) => {
    // Only the backdrop is the dialog itself.
    if (event.target === dialog) dialog.close();
  });
  document.body.append(dialog);
  return dialog;
}
