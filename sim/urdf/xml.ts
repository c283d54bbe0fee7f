/**
 * What the parts of the URDF reader share: elements and attributes with the place they stand in, numbers within reason,
 * names that xacro left expressions in. Knows XML, not robots.
 */

import { DOMParser, type Element as XmlElement } from '@xmldom/xmldom';
import { InputError, messageOf } from '../../core/errors.ts';
import type { Vec3 } from '../../core/robot-model.ts';

export type { XmlElement };

export type Color = readonly [number, number, number, number];

export interface Reader {
  /** Names the file, for errors. */
  readonly where: string;
  readonly notes: string[];
  readonly colors: ReadonlyMap<string, Color>;
  /** Why a mesh cannot be used, such as `was not found`; null when it can. */
  readonly meshProblem: (file: string) => string | null;
  /** Xacro expressions that were taken out of names. */
  readonly leftOut: Set<string>;
}

/** Lengths (m), masses (kg), moments, angles beyond this are a slip of the unit or of the hand. */
export const HUGE = 1e6;

/** `${...}` and `$(...)`, as xacro leaves them when it is not run. */
const EXPRESSION = /\$\{[^}]*\}|\$\([^)]*\)/g;

const EXPAND = 'expand the xacro first: xacro FILE > robot.urdf';

export function rootElement(text: string, where: string): XmlElement {
  let root: XmlElement | null = null;
  try {
    root = new DOMParser({ onError: stopUnlessHarmless, xmlns: prefixes(text) }).parseFromString(
      text,
      'text/xml',
    ).documentElement;
  } catch (error) {
    throw new InputError(`${where}: not well-formed XML: ${messageOf(error).split('\n')[0]}`, {
      repair: 'mend the file; if it is a xacro, expand it first: xacro FILE > robot.urdf',
      cause: error,
    });
  }
  if (root?.tagName !== 'robot') {
    throw new InputError(`${where}: the root element should be <robot>, found <${root?.tagName ?? 'nothing'}>`, {
      repair: 'give a URDF file',
    });
  }
  return root;
}

/** Prefixes in use, as if they were declared: ROS does not ask for `xmlns:xacro`. A declaration in the file goes first. */
function prefixes(text: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const [, prefix] of text.matchAll(/[<\s]([A-Za-z][\w.-]*):[A-Za-z]/g)) {
    if (prefix !== 'xml' && prefix !== 'xmlns') found[prefix!] = `urn:${prefix}`;
  }
  return found;
}

/** The parser would guess what a missing quote was to hold, and a robot would silently be another one. */
function stopUnlessHarmless(_level: string, message: string): void {
  // A comment in another encoding.
  if (message.startsWith('Unicode replacement')) return;
  throw new Error(message);
}

export function elements(parent: XmlElement): XmlElement[] {
  const found: XmlElement[] = [];
  for (let node = parent.firstChild; node !== null; node = node.nextSibling) {
    if (node.nodeType === 1) found.push(node as XmlElement);
  }
  return found;
}

export function children(parent: XmlElement, tag: string): XmlElement[] {
  return elements(parent).filter((element) => element.tagName === tag);
}

/** The child of which there is at most one. ROS takes the first, and so does this. */
export function only(parent: XmlElement, tag: string, place: string, reader: Reader): XmlElement | undefined {
  const found = children(parent, tag);
  if (found.length > 1) reader.notes.push(`${place}: ${found.length} times <${tag}>; the first one counts`);
  return found[0];
}

export function attribute(element: XmlElement, key: string, place: string, reader: Reader): string {
  const value = element.getAttribute(key);
  if (value === null || value.trim() === '') fail(reader, `${place} has no ${key}`, `add ${key}="..."`);
  return value;
}

/** The name of a link or joint without what xacro left in it. */
export function identifier(element: XmlElement, key: string, place: string, reader: Reader): string {
  const value = attribute(element, key, place, reader);
  const name = value.replace(EXPRESSION, (expression) => {
    reader.leftOut.add(expression);
    return '';
  });
  if (name.trim() === '') fail(reader, `${place}: ${key} is nothing but "${value}"`, EXPAND);
  return name;
}

export function vector(element: XmlElement, key: string, fallback: Vec3, place: string, reader: Reader): Vec3 {
  const values = numbers(element, key, 3, fallback, place, reader);
  return [values[0]!, values[1]!, values[2]!];
}

/** A number that must be there and be above 0. */
export function positive(element: XmlElement, key: string, place: string, reader: Reader): number {
  const value = required(element, key, place, reader);
  if (!(value > 0)) fail(reader, `${place}: ${key} should be above 0, found ${value}`, 'correct it');
  return value;
}

/** A number that must be there. */
export function required(element: XmlElement, key: string, place: string, reader: Reader): number {
  attribute(element, key, place, reader);
  return number(element, key, 0, place, reader);
}

export function number(
  element: XmlElement,
  key: string,
  fallback: number,
  place: string,
  reader: Reader,
  bound = HUGE,
): number {
  return numbers(element, key, 1, [fallback], place, reader, bound)[0]!;
}

/** Finite numbers, separated by spaces, none of them larger than `bound`. */
export function numbers(
  element: XmlElement,
  key: string,
  count: number,
  fallback: readonly number[],
  place: string,
  reader: Reader,
  bound = HUGE,
): readonly number[] {
  const text = element.getAttribute(key);
  if (text === null) return fallback;
  const parts = text.trim().split(/\s+/);
  const values = parts.map(Number);
  if (parts.length !== count || text.trim() === '' || !values.every(Number.isFinite)) {
    const wanted = count === 1 ? 'a finite number' : `${count} finite numbers`;
    fail(reader, `${place}: ${key} should be ${wanted}, found "${text}"`, text.includes('$') ? EXPAND : 'correct it');
  }
  if (values.some((value) => Math.abs(value) > bound)) {
    fail(reader, `${place}: ${key} should be at most ${bound} in size, found "${text}"`, 'correct it: m, kg, rad, s');
  }
  return values;
}

export function fail(reader: Reader, message: string, repair: string): never {
  throw new InputError(`${reader.where}: ${message}`, { repair });
}
