/** The exported files as formats: bytes that stay the same, JSON and page data that come back whole, and damage that is named. */

import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { pendulum } from '../../../configs/pendulum.ts';
import type { Contract } from '../../../core/contract.ts';
import { InputError } from '../../../core/errors.ts';
import { keyOf, RandomStream } from '../../../core/rng.ts';
import { evaluationRecipe, openExperiment } from '../../../loop/experiment.ts';
import { Actor } from '../../../policy/actor.ts';
import { decodePageData, encodePageData, fromBase64, toBase64 } from '../../../policy/export/page-data.ts';
import { decodePolicyJson, encodePolicyJson } from '../../../policy/export/policy-json.ts';
import { encodeOnnx } from '../../../policy/export/policy-onnx.ts';
import { policyPage } from '../../../policy/export/policy-page.ts';
import { sampleContract } from '../../core/samples.ts';
import { OnnxModel } from './onnx-runtime.ts';
import { untrained } from './untrained.ts';

const seed = Number(process.env.LANDFALL_TEST_SEED ?? 1);
const small: Contract = { ...sampleContract(), network: { kind: 'mlp', layers: [3, 4, 1], activation: 'elu' } };

describe('the ONNX file', () => {
  const golden = fileURLToPath(new URL('fixtures/policy-v1.onnx', import.meta.url));
  const policy = untrained(small, new RandomStream(keyOf(11)));
  const { bytes } = encodeOnnx(policy, { name: 'landfall', version: '0.0.0' });
  if (process.env.LANDFALL_WRITE_GOLDEN !== undefined) writeFileSync(golden, bytes);

  it('is the committed one, byte for byte', () => {
    expect(Buffer.from(bytes).equals(readFileSync(golden))).toBe(true);
  });

  it('acts as it did when it was committed', async () => {
    const model = await OnnxModel.open(readFileSync(golden));
    const { action, command } = await model.run({ obs: Float32Array.of(0.5, -0.25, 2) });
    const expected = new Float32Array(1);
    new Actor(policy.contract, policy.weights).act(Float32Array.of(0.5, -0.25, 2), expected);
    // Nine terms in single precision.
    expect(action![0]).toBeCloseTo(PINNED, 5);
    expect(expected[0]).toBeCloseTo(PINNED, 5);
    expect(command![0]).toBeCloseTo(Math.max(-1, Math.min(1, PINNED)), 5);
    await model.close();
  });

  it('says what it is in its metadata', () => {
    // The strings stand in the file as they are.
    const text = Buffer.from(bytes).toString('latin1');
    for (const part of ['landfall-policy-onnx/1', 'rate_hz', JSON.stringify(policy.contract), '"quantity":"effort"']) {
      expect(text).toContain(part);
    }
  });
});

/** Of the observation (0.5, -0.25, 2). */
const PINNED = 4.3924809;

describe('the JSON file', () => {
  const policy = untrained(small, new RandomStream(keyOf(12)));
  const text = encodePolicyJson(policy);

  it('holds contract and weights to the bit', () => {
    const back = decodePolicyJson(text, 'policy.json');
    expect(back.contract).toEqual(policy.contract);
    expect(back.weights).toEqual(policy.weights);
  });

  it('damaged anywhere is refused with a sentence, or still a policy', () => {
    const random = new RandomStream(keyOf(seed));
    let refused = 0;
    for (let round = 0; round < 400; round++) {
      const at = random.below(text.length);
      const cut = round % 3 === 0 ? text.slice(0, at) : text.slice(0, at) + text.slice(at + 1 + random.below(40));
      const swapped = text.slice(0, at) + String.fromCharCode(32 + random.below(95)) + text.slice(at + 1);
      try {
        const { contract, weights } = decodePolicyJson(round % 2 === 0 ? cut : swapped, 'policy.json');
        expect(weights.flatMap((tensor) => [...tensor]).every(Number.isFinite)).toBe(true);
        expect(contract.network.layers.length).toBe(weights.length / 2 + 1);
      } catch (error) {
        expect(error).toBeInstanceOf(InputError);
        expect((error as InputError).message).toContain('policy.json');
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(200);
  });

  it.each([
    ['null', 'its format should be landfall-policy-json/1, found undefined'],
    ['{', 'it is not JSON'],
    [text.replace(/"float32":"..../, '"float32":"A'), 'tensor actor.0.weight'],
    [text.replace(/"float32":"......../, '"float32":"AADAfwAA'), 'holds a number that is not finite'],
    [text.replace(/,"tensors":.*/, '}'), 'it should hold 4 tensors'],
  ])('names what is wrong: %#', (damaged, message) => {
    expect(() => decodePolicyJson(damaged, 'policy.json')).toThrow(message);
  });
});

describe('base64 of float32', () => {
  it('is little-endian', () => {
    // 1.0f is 3f800000, 00 00 80 3f on disk.
    expect(toBase64(Float32Array.of(1))).toBe(Buffer.of(0, 0, 0x80, 0x3f).toString('base64'));
  });

  it('keeps every number', () => {
    const values = Float32Array.of(-0, Number.NaN, Infinity, 1e-45, 3.4e38, 0.1);
    expect(fromBase64(toBase64(values))).toEqual(values);
  });
});

describe('the data of a page', () => {
  it('keeps arrays and infinities, and holds nothing that ends a script', async () => {
    const experiment = await openExperiment(pendulum);
    const recipe = { ...evaluationRecipe(experiment, experiment.contract, 'rapier'), randomization: Infinity };
    const meshes = { 'a.stl': Float32Array.of(0.1, -0, 3) };
    const data = {
      title: '</script><b>',
      recipe: { ...recipe, meshes },
      weights: [Float32Array.of(1.5), new Float32Array(2)],
    };
    const text = encodePageData(data);
    expect(text).not.toContain('<');
    expect(decodePageData(text)).toEqual(data);
  });

  it.each([
    '',
    'null',
    '{}',
    '{"title":"x","recipe":{},"weights":[1]}',
    '{"title":"x","recipe":{},"weights":[{"$float32":"AAA"}]}',
  ])('is refused when it is damaged: %s', (text) =>
    expect(() => decodePageData(text)).toThrow(/^this page holds no policy that can be read/),
  );

  it('goes where the template says', async () => {
    const experiment = await openExperiment(pendulum);
    const data = { title: "$& $' x", recipe: evaluationRecipe(experiment, experiment.contract, 'rapier'), weights: [] };
    const html = policyPage('a<script type="application/json" id="policy"></script>b', data);
    const [, inside] = /^a<script type="application\/json" id="policy">(.*)<\/script>b$/s.exec(html)!;
    expect(decodePageData(inside!).title).toBe(data.title);
    expect(() => policyPage('<html>', data)).toThrow('the built page has no place for a policy');
    const own = { ...data, recipe: { ...data.recipe, module: 'file:///z1.mjs' } };
    expect(() => policyPage(html, own)).toThrow('is in a module of your own');
  });
});
