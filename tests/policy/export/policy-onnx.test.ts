/**
 * Exported models against the framework's own actor and action terms, in ONNX Runtime: every experiment's contract with
 * random weights and a random normaliser, observations of the task itself and random ones, batches, and the rate limit over
 * whole sequences.
 */

import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { experiments } from '../../../configs/index.ts';
import { pendulum } from '../../../configs/pendulum.ts';
import { Actuation } from '../../../core/action.ts';
import { actionDim, type Contract, obsDim } from '../../../core/contract.ts';
import { keyOf, RandomStream } from '../../../core/rng.ts';
import { type JointCommand, makeCommand } from '../../../core/robot.ts';
import { evaluationRecipe, openExperiment } from '../../../loop/experiment.ts';
import { Actor } from '../../../policy/actor.ts';
import { type CommandEntry, commandMap } from '../../../policy/export/command-map.ts';
import { fromBase64 } from '../../../policy/export/page-data.ts';
import { encodeOnnx } from '../../../policy/export/policy-onnx.ts';
import { makeEnvironments } from '../../../sim/recipe.ts';
import { sampleContract } from '../../core/samples.ts';
import { OnnxModel, runtimes } from './onnx-runtime.ts';
import { type Policy, randomObservation, untrained } from './untrained.ts';

const seed = Number(process.env.LANDFALL_TEST_SEED ?? 1);
const PRODUCER = { name: 'landfall', version: '0.0.0' };
/**
 * The actor sums in double precision, the model in single: with sums of up to 256 terms of size 1 their last bit is 6e-8 of
 * the result, and what is left of a few hundred roundings stays below this.
 */
const TOLERANCE = 1e-5;

function largestDifference(found: ArrayLike<number>, expected: ArrayLike<number>): number {
  expect(found.length).toBe(expected.length);
  let largest = 0;
  for (let i = 0; i < expected.length; i++) {
    expect(Number.isFinite(found[i]), `${i}: ${found[i]}`).toBe(true);
    largest = Math.max(largest, Math.abs(found[i]! - expected[i]!));
  }
  return largest;
}

/** What of a joint command the exported model gives: one number a joint. */
function commanded(entries: readonly CommandEntry[], command: JointCommand): number[] {
  return entries.map(({ quantity }, j) => {
    if (quantity === null) return 0;
    return quantity === 'effort' ? command.effort[j]! : quantity === 'position' ? command.q[j]! : command.qd[j]!;
  });
}

/** Feeds a model observation after observation, and the framework's own actor and actuation beside it. */
async function compare(policy: Policy, model: OnnxModel, observations: readonly Float32Array[]) {
  const { contract, weights } = policy;
  const actor = new Actor(contract, weights);
  const actuation = new Actuation(contract);
  const map = commandMap(contract);
  const action = new Float32Array(actionDim(contract));
  const command = makeCommand(contract.joints.length);
  const isLimited = model.inputs.includes('last_command');
  let last = Float32Array.from(map.initial);
  // An error of the action is one of the command, times its scale.
  const unit = Math.max(1, ...map.scale, ...map.matrix);
  let [actions, commands] = [0, 0];
  for (const obs of observations) {
    const found = await model.run({ obs, ...(isLimited ? { last_command: last } : {}) });
    actor.act(obs, action);
    actuation.apply(action, 0, command);
    const expected = commanded(map.entries, command);
    actions = Math.max(actions, largestDifference(found.action!, action));
    commands = Math.max(commands, largestDifference(found.command!, expected) / unit);
    last = found.command as Float32Array<ArrayBuffer>;
  }
  return { actions, commands };
}

describe.each(runtimes.map((runtime) => [runtime.name, runtime] as const))('in %s', (_name, runtime) => {
  it.each(Object.keys(experiments))('%s acts as here', async (name) => {
    const experiment = await openExperiment(experiments[name]!);
    const random = new RandomStream(keyOf(seed));
    const policy = untrained(experiment.contract, random);
    const { bytes } = encodeOnnx(policy, PRODUCER);
    const model = await OnnxModel.open(bytes, runtime);
    const observations = Array.from({ length: 60 }, () => randomObservation(policy.contract, random));
    // The task's own, as its environment writes them.
    const recipe = evaluationRecipe(experiment, policy.contract, 'rapier');
    const [environment] = await makeEnvironments(recipe, 0, 1);
    const obs = new Float32Array(obsDim(policy.contract));
    const action = new Float32Array(actionDim(policy.contract));
    environment!.reset(0, obs, 0);
    for (let k = 0; k < 20 && !environment!.terminated; k++) {
      observations.push(obs.slice());
      for (let i = 0; i < action.length; i++) action[i] = random.between(-1, 1);
      environment!.step(action, 0, obs, 0);
    }
    const { actions, commands } = await compare(policy, model, observations);
    expect(actions).toBeLessThanOrEqual(TOLERANCE);
    expect(commands).toBeLessThanOrEqual(TOLERANCE);
    await model.close();
  });
});

