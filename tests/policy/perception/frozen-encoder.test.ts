/** Encoders on disk: our own there and back, and refused where damaged; foreign ones frozen. */

import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { InputError } from '../../../core/errors.ts';
import { keyOf } from '../../../core/rng.ts';
import { OnnxGraph } from '../../../policy/export/onnx-graph.ts';
import { type EncoderSpec, encoderTensors, initialTensors } from '../../../policy/perception/conv-layers.ts';
import { loadEncoder, saveEncoder } from '../../../policy/perception/encoder-bundle.ts';
import { openFrozenEncoder } from '../../../policy/perception/frozen-encoder.ts';
import { runtimes } from '../export/onnx-runtime.ts';

const spec: EncoderSpec = {
  kind: 'lidar',
  input: [1, 8, 2],
  circular: true,
  layers: [{ fold: [1, 2], channels: 8 }],
};

async function saved(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'landfall-encoder-'));
  const encoder = initialTensors(encoderTensors(spec), keyOf(1));
  const training = { seed: 1, steps: 5, batch: 2, learningRate: 0.001, loss: 0.5 };
  const record = { spec, labels: 'motion', data: 'nothing', ...training };
  await saveEncoder(folder, { record, encoder, body: Float32Array.of(1, 2) }, [{ name: 'body', shape: [2] }]);
  return folder;
}

beforeAll(async () => {
  await tf.setBackend('cpu');
});

describe('our own encoder', () => {
  it('comes back with its record, its body and its bytes', async () => {
    const { record, encoder, body } = await loadEncoder(await saved());
    expect(encoder).toEqual(initialTensors(encoderTensors(spec), keyOf(1)));
    expect(body).toEqual(Float32Array.of(1, 2));
    expect(record).toMatchObject({ spec, labels: 'motion', seed: 1 });
  });

  it('is refused with one bit changed, with another shape, and where there is none', async () => {
    const folder = await saved();
    const path = join(folder, 'encoder.safetensors');
    const bytes = await readFile(path);
    bytes[bytes.length - 1]! ^= 1;
    await writeFile(path, bytes);
    await expect(loadEncoder(folder)).rejects.toThrow(/not those that encoder.json names/);
    const json = join(folder, 'encoder.json');
    await writeFile(json, (await readFile(json, 'utf8')).replace('"channels": 8', '"channels": 16'));
    await expect(loadEncoder(folder)).rejects.toThrow(/should hold encoder.0.weight \[3, 4, 16\]/);
    await writeFile(json, '{');
    await expect(loadEncoder(folder)).rejects.toThrow(/not JSON/);
    await expect(loadEncoder(join(folder, 'none'))).rejects.toThrow(InputError);
  });

  it('opens frozen, and says what it takes', async () => {
    const encoder = await openFrozenEncoder(await saved());
    expect([encoder.input, encoder.output]).toEqual([
      [1, 8, 2],
      [1, 4, 8],
    ]);
    const before = encoder.hash();
    expect(await encoder.encode(new Float32Array(16).fill(0.5))).toHaveLength(32);
    expect(encoder.hash()).toBe(before);
    await expect(encoder.encode(new Float32Array(15))).rejects.toThrow(/16 numbers; 15 came/);
  });
});

describe('a layers model of TensorFlow.js', () => {
  async function foreign(): Promise<string> {
    const folder = await mkdtemp(join(tmpdir(), 'landfall-layers-'));
    const model = tf.sequential({
      layers: [
        tf.layers.conv1d({ inputShape: [6, 2], filters: 3, kernelSize: 3, padding: 'same' }),
        tf.layers.batchNormalization({}),
        tf.layers.flatten(),
      ],
    });
    // Statistics that a batch of zeros does not have.
    const norm = model.layers[1]!;
    norm.setWeights([tf.ones([3]), tf.zeros([3]), tf.fill([3], 2), tf.fill([3], 4 - 1e-3)]);
    await model.save({
      save: async ({ modelTopology, weightSpecs, weightData }) => {
        const weightsManifest = [{ paths: ['weights.bin'], weights: weightSpecs }];
        await writeFile(join(folder, 'model.json'), JSON.stringify({ modelTopology, weightsManifest }));
        await writeFile(join(folder, 'weights.bin'), new Uint8Array(weightData as ArrayBuffer));
        return { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' } };
      },
    });
    return folder;
  }

  it('runs on the statistics that it was trained with, and keeps them', async () => {
    const encoder = await openFrozenEncoder(await foreign());
    expect([encoder.input, encoder.output]).toEqual([[6, 2], [18]]);
    const before = encoder.hash();
    // Zeros through the convolution are zeros: (0 - 2) / sqrt(4) = -1; statistics of the batch would give 0.
    const map = await encoder.encode(new Float32Array(12));
    expect([...map]).toEqual(Array(18).fill(expect.closeTo(-1, 5)));
    for (let i = 0; i < 5; i++) await encoder.encode(new Float32Array(12).fill(i));
    expect(encoder.hash()).toBe(before);
    await encoder.close();
  });

  it('is refused without its weights', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'landfall-layers-'));
    await writeFile(join(folder, 'model.json'), '{"modelTopology": {}}');
    await expect(openFrozenEncoder(folder)).rejects.toThrow(/no modelTopology or weightsManifest/);
  });
});

describe('an ONNX file', () => {
  it.skipIf(runtimes.length === 0)('runs, and keeps its bytes (skipped without ONNX Runtime)', async () => {
    const graph = new OnnxGraph();
    const x = graph.input('x', 3);
    const w = graph.constant('w', [3, 2], [1, 0, 0, 1, 1, 1]);
    graph.output('y', graph.node('Relu', [graph.node('MatMul', [x, w])]), 2);
    const path = join(await mkdtemp(join(tmpdir(), 'landfall-onnx-')), 'encoder.onnx');
    await writeFile(path, graph.encode('encoder', { name: 'test', version: '0' }, {}));
    const encoder = await openFrozenEncoder(path);
    expect([encoder.input, encoder.output]).toEqual([[3], [2]]);
    const before = encoder.hash();
    // [1 + 3, -5 + 3] through ReLU
    expect([...(await encoder.encode(Float32Array.of(1, -5, 3)))]).toEqual([4, 0]);
    expect(encoder.hash()).toBe(before);
    await encoder.close();
  });
});

it('refuses what is no encoder', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'landfall-none-'));
  await writeFile(join(folder, 'notes.txt'), 'hello');
  await expect(openFrozenEncoder(join(folder, 'notes.txt'))).rejects.toThrow(/no kind of encoder/);
  await expect(openFrozenEncoder(join(folder, 'gone'))).rejects.toThrow(/is not there/);
});
