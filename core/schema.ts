/** Checks values of unknown origin against a schema and says in one line what is wrong. Wraps valibot, knows no schema. */

import * as v from 'valibot';
import { InputError, nearest } from './errors.ts';

/**
 * @param what names the thing being read, for the error
 * @throws InputError with the path of the first bad field, what was expected, what came, and a near miss if there is one
 */
export function parseWith<S extends v.GenericSchema>(schema: S, value: unknown, what: string): v.InferOutput<S> {
  const result = v.safeParse(schema, value);
  if (result.success) return result.output;
  const issue = result.issues[0];
  const path = v.getDotPath(issue) ?? '';
  if (issue.type === 'strict_object' && issue.expected === 'never') {
    const candidates = keysAt(schema, path);
    const key = path.split('.').at(-1) ?? path;
    const near = nearest(key, candidates);
    throw new InputError(`${what}: unknown setting ${path}`, {
      repair:
        near === undefined
          ? `known here: ${candidates.join(', ')}`
          : `did you mean ${path.slice(0, path.length - key.length)}${near}?`,
    });
  }
  const found = issue.received;
  throw new InputError(
    `${what}: ${path === '' ? 'the whole value' : path} should be ${issue.expected ?? issue.message}, found ${found}`,
    {
      repair: `correct ${path === '' ? 'it' : path}`,
    },
  );
}

/** The entries of the object schema that holds the last segment of `path`. */
export function keysAt(schema: v.GenericSchema, path: string): string[] {
  let node: unknown = schema;
  for (const segment of path.split('.').slice(0, -1)) {
    const outer = unwrap(node);
    // An array's elements share one schema.
    node = 'item' in outer ? outer.item : entriesOf(outer)[segment];
  }
  return Object.keys(entriesOf(unwrap(node)));
}

/** The schema inside `nullable`, `optional` and the like; an empty object for none. */
function unwrap(node: unknown): object {
  let current = node;
  while (typeof current === 'object' && current !== null && 'wrapped' in current) current = current.wrapped;
  return typeof current === 'object' && current !== null ? current : {};
}

function entriesOf(schema: object): Record<string, unknown> {
  return 'entries' in schema ? (schema.entries as Record<string, unknown>) : {};
}
