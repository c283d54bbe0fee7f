/**
 * Compiles the learner's kernel (policy/simd/assembly/kernel.ts, AssemblyScript) into policy/simd/kernel-binary.ts.
 *   node scripts/build-kernel.mjs          writes it
 *   node scripts/build-kernel.mjs --check  writes nothing; fails when the committed binary is not what the source gives
 */

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import asc from 'assemblyscript/asc';

const root = fileURLToPath(new URL('..', import.meta.url));
const target = new URL('../policy/simd/kernel-binary.ts', import.meta.url);
const options = [
  ...['policy/simd/assembly/kernel.ts', '--baseDir', root, '--outFile', 'kernel.wasm', '--runtime', 'stub'],
  ...['--importMemory', '--sharedMemory', '--initialMemory', '1', '--maximumMemory', '65536', '--noExportMemory'],
  ...['--enable', 'threads', '--enable', 'simd', '-O3', '--converge', '--noAssert', '--use', 'abort='],
];

const files = new Map();
const { error, stderr } = await asc.main(options, {
  // The compiler adds an extension to imports that have one, as ours do everywhere else.
  readFile(name, folder) {
    const path = join(folder, name.replace(/\.ts\.ts$/, '.ts'));
    return existsSync(path) ? readFileSync(path, 'utf8') : null;
  },
  writeFile: (name, contents) => void files.set(name, contents),
});
if (error !== null) {
  process.stderr.write(`${stderr.toString()}\n`);
  process.exit(1);
}
const bytes = files.get('kernel.wasm');
const text = `/** The kernel of ./assembly/kernel.ts, compiled: written by \`npm run build:kernel\`, base64 of WebAssembly. */

export const kernelBinary =
  '${Buffer.from(bytes).toString('base64')}';
`;
if (process.argv[2] !== '--check') {
  writeFileSync(target, text);
} else if (readFileSync(target, 'utf8') !== text) {
  process.stderr.write('policy/simd/kernel-binary.ts is not what its source gives: npm run build:kernel\n');
  process.exit(1);
}
process.stderr.write(`kernel: ${bytes.length} bytes\n`);
