/** The page's icons: 16 x 16 outlines, filled with the text's colour. */

const PATHS = {
  play: 'M4 2.5v11a.7.7 0 0 0 1.1.6l8.4-5.5a.7.7 0 0 0 0-1.2L5.1 1.9A.7.7 0 0 0 4 2.5z',
  pause:
    'M4 2h2.6a.6.6 0 0 1 .6.6v10.8a.6.6 0 0 1-.6.6H4a.6.6 0 0 1-.6-.6V2.6A.6.6 0 0 1 4 2zm5.4 0H12a.6.6 0 0 1 .6.6v10.8a.6.6 0 0 1-.6.6H9.4a.6.6 0 0 1-.6-.6V2.6a.6.6 0 0 1 .6-.6z',
  back: 'M3 2.5h1.8v11H3zM13 3.1v9.8a.6.6 0 0 1-.95.5L5.6 8.5a.6.6 0 0 1 0-1l6.45-4.9a.6.6 0 0 1 .95.5z',
  forward: 'M13 2.5h-1.8v11H13zM3 3.1v9.8a.6.6 0 0 0 .95.5l6.45-4.9a.6.6 0 0 0 0-1L3.95 2.6a.6.6 0 0 0-.95.5z',
  loop: 'M11 1.2 14.2 4 11 6.8V4.9H5.2A2.2 2.2 0 0 0 3 7.1V8H1.3v-.9a3.9 3.9 0 0 1 3.9-3.9H11zM5 14.8 1.8 12 5 9.2v1.9h5.8A2.2 2.2 0 0 0 13 8.9V8h1.7v.9a3.9 3.9 0 0 1-3.9 3.9H5z',
  left: 'M10.4 2.6 11.6 3.8 7.4 8l4.2 4.2-1.2 1.2L5 8z',
  right: 'M5.6 2.6 4.4 3.8 8.6 8l-4.2 4.2 1.2 1.2L11 8z',
  close: 'M3.6 2.4 8 6.8l4.4-4.4 1.2 1.2L9.2 8l4.4 4.4-1.2 1.2L8 9.2l-4.4 4.4-1.2-1.2L6.8 8 2.4 3.6z',
} as const;

export type IconName = keyof typeof PATHS;

export function icon(name: IconName): SVGSVGElement {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  svg.setAttribute('viewBox', '0 0 16 16');
  svg.setAttribute('aria-hidden', 'true');
  const path = document.createElementNS('http://www.w3.org/2000/svg', 'path');
  path.setAttribute('d', PATHS[name]);
  svg.append(path);
  return svg;
}

/** A button that shows only an icon; `label` is its name and its tip. */
export function iconButton(name: IconName, label: string, onClick: () => void): HTMLButtonElement {
  const button = document.createElement('button');
  button.type = 'button';
  button.className = 'icon-button';
  button.title = label;
  button.setAttribute('aria-label', label.replace(/ \(.*\)$/, ''));
  button.append(icon(name));
  button.addEventListener('click', onClick);
  return button;
}
