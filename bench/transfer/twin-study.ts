/**
 * The study behind part `twin`: policies trained in Rapier, with and without randomisation, judged on every target; where there
 * is a gap, what each arm makes of N episodes, before and after its roll-back; and the negative controls. Measures, and leaves
 * the figures to twin-figures.ts.
 */

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { experimentNamed } from '../../configs/index.ts';
import { applyOverrides } from '../../configs/schema.ts';
import type { Episode } from '../../core/episode.ts';
import { foldIn, keyOf, RandomStream } from '../../core/rng.ts';
import type { FittedSimulator } from '../../loop/adaptation.ts';
import { learnedParameters } from '../../loop/adapted-policy.ts';
import { type Experiment, evaluationRecipe, openExperiment } from '../../loop/experiment.ts';
import { fitterOf } from '../../loop/fitting.ts';
import { sizesOf } from '../../policy/architecture.ts';
import { type Bundle, bundleParameters } from '../../policy/checkpoint.ts';
import { WorkerPool } from '../../policy/collector.ts';
import { mean } from '../../policy/evaluate.ts';
import { splitTensors } from '../../policy/mlp.ts';
import { holdOut, judgeEach } from '../../policy/transfer/judge.ts';
import { keptPolicy } from '../kept-policy.ts';
import { recordEpisodes } from '../recorded-episodes.ts';
import { type Adapted, type ArmSource, loggedArms, onlineArms } from './arms.ts';
import { DOMAIN_SEED, type Domain, domainsOf, inDomain, TWIN } from './domains.ts';
import { Ledger } from './ledger.ts';
import { LEAST_GAP, normalised, type Reference } from './metrics.ts';
import { median } from './statistics.ts';
import { type Judged, judgeOn, referenceOf, type Target } from './targets.ts';

/** How much is spent. */
export interface StudySize {
  readonly seeds: number;
  /** Numbers of target episodes, the one that lines are drawn at first. */
  readonly budgets: readonly number[];
  /** Of each figure on a target. */
  readonly evalEpisodes: number;
  /** Of learning on the target, for the oracle. */
  readonly oracleIterations: number;
  /** Of learning in the fitted simulator. */
  readonly iterations: number;
  /** Paired episodes of the judgement that may roll back, over both engines. */
  readonly judgePairs: number;
  /** Episodes up to which the online arms go; 0: they do not run. */
  readonly onlineBudget: number;
}

export type SourceName = 'randomised' | 'fixed' | 'shuffled';

export interface ZeroShot extends Judged {
  readonly target: string;
  readonly seed: number;
  readonly source: SourceName;
}

export interface Recovered extends Judged {
  readonly target: string;
  readonly seed: number;
  readonly arm: string;
  readonly episodes: number;
  readonly source: SourceName;
  /** Whether the judge would keep it; null where nothing judged. */
  readonly accepted: boolean | null;
  /** Mean return in the simulator it was trained in. */
  readonly home: number;
}

export interface TaskStudy {
  readonly task: string;
  readonly size: StudySize;
  readonly targets: readonly Pick<Target, 'name' | 'kind'>[];
  readonly references: Readonly<Record<string, Reference>>;
  readonly zeroShot: readonly ZeroShot[];
  readonly recovered: readonly Recovered[];
  /** Of the randomised sources at home, by seed, and of random actions there. */
  readonly home: readonly number[];
  readonly homeRandom: number;
}

export interface StudyOptions {
  readonly size: StudySize;
  readonly workers: number;
  readonly directory: string;
  readonly onProgress: (text: string) => void;
  /** Judge on the development targets instead. @default false */
  readonly dev?: boolean;
}

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

/** One task's policies and what is needed to use them. */
interface Context {
  readonly task: string;
  readonly options: StudyOptions;
  readonly pool: WorkerPool;
  readonly ledger: Ledger;
  readonly sources: readonly Source[];
}

interface Source {
  readonly seed: number;
  readonly experiment: Experiment;
  readonly bundle: Bundle;
  readonly fixed: Bundle;
}

export async function studyTask(task: string, options: StudyOptions): Promise<TaskStudy> {
  const { size, directory, dev = false } = options;
  const folder = join(directory, 'twin', task);
  await mkdir(folder, { recursive: true });
  const ledger = await Ledger.open(join(folder, 'ledger.json'));
  const sources: Source[] = [];
  for (let seed = 1; seed <= size.seeds; seed++) sources.push(await sourceOf(task, seed, folder, options));
  const pool = new WorkerPool(options.workers === 0 ? 2 : options.workers);
  try {
    return await studyWith({ task, options, pool, ledger, sources }, [
      SOURCE,
      ...[TWIN, ...domainsOf(task)[dev ? 'dev' : 'test']].map(targetOf),
    ]);
  } finally {
    await pool.close();
  }
}

