/**
 * Which level of difficulty an environment trains at next: up when it managed the last, down when it got nowhere, and
 * anywhere once it has managed them all, so that easy levels are not forgotten. The rule of legged_gym's terrains (Rudin et
 * al., "Learning to walk in minutes", CoRL 2021), for anything that has levels. Each environment keeps its own level and
 * draws from its own key: the number of workers changes nothing. Knows no terrain and no task.
 */

import type { RandomStream } from '../core/rng.ts';

export interface CurriculumRule {
  /** Levels are 0 to levels - 1. */
  readonly levels: number;
  /** Environments start at a random level up to this one. */
  readonly highestStart: number;
  /** An episode that neither succeeded nor made this share of the progress it was asked for goes a level down. */
  readonly demoteBelow: number;
}

/** As legged_gym: ten rows of terrain, the first at most 5, down when it went less than half as far as it was told to. */
export const TERRAIN_RULE: CurriculumRule = { levels: 10, highestStart: 5, demoteBelow: 0.5 };

export interface LevelOutcome {
  /** Whether the level was managed; legged_gym: walked further than half a tile. */
  readonly success: boolean;
  /** Share of what was asked for [0, 1]; legged_gym: distance over commanded speed times the episode's time. */
  readonly progress: number;
}

/** @param random of this environment */
export function firstLevel(rule: CurriculumRule, random: RandomStream): number {
  return random.below(Math.min(rule.highestStart, rule.levels - 1) + 1);
}

/** The level of the next episode. @param random of this environment and episode */
export function nextLevel(rule: CurriculumRule, level: number, outcome: LevelOutcome, random: RandomStream): number {
  if (outcome.success) return level + 1 < rule.levels ? level + 1 : random.below(rule.levels);
  return outcome.progress < rule.demoteBelow ? Math.max(0, level - 1) : level;
}

/** Difficulty of a level: 0 for the first, 1 for the last. */
export function difficultyOf(rule: CurriculumRule, level: number): number {
  return rule.levels > 1 ? level / (rule.levels - 1) : 1;
}

/** The range of a command at a difficulty: `first` at 0, `last` at 1, straight between. */
export function commandRange(
  first: readonly [number, number],
  last: readonly [number, number],
  difficulty: number,
): [number, number] {
  return [first[0] + difficulty * (last[0] - first[0]), first[1] + difficulty * (last[1] - first[1])];
}
