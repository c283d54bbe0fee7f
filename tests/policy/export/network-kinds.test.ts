/** Networks with a memory or a history in ONNX Runtime, step by step beside the framework's own actor; and as JSON. */

import { describe, expect, it } from 'vitest';
import { cartpoleBalance } from '../../../configs/cartpole-balance.ts';
import { applyOverrides } from '../../../configs/schema.ts';
import { obsDim } from '../../../core/contract.ts';
import { keyOf, RandomStream } from '../../../core/rng.ts';
import { openExperiment } from '../../../loop/experiment.ts';
import { Actor } from '../../../policy/actor.ts';
import { initialActor } from '../../../policy/actor-network.ts';
import { sizesOf } from '../../../policy/architecture.ts';
import { decodePolicyJson, encodePolicyJson } from '../../../policy/export/policy-json.ts';
import { encodeOnnx } from '../../../policy/export/policy-onnx.ts';
import { splitTensors } from '../../../policy/mlp.ts';
import { OnnxModel } from './onnx-runtime.ts';

const PRODUCER = { name: 'landfall', version: '0.0.0' };

async function policyOf(...settings: string[]) {
  const { contract } = await openExperiment(applyOverrides(cartpoleBalance, settings));
  const random = new RandomStream(keyOf(6));
  const size = obsDim(contract);
  const normalizer = {
    ...contract.normalizer,
    mean: Array.from({ length: size }, () => random.normal()),
    variance: Array.from({ length: size }, () => 0.5 + random.uniform()),
  };
  const flat = initialActor(contract.network, 1, keyOf(7)).map((w) => w + 0.05 * random.normal());
  return {
    contract: { ...contract, normalizer },
    weights: splitTensors(flat, sizesOf(contract.network)),
    path: 'test',
  };
}

describe.each([
  ['gru', ['network.kind=gru', 'network.cell=12']],
  ['history', ['network.kind=history', 'network.steps=6', 'network.embed=8']],
  ['convolutions', ['network.kind=history', 'network.steps=12', 'network.convolutions=[[6,4,2],[5,2,1]]']],
] as const)('%s', (kind, settings) => {
  it('acts in ONNX Runtime as here, step after step', async () => {
    const policy = await policyOf(...settings);
    const { bytes, inputs } = encodeOnnx(policy, PRODUCER);
    expect(inputs.map(([name]) => name)).toEqual(kind === 'gru' ? ['obs', 'state'] : ['obs']);
    const model = await OnnxModel.open(bytes);
    const actor = new Actor(policy.contract, policy.weights);
    const random = new RandomStream(keyOf(9));
    const action = new Float32Array(1);
    let state: Float32Array = new Float32Array(12);
    let [largest, most] = [0, 0];
    for (let t = 0; t < 40; t++) {
      const obs = Float32Array.from({ length: obsDim(policy.contract) }, () => random.normal());
      const found = await model.run({ obs, ...(kind === 'gru' ? { state } : {}) });
      actor.act(obs, action);
      largest = Math.max(largest, Math.abs(found.action![0]! - action[0]!));
      most = Math.max(most, Math.abs(action[0]!));
      if (kind === 'gru') state = found.next_state as Float32Array;
    }
    // Float32 sums against float64 ones; a state carries its rounding on.
    expect(largest).toBeLessThan(1e-5);
    expect(most).toBeGreaterThan(0.1);
    await model.close();
  });

  it('is read from JSON as it was written', async () => {
    const policy = await policyOf(...settings);
    const read = decodePolicyJson(encodePolicyJson(policy), 'test');
    expect(read.contract).toEqual(policy.contract);
    expect(read.weights).toEqual(policy.weights.map((tensor) => tensor.slice()));
  });
});

it('a teacher is refused by name', async () => {
  const policy = await policyOf('network.kind=privileged');
  expect(() => encodeOnnx(policy, PRODUCER)).toThrow(/kind privileged cannot be exported/);
});
