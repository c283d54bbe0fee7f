/**
 * Builds the package into dist/: the code, the robots' URDF files, and the viewer's page.
 *   node scripts/build.mjs               always
 *   node scripts/build.mjs --if-stale    only when a source is newer than the last build
 *   node scripts/build.mjs --if-possible the same, and nothing where the compiler is not installed (npm's `prepare`)
 */

import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const stamp = join(root, 'dist', '.built');
const sources = [
  ...['core', 'sim', 'policy', 'bridge', 'viewer', 'configs', 'loop', 'cli', 'bench', 'scripts'],
  ...['index.ts', 'package.json', 'tsconfig.json', 'tsconfig.build.json', 'vite.config.ts', 'vite.policy.config.ts'],
];

function newest(path) {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return 0;
  if (!stats.isDirectory()) return stats.mtimeMs;
  return Math.max(stats.mtimeMs, ...readdirSync(path).map((name) => newest(join(path, name))));
}

function isFresh() {
  const built = statSync(stamp, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  return sources.every((path) => newest(join(root, path)) < built);
}

function hasCompiler() {
  try {
    createRequire(import.meta.url).resolve('typescript/package.json');
    return true;
  } catch {
    return false;
  }
}

/** A command of node_modules/.bin or npm; ends the build when it fails. */
function run(command, ...args) {
  const bin = join(root, 'node_modules', '.bin');
  const separator = process.platform === 'win32' ? ';' : ':';
  const { status, error } = spawnSync(command, args, {
    cwd: root,
    // Results of the command that needed the build go to stdout, so nothing else may.
    stdio: ['ignore', process.stderr, process.stderr],
    shell: process.platform === 'win32',
    env: { ...process.env, PATH: `${bin}${separator}${process.env.PATH}` },
  });
  if (status === 0) return;
  process.stderr.write(`build: ${[command, ...args].join(' ')} failed${error ? `: ${error.message}` : ''}\n`);
  process.exit(1);
}

const option = process.argv[2];
if (option === '--if-possible' && !hasCompiler()) {
  process.stderr.write('build: skipped, the development dependencies are not installed\n');
} else if (option === undefined || !isFresh()) {
  const started = new Date();
  rmSync(join(root, 'dist'), { recursive: true, force: true });
  run('tsc', '-p', 'tsconfig.build.json');
  const robots = join(root, 'configs', 'robots');
  const isData = (from) => !from.endsWith('.ts');
  if (existsSync(robots)) cpSync(robots, join(root, 'dist', 'configs', 'robots'), { recursive: true, filter: isData });
  if (existsSync(join(root, 'viewer', 'app', 'index.html'))) run('npm', 'run', '--silent', 'build:app');
  writeFileSync(stamp, '');
  // What is edited during the build counts as newer.
  utimesSync(stamp, started, started);
}
