/**
 * The backends of this machine, for suites that run on each. `cpu` and `wasm` must be there, and `webgpu` where a software
 * driver is allowed (CI installs one); what else is absent is skipped by name with the reason.
 */

import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { type Backend, type BackendName, openBackend, probeBackends } from '../../../policy/backend.ts';

// Whoever is not a test of a backend must not get a software GPU, so CI allows it only here.
if (process.env.LANDFALL_TEST_SOFTWARE_GPU === '1') process.env.LANDFALL_SOFTWARE_GPU = '1';
const found = await probeBackends();

/** Whether the machine must have it. */
function isRequired(name: BackendName): boolean {
  return name === 'cpu' || name === 'wasm' || (name === 'webgpu' && process.env.LANDFALL_SOFTWARE_GPU === '1');
}

/**
 * One `describe` for each backend, opened before its tests and closed after them.
 * @param suite what to test; `backend()` is to be called within tests
 */
export function describeEachBackend(
  title: string,
  suite: (name: BackendName, backend: () => Backend) => void,
  names: readonly BackendName[] = ['cpu', 'wasm', 'webgpu', 'tensorflow'],
): void {
  for (const { name, ok, detail } of found) {
    if (!names.includes(name)) continue;
    if (!ok && !isRequired(name)) {
      // A CUDA machine is no part of CI, where a skipped test is a failure: doctor.test.ts tests that its absence is told.
      if (name !== 'tensorflow' || !process.env.CI) it.skip(`${title} on ${name}: ${detail}`, () => undefined);
      continue;
    }
    describe(`${title} on ${name}`, () => {
      let backend: Backend | undefined;
      beforeAll(async () => {
        backend = await openBackend(name);
        // Otherwise tfjs computes what is small and not yet uploaded on the CPU, and its GPU kernels are not tested.
        if (name === 'webgpu') tf.env().set('WEBGPU_CPU_FORWARD', false);
      });
      afterAll(() => backend?.close());
      suite(name, () => backend!);
    });
  }
}
