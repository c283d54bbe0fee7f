/**
 * The study behind part `twin`: policies trained in Rapier, with and without randomisation, judged on every target; where there
 * is a gap, what each arm makes of N episodes, before and after its roll-back; and the negative controls. Measures, and leaves
 * the figures to twin-figures.ts.
 */

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { evaluationRecipe } from '../../loop/experiment.ts';
import { WorkerPool } from '../../policy/collector.ts';
import { mean } from '../../policy/evaluate.ts';
import { DOMAIN_SEED, type Domain, domainsOf, inDomain, TWIN } from './domains.ts';
import { Ledger } from './ledger.ts';
import { LEAST_GAP, normalised, type Reference } from './metrics.ts';
import { type Context, homeReturn, learnThere, recoverFrom } from './recovery.ts';
import { armSource, policyOf, type Source, shuffled, sourceOf } from './sources.ts';
import { median } from './statistics.ts';
import type { CellFacts, Recovered, StudyOptions, TaskStudy, ZeroShot } from './study-rows.ts';
import { judgeOn, referenceOf, type Target } from './targets.ts';

/** The simulator itself: B = A, one robot of it. */
const SOURCE: Target = {
  name: 'source',
  kind: 'source',
  recipe: (experiment) => ({
    ...evaluationRecipe(experiment, experiment.contract, 'rapier', DOMAIN_SEED),
    randomization: 0,
  }),
};

function targetOf(domain: Domain): Target {
  const { name, kind } = domain;
  return {
    name,
    kind,
    recipe: (experiment) => inDomain(evaluationRecipe(experiment, experiment.contract, 'mujoco', DOMAIN_SEED), domain),
  };
}

export async function studyTask(task: string, options: StudyOptions): Promise<TaskStudy> {
  const { size, directory, set = 'test' } = options;
  const folder = join(directory, 'twin', task);
  await mkdir(folder, { recursive: true });
  const ledger = await Ledger.open(join(folder, 'ledger.json'));
  const sources: Source[] = [];
  for (let seed = 1; seed <= size.seeds; seed++) sources.push(await sourceOf(task, seed, folder, options));
  const pool = new WorkerPool(options.workers === 0 ? 2 : options.workers);
  try {
    return await studyWith({ task, options, pool, ledger, sources }, [
      SOURCE,
      ...[TWIN, ...domainsOf(task)[set]].map(targetOf),
    ]);
  } finally {
    await pool.close();
  }
}

async function studyWith(context: Context, targets: readonly Target[]): Promise<TaskStudy> {
  const { task, options, pool, ledger, sources } = context;
  const { size, onProgress } = options;
  const references: Record<string, Reference> = {};
  const zeroShot: ZeroShot[] = [];
  for (const target of targets) {
    const first = sources[0]!;
    const iterations = size.oracleIterations;
    references[target.name] = await ledger.once(
      `reference ${target.name} ${iterations} ${size.evalEpisodes}`,
      async () =>
        referenceOf(target, await armSource(pool, first, iterations), policyOf(first.bundle), size.evalEpisodes),
    );
    for (const source of sources) {
      for (const [name, policy] of [
        ['randomised', policyOf(source.bundle)],
        ['fixed', policyOf(source.fixed)],
        ['shuffled', shuffled(policyOf(source.bundle), source.seed)],
      ] as const) {
        const judged = await ledger.once(`zero ${target.name} ${name} ${source.seed} ${size.evalEpisodes}`, () =>
          judgeOn(target.recipe(source.experiment), policy, pool, size.evalEpisodes),
        );
        zeroShot.push({ ...judged, target: target.name, seed: source.seed, source: name });
      }
    }
    const scores = zeroShot.filter((one) => one.target === target.name && one.source === 'randomised');
    const retained = scores.map(({ returns }) => normalised(mean(returns), references[target.name]!).toFixed(2));
    onProgress(`${task}, ${target.name}: retained ${retained.join(', ')}`);
  }
  const home: number[] = [];
  for (const source of sources) home.push(await homeReturn(context, source, policyOf(source.bundle), 'zero'));
  const recovered: Recovered[] = [];
  const facts: CellFacts[] = [];
  const recover = async (source: Source, target: Target, episodes: number, from: 'randomised' | 'shuffled') => {
    const cell = await recoverFrom(context, source, target, episodes, from);
    recovered.push(...cell.rows);
    if (from === 'randomised') facts.push(cell.facts);
    onProgress(`${task}, ${target.name}, seed ${source.seed}: ${from}, ${episodes} episodes`);
  };
  for (const episodes of size.budgets) {
    for (const source of sources) {
      for (const target of targets) {
        const isControl = target.kind === 'source' || target.name === TWIN.name;
        const isGap = hasGap(target, zeroShot, references[target.name]!);
        // Where nothing is to be gained, the first budget shows whether something is lost.
        if (!isGap && !(isControl && episodes === size.budgets[0])) continue;
        await recover(source, target, episodes, 'randomised');
      }
    }
    // The control of a source that knows nothing, on the first target with a gap.
    const control = targets.find((target) => hasGap(target, zeroShot, references[target.name]!));
    if (control === undefined || episodes !== size.budgets[0]) continue;
    for (const source of sources) await recover(source, control, episodes, 'shuffled');
  }
  for (const source of size.onlineBudget === 0 ? [] : sources) {
    for (const target of targets.filter((one) => hasGap(one, zeroShot, references[one.name]!))) {
      recovered.push(...(await learnThere(context, source, target)));
      onProgress(`${task}, ${target.name}, seed ${source.seed}: learned on the target`);
    }
  }
  return {
    task,
    size,
    targets: targets.map(({ name, kind }) => ({ name, kind })),
    references,
    zeroShot,
    recovered,
    facts,
    headParameters: headParameters(sources[0]!),
    home,
    homeRandom: references[SOURCE.name]!.random,
  };
}

function hasGap({ name }: Target, zeroShot: readonly ZeroShot[], reference: Reference): boolean {
  const scores = zeroShot
    .filter(({ target, source }) => target === name && source === 'randomised')
    .map(({ returns }) => normalised(mean(returns), reference));
  return 1 - median(scores) >= LEAST_GAP;
}

function headParameters({ bundle }: Source): number {
  return bundle.weights.slice(-2).reduce((sum, tensor) => sum + tensor.length, 0);
}
