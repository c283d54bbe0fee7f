/**
 * What an exported page is told, as text inside its HTML: JSON that keeps float32 arrays and numbers that are not finite,
 * and holds no `<`. Runs in Node, which writes it, and in the page, which reads it.
 */

import { InputError, messageOf } from '../../core/errors.ts';
import type { EnvironmentRecipe } from '../../sim/recipe.ts';

export interface PageData {
  /** What the page says it shows. */
  readonly title: string;
  readonly recipe: EnvironmentRecipe;
  /** Of the actor, in the order of `Bundle.weights`. */
  readonly weights: readonly Float32Array[];
}

const FLOATS = '$float32';
const NUMBER = '$number';

export function encodePageData(data: PageData): string {
  const text = JSON.stringify(data, (_key, value: unknown) => {
    if (value instanceof Float32Array) return { [FLOATS]: toBase64(value) };
    if (typeof value === 'number' && !Number.isFinite(value)) return { [NUMBER]: String(value) };
    return value;
  });
  // An HTML parser ends a script at `</script`, wherever it stands.
  return text.replaceAll('<', '\\u003c');
}

/** @throws InputError when it is not what `encodePageData` wrote */
export function decodePageData(text: string): PageData {
  let value: unknown;
  try {
    value = JSON.parse(text, (_key, field: unknown) => {
      if (typeof field !== 'object' || field === null) return field;
      if (FLOATS in field) return fromBase64(String(field[FLOATS]));
      if (NUMBER in field) return Number(field[NUMBER]);
      return field;
    });
  } catch (error) {
    throw damaged(messageOf(error), error);
  }
  const { title, recipe, weights } = (value ?? {}) as Partial<Record<keyof PageData, unknown>>;
  const areWeights = Array.isArray(weights) && weights.every((tensor) => tensor instanceof Float32Array);
  if (typeof title !== 'string' || typeof recipe !== 'object' || recipe === null || !areWeights) {
    throw damaged('title, recipe and weights are expected');
  }
  return { title, recipe: recipe as EnvironmentRecipe, weights };
}

function damaged(what: string, cause?: unknown): InputError {
  return new InputError(`this page holds no policy that can be read: ${what}`, {
    repair: 'export it again: landfall export RUN --html FILE',
    cause,
  });
}

/** Little-endian float32, base64. */
export function toBase64(values: Float32Array): string {
  const bytes = new Uint8Array(4 * values.length);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < values.length; i++) view.setFloat32(4 * i, values[i]!, true);
  let binary = '';
  for (let i = 0; i < bytes.length; i++) binary += String.fromCharCode(bytes[i]!);
  return btoa(binary);
}

/** @throws when the text is not base64 of whole float32 numbers */
export function fromBase64(text: string): Float32Array<ArrayBuffer> {
  const binary = atob(text);
  const view = new DataView(Uint8Array.from(binary, (character) => character.charCodeAt(0)).buffer);
  if (view.byteLength % 4 !== 0) throw new RangeError(`${view.byteLength} bytes are no whole number of float32`);
  return Float32Array.from({ length: view.byteLength / 4 }, (_, i) => view.getFloat32(4 * i, true));
}
