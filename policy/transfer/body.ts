/** The frozen part of a policy: every actor tensor but the last layer's, the log-std, and the observation statistics. */

import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import type { Contract, NetworkContract } from '../../core/contract.ts';
import { sizesOf } from '../architecture.ts';

/** Numbers of the actor's body: all tensors but the last layer's. */
export function bodySize(network: NetworkContract): number {
  return sizesOf(network)
    .slice(0, -2)
    .reduce((sum, size) => sum + size, 0);
}

/**
 * SHA-256 of everything that a change of the last layer must leave alone. Equal hashes: frozen to the byte.
 * @param actor W1, b1, ..., logStd
 */
export function bodyHash(contract: Contract, actor: Float32Array): string {
  const { layers } = contract.network;
  const actions = layers.at(-1)!;
  const hash = sha256.create();
  hash.update(bytesOf(actor.slice(0, bodySize(contract.network))));
  hash.update(bytesOf(actor.slice(actor.length - actions)));
  hash.update(utf8ToBytes(JSON.stringify(contract.normalizer)));
  return bytesToHex(hash.digest());
}

function bytesOf(values: Float32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}
