/** A guard from training to alarm, on a pendulum by its equation: what it learns, finds, lets pass, stores and refuses. */

import { beforeAll, describe, expect, it } from 'vitest';
import { InputError, MismatchError } from '../../../core/errors.ts';
import { keyOf, RandomStream } from '../../../core/rng.ts';
import { openBackend } from '../../../policy/backend.ts';
import { expectedFalseAlarms } from '../../../policy/guard/conformal.ts';
import { fitNetwork } from '../../../policy/guard/fit-network.ts';
import { Guard } from '../../../policy/guard/guard.ts';
import { decodeGuard, encodeGuard, findGuard, policyHash } from '../../../policy/guard/guard-file.ts';
import type { GuardModel } from '../../../policy/guard/guard-model.ts';
import { guardView } from '../../../policy/guard/guard-view.ts';
import { type Trace, traceOf } from '../../../policy/guard/trace.ts';
import { guardLevels, splitEpisodes, type TrainedGuard, trainGuard } from '../../../policy/guard/train-guard.ts';
import { initialWeights } from '../../../policy/initial-weights.ts';
import { Mlp, splitTensors, tensorSizes } from '../../../policy/mlp.ts';
import { bytesPerCall } from '../../core/allocation.ts';
import { contract, episodeOf, pendulumTrace, pendulumTraces, weights } from './pendulum-traces.ts';

/** Little, so that the file is quick. */
const FIT = { updates: 250, batch: 64, learningRate: 3e-3 };
const ALPHA = 0.1;

let trained: TrainedGuard;

beforeAll(async () => {
  await openBackend('wasm');
  trained = await trainGuard({
    contract,
    policy: policyHash(contract, weights),
    traces: pendulumTraces(0, 30),
    features: 12,
    alpha: ALPHA,
    key: keyOf(1),
    fit: FIT,
  });
});

describe('training', () => {
  it('learns to predict and to imitate a random network', () => {
    const { forward, novelty } = trained;
    // The change of a step is in deviations: a model that knew nothing would have a loss of 1.
    expect(forward!.lastLoss).toBeLessThan(0.2);
    expect(novelty.lastLoss).toBeLessThan(0.1 * novelty.firstLoss);
  });

  it('distils a random network where there was data, and not where there was none', async () => {
    const random = new RandomStream(keyOf(6));
    const layers = [2, 16, 4];
    const target = splitTensors(initialWeights(layers, 1, keyOf(7)), tensorSizes(layers));
    const mlp = new Mlp(layers, 'tanh');
    const inputs = Float32Array.from({ length: 1000 }, () => random.between(-1, 1));
    const outputs = new Float32Array(2000);
    for (let i = 0; i < 500; i++)
      mlp.forward(target, inputs.subarray(2 * i, 2 * i + 2), outputs.subarray(4 * i, 4 * i + 4));
    const first = initialWeights(layers, 1, keyOf(8));
    const fitted = await fitNetwork(layers, 'tanh', first, inputs, outputs, FIT, keyOf(9));
    const learner = splitTensors(fitted.parameters, tensorSizes(layers));
    const score = (scale: number) => {
      let sum = 0;
      for (let i = 0; i < 200; i++) {
        const x = Float32Array.of(scale * random.between(-1, 1), scale * random.between(-1, 1));
        const [a, b] = [new Float32Array(4), new Float32Array(4)];
        mlp.forward(learner, x, a);
        mlp.forward(target, x, b);
        for (let k = 0; k < 4; k++) sum += (a[k]! - b[k]!) ** 2;
      }
      return sum;
    };
    expect(fitted.lastLoss).toBeLessThan(0.1 * fitted.firstLoss);
    expect(score(4)).toBeGreaterThan(10 * score(1));
  });

  it('keeps whole episodes apart', () => {
    const { fit, scale, calibration } = splitEpisodes(40, 0.05, keyOf(1));
    expect([fit.length, scale.length, calibration.length]).toEqual([14, 6, 20]);
    expect([...fit, ...scale, ...calibration].toSorted((a, b) => a - b)).toEqual(
      Array.from({ length: 40 }, (_, i) => i),
    );
    // As many for calibration as alpha needs, as long as something is left to learn from.
    expect(splitEpisodes(24, 0.05, keyOf(1)).calibration).toHaveLength(19);
    expect(splitEpisodes(23, 0.05, keyOf(1)).calibration).toHaveLength(19);
    expect(splitEpisodes(22, 0.05, keyOf(1)).calibration).toHaveLength(18);
    expect(splitEpisodes(40, 0.05, keyOf(2))).not.toEqual(splitEpisodes(40, 0.05, keyOf(1)));
    expect(() => splitEpisodes(4, 0.05, keyOf(1))).toThrow(InputError);
  });

  it('says that it is not calibrated where there are too few', async () => {
    const { model } = await trainGuard({
      contract,
      policy: '',
      traces: pendulumTraces(0, 22, 30),
      features: 12,
      alpha: 0.05,
      key: keyOf(1),
      fit: { ...FIT, updates: 2 },
    });
    expect(model.threshold).toBe(Infinity);
    const guard = new Guard(contract, model);
    expect(guardLevels(contract, model, pendulumTraces(500, 1, 50, { from: 0, gain: -1 }))[0]).toBeGreaterThan(0);
    expect(guard.step(new Float32Array(2), new Float32Array(1), new Float32Array(12))).toBe(false);
  });

  it('looks at what sensors say, not at what was asked or done', () => {
    const [angle] = contract.observations;
    const term = (name: string, size: number, history: number) => ({ ...angle!, name, term: name, size, history });
    const view = guardView({
      observations: [
        { ...term('joint_sin_cos', 4, 2) },
        { ...term('last_action', 2, 2) },
        { ...term('sensor', 180, 1), sensor: 'lidar' },
        { ...term('command', 3, 1) },
        { ...term('joint_velocity', 1, 1) },
      ],
    });
    expect(Array.from(view.predicted)).toEqual([0, 1, 189]);
    expect(Array.from(view.inputs)).toEqual([0, 1, 2, 3, 4, 5, 186, 187, 188, 189]);
  });
});

