/**
 * Any encoder as a frozen function: this project's own bundle, a TensorFlow.js layers model (`model.json` with its weights) or
 * an ONNX file. Frozen means that nothing here can change it, that normalisation runs on the statistics it was trained with,
 * and that `hash` is of the bytes in use. Knows no sensor.
 */

import { readFile, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import * as tf from '@tensorflow/tfjs';
import { InputError, messageOf } from '../../core/errors.ts';
import { splitTensors } from '../mlp.ts';
import { importOptional } from '../optional-package.ts';
import { encoderTensors, mapShape } from './conv-layers.ts';
import { Encoder } from './encoder.ts';
import { loadEncoder, parameterHash } from './encoder-bundle.ts';

export interface FrozenEncoder {
  /** Where it came from. */
  readonly source: string;
  /** Shape of one input and of what comes out, without the batch. */
  readonly input: readonly number[];
  readonly output: readonly number[];
  /** SHA-256 of the weights in use, read anew: equal before and after whatever was trained on top. */
  hash(): string;
  /** @param input one, flat @returns flat, a copy */
  encode(input: Float32Array): Promise<Float32Array>;
  close(): Promise<void>;
}

/** @param path a folder of `landfall pretrain`, a `model.json` or its folder, or a file that ends in .onnx */
export async function openFrozenEncoder(path: string): Promise<FrozenEncoder> {
  const found = await stat(path).catch(() => null);
  if (found === null)
    throw new InputError(`${path} is not there`, { repair: 'name a folder, a model.json or an .onnx file' });
  if (path.endsWith('.onnx')) return await openOnnx(path);
  if (basename(path) === 'model.json') return await openLayers(path);
  if (found.isDirectory()) {
    const isOwn = await stat(join(path, 'encoder.json')).catch(() => null);
    return isOwn === null ? await openLayers(join(path, 'model.json')) : await openOwn(path);
  }
  throw new InputError(`${path} is no kind of encoder that is known here`, {
    repair: 'a folder with encoder.json, a model.json of TensorFlow.js, or an .onnx file',
  });
}

async function openOwn(path: string): Promise<FrozenEncoder> {
  const { record, encoder: flat } = await loadEncoder(path);
  const sizes = encoderTensors(record.spec).map(({ shape }) => shape.reduce((a, b) => a * b, 1));
  const tensors = splitTensors(flat, sizes);
  const encoder = new Encoder(record.spec);
  return {
    source: path,
    input: record.spec.input,
    output: mapShape(record.spec),
    hash: () => parameterHash(flat),
    encode: async (input) => encoder.encode(tensors, checked(input, record.spec.input, path)).slice(),
    close: async () => undefined,
  };
}

interface LayersFile {
  readonly format?: string;
  readonly modelTopology?: object;
  readonly weightsManifest?: readonly {
    readonly paths: readonly string[];
    readonly weights: readonly tf.io.WeightsManifestEntry[];
  }[];
}

async function openLayers(path: string): Promise<FrozenEncoder> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw new InputError(`${path} cannot be read: ${messageOf(error)}`, {
      repair: 'name a model.json of TensorFlow.js',
    });
  });
  let model: tf.LayersModel;
  try {
    const { modelTopology, weightsManifest } = JSON.parse(text) as LayersFile;
    if (modelTopology === undefined || weightsManifest === undefined)
      throw new Error('no modelTopology or weightsManifest in it');
    const parts = await Promise.all(
      weightsManifest.flatMap(({ paths }) => paths.map((name) => readFile(join(dirname(path), name)))),
    );
    const weightData = Uint8Array.from(Buffer.concat(parts)).buffer;
    const weightSpecs = weightsManifest.flatMap(({ weights }) => weights);
    model = await tf.loadLayersModel({ load: async () => ({ modelTopology, weightSpecs, weightData }) });
  } catch (error) {
    throw new InputError(`${path} is not a layers model with its weights: ${messageOf(error)}`, {
      repair: 'save it with model.save() of TensorFlow.js; graph models are another format',
      cause: error,
    });
  }
  model.trainable = false;
  const input = shapeOf(model.inputs[0]!.shape, path);
  return {
    source: path,
    input,
    output: shapeOf(model.outputs[0]!.shape, path),
    hash() {
      const hash = sha256.create();
      for (const weight of model.getWeights()) hash.update(bytesOf(weight.dataSync()));
      return bytesToHex(hash.digest());
    },
    // `predict` is inference: normalisation layers use their moving statistics and leave them alone.
    encode: async (values) => {
      const x = tf.tensor(checked(values, input, path), [1, ...input]);
      const y = model.predict(x) as tf.Tensor;
      const out = Float32Array.from(await y.data());
      tf.dispose([x, y]);
      return out;
    },
    close: async () => {
      model.dispose();
    },
  };
}

