/**
 * Splittable randomness: a key names a stream of random numbers, and keys are derived from keys.
 * The generator is Threefry-2x32 with 20 rounds (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011),
 * so number i of a stream is a pure function of (key, i): same seed, same bytes, whatever the order or the worker.
 */

import { logEach, sinCosEach } from './math.ts';

/** Two unsigned 32-bit words. */
export type Key = readonly [number, number];

const KEY_SCHEDULE_PARITY = 0x1bd11bda;

const block = new Uint32Array(2);
const one = new Float64Array(1);
const share = new Float64Array(1);
const angle = new Float64Array(1);
const sine = new Float64Array(1);
const cosine = new Float64Array(1);

/** One Threefry-2x32-20 block into `block`. Written out: with loops a normal takes 1.6 times as long. */
function threefry(k0: number, k1: number, c0: number, c1: number): void {
  const k2 = k0 ^ k1 ^ KEY_SCHEDULE_PARITY;
  let x0 = (c0 + k0) | 0;
  let x1 = (c1 + k1) | 0;
  x0 = (x0 + x1) | 0;
  x1 = ((x1 << 13) | (x1 >>> 19)) ^ x0;
  x0 = (x0 + x1) | 0;
  x1 = ((x1 << 15) | (x1 >>> 17)) ^ x0;
  x0 = (x0 + x1) | 0;
  x1 = ((x1 << 26) | (x1 >>> 6)) ^ x0;
  x0 = (x0 + x1) | 0;
  x1 = ((x1 << 6) | (x1 >>> 26)) ^ x0;
  x0 = (x0 + k1) | 0;
  x1 = (x1 + k2 + 1) | 0;
  x0 = (x0 + x1) | 0;
  x1 = ((x1 << 17) | (x1 >>> 15)) ^ x0;
  x0 = (x0 + x1) | 0;
  x1 = ((x1 << 29) | (x1 >>> 3)) ^ x0;
  x0 = (x0 + x1) | 0;
  x1 = ((x1 << 16) | (x1 >>> 16)) ^ x0;
  x0 = (x0 + x1) | 0;
  x1 = ((x1 << 24) | (x1 >>> 8)) ^ x0;
  x0 = (x0 + k2) | 0;
  x1 = (x1 + k0 + 2) | 0;
  x0 = (x0 + x1) | 0;
  x1 = ((x1 << 13) | (x1 >>> 19)) ^ x0;
  x0 = (x0 + x1) | 0;
  x1 = ((x1 << 15) | (x1 >>> 17)) ^ x0;
  x0 = (x0 + x1) | 0;
  x1 = ((x1 << 26) | (x1 >>> 6)) ^ x0;
  x0 = (x0 + x1) | 0;
  x1 = ((x1 << 6) | (x1 >>> 26)) ^ x0;
  x0 = (x0 + k0) | 0;
  x1 = (x1 + k1 + 3) | 0;
  x0 = (x0 + x1) | 0;
  x1 = ((x1 << 17) | (x1 >>> 15)) ^ x0;
  x0 = (x0 + x1) | 0;
  x1 = ((x1 << 29) | (x1 >>> 3)) ^ x0;
  x0 = (x0 + x1) | 0;
  x1 = ((x1 << 16) | (x1 >>> 16)) ^ x0;
  x0 = (x0 + x1) | 0;
  x1 = ((x1 << 24) | (x1 >>> 8)) ^ x0;
  x0 = (x0 + k1) | 0;
  x1 = (x1 + k2 + 4) | 0;
  x0 = (x0 + x1) | 0;
  x1 = ((x1 << 13) | (x1 >>> 19)) ^ x0;
  x0 = (x0 + x1) | 0;
  x1 = ((x1 << 15) | (x1 >>> 17)) ^ x0;
  x0 = (x0 + x1) | 0;
  x1 = ((x1 << 26) | (x1 >>> 6)) ^ x0;
  x0 = (x0 + x1) | 0;
  x1 = ((x1 << 6) | (x1 >>> 26)) ^ x0;
  x0 = (x0 + k2) | 0;
  x1 = (x1 + k0 + 5) | 0;
  block[0] = x0;
  block[1] = x1;
}