describe('a trained pendulum', () => {
  it('swings up and stays there when ONNX Runtime acts, step by step as the actor would', async () => {
    const path = new URL('fixtures/pendulum-policy.json', import.meta.url);
    const trained = JSON.parse(readFileSync(path, 'utf8')) as TrainedPolicy;
    const experiment = await openExperiment(pendulum);
    const { layers, activation, normalizer } = trained;
    const contract: Contract = { ...experiment.contract, network: { kind: 'mlp', layers, activation }, normalizer };
    const weights = trained.weights.map(fromBase64);
    const model = await OnnxModel.open(encodeOnnx({ contract, weights, path: 'trained' }, PRODUCER).bytes);
    const actor = new Actor(contract, weights);
    const [environment] = await makeEnvironments(evaluationRecipe(experiment, contract, 'rapier'), 0, 1);
    const obs = new Float32Array(obsDim(contract));
    const expected = new Float32Array(1);
    let largest = 0;
    environment!.reset(0, obs, 0);
    do {
      const { action } = await model.run({ obs });
      actor.act(obs, expected);
      largest = Math.max(largest, largestDifference(action!, expected));
      environment!.step(action!, 0, obs, 0);
    } while (!environment!.terminated && !environment!.truncated);
    expect(largest).toBeLessThanOrEqual(TOLERANCE);
    expect(environment!.success).toBe(true);
    await model.close();
  });
});

/** What `landfall train pendulum` made, without the contract's other parts. */
interface TrainedPolicy {
  readonly layers: number[];
  readonly activation: 'elu';
  readonly normalizer: Contract['normalizer'];
  readonly weights: readonly string[];
}

describe('an exported model', () => {
  let model: OnnxModel;
  const contract = sampleContract();
  const policy = untrained(contract, new RandomStream(keyOf(2)));
  beforeAll(async () => {
    model = await OnnxModel.open(encodeOnnx(policy, PRODUCER).bytes);
  });
  afterAll(() => model.close());

  it('takes any number of observations at once, and gives each its own row', async () => {
    const random = new RandomStream(keyOf(3));
    const rows = Array.from({ length: 7 }, () => randomObservation(policy.contract, random));
    const together = await model.run({ obs: Float32Array.from(rows.flatMap((row) => [...row])) }, rows.length);
    expect(together.action!.length).toBe(7);
    for (const [i, obs] of rows.entries()) {
      const alone = await model.run({ obs });
      // Kernels may sum a batch in another order.
      expect(together.action![i]).toBeCloseTo(alone.action![0]!, 5);
      expect(together.command![i]).toBeCloseTo(alone.command![0]!, 5);
    }
  });

  it('has the names and sizes that are reported', () => {
    const { inputs, outputs } = encodeOnnx(policy, PRODUCER);
    expect(inputs).toEqual([['obs', 3]]);
    expect(outputs).toEqual([
      ['action', 1],
      ['command', 1],
    ]);
    expect(model.inputs).toEqual(['obs']);
    expect(model.outputs).toEqual(['action', 'command']);
  });
});

/** A network that ignores what it sees: its action is its last bias. */
function constantPolicy(contract: Contract, action: readonly number[]): Policy {
  const layers = [obsDim(contract), action.length];
  const weights = [new Float32Array(layers[0]! * layers[1]!), Float32Array.from(action)];
  return { contract: { ...contract, network: { kind: 'mlp', layers, activation: 'elu' } }, weights, path: 'test' };
}

const joint = (name: string, changes: Partial<Contract['joints'][number]> = {}): Contract['joints'][number] => ({
  ...sampleContract().joints[0]!,
  name,
  ...changes,
});
const term = (changes: Partial<Contract['actions'][number]>): Contract['actions'][number] => ({
  ...sampleContract().actions[0]!,
  ...changes,
});

