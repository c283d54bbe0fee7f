/** Recording into a directory: complete when it ends, salvageable when it does not. */

import { spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { readEpisodeFile, repairEpisodeFile } from '../../bridge/episode-files.ts';
import { recordEpisode } from '../../bridge/recorder.ts';
import { InputError } from '../../core/errors.ts';
import { episodeBits, sampleMeta, sampleSteps } from '../core/samples.ts';

let directory = '';
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'landfall-recorder-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

it('grows a .part and renames it when it ends', async () => {
  const meta = sampleMeta({ id: 'run 1/episode 2' });
  const steps = sampleSteps(meta, 200);
  const recording = await recordEpisode(join(directory, 'new', 'folder'), meta);
  expect(recording.path).toBe(join(directory, 'new', 'folder', 'run-1-episode-2.mcap'));
  for (const step of steps) recording.write(step);
  await recording.settle();
  expect((await stat(recording.partPath)).size).toBeGreaterThan(50_000);
  await recording.end({ reason: 'completed', completed: true });
  expect(await readdir(join(directory, 'new', 'folder'))).toEqual(['run-1-episode-2.mcap']);
  const read = await readEpisodeFile(recording.path);
  expect(episodeBits(read)).toEqual(episodeBits({ meta, steps, outcome: null }));
  expect(read.outcome).toEqual({ reason: 'completed', completed: true });
});

it('never overwrites a recording, finished or not', async () => {
  const meta = sampleMeta();
  const first = await recordEpisode(directory, meta);
  await expect(recordEpisode(directory, meta)).rejects.toThrow(/cannot record .*sample\.mcap\.part: EEXIST/);
  await first.end({ reason: 'completed', completed: true });
  await expect(recordEpisode(directory, meta)).rejects.toThrow(/sample\.mcap: it is already there/);
  expect(await readdir(directory)).toEqual(['sample.mcap']);
});

it('refuses a directory that cannot be made', async () => {
  const file = join(directory, 'file');
  await writeFile(file, '');
  await expect(recordEpisode(join(file, 'below'), sampleMeta())).rejects.toThrow(InputError);
});

it('loses at most one second when the process is killed', async () => {
  const recorded = 437;
  const victim = spawn(
    process.execPath,
    ['--import', 'tsx', fileURLToPath(new URL('recorder-victim.ts', import.meta.url)), directory, String(recorded)],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const exited = new Promise<string | null>((resolve) => victim.on('exit', (_, signal) => resolve(signal)));
  await Promise.race([new Promise((resolve) => victim.stdout.once('data', resolve)), exited]);
  victim.kill('SIGKILL');
  expect(await exited).toBe('SIGKILL');
  expect(await readdir(directory)).toEqual(['victim.mcap.part']);

  const part = join(directory, 'victim.mcap.part');
  const salvaged = await readEpisodeFile(part);
  expect(salvaged.outcome).toBeNull();
  expect(salvaged.steps.length).toBeGreaterThanOrEqual(recorded - 100);
  const meta = sampleMeta({ id: 'victim' });
  const written = sampleSteps(meta, recorded).slice(0, salvaged.steps.length);
  // The generator marks the last of `recorded` steps as terminal, which was lost with the last chunk.
  expect(episodeBits(salvaged)).toEqual(episodeBits({ meta, steps: written, outcome: null }));

  const before = await readFile(part);
  const repair = await repairEpisodeFile(part);
  expect(await readdir(directory)).toEqual(['victim.mcap', 'victim.mcap.damaged']);
  expect(Buffer.compare(await readFile(repair.damagedPath), before)).toBe(0);
  const whole = await readEpisodeFile(repair.path);
  expect(episodeBits(whole)).toEqual(episodeBits(salvaged));
  expect(whole.outcome).toEqual({ reason: 'cut off', completed: false });
});
