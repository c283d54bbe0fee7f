/** Teachers in whole runs: trained, kept, and taught from as `landfall train` does, and what a configuration may not ask for. */

import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { cartpoleBalance } from '../../configs/cartpole-balance.ts';
import { applyOverrides } from '../../configs/schema.ts';
import { openExperiment } from '../../loop/experiment.ts';
import { teachingOf } from '../../loop/teaching.ts';
import { runTraining } from '../../loop/training.ts';
import { Actor } from '../../policy/actor.ts';
import { checkpointNamed, loadBundle, loadTrainingState } from '../../policy/checkpoint.ts';

const SMALL = [
  'train.numEnvs=8',
  'train.horizon=8',
  'train.iterations=2',
  'train.evalEvery=2',
  'train.evalEpisodes=2',
  'network.hidden=[8]',
  'network.criticHidden=[8]',
];

async function experimentWith(...settings: string[]) {
  return openExperiment(applyOverrides(cartpoleBalance, [...SMALL, ...settings]));
}

async function runOf(...settings: string[]): Promise<string> {
  const run = await mkdtemp(join(tmpdir(), 'landfall-teaching-'));
  await runTraining({
    experiment: await experimentWith(...settings),
    run,
    overrides: settings,
    argv: [],
    backend: 'wasm',
    workers: 2,
  });
  return run;
}

describe('a teacher', () => {
  it('is trained, and teaches students that a robot can run', { timeout: 60_000 }, async () => {
    const teacher = await runOf('network.kind=privileged', 'network.latent=4');
    const { contract, weights } = await loadBundle(teacher);
    expect(contract.network.kind).toBe('privileged');
    if (contract.network.kind !== 'privileged') return;
    // Statistics of what it saw, not those it began with.
    expect(contract.network.encoder.normalizer.count).toBeGreaterThan(0);
    expect(() => new Actor(contract, weights)).toThrow(/a teacher/);

    for (const [algorithm, kind] of [
      ['distill', 'gru'],
      ['distill', 'mlp'],
      ['rma', 'history'],
    ] as const) {
      const settings = [`algorithm=${algorithm}`, `teacher=${teacher}`, `network.kind=${kind}`, 'network.latent=4'];
      const run = await runOf(...settings);
      const bundle = await loadBundle(run);
      expect(bundle.contract.network.kind).toBe(kind);
      const action = new Float32Array(1);
      new Actor(bundle.contract, bundle.weights).act(new Float32Array(bundle.contract.normalizer.mean.length), action);
      expect(Number.isFinite(action[0])).toBe(true);
      const state = await loadTrainingState((await checkpointNamed(run, 'latest'))!);
      expect(state.iteration).toBe(2);
      // Goes on: one more iteration from where it stood.
      await runTraining({
        experiment: {
          ...(await experimentWith(...settings, 'train.iterations=3')),
          contract: bundle.contract,
        },
        run,
        overrides: [],
        argv: [],
        backend: 'wasm',
        workers: 1,
        resume: state,
      });
      expect((await loadTrainingState((await checkpointNamed(run, 'latest'))!)).iteration).toBe(3);
    }
  });
});

describe('a configuration is refused', () => {
  it.each([
    [['teacher=somewhere'], /a teacher is given, but algorithm=ppo/],
    [['algorithm=distill'], /algorithm=distill needs a teacher/],
    [['algorithm=distill', 'teacher=x', 'network.kind=privileged'], /a policy that a robot can run/],
    [['algorithm=distill', 'teacher=no-such-run'], /no-such-run: no such run/],
  ] as const)('with %s', async (settings, message) => {
    await expect(teachingOf(await experimentWith(...settings))).rejects.toThrow(message);
  });

  it('whose history is shorter than the task’s, whose kernel is longer than what is left, or that mirrors a memory', async () => {
    await expect(experimentWith('network.kind=history', 'network.steps=1')).rejects.toThrow(
      /observes 2 steps of a term/,
    );
    const convolved = experimentWith(
      'network.kind=history',
      'network.steps=8',
      'network.convolutions=[[4,6,2],[4,3,1]]',
    );
    await expect(convolved).rejects.toThrow(/a kernel of 3 steps finds 2 left/);
    await expect(experimentWith('network.kind=gru', 'ppo.symmetry=augment')).rejects.toThrow(/remember in the mirror/);
  });
});
