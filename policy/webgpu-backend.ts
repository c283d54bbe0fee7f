/**
 * Starts tfjs's WebGPU backend in Node, on Dawn (package `webgpu`): finds the driver, refuses a software one unless it is
 * allowed, asks for the adapter's limits, and remembers the first error of the device, which tfjs would only log while it
 * computes nonsense. Knows no network.
 */

import * as tf from '@tensorflow/tfjs';
import { LandfallError } from '../core/errors.ts';
import type { Backend } from './backend.ts';
import { importOptional, Unavailable } from './optional-package.ts';

interface Dawn {
  create(options: string[]): GPU;
  readonly globals: Record<string, unknown>;
}

interface Kernels {
  readonly WebGPUBackend: new (device: GPUDevice, info: GPUAdapterInfo) => tf.KernelBackend;
}

/** Stock tfjs asks for the default limits, under which operations with many inputs fail with nothing but a log line. */
const LIMITS = [
  'maxComputeWorkgroupStorageSize',
  'maxComputeWorkgroupsPerDimension',
  'maxStorageBufferBindingSize',
  'maxBufferSize',
  'maxComputeWorkgroupSizeX',
  'maxComputeInvocationsPerWorkgroup',
  'maxStorageBuffersPerShaderStage',
] as const satisfies readonly (keyof GPUSupportedLimits)[];

let instance: GPU | undefined;

/** @throws Unavailable with the reason and the repair */
export async function startWebGpu(): Promise<Backend> {
  if (process.platform === 'linux') await requireVulkan();
  const dawn = (await importOptional('webgpu')) as Dawn;
  // One for the life of the process: Dawn takes its driver down with it while the driver's threads still run, and dies.
  instance ??= dawn.create([]);
  const gpu = instance;
  const forget = publish(gpu, dawn.globals);
  try {
    const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
    if (adapter === null) {
      throw new Unavailable('the Vulkan driver offers no adapter that WebGPU can use', {
        repair: `update the GPU's driver; \`vulkaninfo --summary\` lists what it offers`,
      });
    }
    const { info } = adapter;
    if (isSoftware(info) && process.env.LANDFALL_SOFTWARE_GPU !== '1') {
      throw new Unavailable(`only a software adapter is there (${info.description})`, {
        repair: `${INSTALL_DRIVER}; LANDFALL_SOFTWARE_GPU=1 allows this one, which is slower than --backend wasm`,
      });
    }
    // The package registers itself when it is loaded and finds navigator.gpu: so it is imported only now.
    const kernels = (await importOptional('@tensorflow/tfjs-backend-webgpu')) as Kernels;
    return await register(adapter, kernels, forget);
  } catch (error) {
    forget();
    throw error;
  }
}

async function register(adapter: GPUAdapter, kernels: Kernels, forget: () => void): Promise<Backend> {
  const { info, limits } = adapter;
  const device = await adapter.requestDevice({
    requiredLimits: Object.fromEntries(LIMITS.map((name) => [name, limits[name]])),
  });
  let failure: string | undefined;
  let closed = false;
  device.addEventListener('uncapturederror', (event) => {
    // Dawn need not write it to the terminal: check() throws it.
    event.preventDefault();
    failure ??= (event as GPUUncapturedErrorEvent).error.message;
  });
  void device.lost.then(({ message }) => {
    if (!closed) failure ??= `device lost: ${message}`;
  });
  const remove = () => {
    if (tf.findBackendFactory('webgpu') !== null) tf.removeBackend('webgpu');
  };
  remove();
  tf.registerBackend('webgpu', () => new kernels.WebGPUBackend(device, info), 3);
  if (!(await tf.setBackend('webgpu'))) throw new Unavailable('tfjs could not start its webgpu backend');
  await tf.ready();
  return {
    name: 'webgpu',
    description: `tfjs webgpu (${info.description || info.device || info.vendor})`,
    check() {
      if (failure === undefined) return;
      throw new LandfallError(`the GPU reported: ${failure}`, {
        repair: 'resume from the last checkpoint; if it comes back, train with --backend wasm',
      });
    },
    close() {
      closed = true;
      remove();
      device.destroy();
      forget();
    },
  };
}

/** Put WebGPU where tfjs looks for it: the globals of a browser. @returns takes navigator.gpu away again */
function publish(gpu: GPU, globals: Record<string, unknown>): () => void {
  Object.assign(globalThis, globals);
  const scope = globalThis as { navigator?: object };
  // Node 20 has no navigator, later ones have one without gpu.
  if (scope.navigator === undefined) Object.defineProperty(globalThis, 'navigator', { value: {}, configurable: true });
  const { navigator } = scope as { navigator: object };
  Object.defineProperty(navigator, 'gpu', { value: gpu, configurable: true });
  return () => Reflect.deleteProperty(navigator, 'gpu');
}

function isSoftware({ description, architecture, ...info }: GPUAdapterInfo): boolean {
  return info.isFallbackAdapter || /llvmpipe|swiftshader/i.test(`${description} ${architecture}`);
}

const INSTALL_DRIVER = `install the GPU vendor's Vulkan driver (in a container of NVIDIA's, NVIDIA_DRIVER_CAPABILITIES must include graphics)`;

/** Where Linux keeps the Vulkan loader, and where that looks for the manifests of drivers. */
const LOADERS = ['/usr/lib/x86_64-linux-gnu', '/usr/lib/aarch64-linux-gnu', '/usr/lib64', '/usr/lib', '/usr/local/lib'];
const MANIFESTS = ['/etc', '/etc/xdg', '/usr/share', '/usr/local/share', '/run/opengl-driver/share'];

/** Dawn without a loader or a driver says so on the terminal, where it helps nobody: it is not even started then. */
async function requireVulkan(): Promise<void> {
  const { existsSync, readdirSync } = await import('node:fs');
  const { homedir } = await import('node:os');
  const { env } = process;
  const folders = (list: string | undefined) => (list ?? '').split(':').filter((folder) => folder !== '');
  if (![...folders(env.LD_LIBRARY_PATH), ...LOADERS].some((folder) => existsSync(`${folder}/libvulkan.so.1`))) {
    throw new Unavailable('libvulkan.so.1 is not installed', {
      repair: `install the Vulkan loader (Debian, Ubuntu: apt-get install libvulkan1) and the GPU's Vulkan driver`,
    });
  }
  if (env.VK_DRIVER_FILES !== undefined || env.VK_ICD_FILENAMES !== undefined || env.VK_ADD_DRIVER_FILES !== undefined)
    return;
  const homes = [env.XDG_DATA_HOME ?? `${homedir()}/.local/share`, env.XDG_CONFIG_HOME ?? `${homedir()}/.config`];
  const places = [...MANIFESTS, ...homes, ...folders(env.XDG_DATA_DIRS), ...folders(env.XDG_CONFIG_DIRS)];
  const hasManifest = (place: string) => {
    const folder = `${place}/vulkan/icd.d`;
    return existsSync(folder) && readdirSync(folder).some((file) => file.endsWith('.json'));
  };
  if (!places.some(hasManifest)) throw new Unavailable('no Vulkan driver is installed', { repair: INSTALL_DRIVER });
}
