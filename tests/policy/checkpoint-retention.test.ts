/** Which checkpoints stay: by hand for short runs, by their number and spacing for long ones, on the disk. */

import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { writeJson } from '../../policy/checkpoint.ts';
import { isMilestone, thinCheckpoints } from '../../policy/checkpoint-retention.ts';

let run = '';
beforeEach(async () => {
  run = await mkdtemp(join(tmpdir(), 'landfall-retention-'));
});
afterEach(() => rm(run, { recursive: true, force: true }));

async function save(iteration: number, best: boolean): Promise<void> {
  const name = String(iteration).padStart(6, '0');
  await mkdir(join(run, 'checkpoints', name), { recursive: true });
  for (const file of ['policy', 'learner', 'environments'])
    await writeFile(join(run, 'checkpoints', name, `${file}.safetensors`), '');
  await writeJson(join(run, 'checkpoints', 'latest.json'), { checkpoint: name });
  if (best) await writeJson(join(run, 'checkpoints', 'best.json'), { checkpoint: name });
}

async function kept(): Promise<number[]> {
  const names = await readdir(join(run, 'checkpoints'));
  return names
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .sort((a, b) => a - b);
}

describe('milestones', () => {
  it('are all checkpoints up to ten, then every second, then every fourth', () => {
    const milestones = (latest: number) =>
      Array.from({ length: latest / 5 }, (_, i) => 5 * (i + 1)).filter((iteration) =>
        isMilestone(iteration, latest, 5),
      );
    expect(milestones(50)).toEqual([5, 10, 15, 20, 25, 30, 35, 40, 45, 50]);
    expect(milestones(55)).toEqual([10, 20, 30, 40, 50]);
    expect(milestones(105)).toEqual([20, 40, 60, 80, 100]);
    expect(milestones(5000).length).toBeLessThanOrEqual(10);
    expect(milestones(5000).length).toBeGreaterThanOrEqual(5);
  });
});

describe('thinCheckpoints', () => {
  it('keeps the best, the latest and the milestones, and the episodes of the latest alone', async () => {
    for (let iteration = 5; iteration <= 117; iteration += iteration < 115 ? 5 : 2) {
      await save(iteration, iteration === 35);
      await thinCheckpoints(run, 5);
    }
    expect(await kept()).toEqual([20, 35, 40, 60, 80, 100, 117]);
    const files = (name: string) => readdir(join(run, 'checkpoints', name));
    expect((await files('000117')).sort()).toEqual([
      'environments.safetensors',
      'learner.safetensors',
      'policy.safetensors',
    ]);
    expect((await files('000035')).sort()).toEqual(['learner.safetensors', 'policy.safetensors']);
  });
});
