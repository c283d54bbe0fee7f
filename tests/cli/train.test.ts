/** `landfall train` as a process: what it prints, what Ctrl-C leaves behind, and how a run goes on. */

import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { landfall } from './landfall.ts';

const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const SMALL = [
  'train.numEnvs=8',
  'train.horizon=16',
  'ppo.minibatches=1',
  'ppo.epochs=1',
  'train.evalEpisodes=2',
  'train.evalEvery=1000',
];

const folder = mkdtempSync(join(tmpdir(), 'landfall-train-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface RunRecord {
  readonly status: string;
  readonly iteration: number;
  readonly envSteps: number;
  readonly backend: string;
}

function record(run: string): RunRecord {
  return JSON.parse(readFileSync(join(run, 'run.json'), 'utf8')) as RunRecord;
}

describe('landfall train', () => {
  it('saves on Ctrl-C, prints the resume command, and the resumed run goes on where it stopped', async () => {
    const child = spawn(
      process.execPath,
      [MAIN, 'train', 'pendulum', ...SMALL, 'train.iterations=100000', '--name', 'long', '--json'],
      {
        cwd: folder,
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
    let output = '';
    let interrupted = false;
    child.stderr.resume();
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      // Once: a second Ctrl-C would stop it without a checkpoint.
      if (!interrupted && output.split('"event":"iteration"').length > 5) interrupted = child.kill('SIGINT');
    });
    const code = await new Promise((resolve) => child.once('close', resolve));
    expect(code).toBe(0);
    const events = output
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { event: string; run: string; iteration: number });
    expect(events[0]).toMatchObject({ event: 'start', task: 'pendulum' });
    expect(events.at(-1)).toMatchObject({ event: 'end', status: 'stopped' });
    const run = join(folder, events[0]!.run);
    const stopped = record(run);
    expect(stopped.backend).toContain('tfjs');
    expect(readdirSync(join(run, 'checkpoints'))).toEqual(expect.arrayContaining(['latest.json']));
    expect(readdirSync(join(run, 'checkpoints')).filter((name) => name.endsWith('.part'))).toEqual([]);

    const more = stopped.iteration + 3;
    const resumed = landfall(folder, ['train', 'pendulum', '--resume', `train.iterations=${more}`, '--no-view']);
    expect(resumed.stderr).toContain(`from  iteration ${stopped.iteration} of`);
    expect(resumed.code).toBe(0);
    expect(record(run)).toMatchObject({ status: 'finished', iteration: more, envSteps: more * 8 * 16 });
    const iterations = readFileSync(join(run, 'metrics.jsonl'), 'utf8')
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { iteration: number }).iteration);
    expect(iterations).toEqual(Array.from({ length: more }, (_, i) => i + 1));
  });

  it('prints the viewer, the run and the next commands', () => {
    const { code, stdout, stderr } = landfall(folder, [
      'train',
      'pendulum',
      ...SMALL,
      'train.iterations=2',
      '--name',
      'short',
    ]);
    expect(code).toBe(0);
    expect(stderr).toMatch(/view {2}http:\/\/127\.0\.0\.1:\d+/);
    expect(stderr).toMatch(/run {3}runs\/pendulum\/\d{4}-\d{4}-short/);
    expect(stdout).toMatch(/done: 256 steps in/);
    expect(stdout).toContain('landfall eval runs/pendulum/');
  });

  it('shows the resolved settings without training', () => {
    const { code, stdout } = landfall(folder, ['train', 'pendulum', 'ppo.clip=0.25', '--dry-run']);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ task: 'pendulum', ppo: { clip: 0.25 } });
  });
});
