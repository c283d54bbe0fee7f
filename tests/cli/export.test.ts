/** `landfall export` as a process: what it writes and prints, and what it refuses. */

import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { pendulum } from '../../configs/pendulum.ts';
import { keyOf, RandomStream } from '../../core/rng.ts';
import { openExperiment } from '../../loop/experiment.ts';
import { bundleParameters, encodeBundle, loadBundle } from '../../policy/checkpoint.ts';
import { decodePageData } from '../../policy/export/page-data.ts';
import { decodePolicyJson } from '../../policy/export/policy-json.ts';
import { encodeOnnx } from '../../policy/export/policy-onnx.ts';
import { untrained } from '../policy/export/untrained.ts';
import { landfall } from './landfall.ts';

const folder = mkdtempSync(join(tmpdir(), 'landfall-export-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let policy: ReturnType<typeof untrained>;
beforeAll(async () => {
  policy = untrained((await openExperiment(pendulum)).contract, new RandomStream(keyOf(1)));
  const parameters = bundleParameters({ ...policy, logStd: new Float32Array(1) });
  writeFileSync(join(folder, 'policy.safetensors'), encodeBundle(policy.contract, parameters));
  mkdirSync(join(folder, 'directory'));
});

it('writes every form that was asked for, and says what they are', async () => {
  const files = ['--onnx', 'out/p.onnx', '--json', 'out/p.json', '--html', 'out/p.html'];
  const { code, stdout, stderr } = landfall(folder, ['export', 'policy.safetensors', ...files]);
  expect(code, stderr).toBe(0);
  expect(readdirSync(join(folder, 'out')).sort()).toEqual(['p.html', 'p.json', 'p.onnx']);
  expect(stdout).toMatch(
    /onnx +out\/p.onnx +\d+ kB\n +inputs +obs \[batch, 5\]\n +outputs +action \[batch, 1\], command/,
  );
  expect(stdout).toMatch(/html +out\/p.html +\d\.\d MB\n +next +open it in a browser/);
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  const { bytes } = encodeOnnx(await loadBundle(join(folder, 'policy.safetensors')), { name: 'landfall', version });
  expect(readFileSync(join(folder, 'out/p.onnx')).equals(bytes)).toBe(true);
  expect(decodePolicyJson(readFileSync(join(folder, 'out/p.json'), 'utf8'), '').weights).toEqual(policy.weights);
  const html = readFileSync(join(folder, 'out/p.html'), 'utf8');
  const data = /<script type="application\/json" id="policy">(.*?)<\/script>/s.exec(html)![1]!;
  expect(decodePageData(data).weights).toEqual(policy.weights);
  // Everything is inside: nothing is fetched, from a server or from beside the file.
  expect(html).not.toMatch(/<(script|link|img)[^>]* (src|href)="(?!data:)/);
});

it.each([
  ['no form', ['policy.safetensors'], 'no form was chosen', '--onnx FILE'],
  ['an unknown run', ['nobody', '--onnx', 'a.onnx'], 'nobody: no such run', 'landfall train pendulum'],
  ['one file twice', ['policy.safetensors', '--onnx', 'a', '--json', './a'], 'two forms cannot be one file', 'its own'],
  ['a directory', ['policy.safetensors', '--onnx', 'directory'], 'directory: cannot be written', 'give a file'],
  ['a file as directory', ['policy.safetensors', '--onnx', 'policy.safetensors/a'], 'cannot be written', 'give a file'],
])('refuses %s with exit code 2 and the repair', (_what, args, message, repair) => {
  const { code, stdout, stderr } = landfall(folder, ['export', ...args]);
  expect(code).toBe(2);
  expect(stdout).toBe('');
  expect(stderr).toContain(message);
  expect(stderr).toContain(repair);
  expect(existsSync(join(folder, 'a.onnx'))).toBe(false);
});

it('shows examples', () => {
  expect(landfall(folder, ['export', '--help']).stdout).toContain('landfall export latest --onnx policy.onnx');
});
