/**
 * The programs of docs/export.md, to the letter: they are given observations of an arm whose commands are limited in their
 * rate, and what they write is what the framework commands. Both need an ONNX Runtime that is no npm package.
 */

import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { armReach } from '../../../configs/arm-reach.ts';
import { Actuation } from '../../../core/action.ts';
import { actionDim } from '../../../core/contract.ts';
import { keyOf, RandomStream } from '../../../core/rng.ts';
import { makeCommand } from '../../../core/robot.ts';
import { openExperiment } from '../../../loop/experiment.ts';
import { Actor } from '../../../policy/actor.ts';
import { commandMap } from '../../../policy/export/command-map.ts';
import { encodeOnnx } from '../../../policy/export/policy-onnx.ts';
import { randomObservation, untrained } from './untrained.ts';

const docs = readFileSync(fileURLToPath(new URL('../../../docs/export.md', import.meta.url)), 'utf8');

/** The block that opens with ```LANGUAGE consumer. */
function program(language: string): string {
  return new RegExp(`^\`\`\`${language} consumer\n([\\s\\S]*?)^\`\`\`$`, 'm').exec(docs)![1]!;
}

/** PYTHON names another interpreter. */
const python = process.env.PYTHON ?? 'python3';
const hasPython = spawnSync(python, ['-c', 'import onnxruntime']).status === 0;
/** ONNXRUNTIME names where its `include` and `lib` are. */
const sdk = [process.env.ONNXRUNTIME, '/usr/local', '/usr'].find(
  (path) => path !== undefined && findHeader(path) !== undefined,
);
const hasCompiler = sdk !== undefined && spawnSync('g++', ['--version']).status === 0;

function findHeader(path: string): string | undefined {
  const folders = [join(path, 'include'), join(path, 'include/onnxruntime')];
  return folders.find((folder) => existsSync(join(folder, 'onnxruntime_cxx_api.h')));
}

let folder = '';
let expected: number[][] = [];
let lines = '';
let initial: number[] = [];
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'landfall-consumer-'));
  const random = new RandomStream(keyOf(6));
  const policy = untrained((await openExperiment(armReach)).contract, random);
  const { contract, weights } = policy;
  writeFileSync(join(folder, 'policy.onnx'), encodeOnnx(policy, { name: 'landfall', version: '0.0.0' }).bytes);
  const observations = Array.from({ length: 20 }, () => randomObservation(contract, random));
  lines = observations.map((obs) => `${obs.join(' ')}\n`).join('');
  const actor = new Actor(contract, weights);
  const actuation = new Actuation(contract);
  const action = new Float32Array(actionDim(contract));
  const command = makeCommand(contract.joints.length);
  expected = observations.map((obs) => {
    actor.act(obs, action);
    actuation.apply(action, 0, command);
    return Array.from(command.q);
  });
  initial = Array.from(commandMap(contract).initial);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function commandsOf(file: string, args: readonly string[], digits: number): void {
  const { status, stdout, stderr } = spawnSync(file, args, { input: lines, encoding: 'utf8', cwd: folder });
  expect(status, stderr).toBe(0);
  const found = stdout
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number));
  expect(found.map((row) => row.length)).toEqual(expected.map((row) => row.length));
  for (const [i, row] of expected.entries()) {
    for (const [j, value] of row.entries()) expect(found[i]![j], `step ${i}, joint ${j}`).toBeCloseTo(value, digits);
  }
}

it.each(['cpp', 'python'])('the %s program has at most 30 lines', (language) => {
  expect(program(language).trim().split('\n').length).toBeLessThanOrEqual(30);
});

// A machine of CI has no ONNX Runtime but npm's, and there nothing may be skipped: no Debian package has the headers.
const inCi = Boolean(process.env.CI);

if (hasPython || !inCi) {
  describe('Python', () => {
    it.skipIf(!hasPython)('acts as here (skipped: no Python with onnxruntime; set PYTHON to one)', () => {
      writeFileSync(join(folder, 'consumer.py'), program('python'));
      commandsOf(python, ['consumer.py', 'policy.onnx'], 5);
    });
  });
}

if (hasCompiler || !inCi) {
  describe('C++', () => {
    it.skipIf(!hasCompiler)('acts as here (skipped: no g++ or no onnxruntime_cxx_api.h; set ONNXRUNTIME)', () => {
      writeFileSync(join(folder, 'consumer.cpp'), program('cpp'));
      const flags = [`-I${findHeader(sdk!)}`, `-L${sdk}/lib`, `-Wl,-rpath,${sdk}/lib`, '-lonnxruntime'];
      const build = spawnSync('g++', ['-std=c++17', '-O2', 'consumer.cpp', ...flags, '-o', 'consumer'], {
        cwd: folder,
        encoding: 'utf8',
      });
      expect(build.status, build.stderr).toBe(0);
      // The stream writes six digits.
      commandsOf('./consumer', ['policy.onnx', ...initial.map(String)], 4);
    });
  });
}
