/** Fragments as the real server sends them, and as nobody should. */

import { describe, expect, it } from 'vitest';
import { FragmentJoiner } from '../../bridge/fragments.ts';

/** As rosbridge_suite cuts: a numeric id from 0 on, total = (length - 1) / size + 1. */
function cut(text: string, size: number, id: string | number = 0) {
  const total = (text.length - 1) / size + 1;
  return Array.from({ length: Math.floor(total) }, (_, num) => ({
    op: 'fragment',
    id,
    data: text.slice(num * size, (num + 1) * size),
    num,
    total,
  }));
}

const text = '{"op":"publish","topic":"/joint_states","msg":{}}';

describe('FragmentJoiner', () => {
  it.each([1, 7, 10, text.length - 1, text.length, text.length + 5])('joins fragments of %d characters', (size) => {
    const joiner = new FragmentJoiner(1000);
    const results = cut(text, size).map((fragment) => joiner.add(fragment));
    expect(results.at(-1)).toEqual({ kind: 'whole', text });
    expect(results.slice(0, -1).every(({ kind }) => kind === 'partial')).toBe(true);
  });

  it('joins by number, whatever the order', () => {
    const joiner = new FragmentJoiner(1000);
    const results = cut(text, 10)
      .toReversed()
      .map((fragment) => joiner.add(fragment));
    expect(results.at(-1)).toEqual({ kind: 'whole', text });
  });

  it('keeps messages apart, and id 0 from id "0"', () => {
    const joiner = new FragmentJoiner(1000);
    const other = text.replace('publish', 'PUBLISH');
    const [a, b] = [cut(text, 30, 0), cut(other, 30, '0')];
    expect([a[0], b[0], a[1], b[1]].map((fragment) => joiner.add(fragment!))).toEqual([
      { kind: 'partial' },
      { kind: 'partial' },
      { kind: 'whole', text },
      { kind: 'whole', text: other },
    ]);
  });

  it('reads an id that is used again, whole or after a loss', () => {
    const joiner = new FragmentJoiner(1000);
    const [first, second] = cut(text, 30);
    joiner.add(first!);
    joiner.add(second!);
    expect(joiner.add(first!)).toEqual({ kind: 'partial' });
    // The second was lost; the next message begins.
    expect(joiner.add(first!)).toEqual({ kind: 'partial' });
    expect(joiner.add(second!)).toEqual({ kind: 'whole', text });
  });

  it('is bounded in length and in number', () => {
    const joiner = new FragmentJoiner(40);
    expect(cut(text, 30).map((fragment) => joiner.add(fragment).kind)).toEqual(['partial', 'bad']);
    const many = new FragmentJoiner(1000);
    const first = cut(text, 30, 'first');
    many.add(first[0]!);
    for (let id = 0; id < 8; id++) many.add(cut(text, 30, id)[0]!);
    // Forgotten for the others.
    expect(many.add(first[1]!)).toEqual({ kind: 'partial' });
  });

  it.each([
    { data: 'x', num: 0, total: 1 },
    { id: 1, num: 0, total: 1 },
    { id: 1, data: 'x', num: 1, total: 1 },
    { id: 1, data: 'x', num: -1, total: 1 },
    { id: 1, data: 'x', num: 0 },
    { id: 1, data: 'x', num: 0, total: 0 },
    { id: null, data: 'x', num: 0, total: 1 },
    { id: 1, data: 'x', num: NaN, total: NaN },
  ])('refuses %j', (fragment) => {
    expect(new FragmentJoiner(1000).add(fragment).kind).toBe('bad');
  });
});
