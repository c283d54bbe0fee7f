/** Errors of a WebGPU device, which tfjs logs and computes on with nonsense, stop whoever asks; so does a device that is lost. */

import * as tf from '@tensorflow/tfjs';
import { expect, it } from 'vitest';
import { InputError, LandfallError } from '../../../core/errors.ts';
import { keyOf } from '../../../core/rng.ts';
import { openBackend } from '../../../policy/backend.ts';
import { Ppo } from '../../../policy/ppo.ts';
import type { NetworkSettings } from '../../../policy/ppo-learner.ts';
import { describeEachBackend } from './backends-here.ts';

const failsLoudly = {
  name: 'LandfallError',
  message: expect.stringMatching(/^the GPU reported: .+/),
  repair: expect.any(String),
};

describeEachBackend(
  'failures',
  (_name, backend) => {
    /** Run with the backend opened anew, so that one planted error is not another test's. */
    const afresh = async (plant: () => unknown) => {
      backend().close();
      const opened = await openBackend('webgpu');
      tf.env().set('WEBGPU_CPU_FORWARD', false);
      await plant();
      return opened;
    };
    const caught = (f: () => void): unknown => {
      try {
        f();
      } catch (error) {
        return error;
      }
      return undefined;
    };
    /** Read something back, as every iteration of learning does: by then the device has spoken. */
    const readBack = () => tf.tidy(() => tf.add(tf.ones([8]), 1)).data();

    it('says nothing while all is well, also of ten inputs, which stock tfjs cannot add', async () => {
      const opened = await afresh(() => undefined);
      const sum = tf.tidy(() => tf.addN(Array.from({ length: 10 }, (_, i) => tf.fill([8], i))));
      expect([...(await sum.data())]).toEqual(new Array(8).fill(45));
      expect(caught(() => opened.check())).toBeUndefined();
      opened.close();
    });

    it('an operation with more inputs than the device has bindings', async () => {
      const opened = await afresh(() => tf.tidy(() => tf.addN(Array.from({ length: 64 }, (_, i) => tf.fill([8], i)))));
      await readBack();
      const error = caught(() => opened.check());
      expect(error).toBeInstanceOf(LandfallError);
      expect(error).toMatchObject(failsLoudly);
      // It stays: what was computed since cannot be trusted either.
      expect(caught(() => opened.check())).toMatchObject(failsLoudly);
      opened.close();
    });

    it('a buffer beyond the limit', async () => {
      // 2^31 numbers of 4 bytes: no driver offers a buffer of 8 GiB.
      const opened = await afresh(() => tf.fill([2 ** 31], 1));
      await readBack();
      expect(caught(() => opened.check())).toMatchObject(failsLoudly);
      opened.close();
    });

    it('stops learning', async () => {
      const opened = await afresh(() => tf.tidy(() => tf.addN(Array.from({ length: 64 }, (_, i) => tf.fill([8], i)))));
      const network: NetworkSettings = {
        actor: { kind: 'mlp', layers: [2, 4, 1], activation: 'elu' },
        criticHidden: [4],
        initialLogStd: 0,
        finalLogStd: 0,
      };
      const ppo = new Ppo(opened, network, settings, keyOf(1));
      await expect(ppo.values(new Float32Array(16), 8)).rejects.toMatchObject(failsLoudly);
      opened.close();
    });

    it('a device that is lost', async () => {
      const opened = await afresh(() => undefined);
      (tf.backend() as tf.KernelBackend & { device: GPUDevice }).device.destroy();
      await new Promise((resolve) => setTimeout(resolve, 50));
      expect(caught(() => opened.check())).toMatchObject({ message: expect.stringContaining('device lost') });
      opened.close();
    });

    it('a software adapter is refused unless it is allowed', async ({ skip }) => {
      if (!/llvmpipe|swiftshader/i.test(backend().description)) skip('a real GPU is there');
      const { LANDFALL_SOFTWARE_GPU: allowed } = process.env;
      delete process.env.LANDFALL_SOFTWARE_GPU;
      try {
        await expect(openBackend('webgpu')).rejects.toThrow(InputError);
        await expect(openBackend('webgpu')).rejects.toThrow(/only a software adapter is there/);
      } finally {
        process.env.LANDFALL_SOFTWARE_GPU = allowed;
      }
    });
  },
  ['webgpu'],
);

const settings = {
  learningRate: 1e-3,
  minLearningRate: 1e-5,
  maxLearningRate: 1e-2,
  gamma: 0.99,
  lam: 0.95,
  clip: 0.2,
  valueClip: null,
  valueCoef: 0.5,
  entropyCoef: 0,
  maxGradNorm: 1,
  targetKl: null,
  epochs: 1,
  minibatches: 1,
};
