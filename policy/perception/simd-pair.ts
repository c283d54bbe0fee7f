/**
 * The network of `pair-spec.ts` on the kernel, forward and backward, a block of pairs at a time. The encoder may be left out of
 * the backward pass: what is frozen is not computed. Knows no loss and no optimiser.
 */

import { exp } from '../../core/math.ts';
import type { SimdMemory } from '../simd/simd-memory.ts';
import { bodyInputs, COSTS, type PairSpec, POSE, REACH } from './pair-spec.ts';
import { allocateCells, type Cells, fillBorders, foldBorders, panelSize, period, SimdConv } from './simd-conv.ts';
import { SimdDense } from './simd-dense.ts';
import { SimdEncoder } from './simd-encoder.ts';

const RELU = 3;

export class SimdPair {
  readonly spec: PairSpec;
  /** Most pairs in a block. */
  readonly pairs: number;
  /** Numbers of its parameters; the encoder's come first. */
  readonly size: number;
  readonly encoder: SimdEncoder;
  /** The head: `y` [pairs, stride] is the motion in units of LABEL_SCALE, `dy` its gradient from the caller. */
  readonly head: SimdDense;
  readonly #memory: SimdMemory;
  readonly #input: Cells;
  readonly #x: number;
  readonly #dx: number;
  readonly #convs: readonly [SimdConv, SimdConv];
  readonly #dConvs: readonly [number, number];
  readonly #dense: SimdDense;
  /** Likeness of each cell with each, softened over its neighbours: [pairs, cells, cells]; and a pair's gradients. */
  readonly #weights: number;
  readonly #likeness: number;
  readonly #dLikeness: number;
  readonly #spare: number;
  readonly #panel: number;
  readonly #dHidden: number;
  readonly #scale: number;

