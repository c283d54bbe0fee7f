/**
 * Where a worker thread's code lies, from source and from the built package. Knows file names, no threads:
 * `new Worker(entry.url, { execArgv: entry.execArgv })`.
 */

export interface WorkerEntry {
  readonly url: URL;
  /** What Node needs to run it: a TypeScript source needs its loader. */
  readonly execArgv: string[];
}

/**
 * @param importMetaUrl the caller's `import.meta.url`; the worker lies beside it, or at the relative path in `name`
 * @param name without its extension, such as `collector-worker`
 */
export function workerEntry(importMetaUrl: string, name: string): WorkerEntry {
  const fromSource = importMetaUrl.endsWith('.ts');
  return {
    url: new URL(`${name}${fromSource ? '.ts' : '.js'}`, importMetaUrl),
    execArgv: fromSource ? ['--import', typescriptLoader(importMetaUrl)] : [],
  };
}

/**
 * `--import tsx` registers itself in the main thread alone (tsx 4.23, Node 20), so a worker calls tsx's API. tsx is looked
 * up from the caller's file, because `--import` would look from the current directory.
 */
function typescriptLoader(importMetaUrl: string): string {
  const code = [
    `import { createRequire } from 'node:module';`,
    `import { pathToFileURL } from 'node:url';`,
    `const path = createRequire(${JSON.stringify(importMetaUrl)}).resolve('tsx/esm/api');`,
    `const { register } = await import(pathToFileURL(path).href);`,
    `register();`,
  ].join('');
  return `data:text/javascript,${encodeURIComponent(code)}`;
}
