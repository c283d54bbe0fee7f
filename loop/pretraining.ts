/**
 * Pre-trains an encoder of scans in simulation, on labels that are free there: the motion between two scans, or what lies around
 * one. Every pair is seen once. Prints nothing: reports go to the callback. Knows no real data.
 */

import { foldIn, keyOf } from '../core/rng.ts';
import { type EncoderSpec, encoderTensors, initialTensors, sizeOf } from '../policy/perception/conv-layers.ts';
import { LIDAR_PAIR, pairTensors } from '../policy/perception/pair-spec.ts';
import { type PairSample, PairTrainer } from '../policy/perception/pair-trainer.ts';
import { HALF_PLANE, logRange, resample, SCAN_CHANNELS, scanFeatures } from '../policy/perception/scan-features.ts';
import { type SceneSample, SceneTrainer, sceneTensors } from '../policy/perception/scene-trainer.ts';
import { rateAt, type Schedule } from '../policy/perception/simd-adam.ts';
import type { PlanarScan } from '../sim/planar-lidar.ts';
import { ScanPairs, SECTORS } from '../sim/scan-pairs.ts';

export const LIDAR_LABELS = ['motion', 'clearance'] as const;
export type LidarLabels = (typeof LIDAR_LABELS)[number];

export interface PretrainingProgress {
  /** Steps done. */
  readonly step: number;
  /** Mean of the loss over the last steps. */
  readonly loss: number;
}

export interface PretrainingRequest {
  readonly seed: number;
  readonly schedule: Schedule;
  /** After each of `every` steps. */
  readonly every: number;
  readonly onProgress: (progress: PretrainingProgress) => void;
}

export interface Pretrained {
  readonly spec: EncoderSpec;
  /** Of `encoderTensors`. */
  readonly encoder: Float32Array;
  /** Of `bodyTensors`, after motion. */
  readonly body: Float32Array | null;
  /** Mean over the last tenth of the steps. */
  readonly loss: number;
}

/** What is drawn from a seed. */
const PURPOSE = { weights: 1, scans: 2 } as const;

export function pretrainLidar(labels: LidarLabels, request: PretrainingRequest): Pretrained {
  return labels === 'motion' ? onMotion(request) : onScenes(request);
}

function onMotion(request: PretrainingRequest): Pretrained {
  const key = keyOf(request.seed);
  const pairs = new ScanPairs(foldIn(key, PURPOSE.scans));
  const trainer = new PairTrainer(LIDAR_PAIR, initialTensors(pairTensors(LIDAR_PAIR), foldIn(key, PURPOSE.weights)));
  const { batch } = request.schedule;
  const loss = descend(request, (step, rate) =>
    trainer.step(
      Array.from({ length: batch }, (_, i) => pairSample(pairs, step * batch + i)),
      rate,
    ),
  );
  const all = trainer.parameters;
  const size = sizeOf(encoderTensors(LIDAR_PAIR.encoder));
  return { spec: LIDAR_PAIR.encoder, encoder: all.slice(0, size), body: all.slice(size), loss };
}

function onScenes(request: PretrainingRequest): Pretrained {
  const key = keyOf(request.seed);
  const scenes = new ScanPairs(foldIn(key, PURPOSE.scans));
  const spec = LIDAR_PAIR.encoder;
  const start = initialTensors(sceneTensors(spec, SECTORS), foldIn(key, PURPOSE.weights));
  const trainer = new SceneTrainer(spec, SECTORS, start);
  const { batch } = request.schedule;
  const loss = descend(request, (step, rate) =>
    trainer.step(
      Array.from({ length: batch }, (_, i) => sceneSample(scenes, step * batch + i)),
      rate,
    ),
  );
  return { spec, encoder: trainer.encoder, body: null, loss };
}

function descend(
  { schedule, every, onProgress }: PretrainingRequest,
  step: (index: number, rate: number) => number,
): number {
  const losses: number[] = [];
  const recent = (count: number) => losses.slice(-count).reduce((a, b) => a + b, 0) / Math.min(count, losses.length);
  for (let s = 0; s < schedule.steps; s++) {
    losses.push(step(s, rateAt(schedule, s)));
    if ((s + 1) % every === 0) onProgress({ step: s + 1, loss: recent(every) });
  }
  return recent(Math.max(1, Math.floor(schedule.steps / 10)));
}

const ranges = new Float32Array(HALF_PLANE.beams);

/** A scan as the encoder sees it, [beams, SCAN_CHANNELS]. */
export function featuresOf(scan: PlanarScan): Float32Array {
  const out = new Float32Array(HALF_PLANE.beams * SCAN_CHANNELS);
  resample(scan, HALF_PLANE, ranges);
  scanFeatures(ranges, HALF_PLANE, out);
  return out;
}

function pairSample(pairs: ScanPairs, index: number): PairSample {
  const { first, second, motion } = pairs.pair(index);
  return { first: featuresOf(first), second: featuresOf(second), label: motion };
}

function sceneSample(scenes: ScanPairs, index: number): SceneSample {
  const { scan, exact, ahead, clearance } = scenes.scene(index);
  return {
    features: featuresOf(scan),
    exact: exact.ranges.map(logRange),
    ahead: ahead.ranges.map(logRange),
    clearance: Float32Array.from(clearance, logRange),
  };
}
