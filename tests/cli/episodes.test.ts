/** `landfall episodes` as a person uses it: the table, the JSON, the repair, and bad files. */

import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { writeEpisodeFile } from '../../bridge/episode-files.ts';
import { register } from '../../cli/episodes.ts';
import { InputError } from '../../core/errors.ts';
import { sampleEpisode } from '../core/samples.ts';

let directory = '';
let stdout = '';
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'landfall-cli-'));
  stdout = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    stdout += String(text);
    return true;
  });
});
afterEach(async () => {
  vi.restoreAllMocks();
  await rm(directory, { recursive: true, force: true });
});

async function landfall(...args: string[]): Promise<void> {
  const program = new Command('landfall').exitOverride();
  register(program);
  await program.parseAsync(['episodes', ...args], { from: 'user' });
}

async function inputError(promise: Promise<unknown>): Promise<InputError> {
  const error = await promise.catch((e: unknown) => e);
  expect(error).toBeInstanceOf(InputError);
  return error as InputError;
}

/** Rewards that sum to something a person can read. */
function episode(count: number, id: string, outcome = { reason: 'completed', completed: true }) {
  const sample = sampleEpisode(count, { id });
  return { ...sample, outcome, steps: sample.steps.map((step) => ({ ...step, reward: 0.5 })) };
}

it('prints one line an episode, totals, and the next command', async () => {
  await writeEpisodeFile(join(directory, 'good.mcap'), episode(101, 'good'));
  const fault = { reason: 'state older than 0.05 s', completed: false };
  await writeEpisodeFile(join(directory, 'fault.mcap'), episode(51, 'fault', fault));
  const bytes = await readFile(join(directory, 'good.mcap'));
  await writeFile(join(directory, 'lost.mcap.part'), bytes.subarray(0, bytes.length - 6000));
  await landfall(directory);
  const lines = stdout.trimEnd().split('\n');
  expect(lines[0]).toMatch(/^episode +source +task +steps +seconds +Hz +jitter ms +return +outcome$/);
  expect(lines[1]).toMatch(/^fault.mcap +twin +pendulum +51 +0.50 +100.0 +0.00 +25.50 +state older than 0.05 s$/);
  expect(lines[2]).toMatch(/^good.mcap +twin +pendulum +101 +1.00 +100.0 +0.00 +50.50 +completed$/);
  expect(lines[3]).toMatch(/^lost.mcap.part +twin .* cut off$/);
  expect(lines[5]).toMatch(/^3 episodes, \d+ steps, .* 1 completed, 1 cut off, 1 ended by a fault; mean return/);
  expect(lines[6]).toBe(`next: landfall episodes repair ${join(directory, 'lost.mcap.part')}`);
});

it('prints one JSON object with --json', async () => {
  await writeEpisodeFile(join(directory, 'a.mcap'), episode(101, 'a'));
  await landfall(directory, '--json');
  const { episodes, unreadable, totals } = JSON.parse(stdout);
  expect(unreadable).toEqual([]);
  expect(episodes).toHaveLength(1);
  expect(episodes[0]).toMatchObject({ id: 'a', steps: 101, return: 50.5, completed: true });
  expect(totals).toMatchObject({ episodes: 1, steps: 101, faults: 0 });
});

it('shows the good files and ends with the bad ones', async () => {
  const bad = join(directory, 'bad.mcap');
  await writeEpisodeFile(join(directory, 'good.mcap'), episode(20, 'good'));
  await writeEpisodeFile(bad, episode(20, 'bad'));
  await truncate(bad, 5000);
  const error = await inputError(landfall(directory));
  expect(stdout).toContain('good.mcap');
  expect(error.message).toContain('1 of 2 files cannot be read');
  expect(error.message).toContain(`landfall episodes repair ${bad}`);
  expect((await inputError(landfall(bad))).repair).toBe(`landfall episodes repair ${bad}`);
  expect((await inputError(landfall(join(directory, 'none.mcap')))).message).toContain('no such file');
});

it('repairs', async () => {
  const path = join(directory, 'a.mcap');
  await writeEpisodeFile(path, episode(101, 'a'));
  const bytes = await readFile(path);
  await truncate(path, bytes.length - 6000);
  await landfall('repair', path);
  expect(stdout).toMatch(/a\.mcap: \d+ steps saved; the damaged file is .*a\.mcap\.damaged\n/);
  expect(await readdir(directory)).toEqual(['a.mcap', 'a.mcap.damaged']);
  stdout = '';
  await landfall(path);
  expect(stdout).toMatch(/a\.mcap +twin .* cut off/);
});
