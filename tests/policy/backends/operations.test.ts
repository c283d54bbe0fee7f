/** Every operation of the table, forward and gradient, on each backend of this machine against tfjs's plain JavaScript. */

import * as tf from '@tensorflow/tfjs';
import { beforeAll, expect, it } from 'vitest';
import { openBackend } from '../../../policy/backend.ts';
import { describeEachBackend } from './backends-here.ts';
import { type Operation, type Outcome, operations, run } from './operations.ts';

/**
 * Float32 holds 6e-8 of a value; the longest sums here have a few hundred terms, added in another order by each backend,
 * and GPUs may round exp, log and division in the last places. The gradients of a wrong kernel are off by 1e-2 and more.
 */
const TOLERANCE = 1e-5;

const reference = new Map<Operation, Outcome>();

beforeAll(async () => {
  await openBackend('cpu');
  for (const operation of operations) reference.set(operation, await run(operation));
});

/** Largest difference, in units of the largest value. */
function difference(found: Float32Array, expected: Float32Array): number {
  let [apart, size] = [0, 1];
  for (let i = 0; i < expected.length; i++) {
    apart = Math.max(apart, Math.abs(found[i]! - expected[i]!));
    size = Math.max(size, Math.abs(expected[i]!));
  }
  return Number.isNaN(found.reduce((a, b) => a + b, 0)) ? Number.NaN : apart / size;
}

describeEachBackend(
  'operations',
  (name, backend) => {
    it.each(operations.map((operation) => [operation.name, operation] as const))('%s', async (_name, operation) => {
      expect(tf.getBackend()).toBe(name);
      const held = tf.memory().numTensors;
      const expected = reference.get(operation)!;
      const found = await run(operation);
      backend().check();
      expect(tf.memory().numTensors).toBe(held);
      expect(found.value.length).toBe(expected.value.length);
      expect(found.gradients.length).toBe(expected.gradients.length);
      const { tolerance = TOLERANCE } = operation;
      expect(difference(found.value, expected.value)).toBeLessThan(tolerance);
      for (const [i, gradient] of found.gradients.entries()) {
        expect(gradient.length).toBe(expected.gradients[i]!.length);
        expect(difference(gradient, expected.gradients[i]!), `gradient of input ${i}`).toBeLessThan(tolerance);
      }
    });
  },
  ['wasm', 'webgpu', 'tensorflow'],
);
