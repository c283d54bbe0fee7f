/** The learner benchmark at its smallest: what it measures, what it skips by name. */

import { spawnSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { learnBench } from '../../bench/learn.ts';

const python = process.env.LANDFALL_PYTHON ?? 'python3';
const hasTorch = spawnSync(python, ['-c', 'import torch'], { stdio: 'ignore' }).status === 0;
const smallest = { sizes: [[8, 8]], batches: [32], seconds: 0.02, rounds: 1, threads: 2 };

it('measures samples a second of a backend, and names what is not there', async () => {
  const lines: string[] = [];
  const result = await learnBench({
    ...smallest,
    backends: ['simd', 'tensorflow'],
    python: 'no-such-python',
    onProgress: (text) => lines.push(text),
  });
  // The slowest processor does more than a hundred samples of 500 parameters a second.
  expect(result.backends.simd!['8-8']!['32']).toBeGreaterThan(100);
  expect(result.torch).toBeNull();
  expect(result.torchMissing).toContain('no-such-python');
  expect(lines[0]).toMatch(/^torch: skipped \(.*no-such-python/);
  expect(lines.some((line) => line.startsWith('tensorflow: skipped')) || result.backends.tensorflow).toBeTruthy();
  expect(lines.at(-1)).toMatch(/^8-8 at 32: simd \d+/);
  expect(result.overTorch).toEqual({});
});

// A machine of CI has no PyTorch, and there nothing may be skipped.
if (hasTorch || !process.env.CI) {
  it.skipIf(!hasTorch)(
    'takes turns with PyTorch (skipped: no Python with torch; set LANDFALL_PYTHON to one)',
    async () => {
      const result = await learnBench({ ...smallest, backends: ['simd'], python });
      expect(result.torchVersion).toMatch(/^\d+\.\d+/);
      const [ours, theirs] = [result.backends.simd!['8-8']!['32']!, result.torch!['8-8']!['32']!];
      // Of one round, the ratio is that of the two figures.
      expect(result.overTorch.simd!['8-8']!['32']).toBeCloseTo(ours / theirs, 6);
    },
    60_000,
  );
}
