/**
 * Kernels that tfjs's wasm backend (4.22) lacks or computes wrongly, run on its plain JavaScript backend instead: inputs are
 * copied over, outputs copied back, synchronously and exactly. Slow next to wasm, and right. Knows no network.
 */

import * as tf from '@tensorflow/tfjs';
import { LandfallError } from '../core/errors.ts';

/** What each is the gradient of. The last three exist on wasm and are wrong there, without a word. */
const BORROWED = [
  'UnsortedSegmentSum', // gather, with respect to its data
  'Conv2DBackpropFilter', // conv1d, conv2d, conv2dTranspose
  'DepthwiseConv2dNativeBackpropInput', // depthwiseConv2d
  'DepthwiseConv2dNativeBackpropFilter',
  'MaxPoolGrad', // maxPool
  'Conv3DBackpropFilterV2', // conv3d
  'Conv3DBackpropInputV2',
] as const;

/** The part of tfjs's CPU and wasm backends that moves values. */
interface Memory {
  readSync(dataId: tf.DataId): tf.BackendValues;
  disposeData(dataId: tf.DataId, force?: boolean): boolean;
}

interface CpuMemory extends Memory {
  write(values: tf.BackendValues, shape: number[], dtype: tf.DataType): tf.DataId;
}

interface WasmMemory extends Memory {
  makeOutput(shape: number[], dtype: tf.DataType, offset: undefined, values: tf.BackendValues): tf.TensorInfo;
}

/** Register them for the wasm backend, in the place of its own; a second call changes nothing. */
export function borrowCpuKernels(): void {
  const cpu = tf.findBackend('cpu') as unknown as CpuMemory | null;
  if (cpu === null) throw new LandfallError('the cpu backend of tfjs did not start', { repair: 'npm install again' });
  for (const kernelName of BORROWED) {
    const kernel = tf.getKernel(kernelName, 'cpu');
    if (tf.getKernel(kernelName, 'wasm') !== undefined) tf.unregisterKernel(kernelName, 'wasm');
    tf.registerKernel({
      kernelName,
      backendName: 'wasm',
      kernelFunc: ({ inputs, backend, attrs }) => {
        const wasm = backend as WasmMemory;
        const copies: tf.NamedTensorInfoMap = {};
        for (const [name, input] of Object.entries(inputs)) {
          if (input === undefined) continue;
          const dataId = cpu.write(wasm.readSync(input.dataId), input.shape, input.dtype);
          copies[name] = { dataId, shape: input.shape, dtype: input.dtype };
        }
        const takeBack = ({ dataId, shape, dtype }: tf.TensorInfo): tf.TensorInfo => {
          const output = wasm.makeOutput(shape, dtype, undefined, cpu.readSync(dataId));
          cpu.disposeData(dataId, true);
          return output;
        };
        const result = kernel.kernelFunc({ inputs: copies, backend: cpu, ...(attrs && { attrs }) });
        const outputs = Array.isArray(result) ? result.map(takeBack) : takeBack(result);
        for (const copy of Object.values(copies)) cpu.disposeData(copy!.dataId, true);
        return outputs;
      },
    });
  }
}
