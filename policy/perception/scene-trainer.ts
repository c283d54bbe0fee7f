/**
 * Trains an encoder of scans without any motion: from one scan of a real laser, what a perfect one would see there
 * (reconstruction) and a little further ahead (next scan), cell by cell, and how near the nearest thing is in each sector
 * (clearance). Two linear heads, thrown away afterwards. Knows no simulator.
 */

import { SimdMemory } from '../simd/simd-memory.ts';
import { type EncoderSpec, encoderTensors, mapShape, sizeOf, type TensorShape } from './conv-layers.ts';
import { SimdAdam } from './simd-adam.ts';
import { period } from './simd-conv.ts';
import { SimdDense } from './simd-dense.ts';
import { SimdEncoder } from './simd-encoder.ts';

const BLOCK = 32;
/** Shares of the three errors. */
const SHARES = { exact: 1, ahead: 1, clearance: 1 } as const;

/** Features [beams, channels] of a scan, and log(1 + m) of what is to be told. */
export interface SceneSample {
  readonly features: Float32Array;
  /** [beams] */
  readonly exact: Float32Array;
  /** [beams] */
  readonly ahead: Float32Array;
  /** [sectors] */
  readonly clearance: Float32Array;
}

/** Of the encoder, then of the heads. */
export function sceneTensors(spec: EncoderSpec, sectors: number): TensorShape[] {
  const [, cells, channels] = mapShape(spec);
  const perCell = (2 * spec.input[1]) / cells;
  return [
    ...encoderTensors(spec),
    { name: 'head.cell.weight', shape: [channels, perCell] },
    { name: 'head.cell.bias', shape: [perCell] },
    { name: 'head.scan.weight', shape: [cells * channels, sectors] },
    { name: 'head.scan.bias', shape: [sectors] },
  ];
}

export class SceneTrainer {
  readonly #memory = new SimdMemory();
  readonly #encoder: SimdEncoder;
  readonly #cell: SimdDense;
  readonly #scan: SimdDense;
  readonly #adam: SimdAdam;
  readonly #sectors: number;

  /** @param parameters of `sceneTensors` */
  constructor(spec: EncoderSpec, sectors: number, parameters: Float32Array) {
    this.#sectors = sectors;
    this.#encoder = new SimdEncoder(this.#memory, spec, BLOCK);
    const { cells, channels } = this.#encoder.output;
    const rows = BLOCK * period(this.#encoder.output);
    this.#cell = new SimdDense(this.#memory, rows, channels, (2 * spec.input[1]) / cells);
    this.#scan = new SimdDense(this.#memory, BLOCK, cells * channels, sectors);
    this.#adam = new SimdAdam(this.#memory, parameters);
  }

  /** Of the encoder alone, a copy. */
  get encoder(): Float32Array {
    return this.#adam.values.slice(0, sizeOf(encoderTensors(this.#encoder.spec)));
  }

  /** @returns mean squared error of log(1 + m), each of the three by its share, added up */
  step(samples: readonly SceneSample[], learningRate: number): number {
    const adam = this.#adam;
    adam.clearGradient();
    this.#encoder.turn(adam.parameters);
    let loss = 0;
    for (let from = 0; from < samples.length; from += BLOCK)
      loss += this.#block(samples.slice(from, from + BLOCK), samples.length);
    adam.step(learningRate);
    return loss;
  }

  #block(block: readonly SceneSample[], total: number): number {
    const memory = this.#memory;
    const encoder = this.#encoder;
    const { parameters, gradient } = this.#adam;
    const { cells, channels, pad } = encoder.output;
    const count = block.length;
    for (const [i, { features }] of block.entries()) encoder.features(i).set(features);
    encoder.forward(parameters, count);
    const [cell, scan] = [this.#cell, this.#scan];
    const [cellAt, scanAt] = [4 * encoder.size, 4 * (encoder.size + cell.size)];
    const rows = count * period(encoder.output);
    const ld = period(encoder.output) * channels;
    cell.forward(parameters + cellAt, encoder.y, channels, rows);
    scan.forward(parameters + scanAt, encoder.at(encoder.y, 0), ld, count);
    const y = memory.floats(cell.y, rows * cell.stride);
    const dy = memory.floats(cell.dy, rows * cell.stride).fill(0);
    const z = memory.floats(scan.y, count * scan.stride);
    const dz = memory.floats(scan.dy, count * scan.stride).fill(0);
    let loss = 0;
    // (1/n) sum share (y - t)^2, and its gradient
    const err = (value: number, target: number, share: number): number => {
      loss += share * (value - target) ** 2;
      return 2 * share * (value - target);
    };
    const beams = cell.outputs / 2;
    const [exactShare, aheadShare] = [SHARES.exact / (cells * beams * total), SHARES.ahead / (cells * beams * total)];
    for (const [i, { exact, ahead, clearance }] of block.entries()) {
      for (let c = 0; c < cells; c++) {
        const at = (i * period(encoder.output) + pad + c) * cell.stride;
        for (let k = 0; k < beams; k++) {
          dy[at + k] = err(y[at + k]!, exact[c * beams + k]!, exactShare);
          dy[at + beams + k] = err(y[at + beams + k]!, ahead[c * beams + k]!, aheadShare);
        }
      }
      const share = SHARES.clearance / (this.#sectors * total);
      for (let k = 0; k < this.#sectors; k++)
        dz[i * scan.stride + k] = err(z[i * scan.stride + k]!, clearance[k]!, share);
    }
    scan.backward(
      ...([parameters + scanAt, gradient + scanAt, encoder.at(encoder.y, 0), ld] as const),
      ...([encoder.at(encoder.dy, 0), ld, count] as const),
    );
    const whole = memory.floats(encoder.dy, rows * channels);
    const fromScan = whole.slice();
    cell.backward(parameters + cellAt, gradient + cellAt, encoder.y, channels, encoder.dy, channels, rows);
    // Both heads' gradients; borders are cleared by the encoder.
    for (let i = 0; i < whole.length; i++) whole[i] = whole[i]! + fromScan[i]!;
    encoder.backward(parameters, gradient, count);
    return loss;
  }
}
