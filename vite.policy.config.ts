/**
 * Builds the page of exported policies into dist/viewer/policy/index.html: one file with everything inside, into which
 * `landfall export --html` puts a policy. It is the viewer's page with a simulation in place of the server.
 */

import { fileURLToPath } from 'node:url';
import { defineConfig, type Plugin } from 'vite';

const DATA = '<script type="application/json" id="policy"></script>';
/** The twin, 10 MB of another engine, stays outside: an exported page simulates in Rapier. */
const LEFT_OUT = '@mujoco/mujoco';

/** The viewer's HTML, started by another module. */
function policyEntry(): Plugin {
  return {
    name: 'policy-entry',
    enforce: 'pre',
    resolveId: (id) => (id === LEFT_OUT ? `\0${LEFT_OUT}` : null),
    load: (id) => (id === `\0${LEFT_OUT}` ? 'export default null;' : null),
    transformIndexHtml: {
      order: 'pre',
      handler: (html) => html.replace('./main.ts', './policy-main.ts').replace('</main>', `</main>\n    ${DATA}`),
    },
  };
}

/** Script and style sheet move into the HTML, so that it works from a disk. */
function oneFile(): Plugin {
  return {
    name: 'one-file',
    enforce: 'post',
    generateBundle(_options, bundle) {
      const files = Object.values(bundle);
      const page = files.find(({ fileName }) => fileName.endsWith('.html'));
      if (page?.type !== 'asset') return this.error('the build gave no page');
      let html = String(page.source);
      let script = '';
      for (const file of files) {
        if (file === page) continue;
        // Vite's list of what to load before a dynamic import: there is nothing left to load.
        if (file.type === 'chunk') script += file.code.replaceAll('__VITE_PRELOAD__', 'void 0');
        else html = html.replace(/<link rel="stylesheet"[^>]*>/, () => `<style>${String(file.source)}</style>`);
        delete bundle[file.fileName];
      }
      html = html.replace(/\s*<script type="module"[^>]*><\/script>/, '');
      page.source = html.replace(
        '</body>',
        () => `<script type="module">${script.replaceAll('</script', '<\\/script')}</script>\n  </body>`,
      );
    },
  };
}

export default defineConfig({
  root: fileURLToPath(new URL('viewer/app', import.meta.url)),
  base: './',
  plugins: [policyEntry(), oneFile()],
  build: {
    outDir: fileURLToPath(new URL('dist/viewer/policy', import.meta.url)),
    emptyOutDir: true,
    target: 'es2022',
    modulePreload: false,
    cssCodeSplit: false,
    rolldownOptions: { output: { codeSplitting: false } },
    // Almost all of it is Rapier's WASM.
    chunkSizeWarningLimit: 6000,
  },
});
