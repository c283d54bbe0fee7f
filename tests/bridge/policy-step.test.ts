/** An episode's start reaches the actor: one that remembers must not take an old episode into a new one. */

import { expect, it } from 'vitest';
import { PolicyStep } from '../../bridge/policy-step.ts';
import { actionDim, type NetworkContract } from '../../core/contract.ts';
import { makeState } from '../../core/robot.ts';
import { Actor } from '../../policy/actor.ts';
import { sizesOf } from '../../policy/architecture.ts';
import { sampleContract } from '../core/samples.ts';

it('a recurrent policy begins each episode as its first', () => {
  const network: NetworkContract = { kind: 'gru', layers: [3, 1], activation: 'elu', cell: 2 };
  const contract = { ...sampleContract(), network };
  const weights = sizesOf(network).map((size) => Float32Array.from({ length: size }, (_, i) => Math.sin(i + 1)));
  const step = new PolicyStep(contract, new Actor(contract, weights));
  const state = makeState(1);
  state.q[0] = 0.4;
  const acted = () => {
    expect(step.compute(state)).toBeNull();
    return step.action[0]!;
  };
  step.reset();
  const first = [acted(), acted(), acted()];
  expect(new Set(first).size).toBe(3);
  step.reset();
  expect([acted(), acted(), acted()]).toEqual(first);
  expect(step.action.length).toBe(actionDim(contract));
});
