/** Training metrics from a run's metrics.jsonl: one JSON object a line; the last may be half-written. */

import type { MetricsRecord } from '../protocol.ts';

/** Numbers of nested objects get dotted names; what is not a number is left out. */
export function parseMetrics(text: string): MetricsRecord[] {
  const records: MetricsRecord[] = [];
  for (const line of text.split('\n')) {
    const value = parseLine(line);
    if (typeof value !== 'object' || value === null) continue;
    const record: Record<string, number> = {};
    collect(value, '', record);
    records.push(record);
  }
  return records;
}

function collect(value: object, prefix: string, into: Record<string, number>): void {
  for (const [key, entry] of Object.entries(value)) {
    if (typeof entry === 'number') into[prefix + key] = entry;
    else if (typeof entry === 'object' && entry !== null) collect(entry, `${prefix}${key}.`, into);
  }
}

function parseLine(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}
