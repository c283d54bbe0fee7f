import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { RecordingLibrary } from '../../viewer/server/library.ts';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'landfall-library-'));
});
afterEach(() => rm(root, { recursive: true }));

async function put(path: string, text = ''): Promise<string> {
  const whole = join(root, path);
  await mkdir(join(whole, '..'), { recursive: true });
  await writeFile(whole, text);
  return whole;
}

test('finds runs with their recordings and metrics, newest name first', async () => {
  await put('pendulum/1101-0900-calm-reed/metrics.jsonl', '{"iteration":1}\n');
  await put('pendulum/1101-0900-calm-reed/episodes/0001.mcap', '12345');
  await put('pendulum/1102-0900-brave-otter/run.json', '{}');
  await put('pendulum/1102-0900-brave-otter/episodes/deploy/0001.mcap');
  const { runs, recordings } = await new RecordingLibrary(root).list();
  expect(recordings).toEqual([]);
  expect(
    runs.map((run) => [run.name, run.hasMetrics, run.recordings.map((entry) => [entry.name, entry.bytes])]),
  ).toEqual([
    [join('pendulum', '1102-0900-brave-otter'), false, [[join('deploy', '0001.mcap'), 0]]],
    [join('pendulum', '1101-0900-calm-reed'), true, [['0001.mcap', 5]]],
  ]);
});

test('the root itself may be a run, or a plain directory of recordings', async () => {
  const file = await put('one.mcap', 'abc');
  const library = new RecordingLibrary(root);
  const [plain] = (await library.list()).runs;
  expect(plain?.recordings.map((entry) => entry.name)).toEqual(['one.mcap']);
  expect(library.pathOf(plain!.recordings[0]!.id)).toBe(file);
  await put('run.json', '{}');
  expect((await library.list()).runs).toHaveLength(1);
});

test('named files are listed, and missing ones left out', async () => {
  const file = await put('elsewhere/a.mcap');
  const library = new RecordingLibrary(null);
  const ids = library.add([file, join(root, 'gone.mcap')]);
  expect(ids).toHaveLength(2);
  expect((await library.list()).recordings.map((entry) => entry.id)).toEqual([ids[0]]);
});

test('an id it did not give out leads nowhere, and links are not followed', async () => {
  const secret = await put('secret/key.mcap');
  await mkdir(join(root, 'runs'));
  await symlink(join(root, 'secret'), join(root, 'runs/link'));
  const library = new RecordingLibrary(join(root, 'runs'));
  expect((await library.list()).runs).toEqual([]);
  for (const id of [secret, '../secret/key.mcap', '']) expect(library.pathOf(id)).toBeUndefined();
});