async function sourceOf(task: string, seed: number, folder: string, options: StudyOptions): Promise<Source> {
  const open = (randomization: number) =>
    openExperiment(applyOverrides(experimentNamed(task), [`seed=${seed}`, `randomization=${randomization}`]));
  const train = (experiment: Experiment, name: string) =>
    keptPolicy(experiment, join(folder, name), options.workers, () =>
      options.onProgress(`${task}, seed ${seed}: training ${name}`),
    );
  const experiment = await open(1);
  return {
    seed,
    experiment,
    bundle: await train(experiment, `randomised-${seed}`),
    fixed: await train(await open(0), `fixed-${seed}`),
  };
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
        referenceOf(target, await armSource(context, first, iterations), policyOf(first.bundle), size.evalEpisodes),
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
  for (const episodes of size.budgets) {
    for (const source of sources) {
      for (const target of targets) {
        const isControl = target.kind === 'source' || target.name === TWIN.name;
        const isGap = hasGap(target, zeroShot, references[target.name]!);
        // Where nothing is to be gained, the first budget shows whether something is lost.
        if (!isGap && !(isControl && episodes === size.budgets[0])) continue;
        recovered.push(...(await recoverFrom(context, source, target, episodes, 'randomised')));
        onProgress(`${task}, ${target.name}, seed ${source.seed}: ${episodes} episodes`);
      }
    }
    // The control of a source that knows nothing, on the first target with a gap.
    const control = targets.find((target) => hasGap(target, zeroShot, references[target.name]!));
    if (control === undefined || episodes !== size.budgets[0]) continue;
    for (const source of sources)
      recovered.push(...(await recoverFrom(context, source, control, episodes, 'shuffled')));
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

/** Every logged arm on the first N episodes that the policy recorded there. */
async function recoverFrom(
  context: Context,
  source: Source,
  target: Target,
  episodes: number,
  from: 'randomised' | 'shuffled',
): Promise<Recovered[]> {
  const { options, pool, ledger } = context;
  const { size } = options;
  const { experiment, seed } = source;
  const bundle =
    from === 'randomised' ? source.bundle : bundleOf(source.bundle, shuffled(policyOf(source.bundle), seed));
  const recipe = target.recipe(experiment);
  const own = { ...(await armSource(context, source, size.iterations)), bundle };
  // A shuffled policy has no critic either.
  const arm = from === 'randomised' ? own : { ...own, learned: null };
  const recording = lazy(() => recordEpisodes({ ...recipe, key: foldIn(recipe.key, 50 + seed) }, bundle, episodes));
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
  return results;
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

async function learnThere(context: Context, source: Source, target: Target): Promise<Recovered[]> {
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
        const policies = await run({ ...(await armSource(context, source, size.iterations)), robot, budgets });
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
async function homeReturn({ options, pool, ledger }: Context, source: Source, policy: Adapted, name: string | null) {
  const { experiment, seed } = source;
  const { evalEpisodes } = options.size;
  const recipe = evaluationRecipe(experiment, policy.contract, 'rapier', DOMAIN_SEED);
  const measure = async () => mean((await judgeOn(recipe, policy, pool, evalEpisodes)).returns);
  return name === null ? measure() : ledger.once(`home ${name} ${seed} ${evalEpisodes}`, measure);
}

async function armSource({ pool }: Context, source: Source, iterations: number): Promise<ArmSource> {
  const { bundle, experiment, seed } = source;
  return { bundle, learned: await learnedParameters(bundle), experiment, pool, seed, iterations };
}

function policyOf(bundle: Bundle): Adapted {
  return { contract: bundle.contract, actor: bundleParameters(bundle) };
}

function bundleOf(bundle: Bundle, { contract, actor }: Adapted): Bundle {
  return { ...bundle, contract, weights: splitTensors(actor, sizesOf(contract.network)) };
}

/** The same numbers in another order within each tensor: what is left when knowledge is taken away. */
function shuffled({ contract, actor }: Adapted, seed: number): Adapted {
  const mixed = actor.slice();
  const random = new RandomStream(foldIn(keyOf(seed), 61));
  for (const tensor of splitTensors(mixed, sizesOf(contract.network))) {
    const order = new Int32Array(tensor.length);
    random.permutation(order);
    tensor.set(Float32Array.from(order, (i) => tensor[i]!));
  }
  return { contract, actor: mixed };
}

function lazy<T>(make: () => Promise<T>): () => Promise<T> {
  let value: Promise<T> | undefined;
  return () => {
    value ??= make();
    return value;
  };
}
