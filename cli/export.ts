/** `landfall export RUN`: a policy as a file for programs that know nothing of Landfall: ONNX, JSON, or a page. */

import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { InputError, messageOf } from '../core/errors.ts';
import { evaluationRecipe, experimentOf } from '../loop/experiment.ts';
import { type Bundle, loadBundle, writeAtomically } from '../policy/checkpoint.ts';
import { encodePolicyJson } from '../policy/export/policy-json.ts';
import { encodeOnnx, type OnnxPolicy } from '../policy/export/policy-onnx.ts';
import { policyPage } from '../policy/export/policy-page.ts';
import { resolveRun } from '../policy/run-directory.ts';

interface ExportOptions {
  readonly onnx?: string;
  readonly json?: string;
  readonly html?: string;
  readonly runs: string;
}

/** A file to be written, and what to say of it. */
interface Exported {
  readonly kind: string;
  readonly path: string;
  readonly data: string | Uint8Array;
  readonly lines: readonly string[];
}

const FROM_SOURCE = import.meta.url.endsWith('.ts');
const PACKAGE = new URL(FROM_SOURCE ? '../' : '../../', import.meta.url);

export function register(program: Command): void {
  program
    .command('export')
    .summary('write a policy as ONNX, JSON or a page')
    .description(
      [
        'Write a policy as a file for other programs. docs/export.md says what they have to do, with a C++ and a Python program.',
        '\nExamples:',
        '  landfall export latest --onnx policy.onnx',
        '  landfall export pendulum@latest --html pendulum.html',
        '  landfall export brave-otter --onnx policy.onnx --json policy.json',
      ].join('\n'),
    )
    .argument('<run>', 'a run, a checkpoint, a file, or latest')
    .option('--onnx <file>', 'normaliser, network and action terms in one ONNX model')
    .option('--json <file>', 'contract and weights in one JSON file')
    .option('--html <file>', 'one page that simulates the robot and lets the policy act; needs no server')
    .option('--runs <dir>', 'where runs are kept', 'runs')
    .action(run);
}

async function run(name: string, options: ExportOptions): Promise<void> {
  const { onnx, json, html } = options;
  const paths = [onnx, json, html].filter((path) => path !== undefined).map((path) => resolve(path));
  if (paths.length === 0) {
    throw new InputError('nothing to write: no form was chosen', {
      repair: 'give --onnx FILE, --json FILE or --html FILE, or several of them',
    });
  }
  if (new Set(paths).size < paths.length) {
    throw new InputError(`${paths.find((path, i) => paths.indexOf(path) !== i)}: two forms cannot be one file`, {
      repair: 'give each its own',
    });
  }
  const bundle = await loadBundle(await resolveRun(name, options.runs));
  // All of them first: what cannot be exported leaves no file behind.
  const files: Exported[] = [];
  if (onnx !== undefined) files.push(await onnxFile(onnx, bundle));
  if (json !== undefined) files.push(jsonFile(json, bundle));
  if (html !== undefined) files.push(await htmlFile(html, bundle));
  for (const { path, data } of files) await write(path, data);
  process.stdout.write(`policy  ${bundle.path}\n`);
  for (const { kind, path, data, lines } of files) {
    process.stdout.write(`${kind.padEnd(6)}  ${path}  ${size(data.length)}\n`);
    for (const line of lines) process.stdout.write(`        ${line}\n`);
  }
}

async function onnxFile(path: string, bundle: Bundle): Promise<Exported> {
  const model = encodeOnnx(bundle, { name: 'landfall', version: await version() });
  const { contract } = bundle;
  const lines = [
    `inputs   ${described(model.inputs)}`,
    `outputs  ${described(model.outputs)}`,
    `next     run it every ${(1000 / contract.control.rateHz).toFixed(1)} ms: docs/export.md has a C++ and a Python program`,
  ];
  return { kind: 'onnx', path, data: model.bytes, lines };
}

function described(values: OnnxPolicy['inputs']): string {
  return values.map(([name, size]) => `${name} [batch, ${size}]`).join(', ');
}

function jsonFile(path: string, bundle: Bundle): Exported {
  const tensors = bundle.weights.length;
  const lines = [
    `${tensors} tensors of network ${bundle.contract.network.layers.join('-')}`,
    'next     docs/export.md says what the fields are',
  ];
  return { kind: 'json', path, data: encodePolicyJson(bundle), lines };
}

async function htmlFile(path: string, bundle: Bundle): Promise<Exported> {
  const file = fileURLToPath(new URL('dist/viewer/policy/index.html', PACKAGE));
  const template = await readFile(file, 'utf8').catch((error: unknown) => {
    throw new InputError('the page has not been built', { repair: 'npm run build makes it', cause: error });
  });
  const experiment = await experimentOf(bundle);
  const { contract, weights } = bundle;
  const recipe = evaluationRecipe(experiment, contract, 'rapier');
  const data = policyPage(template, { title: contract.task, recipe, weights });
  return { kind: 'html', path, data, lines: ['next     open it in a browser'] };
}

async function write(path: string, data: string | Uint8Array): Promise<void> {
  try {
    await writeAtomically(path, data);
  } catch (error) {
    throw new InputError(`${path}: cannot be written: ${messageOf(error)}`, {
      repair: 'give a file in a directory that can be written to',
      cause: error,
    });
  }
}

function size(bytes: number): string {
  return bytes < 1e6 ? `${Math.ceil(bytes / 1000)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

async function version(): Promise<string> {
  return (JSON.parse(await readFile(new URL('package.json', PACKAGE), 'utf8')) as { version: string }).version;
}
