/** `identify`, `train` with what it found, and `adapt`, as a person runs them on the recordings of a heavier pendulum. */

import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { writeEpisodeFile } from '../../bridge/episode-files.ts';
import { foldIn, keyOf } from '../../core/rng.ts';
import { loadBundle } from '../../policy/checkpoint.ts';
import { plantedEpisode } from '../sim/identify/planted.ts';
import { landfall } from './landfall.ts';

const folder = mkdtempSync(join(tmpdir(), 'landfall-learn-'));
const files = [0, 1, 2].map((i) => join('episodes', `${i}.mcap`));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
beforeAll(async () => {
  for (const [i, file] of files.entries()) {
    const episode = await plantedEpisode({
      dynamics: { massScale: [1.3] },
      seconds: 8,
      noise: 0.005,
      key: foldIn(keyOf(8), i),
    });
    await writeEpisodeFile(join(folder, file), episode);
  }
});

it('fits the simulator, trains in it, and adapts a policy to the episodes', { timeout: 300_000 }, async () => {
  const fit = landfall(folder, ['identify', 'pendulum', '--quick', '--episodes', ...files], 120);
  expect(fit.code, fit.stderr).toBe(0);
  const mass = /massScale +([\d.]+) 1 +±([\d.]+)%/.exec(fit.stdout);
  expect(Math.abs(Number(mass![1]) - 1.3), fit.stdout).toBeLessThan(0.13);
  expect(fit.stdout).toContain('one parameter set explains all 3 recordings');
  expect(fit.stdout).toContain('landfall train pendulum dynamics=parameters.json');

  const short = ['train.iterations=2', 'train.numEnvs=16', 'train.evalEpisodes=2', 'dynamics=parameters.json'];
  const train = landfall(folder, ['train', 'pendulum', ...short, '--no-view', '--quiet'], 60);
  expect(train.code, train.stderr).toBe(0);

  const args = ['adapt', 'latest', '--episodes', 'episodes', '--iterations', '2', '--json'];
  const adapt = landfall(folder, args, 120);
  expect(adapt.code, adapt.stderr).toBe(0);
  const { accepted, out, report } = JSON.parse(adapt.stdout.trim().split('\n').at(-1)!) as Adapted;
  // Every third recording only judges, and none does both.
  expect([report.trainEpisodes.length, report.heldEpisodes.length]).toEqual([2, 1]);
  expect(report.trainEpisodes).not.toContain(report.heldEpisodes[0]);
  expect(report.bodyAfter).toBe(report.bodyBefore);
  expect(report.fitted.error).toBeLessThan(report.fitted.nominalError);
  const policy = join(folder, out, 'policy.safetensors');
  expect(existsSync(policy)).toBe(accepted);
  if (accepted) expect((await loadBundle(policy)).contract.task).toBe('pendulum');
  expect(readFileSync(join(folder, out, 'report.md'), 'utf8')).toContain(accepted ? 'accepted' : 'rolled back');
});

interface Adapted {
  readonly accepted: boolean;
  readonly out: string;
  readonly report: {
    readonly trainEpisodes: readonly string[];
    readonly heldEpisodes: readonly string[];
    readonly bodyBefore: string;
    readonly bodyAfter: string;
    readonly fitted: { readonly error: number; readonly nominalError: number };
  };
}
