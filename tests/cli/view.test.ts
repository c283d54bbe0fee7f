/** `landfall view` as a process: what it prints, what it serves, its end, and bad names. */

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { encodeEpisode } from '../../core/episode-mcap.ts';
import type { Library } from '../../viewer/protocol.ts';
import { sampleEpisode } from '../core/samples.ts';

let directory = '';
const children: ChildProcess[] = [];
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'landfall-view-'));
});
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  await rm(directory, { recursive: true, force: true });
});

function landfall(...args: string[]) {
  const child = spawn(process.execPath, ['--import', 'tsx', 'cli/main.ts', 'view', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  children.push(child);
  const run = { child, stdout: '', stderr: '', ended: new Promise<number | null>((end) => child.once('close', end)) };
  child.stdout.on('data', (data) => {
    run.stdout += data;
  });
  child.stderr.on('data', (data) => {
    run.stderr += data;
  });
  return run;
}

it('serves a run until Ctrl-C', async () => {
  const run = join(directory, 'pendulum', '1123-2047-brave-otter');
  await mkdir(join(run, 'episodes'), { recursive: true });
  await writeFile(join(run, 'metrics.jsonl'), '{"iteration":1}\n');
  await writeFile(join(run, 'episodes', 'one.mcap'), await encodeEpisode(sampleEpisode(10)));
  const { child, ended, ...output } = landfall(run, '--port', '0');
  const url = await new Promise<string>((resolve, reject) => {
    child.stdout.on('data', (data) => resolve(/http:\S+/.exec(String(data))?.[0] ?? 'no address'));
    ended.then(() => reject(new Error(output.stderr)));
  });
  const { runs }: Library = await (await fetch(`${url}library`)).json();
  expect(runs.map(({ name, recordings }) => [name, recordings.map((entry) => entry.name)])).toEqual([
    ['1123-2047-brave-otter', ['one.mcap']],
  ]);
  expect(await (await fetch(`${url}metrics/${runs[0]!.id}`)).text()).toBe('{"iteration":1}\n');
  child.kill('SIGINT');
  expect(await ended).toBe(0);
});

it('prints the line that reaches it from another machine', async () => {
  const run = landfall('--runs', directory, '--port', '0');
  await new Promise((resolve) => run.child.stderr.on('data', () => /Ctrl-C/.test(run.stderr) && resolve(null)));
  const port = /http:\/\/127\.0\.0\.1:(\d+)\//.exec(run.stdout)?.[1];
  expect(run.stderr).toMatch(new RegExp(`ssh -L ${port}:127\\.0\\.0\\.1:${port} \\S+`));
  run.child.kill('SIGTERM');
  expect(await run.ended).toBe(0);
});

it.each([
  ['a run that is not there', 'nothing-here', 'nothing-here: no such run, checkpoint or file'],
  ['a file of another kind', 'package.json', 'package.json: expected a run, a directory or an .mcap file'],
])('refuses %s with exit code 2', async (_what, name, message) => {
  const run = landfall(name, '--runs', directory);
  expect(await run.ended).toBe(2);
  expect(run.stderr).toContain(message);
  expect(run.stdout).toBe('');
});
