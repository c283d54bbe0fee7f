/** Bad input, as a user meets it: one clear line, the repair below it, exit status 2, and nothing written. */

import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Contract } from '../../core/contract.ts';
import { type Episode, JOINTS_ALONE } from '../../core/episode.ts';
import { encodeEpisode } from '../../core/episode-mcap.ts';
import { bundleParameters, decodeBundle, encodeBundle } from '../../policy/checkpoint.ts';
import { landfall } from './landfall.ts';

let folder: string;
let policy: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'landfall-bad-input-'));
  // A real policy: two iterations are enough to be wrong with.
  const trained = landfall(folder, [
    'train',
    'pendulum',
    'train.iterations=1',
    'train.numEnvs=4',
    'train.horizon=8',
    'ppo.minibatches=1',
    'train.evalEpisodes=1',
    '--name',
    'real',
    '--no-view',
    '--quiet',
  ]);
  expect(trained.stderr).toBe('');
  const run = readdirSync(join(folder, 'runs', 'pendulum'))[0]!;
  policy = join(folder, 'runs', 'pendulum', run, 'checkpoints', '000001', 'policy.safetensors');
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Every file below the folder. */
function files(): string[] {
  return (readdirSync(folder, { recursive: true }) as string[]).sort();
}

function refuses(args: readonly string[], message: RegExp, repair: RegExp): void {
  const before = files();
  const { code, stdout, stderr } = landfall(folder, args);
  const lines = stderr.trimEnd().split('\n');
  expect(lines.filter((line) => line.startsWith('error: '))).toHaveLength(1);
  expect(lines.at(-2)).toMatch(message);
  expect(lines.at(-1)).toMatch(repair);
  expect(stderr).not.toMatch(/\n\s+at /);
  expect(stdout).toBe('');
  expect(code).toBe(2);
  expect(files()).toEqual(before);
}

describe('bad input ends with one line, its repair, status 2 and nothing written', () => {
  it('unknown setting', () => {
    refuses(
      ['train', 'pendulum', 'ppo.learningrate=1'],
      /unknown setting ppo\.learningrate/,
      /did you mean ppo\.learningRate\?/,
    );
  });

  it('unknown reward term', () => {
    refuses(
      ['train', 'pendulum', 'reward.smothness=1'],
      /unknown setting reward\.smothness/,
      /did you mean reward\.smoothness\?/,
    );
  });

  it('setting of the wrong type', () => {
    refuses(
      ['train', 'pendulum', 'ppo.epochs=many'],
      /ppo\.epochs should be number, found "many"/,
      /correct ppo\.epochs/,
    );
  });

  it('a backend that is not there is refused, not replaced', () => {
    refuses(['train', 'pendulum', '--backend', 'cuda'], /no backend named cuda/, /backends: auto/);
  });

  it('missing run', () => {
    refuses(['eval', 'nothing-here'], /nothing-here: no such run/, /landfall runs/);
  });

  it('missing recording', () => {
    refuses(['episodes', 'missing.mcap'], /missing\.mcap/, /./);
  });

  it('truncated recording', async () => {
    const bytes = await encodeEpisode(episodeOf(contractOfPolicy()));
    writeFileSync(join(folder, 'cut.mcap'), bytes.subarray(0, Math.floor(bytes.length * 0.6)));
    refuses(['identify', 'pendulum', '--episodes', 'cut.mcap'], /cut\.mcap/, /landfall episodes repair/);
  });

  it('damaged checkpoint', () => {
    const bytes = readFileSync(policy);
    writeFileSync(join(folder, 'cut.safetensors'), bytes.subarray(0, bytes.length - 100));
    refuses(['eval', 'cut.safetensors'], /cut\.safetensors: not a readable checkpoint: tensor/, /another checkpoint/);
  });

  it("another robot's checkpoint", () => {
    const bundle = decodeBundle(readFileSync(policy), policy);
    const contract = { ...bundle.contract, robot: { name: 'cartpole', urdfHash: 'f'.repeat(64) } };
    writeFileSync(join(folder, 'other.safetensors'), encodeBundle(contract, bundleParameters(bundle)));
    refuses(
      ['eval', 'other.safetensors'],
      /trained for robot cartpole .* found pendulum/,
      /a policy trained for pendulum/,
    );
  });

  it('URDF with a broken reference', () => {
    const urdf = readFileSync(fileURLToPath(new URL('../../configs/robots/pendulum.urdf', import.meta.url)), 'utf8');
    writeFileSync(join(folder, 'broken.urdf'), urdf.replace('parent link="base"', 'parent link="bass"'));
    refuses(['check', 'broken.urdf'], /joint shoulder <parent>: there is no link named bass/, /did you mean base\?/);
  });

  it('resuming with another setting', () => {
    refuses(
      ['train', 'pendulum', 'ppo.clip=0.3', '--resume'],
      /a resumed run cannot change ppo\.clip/,
      /only train\.iterations/,
    );
  });

  it('adapting to nothing', () => {
    mkdirSync(join(folder, 'empty'), { recursive: true });
    refuses(['adapt', policy, '--episodes', 'empty'], /empty/, /./);
  });

  it('a run whose newest checkpoint is gone', () => {
    const run = join(folder, 'gone');
    cpSync(join(policy, '..', '..', '..'), run, { recursive: true });
    rmSync(join(run, 'checkpoints', '000001'), { recursive: true });
    refuses(['eval', 'gone'], /points to no checkpoint/, /train it again/);
  });
});

function contractOfPolicy(): Contract {
  return decodeBundle(readFileSync(policy), policy).contract;
}

function episodeOf(contract: Contract): Episode {
  const one = (value: number) => Float64Array.of(value);
  return {
    meta: {
      id: 'e',
      source: 'twin',
      robot: 'pendulum',
      task: 'pendulum',
      joints: ['shoulder'],
      rateHz: 100,
      startedAt: 0,
      contract,
      shadow: false,
      parameters: {},
    },
    steps: Array.from({ length: 200 }, (_, k) => ({
      sensorTime: k / 100,
      receiptTime: k / 100,
      commandTime: k / 100,
      q: one(Math.sin(k / 30)),
      qd: one(Math.cos(k / 30)),
      effort: one(0.1),
      obs: new Float32Array(5),
      action: new Float32Array(1),
      ...JOINTS_ALONE,
      command: one(0.1),
      reward: 0,
      rewardTerms: {},
      terminated: false,
      truncated: false,
    })),
    outcome: { reason: 'completed', completed: true },
  };
}