  constructor(memory: SimdMemory, spec: PairSpec, pairs: number) {
    this.spec = spec;
    this.pairs = pairs;
    this.#memory = memory;
    this.encoder = new SimdEncoder(memory, spec.encoder, 2 * pairs);
    const { cells, channels } = this.encoder.output;
    const { circular } = spec.encoder;
    this.#input = { scans: pairs, cells, pad: 2, channels: bodyInputs(spec) };
    this.#x = allocateCells(memory, this.#input);
    this.#dx = allocateCells(memory, this.#input);
    const first = new SimdConv(memory, this.#input, spec.body[0], true, circular);
    const folded = { scans: pairs, cells: cells / 2, pad: 1, channels: 2 * spec.body[0] };
    const second = new SimdConv(memory, folded, spec.body[1], true, circular);
    this.#convs = [first, second];
    this.#dConvs = [allocateCells(memory, first.output), allocateCells(memory, second.output)];
    this.#dense = new SimdDense(memory, pairs, (cells / 2) * spec.body[1], spec.hidden);
    this.head = new SimdDense(memory, pairs, spec.hidden, POSE);
    this.#dHidden = this.#dense.dy;
    this.#weights = memory.allocate(pairs * cells * cells);
    this.#likeness = memory.allocate(cells * cells);
    this.#dLikeness = memory.allocate(cells * cells);
    this.#spare = memory.allocate(cells * channels);
    this.#panel = memory.allocate(panelSize(Math.max(cells, channels)));
    this.#scale = 1 / Math.sqrt(channels);
    this.size = this.encoder.size + first.size + second.size + this.#dense.size + this.head.size;
  }

  /** Numbers that the head sees, [pairs, stride], after `forward`. */
  get hidden(): { readonly y: number; readonly stride: number } {
    return { y: this.#dense.y, stride: this.#dense.stride };
  }

  /** First scans of the block's pairs, then second ones: see `encoder.features`. */
  forward(parameters: number, pairs: number): void {
    this.encoder.forward(parameters, 2 * pairs);
    for (let i = 0; i < pairs; i++) this.#compare(i, pairs);
    const { circular } = this.spec.encoder;
    if (circular) fillBorders(this.#memory, this.#x, this.#input, pairs, circular);
    const [first, second] = this.#convs;
    let at = parameters + 4 * this.encoder.size;
    first.forward(at, this.#x, pairs);
    at += 4 * first.size;
    second.forward(at, first.y, pairs);
    at += 4 * second.size;
    const { pad, channels } = second.output;
    const ld = period(second.output) * channels;
    this.#dense.forward(at, second.y + 4 * pad * channels, ld, pairs);
    this.#memory.kernel.activate(RELU, this.#dense.y, this.#dense.stride, pairs);
    at += 4 * this.#dense.size;
    this.head.forward(at, this.#dense.y, this.#dense.stride, pairs);
  }

  /** Once a step, before `backward`. */
  turn(parameters: number): void {
    this.encoder.turn(parameters);
    const at = parameters + 4 * this.encoder.size;
    this.#convs[0].turn(at);
    this.#convs[1].turn(at + 4 * this.#convs[0].size);
  }

  /** Adds to `gradient`, [size], from `head.dy`. @param through the encoder as well? */
  backward(parameters: number, gradient: number, pairs: number, through: boolean): void {
    const { kernel } = this.#memory;
    const [first, second] = this.#convs;
    const offset = this.encoder.size;
    const offsets = [offset, offset + first.size, offset + first.size + second.size] as const;
    const dense = this.#dense;
    const { head } = this;
    const headAt = offsets[2] + dense.size;
    head.backward(
      ...([parameters + 4 * headAt, gradient + 4 * headAt, dense.y, dense.stride] as const),
      ...([this.#dHidden, dense.stride, pairs] as const),
    );
    kernel.activateGradient(RELU, dense.dy, dense.y, dense.stride, pairs);
    const { pad, channels } = second.output;
    const ld = period(second.output) * channels;
    const inside = 4 * pad * channels;
    dense.backward(
      ...([parameters + 4 * offsets[2], gradient + 4 * offsets[2], second.y + inside, ld] as const),
      ...([this.#dConvs[1] + inside, ld, pairs] as const),
    );
    const [p1, g1] = [parameters + 4 * offsets[1], gradient + 4 * offsets[1]];
    second.backward(p1, g1, first.y, this.#dConvs[1], this.#dConvs[0], pairs);
    const dx = through ? this.#dx : 0;
    first.backward(parameters + 4 * offset, gradient + 4 * offset, this.#x, this.#dConvs[0], dx, pairs);
    if (!through) return;
    foldBorders(this.#memory, this.#dx, this.#input, pairs, this.spec.encoder.circular);
    for (let i = 0; i < pairs; i++) this.#compareBackward(i, pairs);
    this.encoder.backward(parameters, gradient, 2 * pairs);
  }

  /** Pointer to a pair's cells in the body's input or its gradient. */
  #cellsOf(map: number, pair: number): number {
    const { pad, channels } = this.#input;
    return map + 4 * (pair * period(this.#input) + pad) * channels;
  }

  /** The body's input of one pair: costs, the first scan's map, the second's where each cell finds itself. */
  #compare(pair: number, pairs: number): void {
    const memory = this.#memory;
    const { kernel } = memory;
    const { encoder } = this;
    const { cells, channels } = encoder.output;
    const a = encoder.at(encoder.y, pair);
    const b = encoder.at(encoder.y, pairs + pair);
    const ld = this.#input.channels;
    const x = this.#cellsOf(this.#x, pair);
    // c_ij = a_i . b_j / sqrt(channels)
    kernel.linearInputGradient(this.#likeness, cells, a, channels, b, cells, channels, cells, this.#panel);
    const all = memory.floats(this.#likeness, cells * cells);
    const weights = memory.floats(this.#weights + 4 * pair * cells * cells, cells * cells);
    const out = memory.floats(x, cells * ld);
    weights.fill(0);
    const scale = this.#scale;
    const { circular } = this.spec.encoder;
    for (let i = 0; i < cells; i++) {
      let most = -Infinity;
      out.fill(0, i * ld, i * ld + COSTS);
      for (let d = -REACH; d <= REACH; d++) {
        const j = neighbour(i + d, cells, circular);
        if (j < 0) continue;
        const cost = scale * all[i * cells + j]!;
        out[i * ld + d + REACH] = cost;
        if (cost > most) most = cost;
      }
      // p_ij = exp c_ij / sum over j near i
      let sum = 0;
      for (let d = -REACH; d <= REACH; d++) {
        const j = neighbour(i + d, cells, circular);
        if (j < 0) continue;
        const e = exp(out[i * ld + d + REACH]! - most);
        weights[i * cells + j] = e;
        sum += e;
      }
      for (let j = 0; j < cells; j++) weights[i * cells + j] = weights[i * cells + j]! / sum;
    }
    kernel.gatherRows(x + 4 * COSTS, ld, a, channels, 0, cells, channels);
    const found = x + 4 * (COSTS + channels);
    const p = this.#weights + 4 * pair * cells * cells;
    kernel.linear(found, ld, p, cells, b, 0, cells, cells, channels, this.#panel);
  }

  /** Gradients of both maps, into the encoder's `dy`. */
  #compareBackward(pair: number, pairs: number): void {
    const memory = this.#memory;
    const { kernel } = memory;
    const { encoder } = this;
    const { cells, channels } = encoder.output;
    const [a, b] = [encoder.at(encoder.y, pair), encoder.at(encoder.y, pairs + pair)];
    const [da, db] = [encoder.at(encoder.dy, pair), encoder.at(encoder.dy, pairs + pair)];
    const ld = this.#input.channels;
    const dx = this.#cellsOf(this.#dx, pair);
    const dFound = dx + 4 * (COSTS + channels);
    const p = this.#weights + 4 * pair * cells * cells;
    // dP = dFound B^T, dB = P^T dFound
    kernel.linearInputGradient(this.#dLikeness, cells, dFound, ld, b, cells, channels, cells, this.#panel);
    kernel.linearWeightGradient(db, 0, p, cells, dFound, ld, cells, cells, channels, 0);
    const weights = memory.floats(p, cells * cells);
    const d = memory.floats(this.#dLikeness, cells * cells);
    const dCosts = memory.floats(dx, cells * ld);
    const { circular } = this.spec.encoder;
    for (let i = 0; i < cells; i++) {
      let sum = 0;
      for (let j = 0; j < cells; j++) sum += d[i * cells + j]! * weights[i * cells + j]!;
      // dc = p (dp - sum p dp)
      for (let j = 0; j < cells; j++) d[i * cells + j] = weights[i * cells + j]! * (d[i * cells + j]! - sum);
      for (let k = -REACH; k <= REACH; k++) {
        const j = neighbour(i + k, cells, circular);
        if (j >= 0) d[i * cells + j] = d[i * cells + j]! + dCosts[i * ld + k + REACH]!;
      }
      for (let j = 0; j < cells; j++) d[i * cells + j] = this.#scale * d[i * cells + j]!;
    }
    // dA = dC B + what came straight, dB += dC^T A
    kernel.linear(this.#spare, channels, this.#dLikeness, cells, b, 0, cells, cells, channels, this.#panel);
    kernel.linearWeightGradient(db, 0, this.#dLikeness, cells, a, channels, cells, cells, channels, 1);
    const spare = memory.floats(this.#spare, cells * channels);
    const to = memory.floats(da, cells * channels);
    for (let i = 0; i < cells; i++) {
      for (let k = 0; k < channels; k++) to[i * channels + k] = spare[i * channels + k]! + dCosts[i * ld + COSTS + k]!;
    }
  }
}

/** The cell's index, -1 where there is none. */
export function neighbour(cell: number, cells: number, circular: boolean): number {
  if (cell >= 0 && cell < cells) return cell;
  return circular ? (cell + cells) % cells : -1;
}
