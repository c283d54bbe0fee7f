/**
 * Which scene surrounds each environment of a stream in which frame. Scenes come before their frames are shown: those of
 * frames to come wait, those of frames gone by are forgotten. Knows no client.
 */

import type { ShownScene } from '../scene-message.ts';

export interface LoggedScene {
  readonly env: number;
  /** The first frame it surrounds. */
  readonly frame: number;
  readonly scene: ShownScene;
}

export class SceneLog {
  readonly #scenes = new Map<number, LoggedScene[]>();

  /** @param frame not before that of the environment's scene before @param oldest frame that may still be shown */
  add(entry: LoggedScene, oldest: number): void {
    const known = this.#scenes.get(entry.env) ?? [];
    const current = known.findLastIndex(({ frame }) => frame <= oldest);
    this.#scenes.set(entry.env, [...known.slice(Math.max(0, current)), entry]);
  }

  /** The scene of an environment in a frame; null when none is known. */
  at(env: number, frame: number): LoggedScene | null {
    return this.#scenes.get(env)?.findLast((entry) => entry.frame <= frame) ?? null;
  }

  clear(): void {
    this.#scenes.clear();
  }
}
