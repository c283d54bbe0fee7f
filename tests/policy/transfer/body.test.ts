/** The frozen body's hash: every byte that must not move moves it, every byte that may does not. */

import { describe, expect, it } from 'vitest';
import { pendulum } from '../../../configs/pendulum.ts';
import { openExperiment } from '../../../loop/experiment.ts';
import { bodyHash, bodySize } from '../../../policy/transfer/body.ts';

const { contract } = await openExperiment({ ...pendulum, network: { ...pendulum.network, hidden: [4, 3] } });
/** 5-4-3-1: 20 + 4 + 12 + 3 of the body, 3 + 1 of the head, 1 of the log-std. */
const actor = Float32Array.from({ length: 44 }, (_, i) => i / 7);
const HEAD = [39, 40, 41, 42];

describe('bodyHash', () => {
  it('counts all layers but the last', () => {
    expect(bodySize(contract.network)).toBe(39);
  });

  it('changes with every number of the body and the log-std, by one bit, and with none of the head', () => {
    const before = bodyHash(contract, actor);
    for (let i = 0; i < actor.length; i++) {
      const changed = actor.slice();
      const bits = new Uint32Array(changed.buffer);
      bits[i] = bits[i]! ^ 1;
      expect(bodyHash(contract, changed) === before, `number ${i}`).toBe(HEAD.includes(i));
    }
  });

  it('changes with the observation statistics, and with nothing else of the contract', () => {
    const before = bodyHash(contract, actor);
    const { normalizer } = contract;
    for (const other of [
      { ...normalizer, count: 1 },
      { ...normalizer, mean: normalizer.mean.map((x, i) => (i === 2 ? x + 1e-12 : x)) },
      { ...normalizer, variance: normalizer.variance.map((x, i) => (i === 4 ? 2 : x)) },
    ]) {
      expect(bodyHash({ ...contract, normalizer: other }, actor)).not.toBe(before);
    }
    expect(bodyHash({ ...contract, seed: 99 }, actor)).toBe(before);
  });
});
