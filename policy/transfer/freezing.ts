/**
 * Freezes layers by name and proves it: hashes of every frozen layer and of the observation statistics before and after, and a plan
 * that refuses to go on when what is frozen changed behind its optimiser's back (as Keras silently does between two compiles).
 * Knows no learner.
 */

import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import type { NormalizerContract } from '../../core/contract.ts';
import { LandfallError } from '../../core/errors.ts';
import type { FineTunePlan } from '../fine-tune-plan.ts';
import { layersNamed, type ParameterLayer, parameterCount } from './parameter-layers.ts';

/** The name that freezes the observation statistics. */
export const NORMALIZER = 'normalizer';

export class FreezeManager {
  readonly layers: readonly ParameterLayer[];
  readonly #frozen = new Set<string>();
  #isNormalizerFrozen = false;
  /** Counts toggles: a plan knows with which it was made. */
  #version = 0;

  /** Nothing is frozen at first. */
  constructor(layers: readonly ParameterLayer[]) {
    this.layers = layers;
  }

  /** @param names of layers, of parts (`body` for all its layers), or `normalizer` @throws InputError for another name */
  freeze(...names: string[]): void {
    this.#toggle(names, true);
  }

  unfreeze(...names: string[]): void {
    this.#toggle(names, false);
  }

  isFrozen(name: string): boolean {
    return name === NORMALIZER ? this.#isNormalizerFrozen : this.#frozen.has(name);
  }

  /** Names of the frozen layers, in order, and `normalizer`. */
  get frozen(): string[] {
    const names = this.layers.filter(({ name }) => this.#frozen.has(name)).map(({ name }) => name);
    return this.#isNormalizerFrozen ? [...names, NORMALIZER] : names;
  }

  /**
   * The plan for a learner that is made now; the learner of an earlier plan may not go on after a toggle.
   * @param details rates of what is not frozen (default 1), and what else a plan has
   */
  plan(details: Partial<FineTunePlan> = {}): FineTunePlan {
    const version = this.#version;
    const frozen = this.layers.filter(({ name }) => this.#frozen.has(name));
    const all = new Float32Array(parameterCount(this.layers)).fill(1);
    return {
      ...details,
      rates: (iteration) => {
        if (version !== this.#version) {
          throw new LandfallError(
            `layers were frozen or unfrozen after the learner's plan was made; frozen now: ${this.frozen.join(', ') || 'nothing'}`,
            { repair: 'make a new plan, and with it a new learner: the optimiser remembers what it was made for' },
          );
        }
        const rates = (details.rates?.(iteration) ?? all).slice();
        for (const { from, to } of frozen) rates.fill(0, from, to);
        return rates;
      },
    };
  }

  /** What must not change, as it is now. @param parameters at least as many as the frozen layers reach to */
  seal(parameters: Float32Array, normalizer: NormalizerContract): Seal {
    const layers = this.layers.filter(({ name }) => this.#frozen.has(name));
    return new Seal(layers, parameters, this.#isNormalizerFrozen ? normalizer : null);
  }

  #toggle(names: readonly string[], freeze: boolean): void {
    const layers = layersNamed(
      this.layers,
      names.filter((name) => name !== NORMALIZER),
    );
    for (const { name } of layers) {
      if (freeze) this.#frozen.add(name);
      else this.#frozen.delete(name);
    }
    if (names.includes(NORMALIZER)) this.#isNormalizerFrozen = freeze;
    this.#version++;
  }
}

/** Hashes of what is frozen. */
export class Seal {
  /** SHA-256 by name. */
  readonly hashes: ReadonlyMap<string, string>;
  readonly #layers: readonly ParameterLayer[];

  /** @param normalizer null where it is not frozen */
  constructor(layers: readonly ParameterLayer[], parameters: Float32Array, normalizer: NormalizerContract | null) {
    this.#layers = layers;
    this.hashes = hashesOf(layers, parameters, normalizer);
  }

  /** One hash over all. */
  get digest(): string {
    return bytesToHex(sha256(utf8ToBytes(JSON.stringify([...this.hashes]))));
  }

  /** @returns the digest now, which is the one before @throws LandfallError naming what changed */
  check(parameters: Float32Array, normalizer: NormalizerContract): string {
    const now = hashesOf(this.#layers, parameters, this.hashes.has(NORMALIZER) ? normalizer : null);
    const changed = [...this.hashes].filter(([name, hash]) => now.get(name) !== hash).map(([name]) => name);
    if (changed.length > 0) {
      throw new LandfallError(`frozen, but changed while others learned: ${changed.join(', ')}`, {
        repair: 'this is a defect of the learner: the result is not kept',
      });
    }
    return this.digest;
  }
}

function hashesOf(
  layers: readonly ParameterLayer[],
  parameters: Float32Array,
  normalizer: NormalizerContract | null,
): Map<string, string> {
  const hashes = new Map(layers.map(({ name, from, to }) => [name, hashOf(parameters.slice(from, to))]));
  if (normalizer !== null) hashes.set(NORMALIZER, bytesToHex(sha256(utf8ToBytes(JSON.stringify(normalizer)))));
  return hashes;
}

function hashOf({ buffer }: Float32Array): string {
  return bytesToHex(sha256(new Uint8Array(buffer)));
}
