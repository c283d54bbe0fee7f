/**
 * A policy as one JSON file: the contract, and the actor's weights as little-endian float32 in base64. For programs that
 * bring their own arithmetic. docs/export.md describes the file.
 */

import { type Contract, parseContract } from '../../core/contract.ts';
import { InputError, messageOf } from '../../core/errors.ts';
import { tensorsOf } from '../architecture.ts';
import type { Bundle } from '../checkpoint.ts';
import { commandMap } from './command-map.ts';
import { networkWriter } from './network-graph.ts';
import { fromBase64, toBase64 } from './page-data.ts';

export const JSON_FORMAT = 'landfall-policy-json/1';

/** @throws InputError for a network or action terms that cannot be exported */
export function encodePolicyJson({ contract, weights, path }: Pick<Bundle, 'contract' | 'weights' | 'path'>): string {
  networkWriter(contract.network.kind, path);
  const specs = tensorsOf(contract.network);
  const tensors = weights.map((data, i) => ({ ...specs[i]!, float32: toBase64(data) }));
  const { entries, initial } = commandMap(contract);
  return `${JSON.stringify({ format: JSON_FORMAT, contract, command: entries, initial: Array.from(initial), tensors })}\n`;
}

/** @param where names the text, for errors @throws InputError saying what is wrong with it */
export function decodePolicyJson(text: string, where: string): { contract: Contract; weights: Float32Array[] } {
  const bad = (what: string, cause?: unknown) =>
    new InputError(`${where}: not a readable policy: ${what}`, {
      repair: 'export it again: landfall export RUN --json FILE',
      cause,
    });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw bad('it is not JSON', error);
  }
  const { format, contract: stored, tensors } = (value ?? {}) as Readonly<Record<string, unknown>>;
  if (format !== JSON_FORMAT) throw bad(`its format should be ${JSON_FORMAT}, found ${String(format)}`);
  const contract = parseContract(stored, where);
  const shapes = tensorsOf(contract.network).map(({ shape }) => shape);
  if (!Array.isArray(tensors) || tensors.length !== shapes.length) throw bad(`it should hold ${shapes.length} tensors`);
  const weights = shapes.map((shape, i) => {
    const { name = i, float32 } = (tensors[i] ?? {}) as Readonly<Record<string, unknown>>;
    let data: Float32Array;
    try {
      data = fromBase64(String(float32));
    } catch (error) {
      throw bad(`tensor ${name}: ${messageOf(error)}`, error);
    }
    const size = shape.reduce((a, b) => a * b, 1);
    if (data.length !== size) throw bad(`tensor ${name} should have ${size} numbers, found ${data.length}`);
    if (!data.every(Number.isFinite)) throw bad(`tensor ${name} holds a number that is not finite`);
    return data;
  });
  return { contract, weights };
}