/** The block function itself: two random words of a key and a counter. */
export function threefry2x32(key: Key, counter: Key): Key {
  threefry(key[0], key[1], counter[0], counter[1]);
  return [block[0]!, block[1]!];
}

/** The key of a seed. @param seed a non-negative integer below 2^53 */
export function keyOf(seed: number): Key {
  return [Math.floor(seed / 2 ** 32) >>> 0, seed >>> 0];
}

/** The key derived from `key` and a number: an environment's id, an episode's number, a purpose. */
export function foldIn(key: Key, data: number): Key {
  threefry(key[0], key[1], Math.floor(data / 2 ** 32) >>> 0, data >>> 0);
  return [block[0]!, block[1]!];
}

/** `count` independent keys. */
export function split(key: Key, count: number): Key[] {
  return Array.from({ length: count }, (_, i) => foldIn(key, 2 ** 40 + i));
}

/** The random numbers of one key, in order. Allocates nothing after construction. */
export class RandomStream {
  #k0 = 0;
  #k1 = 0;
  #counter = 0;
  /** How many normals of the last pair are left. */
  #spares = 0;
  readonly #pair = new Float64Array(2);

  constructor(key: Key) {
    this.reset(key);
  }

  /** Start over with another key. */
  reset(key: Key): void {
    this.#k0 = key[0] | 0;
    this.#k1 = key[1] | 0;
    this.#counter = 0;
    this.#spares = 0;
  }

  /** Start over with `foldIn(key, data)`, without making a key. */
  resetFolded(key: Key, data: number): void {
    threefry(key[0], key[1], Math.floor(data / 2 ** 32) >>> 0, data >>> 0);
    this.#k0 = block[0]! | 0;
    this.#k1 = block[1]! | 0;
    this.#counter = 0;
    this.#spares = 0;
  }

  /** Uniform in [0, 1) with 53 random bits. */
  uniform(): number {
    this.uniforms(one, 1);
    return one[0]!;
  }

  /** `uniform` for each of the first `count` of `out`: numbers returned one by one would be allocated. */
  uniforms(out: Float64Array, count: number): void {
    for (let i = 0; i < count; i++) {
      threefry(this.#k0, this.#k1, Math.floor(this.#counter / 2 ** 32), this.#counter >>> 0);
      this.#counter++;
      out[i] = ((block[0]! >>> 6) * 2 ** 27 + (block[1]! >>> 5)) / 2 ** 53;
    }
  }

  /** Uniform in [lower, upper). */
  between(lower: number, upper: number): number {
    return lower + (upper - lower) * this.uniform();
  }

  /** Standard normal, Box & Muller (1958), both values used. */
  normal(): number {
    if (this.#spares === 0) this.#makeNormals();
    return this.#pair[--this.#spares]!;
  }

  /** `normal` for each of the first `count` of `out`. */
  normals(out: Float64Array, count: number): void {
    for (let i = 0; i < count; i++) {
      if (this.#spares === 0) this.#makeNormals();
      out[i] = this.#pair[--this.#spares]!;
    }
  }

  #makeNormals(): void {
    this.uniforms(share, 1);
    this.uniforms(angle, 1);
    share[0] = 1 - share[0]!;
    logEach(share);
    const radius = Math.sqrt(-2 * share[0]!);
    angle[0] = 2 * Math.PI * angle[0]!;
    sinCosEach(angle, sine, cosine);
    this.#pair[1] = radius * cosine[0]!;
    this.#pair[0] = radius * sine[0]!;
    this.#spares = 2;
  }

  /** An integer in [0, n). @param n below 2^32 */
  below(n: number): number {
    return Math.floor(this.uniform() * n);
  }

  /** A random order of 0..out.length-1 into `out` (Fisher & Yates). */
  permutation(out: Int32Array): void {
    for (let i = 0; i < out.length; i++) out[i] = i;
    for (let i = out.length - 1; i > 0; i--) {
      const j = this.below(i + 1);
      const t = out[i]!;
      out[i] = out[j]!;
      out[j] = t;
    }
  }
}
