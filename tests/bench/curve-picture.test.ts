/** The curves' picture: well-formed, every point where its number says, nothing from a name that could be markup. */

import { DOMParser } from '@xmldom/xmldom';
import { expect, it } from 'vitest';
import { curvePicture } from '../../bench/curve-picture.ts';

const point = (envSteps: number, successRate: number) => ({ envSteps, successRate, meanReturn: 10 * successRate });

it('draws one line a seed, higher where the value is higher', () => {
  const svg = curvePicture(
    'a <b> & c: success',
    { 'seed 1': [point(0, 0), point(500, 0.5), point(1000, 1)], 'seed 2': [point(1000, 0.25)] },
    ({ successRate }) => successRate,
    [0, 1],
  );
  const document = new DOMParser({
    onError: (_level, message) => {
      throw new Error(message);
    },
  }).parseFromString(svg, 'image/svg+xml');
  const lines = Array.from(document.getElementsByTagName('polyline'));
  expect(lines).toHaveLength(2);
  const points = lines[0]!
    .getAttribute('points')!
    .split(' ')
    .map((pair) => pair.split(',').map(Number));
  // The plot is 52 to 548 wide and 204 to 28 high.
  expect(points).toEqual([
    [52, 204],
    [300, 116],
    [548, 28],
  ]);
  expect(svg).toContain('a &lt;b&gt; &amp; c: success');
});

it('stands a curve that never changes', () => {
  const svg = curvePicture('flat', { 'seed 1': [point(10, 0.5), point(20, 0.5)] }, ({ meanReturn }) => meanReturn);
  expect(svg).not.toContain('NaN');
});
