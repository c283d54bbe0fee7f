/** `landfall sweep` as a process, its trials processes too: the result, whatever interrupts it, and what it refuses. */

import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { landfall } from './landfall.ts';

const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'landfall-sweep-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const SEARCH = [
  'sweep',
  'pendulum',
  // The last diverges: its loss is NaN in the first iteration.
  'ppo.learningRate=[1e-4,1e-3,1e30]',
  'ppo.maxLearningRate=1e30',
  'train.numEnvs=4',
  'train.horizon=16',
  'train.iterations=6',
  'train.evalEvery=2',
  'train.evalEpisodes=2',
  ...['--min-iterations', '3', '--eta', '2', '--json'],
];

interface Line {
  readonly event: string;
  readonly folder: string;
  readonly isComplete: boolean;
  readonly command: string;
  readonly best: { readonly path: string; readonly iterations: number; readonly trial: { readonly number: number } };
  readonly results: readonly { readonly iterations: number; readonly error: string | null }[];
}

function linesOf(stdout: string): Line[] {
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);
}

/** What each trial came to, without the time it took and where. */
function outcome(end: Line) {
  return JSON.parse(
    JSON.stringify({ ...end, folder: null }, (key, value: unknown) =>
      ['seconds', 'path'].includes(key) ? null : value,
    ),
  ) as Line;
}

describe('landfall sweep', () => {
  it('halves, goes on after an interruption, and comes to the same result by another number of processes', async () => {
    const child = spawn(process.execPath, [MAIN, ...SEARCH, '--runs', 'cut', '--parallel', '1'], {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    let interrupted = false;
    child.stderr.resume();
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      // The first trial has been judged, the second is at work.
      if (!interrupted && output.includes('"event":"trial"')) interrupted = child.kill('SIGINT');
    });
    expect(await new Promise((resolve) => child.once('close', resolve))).toBe(0);
    expect(linesOf(output).at(-1)).toMatchObject({ event: 'end', isComplete: false });

    const resumed = linesOf(landfall(folder, [...SEARCH, '--runs', 'cut', '--parallel', '2'], 120).stdout).at(-1)!;
    const whole = linesOf(landfall(folder, [...SEARCH, '--runs', 'whole', '--parallel', '2'], 120).stdout).at(-1)!;
    expect(outcome(resumed)).toEqual(outcome(whole));
    expect(whole).toMatchObject({ event: 'end', isComplete: true });
    expect(whole.best.iterations).toBe(6);
    expect(whole.results.map(({ iterations }) => iterations).sort()).toEqual([0, 4, 6]);
    expect(whole.results.at(-1)!.error).toContain('the loss is not finite in iteration 0');

    // The command it prints makes the best again: the same figures, iteration by iteration.
    const [, ...words] = whole.command.split(' ');
    expect(landfall(folder, [...words, '--runs', 'again', '--no-view', '--quiet']).code).toBe(0);
    const [name] = readdirSync(join(folder, 'again/pendulum'));
    const figures = (run: string) =>
      readFileSync(join(run, 'metrics.jsonl'), 'utf8')
        .trim()
        .split('\n')
        .map((line) => {
          const { policyLoss, valueLoss, evaluation } = JSON.parse(line) as Record<string, unknown>;
          return { policyLoss, valueLoss, evaluation };
        });
    expect(figures(join(folder, whole.best.path))).toEqual(figures(join(folder, 'again/pendulum', name!)));
  }, 240_000);

  it('shows its plan without training', () => {
    const { code, stderr } = landfall(folder, [
      ...['sweep', 'pendulum', 'ppo.lam=uniform(0.9,1)', 'ppo.epochs=[2,4]', '--dry-run', '--runs', 'dry'],
    ]);
    expect(code).toBe(0);
    expect(stderr).toContain('9 to iteration 20, then the best 3 to iteration 40, then the best 1 to iteration 110');
    expect(stderr.match(/trial \d {2}ppo\.lam=0\.9\d* ppo\.epochs=[24]\n/g)?.length).toBe(9);
  });

  it('refuses what cannot be searched, before anything is written', () => {
    const refusal = (...words: string[]) => {
      const { code, stderr } = landfall(folder, ['sweep', 'pendulum', ...words, '--runs', 'refused']);
      expect(code).toBe(2);
      return stderr;
    };
    expect(refusal('ppo.clip=0.3')).toContain('there is nothing to search');
    expect(refusal('ppo.clipp=[0.1,0.2]')).toContain('did you mean ppo.clip?');
    expect(refusal('reward.torque=[-1,-2]')).toContain('add --by success');
    expect(refusal('ppo.clip=[0.1,-1]')).toContain('ppo.clip');
    expect(refusal('train.iterations=[10,20]')).toContain('cannot be searched');
    expect(refusal('ppo.clip=log(1,0.1)')).toContain('0 < low < high');
    expect(readdirSync(folder)).not.toContain('refused');
  });
});
