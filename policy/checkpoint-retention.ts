/**
 * Which checkpoints of a run stay on the disk: the best, the latest, and milestones, at most ten, evenly apart however long
 * the run gets. The environments' episodes stay with the latest alone: they are what takes room.
 */

import { readdir, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { checkpointNamed, ENVIRONMENTS } from './checkpoint.ts';

/** Most checkpoints kept beside the best and the latest. */
const MILESTONES = 10;

/**
 * The iterations whose checkpoints are milestones: multiples of `every` 2^k, with the least k that leaves at most ten.
 * @param every iterations between checkpoints
 */
export function isMilestone(iteration: number, latest: number, every: number): boolean {
  let stride = every;
  while (latest / stride > MILESTONES) stride *= 2;
  return iteration % stride === 0;
}

/** Delete what need not stay, after a checkpoint was saved. @param every iterations between checkpoints */
export async function thinCheckpoints(run: string, every: number): Promise<void> {
  const folder = join(run, 'checkpoints');
  const latest = await checkpointNamed(run, 'latest');
  const best = await checkpointNamed(run, 'best');
  if (latest === undefined) return;
  const kept = new Set([latest, best].map((path) => (path === undefined ? '' : basename(path))));
  const names = (await readdir(folder)).filter((name) => /^\d+$/.test(name));
  for (const name of names) {
    const path = join(folder, name);
    if (path === latest) continue;
    if (kept.has(name) || isMilestone(Number(name), Number(basename(latest)), every)) {
      await rm(join(path, ENVIRONMENTS), { force: true });
    } else {
      await rm(path, { recursive: true, force: true });
    }
  }
}
