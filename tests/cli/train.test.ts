/** `landfall train` as a process: what it prints, what Ctrl-C leaves behind, and how a run goes on. */

import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
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

/** A checkpoint's files, and what each iteration came to, without the time it took. */
function stateOf(run: string, iteration: number) {
  const folder = join(run, 'checkpoints', String(iteration).padStart(6, '0'));
  const figures = readFileSync(join(run, 'metrics.jsonl'), 'utf8').trim().split('\n').map(withoutTimes);
  const files = ['policy', 'learner', 'environments'].map((name) =>
    readFileSync(join(folder, `${name}.safetensors`)).toString('base64'),
  );
  return { figures, files };
}

function withoutTimes(line: string): Record<string, unknown> {
  const {
    stepsPerSecond: _,
    collectSeconds: __,
    learnSeconds: ___,
    ...rest
  } = JSON.parse(line) as Record<string, unknown>;
  return rest;
}

function record(run: string): RunRecord {
  return JSON.parse(readFileSync(join(run, 'run.json'), 'utf8')) as RunRecord;
}

describe('landfall train', () => {
  it('sends a teacher to a student, not to a robot', () => {
    const settings = [...SMALL, 'train.iterations=1', 'network.kind=privileged'];
    const { stdout } = landfall(folder, ['train', 'quadruped-velocity', ...settings, '--runs', 'taught', '--no-view']);
    expect(stdout).toContain('landfall train quadruped-velocity algorithm=distill teacher=taught/');
    expect(stdout).not.toContain('landfall deploy');
  });

  it('saves on Ctrl-C, and the resumed run is the one that never stopped, to the byte', async () => {
    const child = spawn(
      process.execPath,
      [MAIN, 'train', 'pendulum', ...SMALL, 'train.iterations=60', '--name', 'long', '--json'],
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
    expect(stopped.backend).toContain('SIMD');
    expect(readdirSync(join(run, 'checkpoints'))).toEqual(expect.arrayContaining(['latest.json']));
    expect(readdirSync(join(run, 'checkpoints')).filter((name) => name.endsWith('.part'))).toEqual([]);

    const resumed = landfall(folder, ['train', 'pendulum', '--resume', '--no-view', '--workers', '1']);
    expect(resumed.stderr).toMatch(
      new RegExp(`from {2}iteration ${stopped.iteration} of .* \\(\\d+ steps to live again first, about \\d+ s\\)`),
    );
    expect(resumed.code).toBe(0);
    expect(record(run)).toMatchObject({ status: 'finished', iteration: 60, envSteps: 60 * 8 * 16 });
    const whole = landfall(folder, [
      'train',
      'pendulum',
      ...SMALL,
      'train.iterations=60',
      '--name',
      'whole',
      '--quiet',
    ]);
    expect(whole.code).toBe(0);
    const [, other] = readdirSync(join(folder, 'runs/pendulum')).sort(
      (a, b) => Number(a.endsWith('whole')) - Number(b.endsWith('whole')),
    );
    expect(stateOf(run, 60)).toEqual(stateOf(join(folder, 'runs/pendulum', other!), 60));
  });

  it('stops at --until as if interrupted, and goes on from there', () => {
    const train = ['train', 'pendulum', ...SMALL, 'train.iterations=4', '--no-view', '--runs', 'until'];
    const { code, stdout } = landfall(folder, [...train, '--until', '3']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/stopped: 384 steps[\s\S]*landfall train pendulum --resume until\/pendulum\//);
    const resume = (...more: string[]) =>
      landfall(folder, ['train', 'pendulum', '--resume', '--runs', 'until', '--no-view', ...more]);
    expect(resume('--until', '2')).toMatchObject({ code: 2, stderr: expect.stringContaining('has done 3 iterations') });
    expect(resume().stdout).toContain('done: 512 steps');
  });

  it('names a number that is not finite and leaves what led to it, to be looked at', () => {
    const dist = (path: string) => JSON.stringify(pathToFileURL(join(MAIN, '../..', path)).href);
    writeFileSync(
      join(folder, 'rotten.mjs'),
      `import { tasks as known } from ${dist('sim/tasks/index.js')};
      import { pendulum } from ${dist('configs/pendulum.js')};
      const rotten = { weight: 1, fn: ({ time }) => (time > 0.71 ? Number.NaN : 0), doc: '' };
      const rewards = { ...known.pendulum.rewards, rotten };
      export const tasks = { rotten: { ...known.pendulum, name: 'rotten', rewards } };
      export const experiments = { rotten: { ...pendulum, task: 'rotten' } };`,
    );
    const { code, stderr } = landfall(folder, ['train', 'rotten', '--with', 'rotten.mjs', ...SMALL, '--no-view']);
    expect(code).toBe(1);
    expect(stderr).toContain('error: environment 0, iteration 2, step 3: reward rotten is NaN at step 36 of episode 0');
    const [name] = readdirSync(join(folder, 'runs/rotten'));
    const nan = join('runs/rotten', name!, 'nan');
    expect(stderr).toContain(`landfall view ${nan}/episode.mcap shows the episode; ${nan}/nan.json says where`);
    expect(record(join(folder, 'runs/rotten', name!)).status).toBe('failed');
    expect(JSON.parse(readFileSync(join(folder, nan, 'nan.json'), 'utf8'))).toMatchObject({
      tensor: 'reward',
      environment: 0,
      iteration: 2,
      step: 3,
      episode: { number: 0, steps: 36 },
    });
    expect(readdirSync(join(folder, nan)).sort()).toEqual([
      'episode.mcap',
      'learner.safetensors',
      'nan.json',
      'policy.safetensors',
    ]);
    const listed = landfall(folder, ['episodes', nan, '--json']);
    expect(listed.code).toBe(0);
    expect(JSON.parse(listed.stdout)).toMatchObject({ episodes: [{ task: 'rotten', source: 'sim', steps: 36 }] });
    const judged = landfall(folder, ['eval', nan, '--episodes', '1', '--json']);
    expect(judged.stderr).toContain('reward rotten is NaN');
    const shown = landfall(folder, ['runs', 'show', 'rotten@latest']);
    expect(shown.stdout).toContain(`landfall view ${nan}/episode.mcap`);
    expect(shown.stdout).toContain('landfall train rotten --with rotten.mjs');
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
