/**
 * JSON that keeps every number. `JSON.stringify` turns -0 into 0 and NaN and the infinities into null; here -0 stays
 * and the other three are strings, as in the proto3 JSON mapping. `JSON.parse` reads the text, `exactNumber` the numbers.
 */

/** @param value null, booleans, numbers, strings, arrays, typed arrays and plain objects of these; undefined fields are left out */
export function exactJson(value: unknown): string {
  if (typeof value === 'number') {
    if (Number.isFinite(value)) return Object.is(value, -0) ? '-0' : String(value);
    return `"${value}"`;
  }
  if (typeof value !== 'object' || value === null) return JSON.stringify(value ?? null);
  if (Array.isArray(value) || ArrayBuffer.isView(value)) {
    return `[${Array.from(value as ArrayLike<unknown>, exactJson).join(',')}]`;
  }
  const fields: string[] = [];
  for (const [key, field] of Object.entries(value)) {
    if (field !== undefined) fields.push(`${JSON.stringify(key)}:${exactJson(field)}`);
  }
  return `{${fields.join(',')}}`;
}

/** A number that `exactJson` wrote, or undefined when `value` is none. */
export function exactNumber(value: unknown): number | undefined {
  if (typeof value === 'number') return value;
  if (value === 'NaN') return NaN;
  if (value === 'Infinity') return Infinity;
  if (value === '-Infinity') return -Infinity;
  return undefined;
}
