/**
 * What a number that is not finite leaves behind in a run, in `nan/`: the policy and the learner as the iteration began, the
 * episode that led there as a recording, and nan.json, which says where it happened and how to come there again.
 */

import { mkdir, rm } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import { writeEpisodeFile } from '../bridge/episode-files.ts';
import { actionDim } from '../core/contract.ts';
import { NumericError } from '../core/errors.ts';
import { checkpointNamed, writeJson, writeState } from '../policy/checkpoint.ts';
import type { DivergenceError } from '../policy/divergence.ts';
import type { Snapshot } from '../policy/training-job.ts';
import { type EnvironmentRecipe, makeEnvironments } from '../sim/recipe.ts';
import type { Experiment } from './experiment.ts';
import { replayEpisode } from './replay.ts';

/** The folder's name in a run. */
export const NAN_FOLDER = 'nan';

/**
 * @param before what the failed iteration began with
 * @param recipe of the run's environments
 * @param now s since 1970
 * @returns the error with what was left and how to look at it
 */
export async function writeNanDump(
  run: string,
  error: DivergenceError,
  before: Snapshot,
  recipe: EnvironmentRecipe,
  experiment: Experiment,
  now: number,
): Promise<NumericError> {
  const folder = join(run, NAN_FOLDER);
  const { tensor, iteration, env, step, episode } = error.origin;
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await writeState(folder, before.contract, before.actor, before.state);
  const recorded = join(folder, 'episode.mcap');
  if (episode !== null) {
    const [environment] = await makeEnvironments(recipe, episode.env, 1);
    const id = `${basename(run)}-nan`;
    const replayed = replayEpisode(environment!, episode.at, before.contract, experiment.rewardNames, id, now);
    await environment!.robot.close();
    await writeEpisodeFile(recorded, replayed, { urdf: recipe.urdf });
  }
  const latest = await checkpointNamed(run, 'latest');
  const { task, module, engine, randomization, key } = recipe;
  await writeJson(join(folder, 'nan.json'), {
    message: error.message,
    tensor,
    iteration,
    environment: env,
    step,
    episode:
      episode === null
        ? null
        : {
            environment: episode.env,
            number: episode.at.episode,
            level: episode.at.level,
            bounds: episode.at.bounds === undefined ? null : Array.from(episode.at.bounds),
            steps: episode.at.actions.length / actionDim(before.contract),
          },
    recipe: { task, module: module ?? null, engine, randomization, training: recipe.training, key },
    checkpoint: latest === undefined ? null : relative(run, latest),
  });
  const look = episode === null ? `${folder} holds the policy` : `landfall view ${recorded} shows the episode`;
  const again = latest === undefined ? 'the same command' : '--resume with this run';
  const repair = [error.repair, `${look}; ${join(folder, 'nan.json')} says where; ${again} comes there again`];
  return new NumericError(error.message, {
    repair: repair.filter((line) => line !== undefined).join('\n  '),
    cause: error,
  });
}
