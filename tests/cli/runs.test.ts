/** `landfall runs` as a process: the list, one run, and what sets two apart, for people and for programs. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { landfall } from './landfall.ts';

const folder = mkdtempSync(join(tmpdir(), 'landfall-runs-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const SMALL = ['train.numEnvs=4', 'train.horizon=16', 'train.evalEvery=2', 'train.evalEpisodes=2', '--no-view'];

beforeAll(() => {
  const train = (...words: string[]) =>
    expect(landfall(folder, ['train', 'pendulum', ...SMALL, ...words]).code).toBe(0);
  train('train.iterations=4', '--name', 'first');
  train('train.iterations=4', 'ppo.clip=0.3', '--seed', '5', '--name', 'second', '--until', '2');
});

const runs = (...words: string[]) => landfall(folder, ['runs', ...words]);

describe('landfall runs', () => {
  it('lists them newest first, with and without ls', () => {
    const { code, stdout } = runs();
    expect(code).toBe(0);
    const lines = stdout.trim().split('\n');
    expect(lines[0]).toMatch(/^stopped .* 128 steps .*runs\/pendulum\/\d{4}-\d{4}-second$/);
    expect(lines[1]).toMatch(/^finished .* 256 steps .*-first$/);
    expect(runs('ls').stdout).toBe(stdout);
    const records = runs('--json')
      .stdout.trim()
      .split('\n')
      .map((line) => JSON.parse(line) as object);
    expect(records).toMatchObject([{ status: 'stopped' }, { status: 'finished', iteration: 4 }]);
    expect(runs('ls', '--runs', 'none').stdout).toContain('no runs in none');
  });

  it('shows one: what differs from its experiment, its evaluations, and what to do next', () => {
    const { code, stdout } = runs('show', 'second');
    expect(code).toBe(0);
    expect(stdout).toContain('settings  those of pendulum but for');
    expect(stdout).toMatch(/ppo\.clip +0\.3 +instead of 0\.2/);
    expect(stdout).toMatch(/seed +5 +instead of 1/);
    expect(stdout).not.toContain('ppo.gamma');
    expect(stdout).toMatch(/iter 2 +128 steps +return -?[\d.]+ \[-?[\d.]+, -?[\d.]+\] +success 0% \[0%, 66%\] +best/);
    expect(stdout).toMatch(/next\n[\s\S]*landfall train pendulum --resume runs\/pendulum\/\d{4}-\d{4}-second\n/);
    // A finished run needs more iterations to go on.
    expect(runs('show', 'first').stdout).toContain('first train.iterations=8');
  });

  it('shows one to programs', () => {
    const report = JSON.parse(runs('show', 'first', '--json').stdout) as { evaluations: unknown[] };
    expect(report).toMatchObject({
      record: { status: 'finished', envSteps: 256 },
      experiment: 'pendulum',
      best: { episodes: 2 },
      latestCheckpoint: 'checkpoints/000004',
      nanEpisode: null,
    });
    expect(report.evaluations).toMatchObject([{ iteration: 2 }, { iteration: 4, envSteps: 256 }]);
  });

  it('says what sets two apart, and whether it is more than chance', () => {
    const { code, stdout } = runs('diff', 'first', 'second');
    expect(code).toBe(0);
    expect(stdout).toMatch(/seed +1 +5\n/);
    expect(stdout).toMatch(/ppo\.clip +0\.2 +0\.3\n/);
    expect(stdout).not.toContain('train.numEnvs');
    expect(stdout).toMatch(/status +finished +stopped\n/);
    expect(stdout).toMatch(/the intervals of their best returns overlap|is higher, its whole interval/);
    expect(JSON.parse(runs('diff', 'first', 'second', '--json').stdout)).toMatchObject({
      settings: [
        { path: 'seed', a: 1, b: 5 },
        { path: 'ppo.clip', a: 0.2, b: 0.3 },
      ],
      a: { status: 'finished', envSteps: 256 },
      b: { status: 'stopped', envSteps: 128 },
    });
    expect(runs('diff', 'first', 'first').stdout).toMatch(/settings +the same/);
  });

  it('refuses what is no run', () => {
    expect(runs('show', 'third')).toMatchObject({ code: 2, stderr: expect.stringContaining('third: no such run') });
    expect(runs('show', '.')).toMatchObject({ code: 2, stderr: expect.stringContaining('is this a run directory?') });
    expect(runs('diff', 'first').code).toBe(2);
  });
});
