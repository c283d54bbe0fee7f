/**
 * A recording that a control loop can begin without waiting for the disk: steps are kept until the file is open, and
 * what goes wrong is asked for, not thrown. Knows no robot.
 */

import type { EpisodeOutcome, EpisodeStep } from '../core/episode.ts';
import type { EpisodeRecording } from './recorder.ts';

export class BackgroundRecording {
  readonly #opening: Promise<EpisodeRecording | null>;
  #recording: EpisodeRecording | null = null;
  #early: EpisodeStep[] = [];
  #error: unknown = null;

  /** @param opening of the file */
  constructor(opening: Promise<EpisodeRecording>) {
    this.#opening = opening.then(
      (recording) => {
        for (const step of this.#early) recording.write(step);
        this.#early = [];
        this.#recording = recording;
        return recording;
      },
      (error: unknown) => {
        this.#error = error;
        return null;
      },
    );
  }

  /** What went wrong so far; null when nothing did. */
  get error(): unknown {
    return this.#error ?? this.#recording?.error ?? null;
  }

  /** @param step may be reused by the caller */
  write(step: EpisodeStep): void {
    if (this.#recording === null) this.#early.push(structuredClone(step));
    else this.#recording.write(step);
  }

  /** @returns where the episode lies; null when it could not be recorded, and `error` says why */
  async end(outcome: EpisodeOutcome): Promise<string | null> {
    const recording = await this.#opening;
    if (recording === null) return null;
    try {
      await recording.end(outcome);
      return recording.path;
    } catch (error) {
      this.#error ??= error;
      return null;
    }
  }
}