describe('a guard', () => {
  it('lets good episodes pass about as often as it promised', () => {
    const { model } = trained;
    const levels = guardLevels(contract, model, pendulumTraces(1000, 100));
    const alarms = levels.filter((level) => level > model.threshold).length;
    expect(model.episodes).toEqual({ fit: 10, scale: 5, calibration: 15 });
    expect(expectedFalseAlarms(15, ALPHA)).toBeCloseTo(1 / 16, 12);
    // Beta-binomial of n = 15, k = 15, m = 100: 99.5% are at most 1 - 0.005^(1/15) = 30 of 100.
    expect(alarms).toBeLessThanOrEqual(30);
  });

  it.each([
    ['a dead motor', { from: 40, gain: 0 }],
    ['a reversed motor', { from: 40, gain: -1 }],
    ['a shifted encoder', { from: 40, bias: 1 }],
    ['half as much mass again', { from: 40, mass: 1.5 }],
  ] as const)('finds %s, after it came', (_, wrong) => {
    const { model } = trained;
    const guard = new Guard(contract, model);
    let found = 0;
    for (let episode = 0; episode < 10; episode++) {
      const trace = pendulumTrace(2000 + episode, 100, wrong);
      const at = firstAlarm(guard, trace);
      if (at > wrong.from) found++;
    }
    // One may alarm before, by chance.
    expect(found).toBeGreaterThanOrEqual(9);
  });

  it('alarms at once at a reading that is not a number, until an operator begins again', () => {
    const guard = new Guard(contract, { ...trained.model, threshold: 1e6 });
    const trace = pendulumTrace(3000, 60);
    const odd = { ...trace, obs: trace.obs.slice() };
    odd.obs[2 * 30] = NaN;
    expect(firstAlarm(guard, odd)).toBe(30);
    expect(guard.level).toBe(Infinity);
    guard.reset();
    expect(guard.level).toBe(-Infinity);
  });

  it('allocates nothing per step', () => {
    const guard = new Guard(contract, trained.model);
    const { obs, action, features } = pendulumTrace(3000, 2);
    const before = obs.subarray(0, 2);
    const done = action.subarray(0, 1);
    const thought = features.subarray(0, 12);
    // Half a byte a step would be a number boxed every thirtieth.
    expect(bytesPerCall(() => void guard.step(before, done, thought))).toBeLessThan(0.5);
  });

  function firstAlarm(guard: Guard, { steps, obs, action, features }: Trace): number {
    guard.reset();
    for (let t = 0; t < steps; t++) {
      if (guard.stepAt(obs, 2 * t, action, t, features, 12 * t)) return t;
    }
    return Infinity;
  }
});

