/** What is deployed of a network that explores, and the way back. */

import { describe, expect, it } from 'vitest';
import { keyOf } from '../../core/rng.ts';
import { initialWeights } from '../../policy/initial-weights.ts';
import { Mlp, splitTensors, tensorSizes } from '../../policy/mlp.ts';
import { explorerLayers, explorerOf, meanActor } from '../../policy/squashed-gaussian.ts';

const LAYERS = [3, 5, 4, 2];

function run(layers: readonly number[], weights: Float32Array): Float32Array {
  const out = new Float32Array(layers.at(-1)!);
  new Mlp(layers, 'elu').forward(splitTensors(weights, tensorSizes(layers)), Float32Array.of(0.3, -1, 2), out);
  return out;
}

describe('meanActor', () => {
  const explorer = initialWeights(explorerLayers(LAYERS), 1, keyOf(1)).map((x, i) => x + 0.01 * Math.sin(i));

  it('gives the means of the network that explores, to the bit, and the bias of its log-std', () => {
    expect(explorerLayers(LAYERS)).toEqual([3, 5, 4, 4]);
    const actor = meanActor(LAYERS, explorer);
    expect(actor.length).toBe(tensorSizes(LAYERS).reduce((a, b) => a + b) + 2);
    const whole = run(explorerLayers(LAYERS), explorer);
    expect(run(LAYERS, actor.subarray(0, -2))).toEqual(whole.slice(0, 2));
    expect(actor.slice(-2)).toEqual(explorer.slice(-2));
  });

  it('comes back as a network that explores with the same log-std everywhere', () => {
    const actor = meanActor(LAYERS, explorer);
    const back = explorerOf(LAYERS, actor);
    expect(back.length).toBe(explorer.length);
    expect(meanActor(LAYERS, back)).toEqual(actor);
    const out = run(explorerLayers(LAYERS), back);
    expect(out.slice(0, 2)).toEqual(run(explorerLayers(LAYERS), explorer).slice(0, 2));
    expect(out.slice(2)).toEqual(actor.slice(-2));
  });
});
