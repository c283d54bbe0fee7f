/** Checkpoints on disk: bit-exact bundles and learners, pointers, half-written ones, other robots, damage. */

import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { pendulum } from '../../configs/pendulum.ts';
import { InputError, MismatchError } from '../../core/errors.ts';
import { keyOf, RandomStream } from '../../core/rng.ts';
import { loadRobot, openExperiment, requireSameRobot } from '../../loop/experiment.ts';
import { Actor } from '../../policy/actor.ts';
import {
  bundleParameters,
  checkpointNamed,
  decodeBundle,
  encodeBundle,
  loadBundle,
  loadTrainingState,
  saveCheckpoint,
  type TrainingState,
  writeJson,
} from '../../policy/checkpoint.ts';
import { tensorSizes } from '../../policy/mlp.ts';

const seed = Number(process.env.LANDFALL_TEST_SEED ?? 1);
const { contract } = await openExperiment({ ...pendulum, network: { ...pendulum.network, hidden: [8] } });
const size = tensorSizes(contract.network.layers).reduce((a, b) => a + b) + 1;

function numbers(length: number, key = seed): Float32Array {
  const random = new RandomStream(keyOf(key));
  return Float32Array.from({ length }, () => random.normal());
}

function state(iteration: number): TrainingState {
  return {
    learner: {
      parameters: numbers(40, 1),
      firstMoment: numbers(40, 2),
      secondMoment: numbers(40, 3),
      steps: 17,
      learningRate: 1 / 3,
    },
    iteration,
    envSteps: 64 * iteration,
    bestScore: iteration === 0 ? null : 1.1,
  };
}

let run = '';
beforeEach(async () => {
  run = await mkdtemp(join(tmpdir(), 'landfall-checkpoint-'));
});
afterEach(() => rm(run, { recursive: true, force: true }));

/** The InputError of something that must fail. */
async function refusal(act: () => unknown): Promise<InputError> {
  try {
    await act();
  } catch (error) {
    expect(error).toBeInstanceOf(InputError);
    expect((error as InputError).message).not.toContain('\n');
    expect((error as InputError).repair).toBeTruthy();
    return error as InputError;
  }
  throw new Error('nothing was refused');
}