describe('its file', () => {
  it('holds it to the bit', () => {
    const bytes = encodeGuard(contract, trained.model);
    const read = decodeGuard(bytes, contract, 'guard.safetensors');
    expect(read).toEqual(trained.model);
    const traces = pendulumTraces(4000, 2);
    expect(guardLevels(contract, read, traces)).toEqual(guardLevels(contract, trained.model, traces));
    const open = { ...trained.model, threshold: Infinity };
    expect(decodeGuard(encodeGuard(contract, open), contract, 'x')).toEqual(open);
  });

  it('is of one policy', () => {
    const bytes = encodeGuard(contract, trained.model);
    const found = (guard: Uint8Array | undefined, policy = weights, as = contract) =>
      findGuard(guard, as, policy, 'guard.safetensors').kind;
    expect(found(undefined)).toBe('none');
    expect(found(bytes)).toBe('armed');
    expect(found(encodeGuard(contract, { ...trained.model, threshold: Infinity }))).toBe('not-calibrated');
    const moved = weights.map((tensor) => tensor.slice());
    moved[0]![0] = moved[0]![0]! + 1e-6;
    expect(found(bytes, moved)).toBe('other-policy');
    // Keys in another order are the same policy.
    const reordered = Object.fromEntries(Object.entries(contract.normalizer).reverse()) as typeof contract.normalizer;
    expect(found(bytes, weights, { ...contract, normalizer: reordered })).toBe('armed');
    const normalizer = { ...contract.normalizer, mean: [0, 1e-9] };
    expect(found(bytes, weights, { ...contract, normalizer })).toBe('other-policy');
  });

  it('that is damaged is a clear error, and never another guard', () => {
    const bytes = encodeGuard(contract, trained.model);
    const random = new RandomStream(keyOf(12));
    const where = 'somewhere/guard.safetensors';
    const damaged = [
      ...[0, 1, 7, 8, 100, bytes.length - 1].map((length) => bytes.slice(0, length)),
      ...Array.from({ length: 200 }, () => {
        const copy = bytes.slice();
        // Most of the file is tensors; half the blows go to the header.
        const at = random.below(random.uniform() < 0.5 ? 3000 : copy.length);
        copy[at] = random.below(256);
        return copy;
      }),
    ];
    let refused = 0;
    for (const blow of damaged) {
      let model: GuardModel;
      try {
        model = decodeGuard(blow, contract, where);
      } catch (error) {
        expect(error).toBeInstanceOf(InputError);
        expect((error as Error).message).toContain(where);
        expect((error as InputError).repair).toBeTruthy();
        refused++;
        continue;
      }
      // What changed a number and nothing else can still be run.
      expect(() => guardLevels(contract, model, pendulumTraces(1, 1, 5))).not.toThrow();
    }
    expect(refused).toBeGreaterThan(50);
  });

  it.each([
    ['{', /not JSON/],
    ['{}', /version/],
    ['null', /guard/],
  ])('with the numbers %s is refused', (text, message) => {
    const whole = encodeGuard(contract, trained.model);
    const length = Number(new DataView(whole.buffer).getBigUint64(0, true));
    const header = JSON.parse(new TextDecoder().decode(whole.subarray(8, 8 + length))) as Record<string, never>;
    const json = new TextEncoder().encode(
      JSON.stringify({ ...header, __metadata__: { format: 'landfall-guard', guard: text } }),
    );
    const bytes = new Uint8Array(8 + json.length + whole.length - 8 - length);
    new DataView(bytes.buffer).setBigUint64(0, BigInt(json.length), true);
    bytes.set(json, 8);
    bytes.set(whole.subarray(8 + length), 8 + json.length);
    expect(() => decodeGuard(bytes, contract, 'g')).toThrow(message);
    expect(() => decodeGuard(bytes, contract, 'g')).toThrow(InputError);
  });
});

describe('a recorded episode', () => {
  it('gives the trace it was recorded from', () => {
    const trace = pendulumTrace(5, 20);
    expect(traceOf(episodeOf(trace), contract, weights)).toEqual(trace);
  });

  it('of another policy or another robot is refused', () => {
    const trace = pendulumTrace(5, 20);
    const other = weights.map((tensor) => tensor.map((value) => 1.1 * value));
    expect(() => traceOf(episodeOf(trace), contract, other)).toThrow(MismatchError);
    expect(() => traceOf(episodeOf(trace), contract, other)).toThrow(/in step 0 the policy would have done/);
    const wide = { ...contract, observations: [...contract.observations, contract.observations[0]!] };
    expect(() => traceOf(episodeOf(trace), wide, weights)).toThrow(/expected 3 observed numbers/);
  });
});