describe('the command', () => {
  async function commandOf(contract: Contract, action: readonly number[], last?: readonly number[]) {
    const model = await OnnxModel.open(encodeOnnx(constantPolicy(contract, action), PRODUCER).bytes);
    const obs = new Float32Array(obsDim(contract));
    const { command } = await model.run({
      obs,
      ...(last === undefined ? {} : { last_command: Float32Array.from(last) }),
    });
    await model.close();
    return Array.from(command!);
  }

  it('is scaled, shifted and clipped, in the order of the joints, whatever the order of the actions', async () => {
    const contract: Contract = {
      ...sampleContract(),
      joints: [joint('a', { defaultPosition: 0.5 }), joint('idle'), joint('b'), joint('c')],
      actions: [
        term({ name: 'push', kind: 'effort', joints: ['c'], scale: 4, offset: 1, clip: [-10, 10] }),
        term({ name: 'turn', kind: 'velocity', joints: ['b'], scale: 8, clip: [-3, 3] }),
        term({ name: 'pose', kind: 'position', joints: ['a'], scale: 0.25, offset: 0.25, clip: [-1, 1] }),
      ],
    };
    // c: 1 + 4 * 0.5 = 3; b: 8 * -0.75 = -6, clipped to -3; a: 0.5 + 0.25 + 0.25 * clip(2) = 1; idle: nobody moves it
    expect(await commandOf(contract, [0.5, -0.75, 2])).toEqual([1, 0, -3, 3]);
  });

  it('of a twist is the wheel speeds', async () => {
    const contract: Contract = {
      ...sampleContract(),
      joints: [joint('right'), joint('left')],
      actions: [
        term({
          kind: 'twist',
          joints: ['left', 'right'],
          scale: 0.5,
          clip: [-2, 2],
          drive: { radius: 0.125, separation: 0.5, angularScale: 2 },
        }),
      ],
    };
    // v = 0.5 * 1, w = 2 * 0.5: (0.5 -+ 1 * 0.25) / 0.125, left then right
    expect(await commandOf(contract, [1, 0.5])).toEqual([6, 2]);
  });

  it('changes no faster than the limit from the last one', async () => {
    const contract: Contract = {
      ...sampleContract(),
      control: { rateHz: 10, physicsDt: 0.01 },
      joints: [joint('a', { defaultPosition: 0.5 }), joint('b')],
      actions: [
        term({ name: 'slow', kind: 'position', joints: ['a'], scale: 1, clip: [-1, 1], rateLimit: 2.5 }),
        term({ name: 'free', kind: 'effort', joints: ['b'], scale: 3, clip: [-3, 3] }),
      ],
    };
    // At most 2.5 / 10 from the last: 0.5 + 0.25; the other is free.
    expect(await commandOf(contract, [1, -1], [0.5, 3])).toEqual([0.75, -3]);
    expect(await commandOf(contract, [1, -1], [1.375, 0])).toEqual([1.5, -3]);
  });

  it('of a twist whose change is limited follows core/action.ts over a whole sequence', async () => {
    const contract: Contract = {
      ...sampleContract(),
      joints: [joint('left'), joint('right')],
      actions: [
        term({
          kind: 'twist',
          joints: ['left', 'right'],
          scale: 0.7,
          offset: 0.05,
          clip: [-0.6, 0.6],
          rateLimit: 4,
          drive: { radius: 0.033, separation: 0.16, angularScale: 1.9 },
        }),
      ],
      network: { kind: 'mlp', layers: [3, 16, 2], activation: 'relu' },
    };
    const random = new RandomStream(keyOf(5));
    const policy = untrained(contract, random);
    const model = await OnnxModel.open(encodeOnnx(policy, PRODUCER).bytes);
    const observations = Array.from({ length: 200 }, () => randomObservation(policy.contract, random));
    const { commands } = await compare(policy, model, observations);
    expect(commands).toBeLessThanOrEqual(TOLERANCE);
    await model.close();
  });
});

describe('refused', () => {
  it('a kind of network that has no graph', () => {
    const contract = { ...sampleContract(), network: { kind: 'transformer' } } as unknown as Contract;
    expect(() => encodeOnnx({ contract, weights: [], path: 'run' }, PRODUCER)).toThrow(
      /run: a network of kind transformer cannot be exported yet/,
    );
  });

  it('a joint with two commands', () => {
    const contract = {
      ...sampleContract(),
      actions: [term({ name: 'one' }), term({ name: 'two', kind: 'position' })],
    };
    expect(() => encodeOnnx(constantPolicy(contract, [0, 0]), PRODUCER)).toThrow(/action two: joint shoulder has two/);
  });
});
