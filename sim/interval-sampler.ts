/**
 * Draws the `interval` terms of a randomisation table again at random times within an episode. What a term is at time t
 * follows from the episode's key alone, whatever the step. Knows no engine; allocates nothing after construction.
 */

import { type Key, RandomStream } from '../core/rng.ts';
import { type Dynamics, type PerJointParameter, perJointParameters, scalarParameters } from './dynamics.ts';
import { draw, drawJoints } from './randomization.ts';
import { checkRandomization, type RandomizationTable } from './randomization-terms.ts';

interface Scheduled {
  readonly every: readonly [number, number];
  readonly random: RandomStream;
  readonly redraw: (dynamics: Dynamics) => void;
}

export class IntervalSampler {
  readonly #terms: Scheduled[] = [];
  /** When each is drawn next, s. */
  readonly #next: Float64Array;
  #earliest = Infinity;
  #now = 0;

  /**
   * @param nominal of the environment: what the terms vary around
   * @param width as of `sampleDynamics`; 0 draws nothing
   * @throws InputError for a table that `checkRandomization` refuses
   */
  constructor(nominal: Dynamics, table: RandomizationTable, width: number) {
    checkRandomization(table);
    for (const name of [...perJointParameters, ...scalarParameters]) {
      const term = table[name];
      if (term?.mode !== 'interval' || width === 0) continue;
      const random = new RandomStream([0, 0]);
      const redraw = isPerJoint(name)
        ? (dynamics: Dynamics) => drawJoints(nominal[name], term, width, random, dynamics[name])
        : (dynamics: Dynamics) => {
            dynamics[name] = draw(nominal[name], term, width, random);
          };
      this.#terms.push({ every: term.everySeconds!, random, redraw });
    }
    this.#next = new Float64Array(this.#terms.length);
  }

  /** An episode begins at time 0 with the values that `sampleDynamics` drew. @param key of this episode and purpose */
  reset(key: Key): void {
    for (let k = 0; k < this.#terms.length; k++) {
      const { every, random } = this.#terms[k]!;
      random.resetFolded(key, k);
      this.#next[k] = random.between(every[0], every[1]);
    }
    this.#now = 0;
    this.#findEarliest();
  }

  /** Whether any term is to be drawn again by now. @param time since the episode's start, s */
  due(time: number): boolean {
    this.#now = time;
    return time >= this.#earliest;
  }

  /** Write the terms that were due at the last `due`. */
  resample(dynamics: Dynamics): void {
    for (let k = 0; k < this.#terms.length; k++) {
      const { every, random, redraw } = this.#terms[k]!;
      while (this.#next[k]! <= this.#now) {
        redraw(dynamics);
        this.#next[k]! += random.between(every[0], every[1]);
      }
    }
    this.#findEarliest();
  }

  #findEarliest(): void {
    this.#earliest = Infinity;
    for (let k = 0; k < this.#next.length; k++) this.#earliest = Math.min(this.#earliest, this.#next[k]!);
  }
}

function isPerJoint(name: string): name is PerJointParameter {
  return (perJointParameters as readonly string[]).includes(name);
}
