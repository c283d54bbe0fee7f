/** A user's module: what it adds, and every way it can be wrong. */

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { pendulum as experiment } from '../../configs/pendulum.ts';
import { InputError } from '../../core/errors.ts';
import { builtIn, loadProject, named } from '../../loop/project.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'landfall-project-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function moduleWith(text: string): Promise<string> {
  const path = join(folder, 'mine.mjs');
  await writeFile(path, text);
  return path;
}

async function failure(path: string): Promise<InputError> {
  const error = await loadProject(path).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(InputError);
  return error as InputError;
}

describe('loadProject', () => {
  it('is what the package holds when there is no module', async () => {
    expect(await loadProject(undefined)).toBe(builtIn);
  });

  it("puts the module's tables in front, and remembers where experiments came from", async () => {
    const path = await moduleWith(
      `export const experiments = { mine: ${JSON.stringify({ ...experiment, seed: 7 })} };`,
    );
    const project = await loadProject(path);
    expect(project.experiments.mine).toEqual({ ...experiment, seed: 7, module: path });
    expect(project.experiments.pendulum).toBe(builtIn.experiments.pendulum);
    expect(project.tasks).toEqual(builtIn.tasks);
  });

  it('says what is wrong with it', async () => {
    expect((await failure(join(folder, 'absent.mjs'))).message).toContain('absent.mjs: no such file');
    expect((await failure(await moduleWith('export const tasks = [1];'))).message).toContain('tasks should be a table');
  });

  it('says that it does not run', async () => {
    const error = await failure(await moduleWith('throw new Error("half done");'));
    expect(error.message).toContain('cannot be imported: half done');
  });

  it('says that it exports nothing of use', async () => {
    const error = await failure(await moduleWith('export const robot = 1;'));
    expect(error.message).toContain('exports no robots, tasks or experiments');
  });

  it('names the field of an experiment that is wrong', async () => {
    const broken = { ...experiment, train: { ...experiment.train, numEnvs: 'many' } };
    const error = await failure(await moduleWith(`export const experiments = { mine: ${JSON.stringify(broken)} };`));
    expect(error.message).toContain('experiment mine in');
    expect(error.message).toContain('train.numEnvs');
  });
});

it('named finds an entry of its own, and suggests near misses', () => {
  expect(named(builtIn.tasks, 'pendulum', 'task')).toBe(builtIn.tasks.pendulum);
  expect(() => named(builtIn.tasks, 'pendulm', 'task')).toThrow('there is no task named pendulm');
  expect(() => named(builtIn.tasks, 'constructor', 'task')).toThrow('there is no task named constructor');
});
