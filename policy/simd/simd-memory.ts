/**
 * A shared WebAssembly memory with the learner's kernel over it. One thread makes it, others open it
 * with the same `memory` and are told the pointers. Pointers are byte offsets; lengths are counted in float32. Knows no network.
 */

import { kernelBinary } from './kernel-binary.ts';

const PAGE = 65536;
/** Pages at the start, and at most: 4 GiB, the kernel's import says the same. */
const FIRST_PAGES = 16;
const MOST_PAGES = 65536;
/** Bytes of a cache line: two threads' pieces never share one. */
const LINE = 64;

/**
 * The kernel's functions; what each computes stands in assembly/kernel.ts. Pointers are bytes, counts and strides numbers. `add`
 * is 1 to add to what is there, 0 to overwrite it; `order` and `bias` may be 0 for none.
 */
export interface Kernel {
  /** y [rows, ldy] = x [rows, ldx] W [inner, cols] + b; panel: scratch, 8 (inner + 1) + rows inner floats */
  linear(
    ...args: [
      ...[y: number, ldy: number, x: number, ldx: number, w: number, b: number],
      ...[rows: number, inner: number, cols: number, panel: number],
    ]
  ): void;
  /** dx [rows, lddx] = dy [rows, lddy] W^T with W [cols, inner]; panel: scratch, 8 (inner + 1) + rows inner floats */
  linearInputGradient(
    ...args: [
      ...[dx: number, lddx: number, dy: number, lddy: number, w: number],
      ...[rows: number, inner: number, cols: number, panel: number],
    ]
  ): void;
  /** dW [inner, cols] (+)= x^T dy, db [cols] (+)= column sums of dy */
  linearWeightGradient(
    ...args: [
      ...[dw: number, db: number, x: number, ldx: number, dy: number, lddy: number],
      ...[rows: number, inner: number, cols: number, add: number],
    ]
  ): void;
  /** y = act(y), [rows, ld]; kind as in ACTIVATION_CODES */
  activate(kind: number, y: number, ld: number, rows: number): void;
  /** dy = dy act'(x), of y = act(x) */
  activateGradient(kind: number, dy: number, y: number, ld: number, rows: number): void;
  /** xhat = (x - mean) / sqrt(var + epsilon), y = gain xhat + bias; inv [rows] */
  layerNorm(
    ...args: [
      ...[y: number, x: number, ld: number, xhat: number, inv: number, gain: number, bias: number],
      ...[rows: number, cols: number, epsilon: number],
    ]
  ): void;
  /** dx from dy in place; dGain and dBias are added to */
  layerNormGradient(
    ...args: [
      ...[dy: number, ld: number, xhat: number, inv: number, gain: number, dGain: number, dBias: number],
      ...[rows: number, cols: number],
    ]
  ): void;
  /** dst [rows, ldd] = src [order[i], lds]; order int32 */
  gatherRows(
    ...args: [dst: number, ldd: number, src: number, lds: number, order: number, rows: number, cols: number]
  ): void;
  /** out [n] = sum over `count` parts, `stride` floats apart, in order */
  sumParts(out: number, parts: number, stride: number, count: number, n: number): void;
  squaredNorm(x: number, n: number): number;
  /** Adam on n parameters; g times `scale`; c1 = 1 - b1^t, c2 = 1 - b2^t */
  adam(
    ...args: [
      ...[p: number, m: number, v: number, g: number, n: number, scale: number, lr: number],
      ...[b1: number, b2: number, c1: number, c2: number, epsilon: number],
    ]
  ): void;
  /** target += tau (source - target) */
  polyak(target: number, source: number, n: number, tau: number): void;
  ppoPolicyGradient(
    ...args: [
      ...[mean: number, action: number, ld: number, invStd: number, constant: number],
      ...[oldLogProb: number, advantage: number, rows: number, cols: number],
      ...[clip: number, scale: number, dLogStd: number, stats: number],
    ]
  ): void;
  ppoValueGradient(
    ...args: [
      ...[value: number, ld: number, oldValue: number, target: number],
      ...[rows: number, limit: number, scale: number, stats: number],
    ]
  ): void;
}

const kernelModule = new WebAssembly.Module(
  Uint8Array.from(atob(kernelBinary), (character) => character.charCodeAt(0)),
);

export class SimdMemory {
  readonly memory: WebAssembly.Memory;
  readonly kernel: Kernel;

  /** @param memory of another thread, in which both may allocate; a new one without */
  constructor(memory?: WebAssembly.Memory) {
    this.memory = memory ?? new WebAssembly.Memory({ initial: FIRST_PAGES, maximum: MOST_PAGES, shared: true });
    const { exports } = new WebAssembly.Instance(kernelModule, { env: { memory: this.memory } });
    this.kernel = exports as unknown as Kernel;
  }

  /** A piece of `length` float32 (or int32), all 0, on a cache line. It is never freed. @returns its pointer */
  allocate(length: number): number {
    // The memory's first number says how many lines are taken; its own line is never handed out, 0 means none.
    const taken = new Uint32Array(this.memory.buffer, 0, 1);
    const lines = Math.ceil((4 * length) / LINE);
    const pointer = (1 + Atomics.add(taken, 0, lines)) * LINE;
    const missing = Math.ceil((pointer + lines * LINE - this.memory.buffer.byteLength) / PAGE);
    if (missing > 0) this.memory.grow(missing);
    return pointer;
  }

  /** A view; make it again after an allocation that may have grown the memory beyond it. */
  floats(pointer: number, length: number): Float32Array {
    return new Float32Array(this.memory.buffer, pointer, length);
  }

  ints(pointer: number, length: number): Int32Array {
    return new Int32Array(this.memory.buffer, pointer, length);
  }

  doubles(pointer: number, length: number): Float64Array {
    return new Float64Array(this.memory.buffer, pointer, length);
  }
}

/** Floats from one row of activations to the next: a multiple of 8, and never one that maps all rows to few cache sets. */
export function strideOf(columns: number): number {
  const stride = Math.ceil(columns / 8) * 8;
  return stride % 32 === 0 ? stride + 8 : stride;
}
