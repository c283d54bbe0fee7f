/**
 * A pre-trained encoder on disk: `encoder.safetensors` with its tensors, `encoder.json` with what it is, what it learned from and
 * the SHA-256 of its bytes, and, where it learned motion, `body.safetensors` with what came after it. Knows no training.
 */

import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import * as v from 'valibot';
import { InputError, messageOf } from '../../core/errors.ts';
import { parseWith } from '../../core/schema.ts';
import { splitTensors } from '../mlp.ts';
import { decodeTensors, encodeTensors } from '../safetensors.ts';
import { type EncoderSpec, encoderTensors, type TensorShape } from './conv-layers.ts';

const natural = v.pipe(v.number(), v.integer(), v.minValue(1));

const specSchema = v.strictObject({
  kind: v.picklist(['lidar', 'depth']),
  input: v.tuple([natural, natural, natural]),
  circular: v.boolean(),
  layers: v.pipe(v.array(v.strictObject({ fold: v.tuple([natural, natural]), channels: natural })), v.minLength(1)),
});

const recordSchema = v.strictObject({
  format: v.literal('landfall-encoder'),
  version: v.literal(1),
  spec: specSchema,
  /** What it learned to tell. */
  labels: v.string(),
  /** In words: the data it was trained on. */
  data: v.string(),
  seed: v.pipe(v.number(), v.integer(), v.minValue(0)),
  steps: natural,
  batch: natural,
  learningRate: v.number(),
  loss: v.number(),
  /** SHA-256 of the encoder's parameters, hexadecimal. */
  hash: v.string(),
});

export type EncoderRecord = Omit<v.InferOutput<typeof recordSchema>, 'spec'> & { readonly spec: EncoderSpec };

export interface EncoderBundle {
  readonly record: EncoderRecord;
  /** One flat vector, in the order of `encoderTensors`. */
  readonly encoder: Float32Array;
  /** What came after it when it was trained, or none. */
  readonly body: Float32Array | null;
}

/** SHA-256 of the numbers' bytes. Equal: frozen to the byte. */
export function parameterHash(values: Float32Array): string {
  return bytesToHex(sha256(new Uint8Array(values.buffer, values.byteOffset, values.byteLength)));
}

/** @param bodyTensors names and shapes of the body's numbers */
export async function saveEncoder(
  folder: string,
  bundle: { readonly record: Omit<EncoderRecord, 'hash' | 'format' | 'version'> } & Omit<EncoderBundle, 'record'>,
  bodyTensors: readonly TensorShape[] = [],
): Promise<EncoderRecord> {
  const { encoder, body } = bundle;
  const record: EncoderRecord = {
    format: 'landfall-encoder',
    version: 1,
    ...bundle.record,
    hash: parameterHash(encoder),
  };
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'encoder.safetensors'), tensorFile(encoder, encoderTensors(record.spec), record.hash));
  if (body !== null) await writeFile(join(folder, 'body.safetensors'), tensorFile(body, bodyTensors, record.hash));
  // Last: a folder with a record is whole.
  await writeFile(join(folder, 'encoder.json'), `${JSON.stringify(record, null, 2)}\n`);
  return record;
}

/** @throws InputError where a file is missing, damaged, or not what the record says */
export async function loadEncoder(folder: string): Promise<EncoderBundle> {
  const where = join(folder, 'encoder.json');
  const text = await readFile(where, 'utf8').catch((error: unknown) => {
    throw new InputError(`${folder} holds no encoder: ${messageOf(error)}`, { repair: 'landfall pretrain makes one' });
  });
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new InputError(`${where}: not JSON`, { repair: 'pre-train again', cause: error });
  }
  const record = parseWith(recordSchema, json, where);
  const encoder = await readTensors(join(folder, 'encoder.safetensors'), encoderTensors(record.spec));
  if (parameterHash(encoder) !== record.hash) {
    throw new InputError(`${folder}: the encoder's bytes are not those that encoder.json names`, {
      repair: 'take encoder.json and encoder.safetensors from one run',
    });
  }
  const body = await readTensors(join(folder, 'body.safetensors'), null).catch(() => null);
  return { record, encoder, body };
}

function tensorFile(values: Float32Array, tensors: readonly TensorShape[], hash: string): Uint8Array {
  const sizes = tensors.map(({ shape }) => shape.reduce((a, b) => a * b, 1));
  const parts = splitTensors(values, sizes);
  return encodeTensors({
    tensors: tensors.map(({ name, shape }, i) => ({ name, shape, data: parts[i]! })),
    metadata: { format: 'landfall-encoder', encoder: hash },
  });
}

async function readTensors(path: string, expected: readonly TensorShape[] | null): Promise<Float32Array> {
  const bytes = await readFile(path).catch((error: unknown) => {
    throw new InputError(`${path} cannot be read: ${messageOf(error)}`, { repair: 'pre-train again' });
  });
  const { tensors } = decodeTensors(bytes, path);
  const found = tensors.map(({ name, shape }) => `${name} [${shape.join(', ')}]`).join(', ');
  const wanted = expected?.map(({ name, shape }) => `${name} [${shape.join(', ')}]`).join(', ');
  if (wanted !== undefined && found !== wanted) {
    throw new InputError(`${path} should hold ${wanted}; it holds ${found}`, { repair: 'pre-train again' });
  }
  const all = new Float32Array(tensors.reduce((sum, { data }) => sum + data.length, 0));
  let at = 0;
  for (const { data } of tensors) {
    all.set(data, at);
    at += data.length;
  }
  return all;
}
