/**
 * Threads that share out numbered pieces of work and wait for each other, over four numbers of shared memory. Who does a piece
 * is a matter of time; what it computes must not be. Knows nothing of the work.
 */

/** Int32 a team needs. */
export const TEAM_LENGTH = 4;

const ARRIVED = 0;
const GENERATION = 1;
const NEXT = 2;
const FAILED = 3;
/** Looks at the others' progress before a thread goes to sleep; a fraction of what waking it costs. */
const SPINS = 2000;

export class Team {
  readonly #state: Int32Array;
  readonly #size: number;

  /** @param state shared by the members, all 0 at first @param size how many they are */
  constructor(state: Int32Array, size: number) {
    this.#state = state;
    this.#size = size;
  }

  /** Do pieces 0..count-1 of a phase, each by one member, and return when all are done. Every member must call it. */
  share(count: number, work: (piece: number) => void): void {
    const state = this.#state;
    for (let piece = Atomics.add(state, NEXT, 1); piece < count; piece = Atomics.add(state, NEXT, 1)) work(piece);
    this.#meet();
  }

  /** Let the others go home: a member that failed will not come. */
  fail(): void {
    Atomics.store(this.#state, FAILED, 1);
    Atomics.add(this.#state, GENERATION, 1);
    Atomics.notify(this.#state, GENERATION);
  }

  #meet(): void {
    const state = this.#state;
    const generation = Atomics.load(state, GENERATION);
    if (Atomics.add(state, ARRIVED, 1) === this.#size - 1) {
      Atomics.store(state, ARRIVED, 0);
      Atomics.store(state, NEXT, 0);
      Atomics.add(state, GENERATION, 1);
      Atomics.notify(state, GENERATION);
    } else {
      for (let i = 0; i < SPINS && Atomics.load(state, GENERATION) === generation; i++);
      while (Atomics.load(state, GENERATION) === generation) Atomics.wait(state, GENERATION, generation);
    }
    if (Atomics.load(state, FAILED) !== 0) throw new Error('another learner thread failed');
  }
}
