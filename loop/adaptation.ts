/**
 * Adapts a policy to a robot from its recorded episodes: fit the simulator to some of them, fine-tune in that simulator by a table of
 * arms (nothing and from scratch always among them), judge each in a simulator fitted to the others, keep the one that was chosen
 * beforehand only if it is not worse. Prints nothing.
 */

import { systemClock } from '../core/clock.ts';
import type { Contract } from '../core/contract.ts';
import { type Episode, episodeDuration } from '../core/episode.ts';
import { InputError, MismatchError } from '../core/errors.ts';
import { foldIn, keyOf } from '../core/rng.ts';
import { sizesOf } from '../policy/architecture.ts';
import { openBackend } from '../policy/backend.ts';
import { type Bundle, bundleParameters } from '../policy/checkpoint.ts';
import type { WorkerPool } from '../policy/collector.ts';
import type { EpisodeScore } from '../policy/evaluate.ts';
import { splitTensors } from '../policy/mlp.ts';
import { train } from '../policy/runner.ts';
import { type ArmName, armDoc, type PolicySource } from '../policy/transfer/arms.ts';
import { bodyHash, bodySize } from '../policy/transfer/body.ts';
import { fineTune } from '../policy/transfer/fine-tune.ts';
import { holdOut, judgeEach, type Verdict } from '../policy/transfer/judge.ts';
import type { Dynamics } from '../sim/dynamics.ts';
import { type ArmChoice, type ArmFacts, type ChooseArm, chooseHead } from './arm-choice.ts';
import { type Experiment, evaluationRecipe, PURPOSE, trainingRecipe } from './experiment.ts';
import { statesMet } from './met-states.ts';

/** The simulator fitted to episodes. */
export interface FittedSimulator {
  readonly dynamics: Dynamics;
  /** Open-loop error of the fitted and of the nominal simulator on the same episodes. */
  readonly error: number;
  readonly nominalError: number;
}

/** What a run had learned beside its policy. */
export interface LearnedParameters {
  /** Actor, log-std and critic in one vector. */
  readonly parameters: Float32Array;
  /** Statistics of what only the critic sees, where it sees more than the actor. */
  readonly criticNormalizer?: Contract['normalizer'];
}

export interface AdaptationRequest {
  readonly bundle: Bundle;
  /** With the critic of the run, if it is still there. */
  readonly learned: LearnedParameters | null;
  readonly experiment: Experiment;
  readonly episodes: readonly Episode[];
  readonly pool: WorkerPool;
  readonly fit: (episodes: readonly Episode[]) => Promise<FittedSimulator>;
  readonly seed: number;
  /** Iterations of learning, for the adapted policy and for the one from scratch. */
  readonly iterations: number;
  /** Paired episodes of the judgement. */
  readonly pairs: number;
  /** Arms to learn and judge beside the chosen one, nothing and from scratch. @default none */
  readonly arms?: readonly ArmName[];
  /** @default the last layer */
  readonly choose?: ChooseArm;
  readonly onStage?: (text: string) => void;
}

/** One arm, judged against the policy as it was. */
export interface ArmReport {
  readonly arm: ArmName;
  readonly doc: string;
  /** Over all pairs; `accepted` says whether neither engine shows it worse. */
  readonly verdict: Verdict;
  readonly byEngine: { readonly rapier: Verdict; readonly mujoco: Verdict };
  /** In the simulator as it was before it was fitted: what the arm forgot there is lost. */
  readonly unfitted: Verdict;
  /** Numbers of the policy that learned, of an adapter its own. */
  readonly learned: number;
  /** One hash over every number that was frozen, before and after; null where nothing was. */
  readonly seal: { readonly before: string; readonly after: string } | null;
}

export interface AdaptationReport {
  readonly accepted: boolean;
  /** What was to be kept, decided before anything was judged. */
  readonly chosen: Pick<ArmChoice, 'arm' | 'why'>;
  /** Nothing first, from scratch last. */
  readonly arms: readonly ArmReport[];
  /**
   * Returns, above 0 for harm: of learning from scratch over what was chosen, and of the policy as it was over what is kept, which
   * rolling back makes 0 where it would not be.
   */
  readonly negativeTransfer: { readonly scratch: number; readonly zero: number };
  /** Of the chosen arm, as are the next. */
  readonly verdict: Verdict;
  /** The same in each engine; the result is kept only if neither shows it worse. */
  readonly byEngine: { readonly rapier: Verdict; readonly mujoco: Verdict };
  /** A policy that starts from nothing, learns from the same episodes for as long, judged alike. */
  readonly scratch: Verdict;
  /** Hash of the body before and after: equal where the arm freezes it. */
  readonly bodyBefore: string;
  readonly bodyAfter: string;
  readonly trainEpisodes: readonly string[];
  readonly heldEpisodes: readonly string[];
  readonly fitted: FittedSimulator;
  readonly fittedHeld: FittedSimulator;
  readonly seconds: number;
}

