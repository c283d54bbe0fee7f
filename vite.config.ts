/** Builds the viewer's page into dist/viewer/app, from where viewer/server serves it. */

import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

export default defineConfig({
  root: fileURLToPath(new URL('viewer/app', import.meta.url)),
  base: './',
  build: {
    outDir: fileURLToPath(new URL('dist/viewer/app', import.meta.url)),
    emptyOutDir: true,
    target: 'es2022',
    // The one large chunk is three.js; its size is held by a test, zipped.
    chunkSizeWarningLimit: 800,
  },
});
