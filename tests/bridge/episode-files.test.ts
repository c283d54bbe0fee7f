/** Episodes in files and directories, and what is said when they are missing, damaged or not episodes. */

import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { listEpisodes, readEpisodeFile, repairEpisodeFile, writeEpisodeFile } from '../../bridge/episode-files.ts';
import { InputError } from '../../core/errors.ts';
import { episodeBits, sampleEpisode } from '../core/samples.ts';

let directory = '';
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'landfall-episodes-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const inputError = (promise: Promise<unknown>): Promise<InputError> =>
  promise.then(
    () => expect.fail('expected an InputError'),
    (error: unknown) => {
      expect(error).toBeInstanceOf(InputError);
      return error as InputError;
    },
  );

it('lists whole and cut-off episodes by name', async () => {
  const episode = sampleEpisode(60);
  await writeEpisodeFile(join(directory, 'b.mcap'), episode);
  const bytes = await readFile(join(directory, 'b.mcap'));
  await writeFile(join(directory, 'a.mcap.part'), bytes.subarray(0, bytes.length - 3000));
  await writeFile(join(directory, 'notes.txt'), '');
  const [a, b, ...rest] = await listEpisodes(directory);
  expect(rest).toEqual([]);
  expect(a).toMatchObject({ path: join(directory, 'a.mcap.part'), cutOff: true });
  expect(a!.episode.steps.length).toBeGreaterThan(40);
  expect(b).toMatchObject({ path: join(directory, 'b.mcap'), cutOff: false });
  expect(episodeBits(b!.episode)).toEqual(episodeBits(episode));
});

it('names what is missing', async () => {
  const missing = await inputError(readEpisodeFile(join(directory, 'no.mcap')));
  expect(missing.message).toBe(`no such file: ${join(directory, 'no.mcap')}`);
  expect((await inputError(readEpisodeFile(directory))).message).toContain(`cannot read ${directory}: EISDIR`);
  const empty = await inputError(listEpisodes(directory));
  expect(empty.message).toBe(`no episodes in ${directory}: expected .mcap files, found 0 other files`);
  expect((await inputError(listEpisodes(join(directory, 'nowhere')))).message).toContain('ENOENT');
});

it('does not overwrite, and leaves nothing behind when it cannot write', async () => {
  const path = join(directory, 'a.mcap');
  await writeEpisodeFile(path, sampleEpisode(3));
  expect((await inputError(writeEpisodeFile(path, sampleEpisode(5)))).message).toContain('already there');
  expect((await readEpisodeFile(path)).steps).toHaveLength(3);
  await inputError(writeEpisodeFile(join(path, 'below.mcap'), sampleEpisode(3)));
  expect(await readdir(directory)).toEqual(['a.mcap']);
});

it('repairs a truncated .mcap in place and keeps the damaged one', async () => {
  const path = join(directory, 'a.mcap');
  const episode = sampleEpisode(80);
  await writeEpisodeFile(path, episode);
  const whole = await inputError(repairEpisodeFile(path));
  expect(whole.message).toContain('is whole');
  const size = (await readFile(path)).length;
  await truncate(path, Math.floor(size / 2));
  const damaged = await inputError(listEpisodes(directory));
  expect(damaged.message).toContain('a.mcap: expected a complete episode');
  expect(damaged.repair).toBe(`landfall episodes repair ${path}`);
  const repair = await repairEpisodeFile(path);
  expect(repair.path).toBe(path);
  expect(await readdir(directory)).toEqual(['a.mcap', 'a.mcap.damaged']);
  const read = await readEpisodeFile(path);
  expect(read.steps.length).toBeGreaterThan(20);
  expect(episodeBits(read)).toEqual(episodeBits(episode).slice(0, read.steps.length));
});

it('refuses to repair what holds nothing, and what would overwrite', async () => {
  const path = join(directory, 'a.mcap');
  await writeFile(path, 'not mcap');
  expect((await inputError(repairEpisodeFile(path))).message).toContain('expected an MCAP episode');
  await rm(path);
  await writeEpisodeFile(path, sampleEpisode(10));
  const bytes = await readFile(path);
  await writeFile(`${path}.part`, bytes.subarray(0, 4000));
  expect((await inputError(repairEpisodeFile(`${path}.part`))).message).toContain('is already there');
  expect(await readdir(directory)).toEqual(['a.mcap', 'a.mcap.part']);
});