describe('bundles', () => {
  it('come back bit for bit', () => {
    const actor = numbers(size);
    const bundle = decodeBundle(encodeBundle(contract, actor), 'x');
    expect(bundle.contract).toEqual(contract);
    expect(bundleParameters(bundle)).toEqual(actor);
    expect(bundle.logStd).toEqual(actor.slice(-1));
  });

  it('refuse numbers that are not finite, by tensor and place', async () => {
    const actor = numbers(size);
    actor[3] = Number.NaN;
    expect((await refusal(() => decodeBundle(encodeBundle(contract, actor), 'x'))).message).toBe(
      'x: tensor actor.0.weight holds NaN at 3',
    );
  });

  it('refuse weights of another network than their contract', async () => {
    const other = { ...contract, network: { ...contract.network, layers: [5, 16, 1] } };
    const bytes = encodeBundle(contract, numbers(size));
    const text = new TextDecoder('latin1').decode(bytes);
    const swapped = Uint8Array.from(text.replace('\\"layers\\":[5,8,1]', '\\"layers\\":[5,9,1]'), (c) =>
      c.charCodeAt(0),
    );
    expect((await refusal(() => decodeBundle(swapped, 'x'))).message).toMatch(
      /^x: tensor actor\.0\.weight should have 45 numbers, found 40$/,
    );
    const { weights } = decodeBundle(bytes, 'x');
    expect(() => new Actor(other, weights)).toThrow(
      /network 5-16-1 needs tensors of 80, 16, 16, 1 numbers, found 40, 8, 8, 1/,
    );
  });

  it('refuse another robot, by name and hash', async () => {
    const { model } = await loadRobot('pendulum');
    expect(() => requireSameRobot(contract, model, 'x')).not.toThrow();
    const stranger = { ...contract, robot: { name: 'quadruped', urdfHash: 'ab'.repeat(32) } };
    const error = await refusal(() => requireSameRobot(stranger, model, 'x'));
    expect(error).toBeInstanceOf(MismatchError);
    expect(error.message).toMatch(/trained for robot quadruped \(URDF abababababab\), found pendulum/);
    const changed = { ...contract, robot: { ...contract.robot, urdfHash: 'cd'.repeat(32) } };
    expect((await refusal(() => requireSameRobot(changed, model, 'x'))).repair).toMatch(/has changed since/);
  });

  it(`survive 300 damaged files with one clear line each, seed ${seed}`, async () => {
    const whole = encodeBundle(contract, numbers(size));
    const header = 8 + Number(new DataView(whole.buffer).getBigUint64(0, true));
    const random = new RandomStream(keyOf(seed));
    let refused = 0;
    for (let i = 0; i < 300; i++) {
      const bytes = i % 3 === 0 ? whole.slice(0, random.below(whole.length)) : whole.slice();
      // Printable damage keeps the header JSON now and then, so that the contract's own checks are reached.
      if (i % 3 !== 0) for (let k = random.below(3); k >= 0; k--) bytes[random.below(header)] = 32 + random.below(95);
      try {
        decodeBundle(bytes, 'x');
      } catch (error) {
        expect(error, `file ${i}`).toBeInstanceOf(InputError);
        expect((error as Error).message, `file ${i}`).toMatch(/^[^\n]*\bx\b[^\n]*$/);
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(150);
  });
});

describe('checkpoints', () => {
  it('come back as they were saved', async () => {
    const folder = await saveCheckpoint(run, contract, numbers(size), state(12), false);
    expect(folder.endsWith('000012')).toBe(true);
    expect(await loadTrainingState(folder)).toEqual(state(12));
    expect(bundleParameters(await loadBundle(folder))).toEqual(numbers(size));
  });

  it('keep the statistics of a critic of its own and the levels of a curriculum, which others do without', async () => {
    const criticNormalizer = { mean: [1 / 3, -2e-9], variance: [0, 1e7 / 3], count: 4096, epsilon: 1e-5, clip: 10 };
    const whole = { ...state(1), criticNormalizer, levels: [0, 3, 9] };
    const folder = await saveCheckpoint(run, contract, numbers(size), whole, false);
    expect(await loadTrainingState(folder)).toEqual(whole);
    const bare = await loadTrainingState(await saveCheckpoint(run, contract, numbers(size), state(2), false));
    expect(Object.keys(bare).sort()).toEqual(['bestScore', 'envSteps', 'iteration', 'learner']);
    const wrong = { ...state(3), criticNormalizer: { ...criticNormalizer, variance: [1, -1] } };
    const bad = await saveCheckpoint(run, contract, numbers(size), wrong, false);
    expect((await refusal(() => loadTrainingState(bad))).message).toMatch(/criticNormalizer\.variance\.1 should be/);
  });

  it('latest points to the newest, best to the best, and a run stands for its best', async () => {
    expect(await checkpointNamed(run, 'latest')).toBeUndefined();
    await saveCheckpoint(run, contract, numbers(size, 1), state(1), true);
    await saveCheckpoint(run, contract, numbers(size, 2), state(2), false);
    expect(await checkpointNamed(run, 'latest')).toBe(join(run, 'checkpoints', '000002'));
    expect(await checkpointNamed(run, 'best')).toBe(join(run, 'checkpoints', '000001'));
    expect(bundleParameters(await loadBundle(run))).toEqual(numbers(size, 1));
    await rm(join(run, 'checkpoints', 'best.json'));
    expect(bundleParameters(await loadBundle(run))).toEqual(numbers(size, 2));
  });

  it('leave no temporary files, replace one of the same iteration, and ignore a half-written one', async () => {
    await saveCheckpoint(run, contract, numbers(size, 1), state(5), false);
    await saveCheckpoint(run, contract, numbers(size, 2), state(5), false);
    expect((await readdir(join(run, 'checkpoints'))).sort()).toEqual(['000005', 'latest.json']);
    // A process killed while writing leaves this behind.
    await mkdir(join(run, 'checkpoints', '000006.part'));
    await writeFile(join(run, 'checkpoints', '000006.part', 'policy.safetensors'), 'half');
    expect(bundleParameters(await loadBundle(run))).toEqual(numbers(size, 2));
    await saveCheckpoint(run, contract, numbers(size, 3), state(6), false);
    expect(existsSync(join(run, 'checkpoints', '000006.part'))).toBe(false);
    expect(bundleParameters(await loadBundle(run))).toEqual(numbers(size, 3));
  });

  it('say what is missing and what to do', async () => {
    expect((await refusal(() => loadBundle(join(run, 'nowhere')))).message).toMatch(/nowhere: no such run/);
    expect((await refusal(() => loadBundle(run))).message).toMatch(/holds no checkpoint/);
    await saveCheckpoint(run, contract, numbers(size), state(3), false);
    await writeJson(join(run, 'checkpoints', 'latest.json'), { checkpoint: '000099' });
    const error = await refusal(() => loadBundle(run));
    expect(error.message).toMatch(/latest\.json: points to no checkpoint/);
    expect(error.repair).toContain('000003');
    await writeFile(join(run, 'checkpoints', 'latest.json'), '{"checkp');
    expect((await refusal(() => loadBundle(run))).message).toMatch(/points to no checkpoint/);
  });

  it(`a damaged learner is refused, seed ${seed}`, async () => {
    const folder = await saveCheckpoint(run, contract, numbers(size), state(3), false);
    const path = join(folder, 'learner.safetensors');
    const whole = await readFile(path);
    const header = 8 + Number(whole.readBigUInt64LE(0));
    const random = new RandomStream(keyOf(seed));
    let refused = 0;
    for (let i = 0; i < 60; i++) {
      const bytes = Buffer.from(i % 3 === 0 ? whole.subarray(0, random.below(whole.length)) : whole);
      if (i % 3 !== 0) for (let k = random.below(3); k >= 0; k--) bytes[random.below(header)] = 32 + random.below(95);
      await writeFile(path, bytes);
      try {
        await loadTrainingState(folder);
      } catch (error) {
        expect(error, `file ${i}`).toBeInstanceOf(InputError);
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(30);
    // The policy's file in the learner's place.
    await writeFile(path, encodeBundle(contract, numbers(size)));
    expect((await refusal(() => loadTrainingState(folder))).message).toContain('learner.safetensors');
  });
});
