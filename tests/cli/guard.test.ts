/** `landfall guard` as a process: what it prints, what it writes, what a deployment then says; and what it refuses. */

import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeEpisodeFile } from '../../bridge/episode-files.ts';
import { encodeBundle, loadBundle } from '../../policy/checkpoint.ts';
import { findGuard } from '../../policy/guard/guard-file.ts';
import { contract, episodeOf, pendulumTrace, weights } from '../policy/guard/pendulum-traces.ts';

let directory: string;
let policy: string;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'landfall-guard-'));
  policy = join(directory, 'policy.safetensors');
  const parameters = Float32Array.of(...weights.flatMap((tensor) => Array.from(tensor)), 0);
  writeFileSync(policy, encodeBundle(contract, parameters));
  for (let i = 0; i < 14; i++) {
    const episode = episodeOf(pendulumTrace(i, 60), `episode-${i}`);
    await writeEpisodeFile(join(directory, 'good', `${i}.mcap`), episode);
    if (i < 5) await writeEpisodeFile(join(directory, 'few', `${i}.mcap`), episode);
  }
  // One that a fault ended does not show how the robot behaves when all is well.
  const stopped = { ...episodeOf(pendulumTrace(90, 60), 'stopped'), outcome: { reason: 'silence', completed: false } };
  await writeEpisodeFile(join(directory, 'good', 'stopped.mcap'), stopped);
});

afterAll(() => rmSync(directory, { recursive: true, force: true }));

function landfall(...args: string[]): SpawnSyncReturns<string> {
  return spawnSync(process.execPath, ['--import', 'tsx', 'cli/main.ts', ...args], { encoding: 'utf8' });
}

const guardOf = async () => {
  const { guard, weights: tensors } = await loadBundle(policy);
  return findGuard(guard, contract, tensors, 'guard.safetensors');
};

describe('landfall guard', () => {
  it('says in words what it learned, from what, and what to expect', { timeout: 300_000 }, async () => {
    const { status, stdout, stderr } = landfall(
      'guard',
      policy,
      '--episodes',
      join(directory, 'good'),
      '--alpha',
      '0.2',
    );
    expect(status, stderr).toBe(0);
    expect(stderr).toContain('1 of 15 episodes were cut off, stopped or not sent, and are left out');
    expect(stdout).toContain('where the robot is one step later');
    expect(stdout).toContain('from        5 episodes, and 2 more to see how well');
    // n = 7 at alpha 0.2: floor(8 * 0.2) = 1 may exceed, 1/8; Beta(1, 7): 1 - 0.05^(1/7) = 34.8%
    expect(stdout).toContain('expect      12.5% of good episodes stopped');
    expect(stdout).toContain('under 34.8% (19 sets in 20)');
    expect(stdout).toContain('when 10 of the last 20 steps are above the limit');
    expect(stdout).toMatch(/\n {2}landfall deploy .* --url ws:/);
    const found = await guardOf();
    expect(found.kind).toBe('armed');
    // What is there is said before anything is opened.
    const deployed = landfall('deploy', policy, '--url', 'ws://127.0.0.1:1', '--yes');
    expect(deployed.stderr).toContain('guard: armed, calibrated with 7 episodes; expect it to stop 12.5% of good ones');
  });

  it('says when there are too few, in words and as JSON', { timeout: 300_000 }, async () => {
    const { status, stdout, stderr } = landfall('guard', policy, '--episodes', join(directory, 'few'), '--json');
    expect(status, stderr).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      calibrated: false,
      threshold: null,
      episodes: { fit: 2, scale: 2, calibration: 1 },
      expectedFalseAlarms: 0,
    });
    expect((await guardOf()).kind).toBe('not-calibrated');
  });

  it('refuses episodes of another policy, and writes nothing', { timeout: 300_000 }, () => {
    const other = join(directory, 'other.safetensors');
    const parameters = Float32Array.of(...weights.flatMap((tensor) => Array.from(tensor, (x) => 2 * x)), 0);
    writeFileSync(other, encodeBundle(contract, parameters));
    const { status, stdout, stderr } = landfall('guard', other, '--episodes', join(directory, 'good'));
    expect(status).toBe(2);
    expect(stderr).toMatch(/error: episode .*: in step 0 the policy would have done/);
    expect(stdout).toBe('');
    expect(existsSync(join(directory, 'other.guard.safetensors'))).toBe(false);
  });
});
