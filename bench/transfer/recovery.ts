/**
 * One cell of the recovery study: what each arm makes of N episodes of one target, judged there, at home, and by the judge that
 * may roll back. The target is a recipe to it.
 */

import type { Episode } from '../../core/episode.ts';
import { foldIn, keyOf } from '../../core/rng.ts';
import type { FittedSimulator } from '../../loop/adaptation.ts';
import { evaluationRecipe } from '../../loop/experiment.ts';
import { fitterOf } from '../../loop/fitting.ts';
import { recordEpisodes } from '../../loop/recorded-episodes.ts';
import { Actor } from '../../policy/actor.ts';
import { sizesOf } from '../../policy/architecture.ts';
import type { WorkerPool } from '../../policy/collector.ts';
import { mean } from '../../policy/evaluate.ts';
import { splitTensors } from '../../policy/mlp.ts';
import { effectiveSample } from '../../policy/similarity/effective-sample.ts';
import { observationRows } from '../../policy/similarity/episode-rows.ts';
import { holdOut, judgeEach } from '../../policy/transfer/judge.ts';
import { type Adapted, loggedArms, onlineArms } from './arms.ts';
import type { Ledger } from './ledger.ts';
import { armSource, bundleOf, policyOf, type Source, shuffled } from './sources.ts';
import type { CellFacts, Recovered, StudyOptions } from './study-rows.ts';
import { HOME_SEED, judgeOn, type Target } from './targets.ts';

/** One task's policies and what is needed to use them. */
export interface Context {
  readonly task: string;
  readonly options: StudyOptions;
  readonly pool: WorkerPool;
  readonly ledger: Ledger;
  readonly sources: readonly Source[];
}

/** Every logged arm on the first N episodes that the policy recorded there. */
export async function recoverFrom(
  context: Context,
  source: Source,
  target: Target,
  episodes: number,
  from: 'randomised' | 'shuffled',
): Promise<{ rows: Recovered[]; facts: CellFacts }> {
  const { options, pool, ledger } = context;
  const { size } = options;
  const { experiment, seed } = source;
  const bundle =
    from === 'randomised' ? source.bundle : bundleOf(source.bundle, shuffled(policyOf(source.bundle), seed));
  const recipe = target.recipe(experiment);
  const own = { ...(await armSource(pool, source, size.iterations)), bundle };
  // A shuffled policy has no critic either.
  const arm = from === 'randomised' ? own : { ...own, learned: null };
  const recording = lazy(() =>
    recordEpisodes(
      { ...recipe, contract: bundle.contract, key: foldIn(recipe.key, 50 + seed) },
      new Actor(bundle.contract, bundle.weights),
      episodes,
    ),
  );
  const { train, held } = holdOut(episodes);
  const pick = async (indices: readonly number[]): Promise<Episode[]> => {
    const all = await recording();
    return indices.map((i) => all[i]!);
  };
  const fitter = fitterOf(experiment, seed);
  const fitted = lazy(async () => fitter(await pick(train)));
  const fittedHeld = lazy(async () => fitter(await pick(held)));
  const results: Recovered[] = [];
  for (const { name, run } of loggedArms) {
    const key = `arm ${name} ${target.name} ${from} ${seed} ${episodes} ${size.iterations} ${size.evalEpisodes} ${size.judgePairs}`;
    results.push(
      await ledger.once(key, async () => {
        const adapted = await run({ ...arm, episodes: await pick(train), fitted });
        return {
          ...(await judgeOn(recipe, adapted, pool, size.evalEpisodes)),
          target: target.name,
          seed,
          arm: name,
          episodes,
          source: from,
          accepted: held.length === 0 ? false : await isKept(context, source, policyOf(bundle), adapted, fittedHeld),
          home: await homeReturn(context, source, adapted, null),
        };
      }),
    );
  }
  const facts = await ledger.once(`facts ${target.name} ${from} ${seed} ${episodes}`, async () => ({
    target: target.name,
    seed,
    episodes,
    learned: train.length,
    effectiveSteps: effectiveSample(observationRows(await pick(train))).size,
    nominalError: (await fitted()).nominalError,
  }));
  return { rows: results, facts };
}

/** The verdict of `landfall adapt`: not worse in either engine, fitted to the held-out episodes. */
async function isKept(
  { options, pool }: Context,
  { experiment, seed }: Source,
  before: Adapted,
  after: Adapted,
  fittedHeld: () => Promise<FittedSimulator>,
): Promise<boolean> {
  const { dynamics } = await fittedHeld();
  const scores = async ({ contract, actor }: Adapted) => {
    const tensors = splitTensors(actor, sizesOf(contract.network));
    const each = [];
    for (const engine of ['rapier', 'mujoco'] as const) {
      const recipe = { ...evaluationRecipe(experiment, contract, engine, seed), dynamics, randomization: 0.05 };
      each.push(await pool.evaluate(recipe, contract, tensors, Math.ceil(options.size.judgePairs / 2)));
    }
    return each;
  };
  return judgeEach(await scores(before), await scores(after), foldIn(keyOf(seed), 60)).verdict.accepted;
}

export async function learnThere(context: Context, source: Source, target: Target): Promise<Recovered[]> {
  const { options, pool, ledger } = context;
  const { size } = options;
  const { experiment, seed } = source;
  const budgets = [...new Set([...size.budgets, size.onlineBudget])].sort((a, b) => a - b);
  const robot = target.recipe(experiment);
  const results: Recovered[] = [];
  for (const { name, run } of onlineArms) {
    const key = `online ${name} ${target.name} ${seed} ${budgets.join('-')} ${size.evalEpisodes}`;
    results.push(
      ...(await ledger.once(key, async () => {
        const policies = await run({ ...(await armSource(pool, source, size.iterations)), robot, budgets });
        const rows: Recovered[] = [];
        for (const [i, policy] of policies.entries()) {
          rows.push({
            ...(await judgeOn(robot, policy, pool, size.evalEpisodes)),
            target: target.name,
            seed,
            arm: name,
            episodes: budgets[i]!,
            source: 'randomised',
            accepted: null,
            home: await homeReturn(context, source, policy, null),
          });
        }
        return rows;
      })),
    );
  }
  return results;
}

/** Mean return in the randomised simulator of the training. @param name of the ledger's entry; null for none */
export async function homeReturn(
  { options, pool, ledger }: Context,
  source: Source,
  policy: Adapted,
  name: string | null,
) {
  const { experiment, seed } = source;
  const { evalEpisodes } = options.size;
  const recipe = evaluationRecipe(experiment, policy.contract, 'rapier', HOME_SEED);
  const measure = async () => mean((await judgeOn(recipe, policy, pool, evalEpisodes)).returns);
  return name === null ? measure() : ledger.once(`home ${name} ${seed} ${evalEpisodes}`, measure);
}

function lazy<T>(make: () => Promise<T>): () => Promise<T> {
  let value: Promise<T> | undefined;
  return () => {
    value ??= make();
    return value;
  };
}
