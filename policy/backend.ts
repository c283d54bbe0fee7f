/**
 * Chooses and starts the backend that trains: tfjs on some device, or the kernel of `simd/`. `auto` takes the first that is there; a named one is used or refused,
 * never silently replaced. Knows no network.
 */

import * as tf from '@tensorflow/tfjs';
import type { NetworkContract } from '../core/contract.ts';
import { InputError, LandfallError, messageOf } from '../core/errors.ts';
import { borrowCpuKernels } from './borrowed-kernels.ts';
import { importOptional, Unavailable } from './optional-package.ts';
import { SIMD_NETWORKS } from './simd/simd-ppo.ts';
import { startWebGpu } from './webgpu-backend.ts';

export const backendNames = ['tensorflow', 'webgpu', 'simd', 'wasm', 'cpu'] as const;
export type BackendName = (typeof backendNames)[number];

export type NetworkKind = NetworkContract['kind'];

export interface Backend {
  readonly name: BackendName;
  /** For people: the library and the device. */
  readonly description: string;
  /** Of `tensorflow`, which also comes without a GPU and is then not what `auto` looks for. */
  readonly gpu?: boolean;
  /** @throws LandfallError when the device reported an error since the last call: its results cannot be trusted */
  check(): void;
  close(): void;
}

const starters: Readonly<Record<BackendName, (kind: NetworkKind) => Promise<Backend>>> = {
  tensorflow: startTensorFlow,
  webgpu: startWebGpu,
  simd: startSimd,
  wasm: startWasm,
  cpu: startCpu,
};

/**
 * @param kind of the network to train: not every backend has every kind
 * @throws InputError when the named backend cannot be started, with the reason and the repair
 */
export async function openBackend(choice: BackendName | 'auto', kind: NetworkKind = 'mlp'): Promise<Backend> {
  tf.enableProdMode();
  if (choice !== 'auto') {
    try {
      return await starters[choice](kind);
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
      const backend = await starters[name](kind);
      if (backend.gpu !== false) return backend;
      backend.close();
      reasons.push(`${name}: it has no GPU`);
    } catch (error) {
      reasons.push(`${name}: ${messageOf(error)}`);
    }
  }
  throw new LandfallError(`no backend could be started (${reasons.join('; ')})`, {
    repair: 'run landfall doctor',
  });
}

/** What most often is missing; an error that knows better says so itself. */
const repairs: Readonly<Record<BackendName, string>> = {
  tensorflow:
    'npm install @tensorflow/tfjs-node@4.22.0, or @tensorflow/tfjs-node-gpu@4.22.0 with CUDA 11.2 and cuDNN 8.1; for newer GPUs, or where its download cannot be reached: docs/gpu.md',
  webgpu: 'npm install webgpu@0.6.2 @tensorflow/tfjs-backend-webgpu@4.22.0; what else it needs: docs/gpu.md',
  simd: 'it needs a processor and a Node.js with WebAssembly SIMD, and trains perceptrons alone; or leave --backend out',
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
      const backend = await starters[name]('mlp');
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

async function startSimd(kind: NetworkKind): Promise<Backend> {
  if (!SIMD_NETWORKS.includes(kind)) throw new Unavailable(`it has no networks of kind ${kind}`);
  return { name: 'simd', description: 'SIMD kernel (WebAssembly), in threads', check: nothing, close: nothing };
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

/** The build for CUDA, or the one for CPUs: the same code with another library. */
async function importTensorFlow(): Promise<void> {
  try {
    await importOptional('@tensorflow/tfjs-node-gpu');
  } catch (gpu) {
    try {
      await importOptional('@tensorflow/tfjs-node');
    } catch (cpu) {
      throw new Unavailable(`${messageOf(gpu)}; ${messageOf(cpu)}`);
    }
  }
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
  // Its notes on CPU features are not for a user's terminal; its warnings are.
  process.env.TF_CPP_MIN_LOG_LEVEL ??= '1';
  await importTensorFlow();
  await use('tensorflow');
  const { binding, isUsingGpuDevice } = tf.backend() as unknown as TensorFlowBackend;
  const device = isUsingGpuDevice ? 'CUDA' : 'CPU';
  return {
    name: 'tensorflow',
    description: `tfjs-node (TensorFlow ${binding.TF_Version}, ${device})`,
    gpu: isUsingGpuDevice,
    check: nothing,
    close: nothing,
  };
}

async function use(name: string): Promise<void> {
  if (!(await tf.setBackend(name))) throw new Unavailable(`tfjs could not start its ${name} backend`);
  await tf.ready();
}
