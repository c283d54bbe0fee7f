/** PPO on each backend of this machine: the same losses as plain JavaScript's, a loss that falls, nothing left behind. */

import * as tf from '@tensorflow/tfjs';
import { beforeAll, expect, it, vi } from 'vitest';
import { keyOf, RandomStream } from '../../../core/rng.ts';
import { openBackend } from '../../../policy/backend.ts';
import { Ppo } from '../../../policy/ppo.ts';
import type { NetworkSettings, PpoBatch, PpoSettings, PpoStats } from '../../../policy/ppo-learner.ts';
import { describeEachBackend } from './backends-here.ts';

const settings: PpoSettings = {
  learningRate: 3e-4,
  minLearningRate: 1e-5,
  maxLearningRate: 1e-2,
  gamma: 0.99,
  lam: 0.95,
  clip: 0.2,
  valueClip: 0.2,
  valueCoef: 0.5,
  entropyCoef: 0.01,
  maxGradNorm: 1,
  targetKl: null,
  epochs: 1,
  minibatches: 1,
};

/** A quadruped's: 48 observations, 12 actions. */
const quadruped = networkOf([48, 256, 128, 64, 12]);
const small = networkOf([6, 16, 2]);

function networkOf(layers: number[]): NetworkSettings {
  return {
    actor: { kind: 'mlp', layers, activation: 'elu' },
    criticHidden: layers.slice(1, -1),
    initialLogStd: -0.5,
    finalLogStd: -2,
  };
}

/** Random data; actions near those of the first policy, so that no ratio is clipped away. */
function batchOf({ actor: { layers } }: NetworkSettings, size: number): PpoBatch {
  const random = new RandomStream(keyOf(7));
  const draw = (length: number, scale = 1) => Float32Array.from({ length }, () => scale * random.normal());
  const [obsSize, actions] = [layers[0]!, layers.at(-1)!];
  const action = draw(size * actions, 0.6);
  return {
    size,
    obs: draw(size * obsSize),
    action,
    // log N(a; 0, e^-1/2), the density under a policy that still says 0.
    logProb: Float32Array.from({ length: size }, (_, i) => {
      const row = action.subarray(i * actions, (i + 1) * actions);
      return row.reduce((sum, a) => sum - 0.5 * Math.E * a * a + 0.5 - 0.5 * Math.log(2 * Math.PI), 0);
    }),
    advantage: draw(size),
    target: draw(size),
    value: draw(size, 0.1),
  };
}

/** The figures of ten steps of the quadruped's networks, each on all of 32 rows. */
async function tenSteps(backend: Awaited<ReturnType<typeof openBackend>>): Promise<PpoStats[]> {
  const ppo = new Ppo(backend, quadruped, settings, keyOf(1));
  const batch = batchOf(quadruped, 32);
  const stats: PpoStats[] = [];
  for (let i = 0; i < 10; i++) stats.push(await ppo.update(batch, i));
  ppo.dispose();
  return stats;
}

/**
 * Relative, of figures of order 0.1 to 10. The losses are means of 32 numbers, good to 1e-7 a step, which Adam's division by
 * sqrt(v) may enlarge. The norm is a sum of 115 000 squares: term after term in Float32, as wasm does, sqrt(n) 6e-8 = 2e-5 off.
 */
const TOLERANCES = [
  ['policyLoss', 1e-5],
  ['valueLoss', 1e-5],
  ['gradNorm', 1e-4],
] as const;

// A GPU played by a busy CPU takes its time.
vi.setConfig({ testTimeout: 300_000 });

let reference: PpoStats[];

beforeAll(async () => {
  reference = await tenSteps(await openBackend('cpu'));
});

describeEachBackend('PPO', (name, backend) => {
  it('has the losses of the plain JavaScript backend over ten steps', async () => {
    const found = await tenSteps(backend());
    for (const [i, expected] of reference.entries()) {
      for (const [figure, tolerance] of TOLERANCES) {
        const apart = Math.abs(found[i]![figure] - expected[figure]) / Math.max(0.1, Math.abs(expected[figure]));
        expect(apart, `${figure} of step ${i}`).toBeLessThan(tolerance);
      }
      expect(found[i]!.clipFraction).toBeCloseTo(expected.clipFraction, 5);
    }
    expect(found[9]!.valueLoss).toBeLessThan(found[0]!.valueLoss - 0.01);
    expect(found[9]!.policyLoss).toBeLessThan(found[0]!.policyLoss - 0.01);
  });

  it('holds no more tensors or memory after 100 steps than after 10', async () => {
    const before = tf.memory().numTensors;
    const ppo = new Ppo(backend(), small, { ...settings, minibatches: 10 }, keyOf(1));
    const batch = batchOf(small, 320);
    await ppo.update(batch, 0);
    const held = tf.memory() as tf.MemoryInfo & { numBytesInGPUAllocated?: number };
    for (let i = 1; i < 10; i++) await ppo.update(batch, i);
    const after = tf.memory() as typeof held;
    expect(after.numTensors).toBe(held.numTensors);
    expect(after.numDataBuffers).toBe(held.numDataBuffers);
    expect(after.numBytes).toBe(held.numBytes);
    if (name === 'webgpu') expect(after.numBytesInGPUAllocated).toBe(held.numBytesInGPUAllocated);
    ppo.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });
});
