/**
 * Chooses and starts the tfjs backend that trains. `auto` takes the first that is there; a named one is used or refused,
 * never silently replaced. Knows no network.
 */

import * as tf from '@tensorflow/tfjs';
import { InputError, LandfallError, messageOf } from '../core/errors.ts';
import { borrowCpuKernels } from './borrowed-kernels.ts';
import { importOptional, Unavailable } from './optional-package.ts';
import { startWebGpu } from './webgpu-backend.ts';

export const backendNames = ['tensorflow', 'webgpu', 'wasm', 'cpu'] as const;
export type BackendName = (typeof backendNames)[number];

export interface Backend {
  readonly name: BackendName;
  /** For people: the library and the device. */
  readonly description: string;
  /** @throws LandfallError when the device reported an error since the last call: its results cannot be trusted */
  check(): void;
  close(): void;
}

const starters: Readonly<Record<BackendName, () => Promise<Backend>>> = {
  tensorflow: startTensorFlow,
  webgpu: startWebGpu,
  wasm: startWasm,
  cpu: startCpu,
};

/** @throws InputError when the named backend cannot be started, with the reason and the repair */
export async function openBackend(choice: BackendName | 'auto'): Promise<Backend> {
  tf.enableProdMode();
  if (choice !== 'auto') {
    try {
      return await starters[choice]();
    } catch (error) {
      throw new InputError(`backend ${choice} cannot be used: ${messageOf(error)}`, {
        repair: repairOf(choice, error),
        cause: error,
      });
    }
  }
  const reasons: string[] = [];
  for (const name of backendNames) {
    try {
      return await starters[name]();
    } catch (error) {
      reasons.push(`${name}: ${messageOf(error)}`);
    }
  }
  throw new LandfallError(`no tfjs backend could be started (${reasons.join('; ')})`, {
    repair: 'run landfall doctor',
  });
}

/** What most often is missing; an error that knows better says so itself. */
const repairs: Readonly<Record<BackendName, string>> = {
  tensorflow:
    'npm install @tensorflow/tfjs-node-gpu@4.22.0 where its library can be downloaded, with CUDA 11.2 and cuDNN 8.1; or build its addon against a newer TensorFlow: docs/gpu.md',
  webgpu: 'npm install webgpu@0.6.2 @tensorflow/tfjs-backend-webgpu@4.22.0; what else it needs: docs/gpu.md',
  wasm: 'install again: npm install',
  cpu: 'install again: npm install',
};

function repairOf(name: BackendName, error: unknown): string {
  return (error instanceof LandfallError ? error.repair : undefined) ?? repairs[name];
}

export interface BackendFinding {
  readonly name: BackendName;
  readonly ok: boolean;
  /** The library and the device, or why there is none. */
  readonly detail: string;
  readonly repair?: string;
}

/** What can be started here, why the rest cannot, and the repair. Takes what it starts down again. */
export async function probeBackends(names: readonly BackendName[] = backendNames): Promise<BackendFinding[]> {
  tf.enableProdMode();
  const found: BackendFinding[] = [];
  for (const name of names) {
    try {
      const backend = await starters[name]();
      found.push({ name, ok: true, detail: backend.description });
      backend.close();
    } catch (error) {
      found.push({ name, ok: false, detail: messageOf(error), repair: repairOf(name, error) });
    }
  }
  return found;
}

const nothing = () => undefined;

async function startCpu(): Promise<Backend> {
  await use('cpu');
  return { name: 'cpu', description: 'tfjs cpu (plain JavaScript)', check: nothing, close: nothing };
}

async function startWasm(): Promise<Backend> {
  const wasm = await import('@tensorflow/tfjs-backend-wasm');
  const { createRequire } = await import('node:module');
  const { dirname, join } = await import('node:path');
  const folder = dirname(createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm/package.json'));
  wasm.setWasmPaths(`${join(folder, 'wasm-out')}/`);
  borrowCpuKernels();
  await use('wasm');
  const simd = (await tf.env().getAsync('WASM_HAS_SIMD_SUPPORT')) === true;
  return { name: 'wasm', description: `tfjs wasm${simd ? ' (SIMD)' : ''}`, check: nothing, close: nothing };
}

/** The part of tfjs-node's backend that says what it runs on. */
interface TensorFlowBackend {
  readonly binding: { readonly TF_Version: string };
  readonly isUsingGpuDevice: boolean;
}

async function startTensorFlow(): Promise<Backend> {
  // util.isNullOrUndefined left Node in version 23; the package still calls it (tensorflow/tfjs#8609).
  const { createRequire } = await import('node:module');
  const util = createRequire(import.meta.url)('node:util') as { isNullOrUndefined?: (value: unknown) => boolean };
  util.isNullOrUndefined ??= (value) => value === null || value === undefined;
  await importOptional('@tensorflow/tfjs-node-gpu');
  await use('tensorflow');
  const { binding, isUsingGpuDevice } = tf.backend() as unknown as TensorFlowBackend;
  if (!isUsingGpuDevice && process.env.LANDFALL_SOFTWARE_GPU !== '1') {
    throw new Unavailable(`TensorFlow ${binding.TF_Version} found no CUDA device and would compute on the CPU`, {
      repair: `${repairs.tensorflow}; LANDFALL_SOFTWARE_GPU=1 allows the CPU`,
    });
  }
  const device = isUsingGpuDevice ? 'CUDA' : 'CPU';
  return {
    name: 'tensorflow',
    description: `tfjs-node-gpu (TensorFlow ${binding.TF_Version}, ${device})`,
    check: nothing,
    close: nothing,
  };
}

async function use(name: string): Promise<void> {
  if (!(await tf.setBackend(name))) throw new Unavailable(`tfjs could not start its ${name} backend`);
  await tf.ready();
}
