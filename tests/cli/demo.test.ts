/**
 * The whole loop, as `npm start` runs it, with its fixed seed: the learning floor of the pendulum, the landing on the twin
 * over a real WebSocket in real time, the recordings, the adaptation.
 */

import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readEpisodeFile } from '../../bridge/episode-files.ts';
import { Actuation } from '../../core/action.ts';
import type { Episode } from '../../core/episode.ts';
import { Observer } from '../../core/observation.ts';
import { makeCommand, makeState } from '../../core/robot.ts';
import { landfall } from './landfall.ts';

const folder = mkdtempSync(join(tmpdir(), 'landfall-demo-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('landfall demo', () => {
  it('trains, lands, records, adapts and says so in JSON', { timeout: 600_000 }, async () => {
    const { code, stdout, stderr } = landfall(folder, ['demo', '--json'], 590);
    const summary = JSON.parse(stdout.trim().split('\n').at(-1)!) as Summary;
    expect(summary, stderr).toMatchObject({ ok: true, deploy: { episodes: 3 } });
    expect(code).toBe(0);
    // The floor of the issue: 0.95 in Rapier, 0.90 on the twin that training never saw; 100 episodes each.
    expect(summary.eval.rapier.successRate).toBeGreaterThanOrEqual(0.95);
    expect(summary.eval.mujoco.successRate).toBeGreaterThanOrEqual(0.9);
    // Never worse by more than the margin: either accepted, or rolled back.
    if (summary.adapt.accepted) expect(summary.adapt.after).toBeGreaterThan(0.95 * summary.adapt.before);

    const run = join(folder, 'runs', 'pendulum', readdirSync(join(folder, 'runs', 'pendulum'))[0]!);
    const recordings = readdirSync(join(run, 'episodes')).sort();
    // A stopped episode is kept too, so there may be more.
    expect(recordings.filter((name) => name.endsWith('.mcap')).length).toBeGreaterThanOrEqual(3);
    expect(recordings.filter((name) => name.endsWith('.part'))).toHaveLength(0);
    const episode = await readEpisodeFile(join(run, 'episodes', recordings[0]!));
    expect(episode.outcome).toMatchObject({ completed: true });
    expect(episode.steps.length).toBeGreaterThan(450);
    expect(readdirSync(join(run, 'adapted'))).toContain('report.json');
    expect(observationsOf(episode)).toEqual(episode.steps.map((step) => step.obs));
  });
});

/** What the trainer's code makes of the states and actions that the bridge recorded: the same bytes. */
function observationsOf(episode: Episode): Float32Array[] {
  const contract = episode.meta.contract!;
  const joints = contract.joints.map((joint) => joint.name);
  const observer = new Observer(contract.observations, contract);
  const actuation = new Actuation(contract);
  const state = makeState(joints.length);
  const command = makeCommand(joints.length);
  return episode.steps.map((step) => {
    state.q.set(step.q);
    state.qd.set(step.qd);
    const obs = new Float32Array(observer.size);
    observer.observe(state, actuation.lastAction, obs);
    actuation.apply(step.action, 0, command);
    return obs;
  });
}

interface Summary {
  readonly eval: Record<'rapier' | 'mujoco', { successRate: number; meanReturn: number }>;
  readonly adapt: { accepted: boolean; before: number; after: number };
}