/** As much of ONNX Runtime as is used here. */
interface Runtime {
  readonly Tensor: new (type: 'float32', data: Float32Array, dims: readonly number[]) => object;
  readonly InferenceSession: {
    create(bytes: Uint8Array, options: { executionProviders: string[] }): Promise<Session>;
  };
}

interface Session {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  readonly inputMetadata: readonly { readonly shape?: readonly (number | string)[] }[];
  readonly outputMetadata: readonly { readonly shape?: readonly (number | string)[] }[];
  run(feeds: Readonly<Record<string, object>>): Promise<Readonly<Record<string, { readonly data: unknown }>>>;
  release(): Promise<void>;
}

const RUNTIMES = [
  ['onnxruntime-node', 'cpu'],
  ['onnxruntime-web', 'wasm'],
] as const;

async function openOnnx(path: string): Promise<FrozenEncoder> {
  const bytes = Uint8Array.from(await readFile(path));
  const [runtime, provider] = await onnxRuntime();
  const session = await runtime.InferenceSession.create(bytes, { executionProviders: [provider] }).catch(
    (error: unknown) => {
      throw new InputError(`${path} is not an ONNX model that can be run: ${messageOf(error)}`, {
        repair: 'export it again',
        cause: error,
      });
    },
  );
  const input = shapeOf(session.inputMetadata[0]?.shape ?? [], path);
  const [from, to] = [session.inputNames[0]!, session.outputNames[0]!];
  return {
    source: path,
    input,
    output: shapeOf(session.outputMetadata[0]?.shape ?? [], path),
    hash: () => bytesToHex(sha256(bytes)),
    encode: async (values) => {
      const feed = new runtime.Tensor('float32', checked(values, input, path), [1, ...input]);
      return Float32Array.from((await session.run({ [from]: feed }))[to]!.data as Float32Array);
    },
    close: async () => await session.release(),
  };
}

async function onnxRuntime(): Promise<readonly [Runtime, string]> {
  for (const [name, provider] of RUNTIMES) {
    const runtime = await importOptional(name).catch(() => null);
    if (runtime !== null) return [runtime as Runtime, provider];
  }
  throw new InputError('an ONNX encoder needs ONNX Runtime, which is not installed', {
    repair: 'npm install onnxruntime-node',
  });
}

/** A shape without its batch. */
function shapeOf(shape: readonly (number | string | null)[], path: string): number[] {
  const rest = shape.slice(1);
  if (rest.length > 0 && rest.every((size): size is number => typeof size === 'number' && size > 0)) return rest;
  throw new InputError(`${path}: its shapes should be fixed but for the batch, found [${shape.join(', ')}]`, {
    repair: 'export it with a fixed input shape',
  });
}

function checked(values: Float32Array, shape: readonly number[], path: string): Float32Array {
  const size = shape.reduce((a, b) => a * b, 1);
  if (values.length === size) return values;
  throw new InputError(`${path} takes [${shape.join(', ')}], that is ${size} numbers; ${values.length} came`, {
    repair: 'give it what it was trained on',
  });
}

function bytesOf(values: tf.TypedArray): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}
