/**
 * Builds the native part of @tensorflow/tfjs-node (or -gpu) against the TensorFlow of a Python wheel: for GPUs that are newer
 * than the CUDA 11.2 of its own download, and where that download cannot be reached. Needs g++ and Node's headers.
 *   npm install --no-save --ignore-scripts @tensorflow/tfjs-node@4.22.0
 *   python3 -m pip install tensorflow==2.15.1
 *   node scripts/tensorflow-addon.mjs "$(python3 -c 'import tensorflow, os; print(os.path.dirname(tensorflow.__file__))')"
 */

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';

const fail = (message) => {
  process.stderr.write(`tensorflow-addon: ${message}\n`);
  process.exit(1);
};

const wheel = resolve(process.argv[2] ?? fail('expected the folder of the Python package tensorflow'));
for (const file of ['libtensorflow_cc.so.2', 'libtensorflow_framework.so.2', 'include/tensorflow/c/c_api.h'])
  if (!existsSync(join(wheel, file))) fail(`${join(wheel, file)} is not there; wheels from 2.15 on have it`);

const headers = resolve(process.execPath, '../../include/node');
if (!existsSync(join(headers, 'node_api.h'))) fail(`Node's headers are not in ${headers}; install Node with them`);

const require = createRequire(import.meta.url);
const installed = ['@tensorflow/tfjs-node-gpu', '@tensorflow/tfjs-node'].flatMap((name) => {
  try {
    return [dirname(require.resolve(`${name}/package.json`))];
  } catch {
    return [];
  }
});
if (installed.length === 0) fail('install first: npm install --no-save --ignore-scripts @tensorflow/tfjs-node@4.22.0');

for (const folder of installed) {
  const { binary } = require(join(folder, 'package.json'));
  const abi = Math.max(...binary.napi_versions.filter((version) => version <= Number(process.versions.napi)));
  const output = join(folder, 'lib', `napi-v${abi}`, 'tfjs_binding.node');
  mkdirSync(dirname(output), { recursive: true });
  const { status, error } = spawnSync(
    'g++',
    [
      ...['-O2', '-std=c++17', '-fPIC', '-shared', `-DNAPI_VERSION=${abi}`],
      ...[headers, join(wheel, 'include'), folder].map((path) => `-I${path}`),
      ...['tfjs_backend.cc', 'tfjs_binding.cc'].map((file) => join(folder, 'binding', file)),
      ...[
        '-o',
        output,
        `-L${wheel}`,
        '-l:libtensorflow_cc.so.2',
        '-l:libtensorflow_framework.so.2',
        `-Wl,-rpath,${wheel}`,
      ],
    ],
    { stdio: ['ignore', 'inherit', 'inherit'] },
  );
  if (status !== 0) fail(`g++ failed${error ? `: ${error.message}` : ''}`);
  process.stdout.write(`${output}\n`);
}
