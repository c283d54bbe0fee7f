/** The closing line of a real run: what it counts, that it comes last, and that CI fails on a skipped test. */

import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));
let directory = '';

beforeAll(async () => {
  // Inside the repository, so that the run finds vitest.
  await mkdir(join(root, '.tmp'), { recursive: true });
  directory = await mkdtemp(join(root, '.tmp', 'closing-line-'));
  await writeFile(
    join(directory, 'vitest.config.ts'),
    `import { ClosingLine } from '../../tests/closing-line.ts';
     export default { test: { include: ['*.test.ts'], reporters: ['default', new ClosingLine()], maxWorkers: 1 } };`,
  );
  await writeFile(
    join(directory, 'good.test.ts'),
    `import { describe, it, expect } from 'vitest';
     it('adds', () => expect(1 + 1).toBe(2));
     describe.skip('hardware (skipped: no robot)', () => { it('moves', () => {}); });`,
  );
  await writeFile(join(directory, 'bad.test.ts'), `import { it } from 'vitest'; it('throws', () => { throw 1; });`);
  await writeFile(join(directory, 'broken.test.ts'), `import './nothing.ts';`);
});
afterAll(() => rm(directory, { recursive: true, force: true }));

function run(files: string[], ci: string): Promise<{ code: number | null; lines: string[] }> {
  return new Promise((resolve, reject) => {
    const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
    const child = spawn(process.execPath, [vitest, 'run', '--root', directory, ...files], {
      env: { ...process.env, CI: ci, NO_COLOR: '1' },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    let output = '';
    child.stdout.on('data', (data) => {
      output += String(data);
    });
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, lines: output.trimEnd().split('\n') }));
  });
}

it('names the skipped and counts; outside CI a skipped test passes', async () => {
  const { code, lines } = await run(['good.test.ts'], '');
  expect(lines.slice(-2)).toEqual([
    'skipped: good.test.ts > hardware (skipped: no robot) > moves',
    '1 passed, 0 failed, 1 skipped',
  ]);
  expect(code).toBe(0);
});

it('fails in CI when a test was skipped', async () => {
  const { code, lines } = await run(['good.test.ts'], '1');
  expect(lines.slice(-2)).toEqual([
    'failed: in CI nothing may be absent, but tests were skipped',
    '1 passed, 0 failed, 1 skipped',
  ]);
  expect(code).toBe(1);
});

it('counts failed tests and files that do not load', async () => {
  const { code, lines } = await run([], '');
  expect(lines.at(-1)).toBe('1 passed, 2 failed, 1 skipped');
  expect(code).toBe(1);
});
