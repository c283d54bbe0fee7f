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
    execArgv: fromSource ? ['--import', typescriptLoader()] : [],
  };
}

/**
 * `--import tsx` registers itself in the main thread alone (tsx 4.23, Node 20), so a worker calls tsx's API. tsx is looked
 * up from here, because `--import` would look from the current directory.
 */
function typescriptLoader(): string {
  const api = import.meta.resolve('tsx/esm/api');
  return `data:text/javascript,${encodeURIComponent(`import { register } from ${JSON.stringify(api)}; register();`)}`;
}