export interface Adaptation {
  readonly report: AdaptationReport;
  /** W1, b1, ..., logStd of the adapted policy and its contract; to be used only when accepted. */
  readonly actor: Float32Array;
  readonly contract: Contract;
  /** The one from scratch, with its own observation statistics. */
  readonly scratchActor: Float32Array;
  readonly scratchNormalizer: Contract['normalizer'];
}

/** Spread of the physics that the last layer learns in, as a share of the task's randomisation: the fit is not exact. */
const SPREAD = 0.25;

/**
 * Spread of the physics that judges. Narrow, because one robot is asked about: a policy that is better over many robots can
 * be worse on this one. Not nothing, because the fit is not exact.
 */
const JUDGE_SPREAD = 0.05;

/** The second engine is one that nothing was learned in: what leans on one engine's habits is no improvement. */
const JUDGES = ['rapier', 'mujoco'] as const;

/** Exploration while an arm learns. The policy's own log-std is put back afterwards: its mean is what is deployed. */
const EXPLORATION = Math.log(0.5);

/** @throws InputError for fewer than two episodes, MismatchError for episodes of another robot */
export async function adapt(request: AdaptationRequest): Promise<Adaptation> {
  const { bundle, episodes, seed, onStage } = request;
  const started = systemClock.now();
  refuseOthers(bundle, episodes);
  const { train: trainIndices, held } = holdOut(episodes.length);
  if (held.length === 0) {
    throw new InputError(`adapting needs at least 2 complete episodes, found ${episodes.length}`, {
      repair: 'record more: landfall deploy RUN --url ws://... --episodes 10',
    });
  }
  const trainEpisodes = trainIndices.map((i) => episodes[i]!);
  const heldEpisodes = held.map((i) => episodes[i]!);
  onStage?.(
    `fitting the simulator to ${trainEpisodes.length} episodes, and apart from that to the ${heldEpisodes.length} held out`,
  );
  const fitted = await request.fit(trainEpisodes);
  const fittedHeld = await request.fit(heldEpisodes);

  const facts = factsOf(request, trainEpisodes, fitted);
  const chosen = await (request.choose ?? chooseHead)(facts);
  const arms = armsOf(chosen.arm, request.arms ?? []);

  const key = foldIn(keyOf(seed), PURPOSE.evaluation);
  const before: Learned = {
    contract: bundle.contract,
    actor: bundleParameters(bundle),
    learned: 0,
    seal: null,
  };
  const oldScores = await judged(request, before, fittedHeld);
  const policies = new Map<ArmName, Learned>();
  const reports: ArmReport[] = [];
  for (const arm of arms) {
    if (arm !== 'none') onStage?.(`${armDoc(arm)} (${arm}), in the fitted simulator`);
    const policy = arm === 'none' ? before : await learn(request, fitted.dynamics, arm, chosen.retention ?? 0);
    if (arm !== 'none') onStage?.(`judging ${arm} in both engines, fitted to the held-out episodes`);
    const scores = arm === 'none' ? oldScores : await judged(request, policy, fittedHeld);
    const { verdict, each } = judgeEach(oldScores.held, scores.held, key);
    reports.push({
      arm,
      doc: armDoc(arm),
      verdict,
      byEngine: { rapier: each[0]!, mujoco: each[1]! },
      unfitted: judgeEach([oldScores.unfitted], [scores.unfitted], key).verdict,
      learned: policy.learned,
      seal: policy.seal,
    });
    policies.set(arm, policy);
  }
  const [kept, scratch] = [policies.get(chosen.arm)!, policies.get('scratch')!];
  const reportOf = (arm: ArmName) => reports.find((report) => report.arm === arm)!;
  const { verdict, byEngine } = reportOf(chosen.arm);
  const accepted = chosen.arm !== 'none' && verdict.accepted;
  return {
    actor: kept.actor,
    contract: kept.contract,
    scratchActor: scratch.actor,
    scratchNormalizer: scratch.contract.normalizer,
    report: {
      accepted,
      chosen: { arm: chosen.arm, why: chosen.why },
      arms: reports,
      negativeTransfer: {
        scratch: reportOf('scratch').verdict.after - verdict.after,
        zero: accepted ? -verdict.difference : 0,
      },
      verdict,
      byEngine,
      scratch: reportOf('scratch').verdict,
      bodyBefore: bodyHash(bundle.contract, before.actor),
      bodyAfter: bodyHash(kept.contract, kept.actor),
      trainEpisodes: trainEpisodes.map((episode) => episode.meta.id),
      heldEpisodes: heldEpisodes.map((episode) => episode.meta.id),
      fitted,
      fittedHeld,
      seconds: systemClock.now() - started,
    },
  };
}

/** Nothing first, from scratch last, each once. */
function armsOf(chosen: ArmName, asked: readonly ArmName[]): ArmName[] {
  const between = [chosen, ...asked].filter((arm) => arm !== 'none' && arm !== 'scratch');
  return ['none', ...new Set(between), 'scratch'];
}

