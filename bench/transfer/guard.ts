/** The guard's part of the benchmark: a policy a task, faults on the twin, false alarms, tables. */

import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { experimentNamed } from '../../configs/index.ts';
import { openExperiment } from '../../loop/experiment.ts';
import { runTraining } from '../../loop/training.ts';
import { openBackend } from '../../policy/backend.ts';
import { type Bundle, checkpointNamed, loadBundle, writeJson } from '../../policy/checkpoint.ts';
import { injectedFaults } from './guard-faults.ts';
import { type FaultFigures, type GuardStudy, guardStudy, type StudySettings } from './guard-study.ts';
import type { TransferFigures, TransferOptions, TransferPart } from './part.ts';

/** Where training takes long the task's reference acts: its features are then none, and the guard does without. */
const TASKS: Readonly<Record<string, 'learned' | 'reference'>> = {
  pendulum: 'learned',
  'cartpole-balance': 'learned',
  'arm-reach': 'reference',
};

const SETTINGS: Omit<StudySettings, 'seed'> = {
  alpha: 0.05,
  own: 20,
  calibration: 40,
  pool: 100,
  draws: 200,
  faulty: 30,
};

export const guardPart: TransferPart = {
  name: 'guard',
  doc: 'false alarms and detected faults of the conformal guard on the MuJoCo twin',
  seeds: 1,
  run: runGuard,
};

async function runGuard({ seeds, workers, directory, onProgress }: TransferOptions): Promise<TransferFigures> {
  const studies: GuardStudy[] = [];
  for (const [name, kind] of Object.entries(TASKS)) {
    for (let seed = 1; seed <= seeds; seed++) {
      const say = (text: string) => onProgress(`${name}, seed ${seed}: ${text}`);
      const experiment = await openExperiment({ ...experimentNamed(name), seed });
      const run = join(directory, 'guard', `${name}-${seed}`);
      const bundle = kind === 'learned' ? await learnedPolicy(run, experiment, workers, say) : null;
      await openBackend('wasm');
      const study = await guardStudy(experiment, bundle, { ...SETTINGS, seed }, say);
      await writeJson(`${run}.json`, study);
      studies.push(study);
    }
  }
  return { json: summary(studies), table: tables(studies) };
}

async function learnedPolicy(
  run: string,
  experiment: Awaited<ReturnType<typeof openExperiment>>,
  workers: number,
  say: (text: string) => void,
): Promise<Bundle> {
  if (!existsSync(join(run, 'run.json')) || (await checkpointNamed(run, 'best')) === undefined) {
    await rm(run, { recursive: true, force: true });
    say('learning the policy');
    await runTraining({ experiment, run, overrides: [], argv: [], backend: 'auto', workers });
  }
  return loadBundle(run);
}

/** `far` and `tpr` over all studies; each beside it. */
function summary(studies: readonly GuardStudy[]): Record<string, unknown> {
  const names = Object.keys(injectedFaults).filter((name) => studies.some(({ faults }) => name in faults));
  const over = (pick: (study: GuardStudy) => number | undefined) =>
    mean(studies.map(pick).filter((x) => x !== undefined));
  const each = (pick: (figures: FaultFigures) => number) =>
    Object.fromEntries(
      names.map((name) => [name, over(({ faults }) => (faults[name] === undefined ? undefined : pick(faults[name])))]),
    );
  const hard = studies.flatMap(({ faults }) => Object.values(faults).filter(({ isHard }) => isHard));
  return {
    far: over(({ far }) => far.far),
    tpr: each(({ tpr }) => tpr),
    delay: each(({ delay }) => delay),
    auroc: each(({ auroc }) => auroc),
    hardTpr: mean(hard.map(({ tpr }) => tpr)),
    isWithinAlpha: studies.every(({ far }) => far.far <= SETTINGS.alpha + 2 * far.se),
    tasks: Object.fromEntries(studies.map((study) => [study.task, study])),
  };
}

function tables(studies: readonly GuardStudy[]): string {
  const percent = (share: number) => `${(100 * share).toFixed(1)}%`;
  const names = Object.keys(injectedFaults).filter((name) => studies.some(({ faults }) => name in faults));
  const cell = (found: FaultFigures | undefined) =>
    found === undefined
      ? '-'
      : `${found.tpr.toFixed(2)} / ${Number.isNaN(found.delay) ? '-' : found.delay} / ${found.auroc.toFixed(2)}`;
  const { alpha, calibration, draws, own, pool, faulty } = SETTINGS;
  return [
    `Fitted to ${own} episodes; ${draws} draws of ${calibration} calibration episodes from ${pool}, alpha ${alpha}.`,
    '',
    '| task | policy | success | false alarms | expected | 95% of draws below | theory | from nominal simulation: twin / other robot / hard faults | from randomised |',
    `|---|---|${'--:|'.repeat(5)}---|---|`,
    ...studies.map(({ task, policy, success, far, fromSimulation }) => {
      const simulated = ['nominal', 'randomised'].map((kind) => {
        const { twin, other, tpr } = fromSimulation[kind]!;
        return `${percent(twin)} / ${percent(other)} / ${tpr.toFixed(2)}`;
      });
      return `| ${task} | ${policy} | ${success.toFixed(2)} | ${percent(far.far)} ± ${percent(far.se)} | ${percent(far.expected)} | ${percent(far.q95)} | ${percent(far.bound)} | ${simulated.join(' | ')} |`;
    }),
    '',
    `Faults, ${faulty} episodes each: found / median delay in steps / AUROC.`,
    '',
    `| task | score | ${names.join(' | ')} |`,
    `|---|---|${'--:|'.repeat(names.length)}`,
    ...studies.flatMap(({ task, faults, byPart }) => [
      `| ${task} | **all** | ${names.map((name) => cell(faults[name])).join(' | ')} |`,
      ...Object.entries(byPart).map(
        ([part, found]) => `| | ${part} alone | ${names.map((name) => cell(found[name])).join(' | ')} |`,
      ),
    ]),
    '',
    ...names.map((name) => `- ${name}${injectedFaults[name]!.isHard ? ' (hard)' : ''}: ${injectedFaults[name]!.doc}.`),
    '',
  ].join('\n');
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
