/** Files dragged onto the page, anywhere. */

/** @param overlay is shown while files are over the page */
export function acceptDrops(overlay: HTMLElement, onFiles: (files: readonly File[]) => void): void {
  // Entering a child comes before leaving its parent, so the overlay goes when as many have been left as entered.
  let depth = 0;
  const carriesFiles = (event: DragEvent) => event.dataTransfer?.types.includes('Files') === true;
  const show = (by: number) => {
    depth = Math.max(0, depth + by);
    overlay.hidden = depth === 0;
  };
  addEventListener('dragenter', (event) => {
    if (carriesFiles(event)) show(1);
  });
  addEventListener('dragleave', (event) => {
    if (carriesFiles(event)) show(-1);
  });
  addEventListener('dragover', (event) => {
    if (carriesFiles(event)) event.preventDefault();
  });
  addEventListener('drop', (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    show(-depth);
    onFiles([...(event.dataTransfer?.files ?? [])]);
  });
}
