/**
 * Chooses and starts the backend that trains: tfjs on some device, or the kernel of `simd/`. `auto` takes the first that is there; a named one is used or refused,
 * never silently replaced. Knows no network.
 */

import * as tf from '@tensorflow/tfjs';
import type { NetworkContract } from '../core/contract.ts';
import { InputError, LandfallError, messageOf } from '../core/errors.ts';
import { SIMD_NETWORKS } from './simd/simd-ppo.ts';

export const backendNames = ['tensorflow', 'webgpu', 'simd', 'wasm', 'cpu'] as const;
export type BackendName = (typeof backendNames)[number];

export type NetworkKind = NetworkContract['kind'];

export interface Backend {
  readonly name: BackendName;
  /** For people: the library and the device. */
  readonly description: string;
  /** @throws LandfallError when the device reported an error since the last call: its results cannot be trusted */
  check(): void;
  close(): void;
}

/** Why a backend could not be started; thrown by the starters below. */
class Unavailable extends LandfallError {}

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
        repair: repairs[choice],
        cause: error,
      });
    }
  }
  const reasons: string[] = [];
  for (const name of backendNames) {
    try {
      return await starters[name](kind);
    } catch (error) {
      reasons.push(`${name}: ${messageOf(error)}`);
    }
  }
  throw new LandfallError(`no backend could be started (${reasons.join('; ')})`, {
    repair: 'run landfall doctor',
  });
}

export const repairs: Readonly<Record<BackendName, string>> = {
  tensorflow:
    'it needs the optional package @tensorflow/tfjs-node-gpu, its library download, CUDA 11.2 and cuDNN 8.1; or leave --backend out',
  webgpu:
    'it needs the optional packages @tensorflow/tfjs-backend-webgpu and webgpu, libvulkan1 and a GPU driver; or leave --backend out',
  simd: 'it needs a processor and a Node.js with WebAssembly SIMD, and trains perceptrons alone; or leave --backend out',
  wasm: 'install again: npm install',
  cpu: 'install again: npm install',
};

/** What can be started here and why the rest cannot, for `landfall doctor`. */
export async function probeBackends(): Promise<{ name: BackendName; ok: boolean; detail: string }[]> {
  tf.enableProdMode();
  const found: { name: BackendName; ok: boolean; detail: string }[] = [];
  for (const name of backendNames) {
    try {
      const backend = await starters[name]('mlp');
      found.push({ name, ok: true, detail: backend.description });
      backend.close();
    } catch (error) {
      found.push({ name, ok: false, detail: messageOf(error) });
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
  await use('wasm');
  const simd = (await tf.env().getAsync('WASM_HAS_SIMD_SUPPORT')) === true;
  return { name: 'wasm', description: `tfjs wasm${simd ? ' (SIMD)' : ''}`, check: nothing, close: nothing };
}

async function startTensorFlow(): Promise<Backend> {
  // util.isNullOrUndefined left Node in version 23; the package still calls it (tensorflow/tfjs#8609).
  const { createRequire } = await import('node:module');
  const util = createRequire(import.meta.url)('node:util') as { isNullOrUndefined?: (value: unknown) => boolean };
  util.isNullOrUndefined ??= (value) => value === null || value === undefined;
  await importOptional('@tensorflow/tfjs-node-gpu');
  await use('tensorflow');
  return { name: 'tensorflow', description: 'tfjs-node-gpu (TensorFlow, CUDA)', check: nothing, close: nothing };
}

interface GpuErrorEvent {
  readonly error: { readonly message: string };
}

/** Where Linux keeps the Vulkan loader. Without it the package writes its own complaint to the terminal. */
const VULKAN_LOADERS = [
  '/usr/lib/x86_64-linux-gnu',
  '/usr/lib/aarch64-linux-gnu',
  '/usr/lib64',
  '/usr/lib',
  '/usr/local/lib',
];

async function startWebGpu(): Promise<Backend> {
  if (process.platform === 'linux') {
    const { existsSync } = await import('node:fs');
    if (!VULKAN_LOADERS.some((folder) => existsSync(`${folder}/libvulkan.so.1`))) {
      throw new Unavailable('libvulkan.so.1 is not installed');
    }
  }
  const dawn = (await importOptional('webgpu')) as {
    create(options: string[]): GPU;
    globals: Record<string, unknown>;
  };
  Object.assign(globalThis, dawn.globals);
  const gpu = dawn.create([]);
  const navigatorLike = (globalThis as { navigator?: object }).navigator ?? {};
  Object.defineProperty(navigatorLike, 'gpu', { value: gpu, configurable: true });
  if ((globalThis as { navigator?: object }).navigator === undefined) {
    Object.defineProperty(globalThis, 'navigator', { value: navigatorLike, configurable: true });
  }
  const forget = () => Reflect.deleteProperty(navigatorLike, 'gpu');
  const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
  if (adapter === null) {
    forget();
    throw new Unavailable('no WebGPU adapter (is a Vulkan driver installed?)');
  }
  const { info, limits } = adapter;
  const software = /llvmpipe|swiftshader/i.test(`${info.description} ${info.architecture}`);
  if (software && process.env.LANDFALL_SOFTWARE_GPU !== '1') {
    forget();
    throw new Unavailable(`only a software adapter is there (${info.description}); LANDFALL_SOFTWARE_GPU=1 allows it`);
  }
  // The package registers itself when it is loaded and finds navigator.gpu: so it is imported only now.
  const webgpu = (await importOptional('@tensorflow/tfjs-backend-webgpu')) as {
    WebGPUBackend: new (device: GPUDevice, info: GPUAdapterInfo) => tf.KernelBackend;
  };
  const device = await adapter.requestDevice({
    requiredLimits: Object.fromEntries(WEBGPU_LIMITS.map((name) => [name, limits[name]])),
  });
  let failure: string | undefined;
  device.addEventListener('uncapturederror', (event) => {
    failure ??= (event as unknown as GpuErrorEvent).error.message;
  });
  void device.lost.then((lost) => {
    if (lost.reason !== 'destroyed') failure ??= `device lost: ${lost.message}`;
  });
  tf.removeBackend('webgpu');
  tf.registerBackend('webgpu', () => new webgpu.WebGPUBackend(device, info), 3);
  await use('webgpu');
  return {
    name: 'webgpu',
    description: `tfjs webgpu (${info.description || info.device || info.vendor})`,
    check() {
      if (failure !== undefined)
        throw new LandfallError(`the GPU reported: ${failure}`, { repair: 'train with --backend wasm' });
    },
    close() {
      tf.removeBackend('webgpu');
      device.destroy();
      forget();
    },
  };
}

/** Stock tfjs asks for the default limits, under which operations with many inputs fail with nothing but a log line. */
const WEBGPU_LIMITS = [
  'maxComputeWorkgroupStorageSize',
  'maxComputeWorkgroupsPerDimension',
  'maxStorageBufferBindingSize',
  'maxBufferSize',
  'maxComputeWorkgroupSizeX',
  'maxComputeInvocationsPerWorkgroup',
  'maxStorageBuffersPerShaderStage',
] as const satisfies readonly (keyof GPUSupportedLimits)[];

async function use(name: string): Promise<void> {
  if (!(await tf.setBackend(name))) throw new Unavailable(`tfjs could not start its ${name} backend`);
  await tf.ready();
}

/** Import a package that may not be installed. */
async function importOptional(name: string): Promise<unknown> {
  try {
    return await import(name);
  } catch (error) {
    throw new Unavailable(`package ${name} is not installed or cannot be loaded`, { cause: error });
  }
}
