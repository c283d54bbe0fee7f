/** What of an episode is compared: what the policy saw, with what it did, with what came next. Knows no simulator. */

import type { Episode } from '../../core/episode.ts';
import { InputError } from '../../core/errors.ts';
import { clamp } from '../../core/math.ts';
import type { TransitionShape, Transitions } from '../replay-buffer.ts';
import type { TransitionRows } from './dynamics-gap.ts';
import { type GroupedRows, groupRows } from './grouped-rows.ts';

/** [obs], before normalisation. @throws InputError where an episode holds none */
export function observationRows(episodes: readonly Episode[]): GroupedRows {
  for (const episode of episodes) refuseBlind(episode);
  return groupRows(episodes.map(({ steps }) => steps.map(({ obs }) => obs)));
}

/** [obs, action in [-1, 1], next obs]; the last step of an episode has no next one. */
export function transitionRows(episodes: readonly Episode[]): TransitionRows {
  for (const episode of episodes) refuseBlind(episode);
  const first = episodes[0]?.steps[0];
  const rows = groupRows(
    episodes.map(({ steps }) =>
      steps.slice(0, -1).map(({ obs, action }, t) => [...obs, ...Array.from(action, clipped), ...steps[t + 1]!.obs]),
    ),
  );
  return { ...rows, obsDim: first?.obs.length ?? 0, actionDim: first?.action.length ?? 0 };
}

/**
 * The first `count` rows of a batch or a buffer. Those do not say where episodes end: stretches of `block` rows in a row stand
 * for episodes, long enough that few neighbours are parted.
 */
export function batchRows(
  data: Transitions,
  { obsDim, actionDim }: TransitionShape,
  count: number,
  block: number,
): TransitionRows {
  const dim = 2 * obsDim + actionDim;
  const rows = new Float64Array(count * dim);
  for (let i = 0; i < count; i++) {
    rows.set(data.obs.subarray(i * obsDim, (i + 1) * obsDim), i * dim);
    for (let k = 0; k < actionDim; k++) rows[i * dim + obsDim + k] = clipped(data.action[i * actionDim + k]!);
    rows.set(data.nextObs.subarray(i * obsDim, (i + 1) * obsDim), i * dim + obsDim + actionDim);
  }
  const episode = Int32Array.from({ length: count }, (_, i) => Math.floor(i / block));
  return { dim, rows, episode, episodes: Math.ceil(count / block), obsDim, actionDim };
}

const clipped = (a: number) => clamp(a, -1, 1);

function refuseBlind({ meta, steps }: Episode): void {
  if (steps.length > 1 && steps[0]!.obs.length > 0 && steps[0]!.action.length > 0) return;
  throw new InputError(
    `episode ${meta.id}: expected observations and actions of a policy, found ${steps.length} steps without`,
    {
      repair: 'give episodes that a policy recorded: landfall deploy RUN --url ws://... --episodes 10',
    },
  );
}
