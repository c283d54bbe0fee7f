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
    execArgv: fromSource ? ['--import', 'tsx'] : [],
  };
}
