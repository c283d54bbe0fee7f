/** `landfall bench skill` and `landfall reproduce`, with budgets of seconds: what they print and keep, not what is learned. */

import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SkillBench } from '../../bench/skill.ts';
import { landfall } from './landfall.ts';

const SETTINGS = ['train.iterations=4', 'train.evalEvery=2', 'train.evalEpisodes=4', 'train.numEnvs=16'];
const TWO_SEEDS = ['--seeds', '2', '--workers', '1', '--json'];

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'landfall-measures-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('landfall bench skill', () => {
  it('tells seconds and steps of every seed, up to the checkpoint that passed or to the end', () => {
    const args = ['bench', 'skill', 'cartpole-balance', '--algorithm', 'ppo', '--set', ...SETTINGS];
    const { code, stdout, stderr } = landfall(folder, [...args, ...TWO_SEEDS], 120);
    expect(stderr).toMatch(/cartpole-balance, ppo, seed 2: (passed|did not pass) in/);
    expect(code).toBe(0);
    const { bar, ppo } = (JSON.parse(stdout) as SkillBench).tasks['cartpole-balance']!;
    expect(bar).toContain('0.95');
    expect(ppo!.seconds.every((seconds) => seconds > 0)).toBe(true);
    // 16 environments for 32 steps, judged after 2 and 4 iterations.
    expect(ppo!.envSteps.every((steps, i) => steps === (ppo!.reached[i] ? steps : 2048) && steps % 1024 === 0)).toBe(
      true,
    );
    expect(ppo!.reached).toHaveLength(2);
  }, 150_000);

  it('names the tasks that have a bar', () => {
    const { code, stderr } = landfall(folder, ['bench', 'skill', 'pendulun']);
    expect(code).not.toBe(0);
    expect(stderr).toContain('did you mean pendulum?');
  });
});

describe('landfall reproduce', () => {
  const args = ['reproduce', 'cartpole-balance', '--episodes', '4', '--pictures', 'curves', '--set', ...SETTINGS];

  it('trains each seed, judges it in both engines, draws it, and trains nothing twice', () => {
    const first = landfall(folder, [...args, ...TWO_SEEDS], 120);
    expect(first.code, first.stderr).toBe(0);
    const { curves } = JSON.parse(first.stdout) as { curves: { points: unknown[]; final: { mujoco: object } }[] };
    expect(curves.map(({ points }) => points.length)).toEqual([2, 2]);
    expect(curves[0]!.final.mujoco).toHaveProperty('episodes', 4);
    expect(readFileSync(join(folder, 'curves', 'cartpole-balance.svg'), 'utf8')).toContain('seed 2');
    expect(existsSync(join(folder, 'runs', 'reproduce', 'cartpole-balance', 'seed-2', 'run.json'))).toBe(true);
    const second = landfall(folder, [...args, ...TWO_SEEDS], 60);
    expect(second.stderr).not.toContain('training');
    expect(second.stdout).toBe(first.stdout);
  }, 200_000);

  it('prints the row that docs/results.md keeps', () => {
    const { stdout } = landfall(folder, [...args, '--seeds', '2', '--workers', '1'], 60);
    expect(stdout).toMatch(/^\| cartpole-balance \| 0\.00 \(0\.00 to 0\.00\) \|/m);
    expect(stdout).toContain('2 seeds; ');
  }, 90_000);
});
