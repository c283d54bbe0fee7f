/**
 * Adapts a policy to a robot from its recorded episodes: fit the simulator to some of them, learn the last layer in that
 * simulator, judge in a simulator fitted to the others, keep the result only if it is not worse. Prints nothing.
 */

import { systemClock } from '../core/clock.ts';
import type { Contract } from '../core/contract.ts';
import type { Episode } from '../core/episode.ts';
import { InputError, MismatchError } from '../core/errors.ts';
import { foldIn, keyOf } from '../core/rng.ts';
import { sizesOf } from '../policy/architecture.ts';
import { openBackend } from '../policy/backend.ts';
import { type Bundle, bundleParameters } from '../policy/checkpoint.ts';
import type { WorkerPool } from '../policy/collector.ts';
import type { EpisodeScore } from '../policy/evaluate.ts';
import { splitTensors } from '../policy/mlp.ts';
import type { Trainable } from '../policy/ppo-learner.ts';
import { train } from '../policy/runner.ts';
import { bodyHash } from '../policy/transfer/body.ts';
import { holdOut, judgeEach, type Verdict } from '../policy/transfer/judge.ts';
import type { Dynamics } from '../sim/dynamics.ts';
import { type Experiment, evaluationRecipe, PURPOSE, trainingRecipe } from './experiment.ts';

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
  readonly onStage?: (text: string) => void;
}

export interface AdaptationReport {
  readonly accepted: boolean;
  /** The last layer learned anew, judged against the policy as it was. */
  readonly verdict: Verdict;
  /** The same in each engine; the result is kept only if neither shows it worse. */
  readonly byEngine: { readonly rapier: Verdict; readonly mujoco: Verdict };
  /** A policy that starts from nothing, learns from the same episodes for as long, judged alike. */
  readonly scratch: Verdict;
  /** Hash of the frozen body before and after. */
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
  /** W1, b1, ..., logStd of the adapted policy; to be used only when accepted. */
  readonly actor: Float32Array;
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

/** Exploration while the last layer learns. The policy's own log-std is put back afterwards: its mean is what is deployed. */
const EXPLORATION = Math.log(0.5);

/** @throws InputError for fewer than two episodes, MismatchError for episodes of another robot */
export async function adapt(request: AdaptationRequest): Promise<Adaptation> {
  const { bundle, experiment, episodes, seed, onStage } = request;
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

  onStage?.('learning the last layer in the fitted simulator');
  const before = bundleParameters(bundle);
  const adapted = await learn(request, fitted.dynamics, 'actor-head');
  adapted.actor.set(bundle.logStd, adapted.actor.length - bundle.logStd.length);
  onStage?.('learning from scratch on the same episodes, for comparison');
  const scratch = await learn(request, fitted.dynamics, 'all');

  onStage?.('judging in both engines, fitted to the held-out episodes');
  const scores = async (actor: Float32Array, normalizer: typeof bundle.contract.normalizer) => {
    const contract = { ...bundle.contract, normalizer };
    const tensors = splitTensors(actor, sizesOf(contract.network));
    const all: EpisodeScore[][] = [];
    for (const engine of JUDGES) {
      const base = evaluationRecipe(experiment, contract, engine, seed);
      const recipe = { ...base, dynamics: fittedHeld.dynamics, randomization: JUDGE_SPREAD };
      all.push(await request.pool.evaluate(recipe, contract, tensors, Math.ceil(request.pairs / JUDGES.length)));
    }
    return all;
  };
  const key = foldIn(keyOf(seed), PURPOSE.evaluation);
  const oldScores = await scores(before, bundle.contract.normalizer);
  const { verdict, each } = judgeEach(oldScores, await scores(adapted.actor, adapted.contract.normalizer), key);
  const bodyBefore = bodyHash(bundle.contract, before);
  const bodyAfter = bodyHash(adapted.contract, adapted.actor);
  if (bodyBefore !== bodyAfter) throw new Error('the frozen body changed while the last layer learned');
  return {
    actor: adapted.actor,
    scratchActor: scratch.actor,
    scratchNormalizer: scratch.contract.normalizer,
    report: {
      accepted: verdict.accepted,
      verdict,
      byEngine: { rapier: each[0]!, mujoco: each[1]! },
      scratch: judgeEach(oldScores, await scores(scratch.actor, scratch.contract.normalizer), key).verdict,
      bodyBefore,
      bodyAfter,
      trainEpisodes: trainEpisodes.map((episode) => episode.meta.id),
      heldEpisodes: heldEpisodes.map((episode) => episode.meta.id),
      fitted,
      fittedHeld,
      seconds: systemClock.now() - started,
    },
  };
}

/** PPO in the fitted simulator: of the bundle's last layer, or of a new policy. */
async function learn(request: AdaptationRequest, dynamics: Dynamics, trainable: Trainable) {
  const { bundle, learned, experiment, pool, seed, iterations } = request;
  const { config } = experiment;
  const head = trainable === 'actor-head';
  const contract = head ? bundle.contract : experiment.contract;
  const backend = await openBackend('auto', contract.network.kind);
  try {
    return await train({
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
        network: experiment.network,
        trainable,
        freezeNormalizer: head,
      },
      backend,
      pool,
      key: foldIn(keyOf(seed), head ? 11 : 12),
      clock: systemClock,
      ...(head ? { initial: exploring(learned?.parameters ?? bundleParameters(bundle), bundle) } : {}),
      ...(head && learned?.criticNormalizer !== undefined ? { initialCriticNormalizer: learned.criticNormalizer } : {}),
    });
  } finally {
    backend.close();
  }
}

/** The parameters with a log-std to explore with; it is frozen, so it stays. */
function exploring(parameters: Float32Array, bundle: Bundle): Float32Array {
  const actor = bundleParameters(bundle).length;
  return Float32Array.from(parameters).fill(EXPLORATION, actor - bundle.logStd.length, actor);
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
