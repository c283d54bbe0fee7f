/** Which settings two configurations differ in. Knows no schema: any two plain values. */

export interface Difference {
  /** Such as `ppo.learningRate`. */
  readonly path: string;
  /** JSON values; undefined where one side has none. */
  readonly a: unknown;
  readonly b: unknown;
}

/** In the order of `a`, then what only `b` has. Arrays are compared whole. */
export function differences(a: unknown, b: unknown, path = ''): Difference[] {
  if (!isRecord(a) || !isRecord(b)) return JSON.stringify(a) === JSON.stringify(b) ? [] : [{ path, a, b }];
  const keys = [...new Set([...Object.keys(a), ...Object.keys(b)])];
  return keys.flatMap((key) => differences(a[key], b[key], path === '' ? key : `${path}.${key}`));
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
