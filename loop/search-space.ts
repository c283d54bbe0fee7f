/**
 * What a hyper-parameter search varies, as words of a command line: `key=[a,b,c]` is one of these, `key=log(1e-4,1e-2)` and
 * `key=uniform(0,1)` a number between, `key=int(2,8)` a whole one; any other `key=value` stays as it is. Pure.
 */

import { InputError } from '../core/errors.ts';
import { exp, log } from '../core/math.ts';
import { foldIn, type Key, RandomStream } from '../core/rng.ts';

export type SearchParameter =
  | { readonly key: string; readonly kind: 'choice'; readonly values: readonly unknown[] }
  | { readonly key: string; readonly kind: 'log' | 'uniform' | 'int'; readonly low: number; readonly high: number };

export interface SearchSpace {
  readonly parameters: readonly SearchParameter[];
  /** Settings of every trial. */
  readonly fixed: readonly string[];
}

/** @throws InputError for a range that is none */
export function parseSpace(words: readonly string[]): SearchSpace {
  const parameters: SearchParameter[] = [];
  const fixed: string[] = [];
  for (const word of words) {
    const parameter = parseParameter(word);
    if (parameter === null) fixed.push(word);
    else parameters.push(parameter);
  }
  return { parameters, fixed };
}

function parseParameter(word: string): SearchParameter | null {
  const [, key, value] = /^([^=]+)=(.*)$/s.exec(word) ?? [];
  if (key === undefined || value === undefined) return null;
  const [, kind, low, high] = /^(log|uniform|int)\(([^,]+),([^,]+)\)$/.exec(value) ?? [];
  if (kind !== undefined) {
    const range = { key, kind: kind as 'log' | 'uniform' | 'int', low: Number(low), high: Number(high) };
    const whole = kind !== 'int' || (Number.isInteger(range.low) && Number.isInteger(range.high));
    if (!(range.low < range.high) || (kind === 'log' && range.low <= 0) || !whole) {
      throw new InputError(`${word}: expected ${kind}(low,high), found low ${low} and high ${high}`, {
        repair: 'log(1e-4,1e-2) needs 0 < low < high, uniform(0,1) low < high, int(2,8) whole numbers',
      });
    }
    return range;
  }
  if (!value.startsWith('[')) return null;
  let values: unknown;
  try {
    values = JSON.parse(value);
  } catch {
    // Bare words, as single settings may be.
    values = value
      .replace(/^\[|\]$/g, '')
      .split(',')
      .map((one) => one.trim());
  }
  if (!Array.isArray(values) || values.length === 0) throw new InputError(`${word}: expected some values, found none`);
  return { key, kind: 'choice', values };
}

/** How many combinations there are; Infinity when a number is drawn. */
export function combinations({ parameters }: SearchSpace): number {
  return parameters.reduce((product, p) => product * (p.kind === 'choice' ? p.values.length : Infinity), 1);
}

/**
 * The settings of each trial, such as `ppo.learningRate=0.00123`. Choices alone are not repeated: as many trials as there are
 * combinations are the whole grid. Drawn numbers have three digits, so that a command can say them.
 */
export function sampleTrials(space: SearchSpace, trials: number, key: Key): string[][] {
  const all = combinations(space);
  if (Number.isFinite(all)) {
    const order = Int32Array.from({ length: all }, (_, i) => i);
    if (trials < all) new RandomStream(key).permutation(order);
    return Array.from(order.subarray(0, trials), (index) => gridPoint(space.parameters, index));
  }
  return Array.from({ length: trials }, (_, i) => {
    const random = new RandomStream(foldIn(key, i));
    return space.parameters.map((parameter) => setting(parameter.key, draw(parameter, random)));
  });
}

/** @param index of a combination, the last parameter changing fastest */
function gridPoint(parameters: readonly SearchParameter[], index: number): string[] {
  let rest = index;
  const settings: string[] = [];
  for (const parameter of parameters.toReversed()) {
    const values = parameter.kind === 'choice' ? parameter.values : [];
    settings.unshift(setting(parameter.key, values[rest % values.length]));
    rest = Math.floor(rest / values.length);
  }
  return settings;
}

function draw(parameter: SearchParameter, random: RandomStream): unknown {
  switch (parameter.kind) {
    case 'choice':
      return parameter.values[random.below(parameter.values.length)];
    case 'int':
      return parameter.low + random.below(parameter.high - parameter.low + 1);
    case 'uniform':
      return Number(random.between(parameter.low, parameter.high).toPrecision(3));
    case 'log':
      // Uniform in log x.
      return Number(exp(random.between(log(parameter.low), log(parameter.high))).toPrecision(3));
    default:
      return parameter satisfies never;
  }
}

function setting(key: string, value: unknown): string {
  return `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`;
}