function factsOf(request: AdaptationRequest, episodes: readonly Episode[], fitted: FittedSimulator): ArmFacts {
  const { bundle, experiment } = request;
  const actor = bundleParameters(bundle).length;
  return {
    episodes: episodes.length,
    steps: episodes.reduce((sum, episode) => sum + episode.steps.length, 0),
    seconds: episodes.reduce((sum, episode) => sum + episodeDuration(episode), 0),
    headParameters: actor - bundle.logStd.length - bodySize(bundle.contract.network),
    parameters: actor,
    errorRatio: fitted.nominalError / fitted.error,
    material: { bundle, experiment, episodes, fitted },
  };
}

interface Learned {
  readonly contract: Contract;
  readonly actor: Float32Array;
  readonly learned: number;
  readonly seal: ArmReport['seal'];
}

/** The same episodes for every policy: in each engine as the held-out episodes say it is, and in the simulator as it was. */
async function judged(
  { experiment, seed, pool, pairs }: AdaptationRequest,
  { contract, actor }: Pick<Learned, 'contract' | 'actor'>,
  fittedHeld: FittedSimulator,
): Promise<{ held: EpisodeScore[][]; unfitted: EpisodeScore[] }> {
  const tensors = splitTensors(actor, sizesOf(contract.network));
  const episodes = Math.ceil(pairs / JUDGES.length);
  const held: EpisodeScore[][] = [];
  for (const engine of JUDGES) {
    const base = evaluationRecipe(experiment, contract, engine, seed);
    const recipe = { ...base, dynamics: fittedHeld.dynamics, randomization: JUDGE_SPREAD };
    held.push(await pool.evaluate(recipe, contract, tensors, episodes));
  }
  const asItWas = evaluationRecipe(experiment, contract, 'rapier', seed);
  return { held, unfitted: await pool.evaluate(asItWas, contract, tensors, episodes) };
}

/** PPO in the fitted simulator: of the bundle by an arm, or of a new policy. */
async function learn(
  request: AdaptationRequest,
  dynamics: Dynamics,
  arm: Exclude<ArmName, 'none'>,
  retention: number,
): Promise<Learned> {
  const { bundle, experiment, pool, seed, iterations } = request;
  const { config, network } = experiment;
  const isNew = arm === 'scratch';
  const contract = isNew ? experiment.contract : bundle.contract;
  const backend = await openBackend('auto', contract.network.kind);
  const job = {
    recipe: {
      // Close to the fit: no range widens.
      ...trainingRecipe({ ...experiment, config: { ...config, adr: false } }),
      contract,
      dynamics,
      randomization: SPREAD,
      key: foldIn(keyOf(seed), PURPOSE.environments),
    },
    evalRecipe: { ...evaluationRecipe(experiment, contract, 'rapier', seed), dynamics },
    settings: {
      ...config.train,
      iterations,
      evalEvery: iterations + 1,
      evalEpisodes: 1,
      stopAtSuccess: null,
      ppo: config.ppo,
      network,
    },
    backend,
    pool,
    key: foldIn(keyOf(seed), isNew ? 12 : 11),
    clock: systemClock,
  };
  try {
    if (isNew) {
      const { contract: made, actor } = await train(job);
      return { contract: made, actor, learned: actor.length, seal: null };
    }
    const source = await sourceOf(request, arm);
    const tuned = await fineTune(arm, source, job, { exploration: EXPLORATION, retention });
    const { sealBefore, sealAfter, learned, actor } = tuned;
    return { contract: tuned.contract, actor, learned, seal: { before: sealBefore, after: sealAfter } };
  } finally {
    backend.close();
  }
}

/** The policy with the critic it was learned with, where that is still there; with states of its own for who asks for them. */
async function sourceOf({ bundle, learned, experiment, seed }: AdaptationRequest, arm: ArmName): Promise<PolicySource> {
  const { network } = experiment;
  return {
    contract: bundle.contract,
    network: { ...network, actor: bundle.contract.network },
    parameters: learned?.parameters ?? bundleParameters(bundle),
    ...(learned?.criticNormalizer === undefined ? {} : { criticNormalizer: learned.criticNormalizer }),
    ...(arm === 'ewc' ? { observations: await statesMet(bundle, experiment, seed) } : {}),
  };
}

function refuseOthers({ contract, path }: Bundle, episodes: readonly Episode[]): void {
  for (const { meta } of episodes) {
    const other = meta.contract?.robot.urdfHash;
    const joints = contract.joints.map((joint) => joint.name).join(', ');
    if (meta.joints.join(', ') !== joints) {
      throw new MismatchError(
        `episode ${meta.id}: its joints are ${meta.joints.join(', ')}, the policy ${path} moves ${joints}`,
        {
          repair: "give episodes of the policy's own robot",
        },
      );
    }
    if (other !== undefined && other !== contract.robot.urdfHash) {
      throw new MismatchError(
        `episode ${meta.id}: was recorded on robot ${meta.contract!.robot.name} (URDF ${other.slice(0, 12)}), the policy is for URDF ${contract.robot.urdfHash.slice(0, 12)}`,
        {
          repair: "give episodes of the policy's own robot",
        },
      );
    }
  }
}
