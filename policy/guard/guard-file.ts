/**
 * A guard as bytes, in the safetensors format: its tensors, and its numbers as JSON in the header. Says whether it is of the policy
 * at hand. Bytes in, bytes out: the same in Node and in a page.
 */

import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import * as v from 'valibot';
import type { Contract } from '../../core/contract.ts';
import { InputError } from '../../core/errors.ts';
import { parseWith } from '../../core/schema.ts';
import { decodeTensors, encodeTensors } from '../safetensors.ts';
import { featureCount, type GuardModel, guardShape, guardTensors, partNames, partsOf } from './guard-model.ts';

const FORMAT = 'landfall-guard';

const finite = v.pipe(v.number(), v.finite());
const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const some = v.pipe(v.number(), v.integer(), v.minValue(1));

const numbersSchema = v.strictObject({
  version: v.literal(1),
  policy: v.string(),
  alpha: v.pipe(finite, v.gtValue(0), v.ltValue(1)),
  /** null: not calibrated. JSON has no Infinity. */
  threshold: v.nullable(finite),
  window: v.strictObject({ over: some, of: v.pipe(some, v.maxValue(1000)) }),
  episodes: v.strictObject({ fit: count, scale: count, calibration: count }),
  parts: v.pipe(
    v.array(v.strictObject({ name: v.picklist(partNames), mean: finite, sd: v.pipe(finite, v.gtValue(0)) })),
    v.minLength(1),
  ),
});

/** What a guard must be made anew for: another network, other weights, other observations or actions. @returns SHA-256 */
export function policyHash(
  { network, normalizer, observations, actions, control }: Contract,
  weights: readonly Float32Array[],
): string {
  const hash = sha256.create();
  hash.update(utf8ToBytes(sorted([network, normalizer, observations, actions, control])));
  for (const { buffer, byteOffset, byteLength } of weights) hash.update(new Uint8Array(buffer, byteOffset, byteLength));
  return bytesToHex(hash.digest());
}

/** JSON that does not depend on the order in which keys were written. */
function sorted(value: unknown): string {
  return JSON.stringify(value, (_, item: unknown) =>
    typeof item === 'object' && item !== null && !Array.isArray(item)
      ? Object.fromEntries(Object.entries(item).sort(([a], [b]) => (a < b ? -1 : 1)))
      : item,
  );
}

export function encodeGuard(contract: Contract, model: GuardModel): Uint8Array {
  const { tensors, threshold, ...rest } = model;
  const shape = guardShape(contract, tensors['features.mean']?.length ?? 0);
  const numbers = { version: 1, ...rest, threshold: Number.isFinite(threshold) ? threshold : null };
  return encodeTensors({
    tensors: guardTensors(shape).map((spec) => ({ ...spec, data: tensors[spec.name]! })),
    metadata: { format: FORMAT, guard: JSON.stringify(numbers) },
  });
}

/**
 * @param contract of the policy it stands beside
 * @throws InputError naming the file and what is wrong with it
 */
export function decodeGuard(bytes: Uint8Array, contract: Contract, where: string): GuardModel {
  const repair = 'make it again: landfall guard RUN --episodes DIR; or remove the file';
  const bad = (what: string): never => {
    throw new InputError(`${where}: ${what}`, { repair });
  };
  const file = decodeTensors(bytes, where);
  const text = file.metadata.guard;
  if (file.metadata.format !== FORMAT || text === undefined) return bad('holds no guard');
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return bad('its numbers are not JSON');
  }
  const { version: _, threshold, ...numbers } = parseWith(numbersSchema, parsed, `guard in ${where}`);
  const { over, of } = numbers.window;
  if (over > of) bad(`alarms after ${over} of ${of} steps, which cannot be`);
  const features = numbers.parts.some(({ name }) => name === 'features') ? featureCount(contract) : 0;
  const shape = guardShape(contract, features);
  const wanted = partsOf(shape).join(', ');
  const found = numbers.parts.map(({ name }) => name).join(', ');
  if (found !== wanted) bad(`should have the scores ${wanted} for this policy, found ${found}`);
  const tensors: Record<string, Float32Array> = {};
  for (const { name, shape: size } of guardTensors(shape)) {
    const data = file.tensors.find((tensor) => tensor.name === name)?.data;
    const length = size.reduce((a, b) => a * b, 1);
    if (data?.length !== length)
      return bad(`tensor ${name} should have ${length} numbers, found ${data?.length ?? 'none'}`);
    const at = data.findIndex((value) => !Number.isFinite(value));
    if (at >= 0) bad(`tensor ${name} holds ${data[at]} at ${at}`);
    tensors[name] = data;
  }
  return { ...numbers, threshold: threshold ?? Infinity, tensors };
}

/** What stands beside a policy: nothing, a guard of another policy, one without a limit, or one that can be used. */
export type FoundGuard =
  | { readonly kind: 'none' }
  | { readonly kind: 'other-policy' }
  | { readonly kind: 'not-calibrated' | 'armed'; readonly model: GuardModel };

/**
 * @param bytes of the guard's file; undefined where there is none
 * @throws InputError when they are damaged
 */
export function findGuard(
  bytes: Uint8Array | undefined,
  contract: Contract,
  weights: readonly Float32Array[],
  where: string,
): FoundGuard {
  if (bytes === undefined) return { kind: 'none' };
  // One of another policy may have other tensors, which is no damage.
  if (policyNamedIn(bytes, where) !== policyHash(contract, weights)) return { kind: 'other-policy' };
  const model = decodeGuard(bytes, contract, where);
  return { kind: Number.isFinite(model.threshold) ? 'armed' : 'not-calibrated', model };
}

function policyNamedIn(bytes: Uint8Array, where: string): unknown {
  const { metadata } = decodeTensors(bytes, where);
  try {
    return (JSON.parse(metadata.guard ?? '') as { policy?: unknown } | null)?.policy;
  } catch (cause) {
    throw new InputError(`${where}: holds no guard`, {
      repair: 'make it again: landfall guard RUN --episodes DIR; or remove the file',
      cause,
    });
  }
}
