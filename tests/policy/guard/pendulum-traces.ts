/** The project's pendulum without dry friction by its equation of motion, what a policy sees and does of it, and what may be wrong with it. */

import { type Episode, JOINTS_ALONE } from '../../../core/episode.ts';
import { foldIn, keyOf, RandomStream } from '../../../core/rng.ts';
import { Actor } from '../../../policy/actor.ts';
import type { Trace } from '../../../policy/guard/trace.ts';
import { initialWeights } from '../../../policy/initial-weights.ts';
import { splitTensors, tensorSizes } from '../../../policy/mlp.ts';
import { pendulumContract } from '../../bridge/contract.ts';

const layers = [2, 12, 1];

export const contract = pendulumContract({ network: { kind: 'mlp', layers, activation: 'tanh' } });

/** A policy that pushes about as hard as it may. */
export const weights = splitTensors(initialWeights(layers, 1, keyOf(3)), tensorSizes(layers));

export interface Wrong {
  /** From this step on. */
  readonly from: number;
  readonly gain?: number;
  readonly mass?: number;
  /** Added to the angle's reading, rad. */
  readonly bias?: number;
}

/** @param wrong nothing is, without it */
export function pendulumTrace(episode: number, steps: number, wrong?: Wrong): Trace {
  const random = new RandomStream(foldIn(keyOf(11), episode));
  const actor = new Actor(contract, weights);
  const trace = {
    steps,
    obs: new Float32Array(2 * steps),
    action: new Float32Array(steps),
    features: new Float32Array(12 * steps),
  };
  let q = random.between(-1, 1);
  let qd = random.between(-1, 1);
  for (let t = 0; t < steps; t++) {
    const { gain = 1, mass = 1, bias = 0 } = wrong !== undefined && t >= wrong.from ? wrong : {};
    const obs = trace.obs.subarray(2 * t, 2 * t + 2);
    obs[0] = q + bias + 0.002 * random.normal();
    obs[1] = qd + 0.02 * random.normal();
    const action = trace.action.subarray(t, t + 1);
    actor.act(obs, action);
    trace.features.set(actor.features, 12 * t);
    // J qdd = u - b qd - m g l sin q
    for (let k = 0; k < 10; k++) {
      const torque = gain * Math.max(-1, Math.min(1, action[0]!));
      qd += (0.002 * (torque - 0.047 * qd - mass * 2.81 * Math.sin(q))) / (mass * 0.1436);
      q += 0.002 * qd;
    }
  }
  return trace;
}

export function pendulumTraces(first: number, count: number, steps = 100, wrong?: Wrong): Trace[] {
  return Array.from({ length: count }, (_, i) => pendulumTrace(first + i, steps, wrong));
}

/** As a deployment would have recorded it. */
export function episodeOf({ steps, obs, action }: Trace, id = 'one'): Episode {
  return {
    meta: {
      id,
      source: 'robot',
      robot: 'pendulum',
      task: 'pendulum',
      joints: ['shoulder'],
      rateHz: 50,
      startedAt: 0,
      contract,
      shadow: false,
      parameters: {},
    },
    steps: Array.from({ length: steps }, (_, t) => ({
      ...JOINTS_ALONE,
      sensorTime: t / 50,
      receiptTime: t / 50,
      commandTime: t / 50,
      q: Float64Array.of(obs[2 * t]!),
      qd: Float64Array.of(obs[2 * t + 1]!),
      effort: Float64Array.of(NaN),
      obs: obs.slice(2 * t, 2 * t + 2),
      action: action.slice(t, t + 1),
      command: Float64Array.of(action[t]!),
      reward: 0,
      rewardTerms: {},
      terminated: false,
      truncated: false,
    })),
    outcome: { reason: 'completed', completed: true },
  };
}
