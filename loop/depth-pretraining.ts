/** Pre-trains an encoder of depth images in simulation on where the object on the table is. Prints nothing. */

import { foldIn, keyOf, RandomStream } from '../core/rng.ts';
import { openBackend } from '../policy/backend.ts';
import { initialTensors } from '../policy/perception/conv-layers.ts';
import {
  DEPTH_CHANNELS,
  DEPTH_ENCODER,
  DepthTrainer,
  depthFeatures,
  depthTensors,
} from '../policy/perception/depth-trainer.ts';
import { rateAt } from '../policy/perception/simd-adam.ts';
import { depthView, TABLE_CAMERA } from '../sim/depth-images.ts';
import type { Pretrained, PretrainingRequest } from './pretraining.ts';

/** Where objects are, about, and their spread, m: labels are in these units. */
const PLACE = [0.5, 0] as const;
const SPREAD = 0.1;
const PURPOSE = { weights: 1, images: 2, judged: 3 } as const;
const JUDGED = 200;

export interface DepthPretrained extends Pretrained {
  /** Root mean square distance between where the object is and where it is said to be, of images never trained on, m. */
  readonly error: number;
}

/** @param backend of tfjs */
export async function pretrainDepth(
  request: PretrainingRequest,
  backend: 'wasm' | 'cpu' = 'wasm',
): Promise<DepthPretrained> {
  const opened = await openBackend(backend);
  const { schedule, every, onProgress } = request;
  const key = keyOf(request.seed);
  const trainer = new DepthTrainer(
    DEPTH_ENCODER,
    2,
    initialTensors(depthTensors(DEPTH_ENCODER, 2), foldIn(key, PURPOSE.weights)),
  );
  try {
    let sum = 0;
    let loss = 0;
    for (let step = 0; step < schedule.steps; step++) {
      const { features, labels } = batchOf(new RandomStream(foldIn(foldIn(key, PURPOSE.images), step)), schedule.batch);
      const told = trainer.step(features, labels, rateAt(schedule, step));
      sum += told;
      loss = step === 0 ? told : loss + 0.05 * (told - loss);
      if ((step + 1) % every === 0) {
        onProgress({ step: step + 1, loss: sum / every });
        sum = 0;
      }
    }
    const judged = batchOf(new RandomStream(foldIn(key, PURPOSE.judged)), JUDGED);
    const told = trainer.predict(judged.features);
    let squares = 0;
    for (let i = 0; i < told.length; i++) squares += (SPREAD * (told[i]! - judged.labels[i]!)) ** 2;
    return { spec: DEPTH_ENCODER, encoder: trainer.encoder, body: null, loss, error: Math.sqrt(squares / JUDGED) };
  } finally {
    trainer.dispose();
    opened.close();
  }
}

function batchOf(
  random: RandomStream,
  count: number,
): { readonly features: Float32Array; readonly labels: Float32Array } {
  const pixels = TABLE_CAMERA.width * TABLE_CAMERA.height;
  const features = new Float32Array(count * pixels * DEPTH_CHANNELS);
  const labels = new Float32Array(2 * count);
  for (let i = 0; i < count; i++) {
    const { image, object } = depthView(random);
    const from = i * pixels * DEPTH_CHANNELS;
    depthFeatures(image, TABLE_CAMERA.maxRange, features.subarray(from, from + pixels * DEPTH_CHANNELS));
    for (let k = 0; k < 2; k++) labels[2 * i + k] = (object[k]! - PLACE[k]!) / SPREAD;
  }
  return { features, labels };
}
