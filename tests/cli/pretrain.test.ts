/** `landfall pretrain`: an encoder and its record, the same bytes from the same seed, clear refusals. */

import { spawnSync } from 'node:child_process';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { sizeOf } from '../../policy/perception/conv-layers.ts';
import { loadEncoder } from '../../policy/perception/encoder-bundle.ts';
import { bodyTensors, LIDAR_PAIR } from '../../policy/perception/pair-spec.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

function pretrain(...args: string[]) {
  const command = ['--import', 'tsx', 'cli/main.ts', 'pretrain', ...args];
  return spawnSync(process.execPath, command, { cwd: root, encoding: 'utf8' });
}

describe('landfall pretrain', () => {
  it('keeps an encoder that says what it is, and does not write over it', async () => {
    const out = join(await mkdtemp(join(tmpdir(), 'landfall-pretrain-')), 'lidar');
    const args = ['lidar', '--steps', '2', '--batch', '4', '--seed', '7', '--out', out];
    const first = pretrain(...args);
    expect(first.stderr).toBe('');
    expect(first.stdout).toMatch(/^step=2\/2 loss=\d.* elapsed=0:\d\d/m);
    const { record, body } = await loadEncoder(out);
    expect(record).toMatchObject({
      labels: 'motion',
      seed: 7,
      steps: 2,
      batch: 4,
      data: 'simulated scans of floor plans',
    });
    expect(first.stdout).toContain(record.hash.slice(0, 12));
    expect(body).toHaveLength(sizeOf(bodyTensors(LIDAR_PAIR)));
    const second = pretrain(...args);
    expect([second.status, second.stderr]).toEqual([2, expect.stringContaining('already holds an encoder')]);
    const again = pretrain(...args.slice(0, -1), `${out}-2`, '--json');
    expect(JSON.parse(again.stdout.trim().split('\n').at(-1)!)).toMatchObject({ event: 'done', hash: record.hash });
  }, 120_000);

  it('learns without motion', async () => {
    const out = join(await mkdtemp(join(tmpdir(), 'landfall-pretrain-')), 'lidar');
    const { status } = pretrain(
      'lidar',
      '--labels',
      'clearance',
      '--steps',
      '1',
      '--batch',
      '2',
      '--out',
      out,
      '--quiet',
    );
    expect(status).toBe(0);
    expect(await loadEncoder(out)).toMatchObject({ record: { labels: 'clearance' }, body: null });
  }, 60_000);

  it.each([
    [['lidr'], 'did you mean lidar?'],
    [['lidar', '--labels', 'motoin'], 'did you mean motion?'],
    [['depth', '--labels', 'motion'], 'one of object'],
    [['lidar', '--steps', '0'], 'at least 1'],
  ])(
    'refuses %j',
    (args, repair) => {
      const { status, stderr } = pretrain(...args);
      expect([status, stderr]).toEqual([2, expect.stringContaining(repair)]);
    },
    60_000,
  );
});
