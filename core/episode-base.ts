/** Where the base was in a recorded step, whoever recorded it. Knows no file. */

import type { EpisodeStep } from './episode.ts';

/** @returns x, y, z in m and the rotation x, y, z, w, [7]; null when the recording has none */
export function baseOf(step: EpisodeStep): Float64Array | null {
  const { base } = step as { base?: Float64Array };
  return base?.length === 7 ? base : null;
}
