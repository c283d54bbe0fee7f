/**
 * ONNX Runtime, to run exported models with. Its WASM build is a development dependency: the native one is 288 MB and
 * downloads at installation. Where that is installed too, both are used.
 */

import type { InferenceSession, Tensor } from 'onnxruntime-common';

interface Runtime {
  readonly name: string;
  readonly InferenceSession: typeof InferenceSession;
  readonly Tensor: typeof Tensor;
}

async function load(name: string): Promise<Runtime[]> {
  try {
    const module = (await import(name)) as Omit<Runtime, 'name'>;
    return [{ name, InferenceSession: module.InferenceSession, Tensor: module.Tensor }];
  } catch (error) {
    if (name !== 'onnxruntime-web') return [];
    throw error;
  }
}

export const runtimes: readonly Runtime[] = [...(await load('onnxruntime-web')), ...(await load('onnxruntime-node'))];

/** One model in one runtime. */
export class OnnxModel {
  readonly #runtime: Runtime;
  readonly #session: InferenceSession;

  private constructor(runtime: Runtime, session: InferenceSession) {
    this.#runtime = runtime;
    this.#session = session;
  }

  static async open(bytes: Uint8Array, runtime = runtimes[0]!): Promise<OnnxModel> {
    const options = { executionProviders: [runtime.name === 'onnxruntime-web' ? 'wasm' : 'cpu'] };
    return new OnnxModel(runtime, await runtime.InferenceSession.create(bytes, options));
  }

  get inputs(): readonly string[] {
    return this.#session.inputNames;
  }

  get outputs(): readonly string[] {
    return this.#session.outputNames;
  }

  /** @param inputs by name, [batch, size] @returns outputs by name, [batch, size] */
  async run(
    inputs: Readonly<Record<string, Float32Array>>,
    batch = 1,
  ): Promise<Readonly<Record<string, Float32Array>>> {
    const feeds = Object.entries(inputs).map(
      ([name, data]) => [name, new this.#runtime.Tensor('float32', data, [batch, data.length / batch])] as const,
    );
    const results = await this.#session.run(Object.fromEntries(feeds));
    return Object.fromEntries(Object.entries(results).map(([name, { data }]) => [name, data as Float32Array]));
  }

  close(): Promise<void> {
    return this.#session.release();
  }
}
