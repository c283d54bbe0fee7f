/**
 * The package as a user gets it: packed, installed from the tarball into an empty folder, and driven by the commands of
 * README.md. Needs the registry or npm's cache, as any installation does. The convention is in CONTRIBUTING.md.
 */

import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));
const BLOCK_SECONDS = 120;
/** Training is part of the guide. */
const GUIDE_SECONDS = 300;
const INSTALL_SECONDS = 300;

/** The blocks opened with ```sh test, without the fences. */
function readmeBlocks(markdown: string): string[] {
  return [...markdown.matchAll(/^```sh test\n([\s\S]*?)^```$/gm)].map((match) => match[1]!);
}

describe('README blocks', () => {
  it('are those marked as tests', () => {
    const markdown = 'a\n```sh\nnpm start\n```\nb\n```sh test\none\ntwo\n```\n```ts\nx\n```\n```sh test\nthree\n```\n';
    expect(readmeBlocks(markdown)).toEqual(['one\ntwo\n', 'three\n']);
  });
});

describe.skipIf(!existsSync(join(root, 'dist', 'cli', 'main.js')))(
  'package (skipped: dist is absent, npm run build makes it)',
  () => {
    let folder = '';
    let packed: { path: string; size: number }[] = [];

    async function run(file: string, args: string[], cwd: string, seconds: number): Promise<string> {
      const bin = join(folder, 'node_modules', '.bin');
      const { CI: _ci, NODE_OPTIONS: _options, ...env } = process.env;
      const options = {
        cwd,
        timeout: seconds * 1000,
        killSignal: 'SIGKILL' as const,
        maxBuffer: 64 * 1024 * 1024,
        env: { ...env, PATH: `${bin}${delimiter}${process.env.PATH}` },
      };
      try {
        const { stdout } = await promisify(execFile)(file, args, options);
        return stdout;
      } catch (error) {
        const { stdout = '', stderr = '', message } = error as { stdout?: string; stderr?: string; message: string };
        throw new Error(`${message}\n--- stdout\n${stdout.slice(-2000)}\n--- stderr\n${stderr.slice(-4000)}`);
      }
    }

    beforeAll(
      async () => {
        folder = await mkdtemp(join(tmpdir(), 'landfall-package-'));
        // The scripts would build again, under the feet of tests that are using dist.
        const pack = await run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], root, 60);
        const [report] = JSON.parse(pack) as [{ filename: string; files: { path: string; size: number }[] }];
        packed = report.files;
        await writeFile(join(folder, 'package.json'), '{ "private": true, "type": "module" }');
        // Optional packages may fail anywhere; the package must work without them.
        const install = [
          'install',
          '--omit=optional',
          '--prefer-offline',
          '--no-audit',
          '--no-fund',
          '--loglevel=error',
        ];
        await run('npm', [...install, join(folder, report.filename)], folder, INSTALL_SECONDS);
      },
      (INSTALL_SECONDS + 60) * 1000,
    );

    afterAll(() => rm(folder, { recursive: true, force: true }));

    it('holds the code, the robots and the documents, and no tests or sources', () => {
      const paths = packed.map(({ path }) => path);
      for (const path of [
        'LICENSE',
        'README.md',
        'CHANGELOG.md',
        'dist/index.js',
        'dist/index.d.ts',
        'dist/cli/main.js',
      ]) {
        expect(paths).toContain(path);
      }
      expect(paths).toContain('dist/configs/robots/pendulum.urdf');
      const surplus = paths.filter(
        (path) => /(^|\/)tests\//.test(path) || (/\.tsx?$/.test(path) && !path.endsWith('.d.ts')),
      );
      expect(surplus).toEqual([]);
    });

    it('has a command that explains itself', async () => {
      const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
      expect(JSON.parse(await run('npm', ['ls', '--json', 'landfall'], folder, 60))).toMatchObject({
        dependencies: { landfall: { version } },
      });
      expect(await run('landfall', ['--help'], folder, 60)).toContain('Usage: landfall');
    });

    it('can be imported, with types, by a strict TypeScript program', async () => {
      const project = join(folder, 'consumer');
      await mkdir(project);
      await writeFile(
        join(project, 'use.ts'),
        `import * as landfall from 'landfall';
       const names: string[] = Object.keys(landfall);
       if (names.length === 0) throw new Error('landfall exports nothing');
       console.log(names.length);`,
      );
      const options = { strict: true, module: 'nodenext', target: 'es2023', types: [], lib: ['es2023', 'dom'] };
      await writeFile(
        join(project, 'tsconfig.json'),
        JSON.stringify({ compilerOptions: { ...options, skipLibCheck: true, outDir: 'out', rootDir: '.' } }),
      );
      const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
      await run(process.execPath, [tsc, '-p', project], folder, 60);
      expect(Number(await run(process.execPath, [join(project, 'out', 'use.js')], folder, 60))).toBeGreaterThan(0);
    }, 120_000);

    const blocksOf = (file: string) => readmeBlocks(readFileSync(join(root, file), 'utf8'));
    const blocks = blocksOf('README.md');

    it('has a README with commands to run', () => {
      expect(blocks.length).toBeGreaterThan(0);
    });

    it.each(blocks.map((block) => [block.trim().split('\n')[0]!, block]))(
      'runs the README: %s',
      async (_, block) => {
        await run('bash', ['-euo', 'pipefail', '-c', block], folder, BLOCK_SECONDS);
      },
      (BLOCK_SECONDS + 10) * 1000,
    );

    const z1 = join(root, '../shared/data/robots/z1_description/xacro/z1.urdf');
    describe.skipIf(!existsSync(z1))(
      'docs/your-robot.md, to the letter (skipped where ../shared/data is not there)',
      () => {
        beforeAll(() => copyFile(z1, join(folder, 'z1.urdf')));

        it.each(blocksOf('docs/your-robot.md').map((block) => [block.trim().split('\n')[0]!, block]))(
          'runs: %s',
          async (_, block) => {
            await run('bash', ['-euo', 'pipefail', '-c', block], folder, GUIDE_SECONDS);
          },
          (GUIDE_SECONDS + 10) * 1000,
        );

        it('ends with a policy that moves the arm where it is told to be, in both engines', async () => {
          for (const engine of ['rapier', 'mujoco']) {
            const out = await run(
              'landfall',
              ['eval', 'latest', '--episodes', '20', '--engine', engine, '--json'],
              folder,
              120,
            );
            expect(JSON.parse(out).successRate, engine).toBeGreaterThan(0.7);
          }
        }, 260_000);
      },
    );
  },
);
