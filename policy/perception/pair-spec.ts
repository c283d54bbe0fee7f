/**
 * The network that tells the motion between two scans: one encoder for both, the likeness of each cell of the first with the
 * cells of the second near it (local cost volume; Dosovitskiy et al. 2015, FlowNet), what the second shows where it is most
 * alike, a convolutional body over all of that, and a linear head. Plain data, no backend.
 */

import { convTensors, type EncoderSpec, encoderTensors, mapShape, type TensorShape } from './conv-layers.ts';
import { HALF_PLANE, SCAN_CHANNELS } from './scan-features.ts';

/** Cells to either side that a cell is compared with. */
export const REACH = 12;
/** Numbers of the cost volume a cell, filled up to a multiple of 8. */
export const COSTS = 32;
/** x, y, heading, in units of LABEL_SCALE. */
export const POSE = 3;
/** m, m, rad */
export const LABEL_SCALE = [0.5, 0.5, 0.35] as const;

export interface PairSpec {
  readonly encoder: EncoderSpec;
  /** Channels of the body's two convolutions, the second at half the resolution. */
  readonly body: readonly [number, number];
  /** Numbers that the head sees. */
  readonly hidden: number;
}

export const LIDAR_ENCODER: EncoderSpec = {
  kind: 'lidar',
  input: [1, HALF_PLANE.beams, SCAN_CHANNELS],
  circular: false,
  layers: [
    { fold: [1, 2], channels: 32 },
    { fold: [1, 2], channels: 48 },
    { fold: [1, 1], channels: 48 },
  ],
};

export const LIDAR_PAIR: PairSpec = { encoder: LIDAR_ENCODER, body: [48, 32], hidden: 96 };

/** Channels of a cell that the body reads: costs, the first scan's, the second's where it is alike. */
export function bodyInputs({ encoder }: PairSpec): number {
  return COSTS + 2 * mapShape(encoder)[2];
}

/** Of the body and the head: two convolutions, a dense layer `hidden`, the head. */
export function bodyTensors(spec: PairSpec): TensorShape[] {
  const [, width] = mapShape(spec.encoder);
  const [one, two] = spec.body;
  return [
    ...convTensors('body.0', 3, bodyInputs(spec), one),
    ...convTensors('body.1', 3, 2 * one, two),
    { name: 'body.2.weight', shape: [(width / 2) * two, spec.hidden] },
    { name: 'body.2.bias', shape: [spec.hidden] },
    { name: 'head.weight', shape: [spec.hidden, POSE] },
    { name: 'head.bias', shape: [POSE] },
  ];
}

export function pairTensors(spec: PairSpec): TensorShape[] {
  return [...encoderTensors(spec.encoder), ...bodyTensors(spec)];
}
