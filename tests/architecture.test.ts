/** The rooms of the source: imports go one way, the shared code runs in a browser, files stay small and say what they are. */

import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import {
  type Allowance,
  findBrokenImports,
  findCycles,
  findForbiddenArrows,
  findNodeInBrowser,
  importGraph,
  type Sources,
} from './import-graph.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const FOLDERS = ['core', 'sim', 'policy', 'bridge', 'viewer', 'configs', 'loop', 'cli', 'bench'];
const MAX_LINES = 600;

const PARTS = ['core/', 'sim/', 'policy/', 'bridge/', 'viewer/', 'configs/'];

/** Who may import whom. */
const rooms: Readonly<Record<string, Allowance>> = {
  'core/': { values: [] },
  'sim/': { values: ['core/'] },
  // The rules of ADR know no simulator.
  'policy/': { values: ['core/', 'sim/adr.ts'], types: ['sim/'] },
  // A worker thread is a program of its own: it builds the environments that the collector only names.
  'policy/rollout-worker.ts': { values: ['core/', 'policy/', 'sim/'] },
  'bridge/': { values: ['core/', 'policy/checkpoint.ts', 'policy/actor.ts'] },
  'viewer/protocol.ts': { values: ['core/'], types: ['viewer/scene-message.ts'] },
  'viewer/scene-message.ts': { values: ['core/'] },
  'viewer/server/': { values: ['core/', 'viewer/protocol.ts', 'viewer/scene-message.ts'] },
  'viewer/app/': {
    values: ['core/', 'sim/', 'policy/actor.ts', 'viewer/protocol.ts', 'viewer/scene-message.ts'],
  },
  // A policy that acts in the page.
  'viewer/app/policy-main.ts': { values: ['core/', 'policy/export/page-data.ts', 'viewer/app/'] },
  'viewer/app/simulation.ts': {
    values: ['core/', 'sim/', 'policy/', 'viewer/protocol.ts', 'viewer/scene-message.ts', 'viewer/app/'],
  },
  'configs/': { values: ['core/'], types: ['sim/', 'policy/', 'bridge/', 'viewer/'] },
  'loop/': { values: PARTS },
  'bench/': { values: [...PARTS, 'loop/'] },
  'cli/': { values: [...PARTS, 'loop/', 'bench/'] },
  // The package's public door.
  'index.ts': { values: [...PARTS, 'loop/'] },
};

/** Files that talk to Node in rooms that otherwise run in a browser. */
const NODE_ONLY = new Set<string>(['sim/identify/worker-evaluator.ts']);

function mustRunInBrowser(path: string): boolean {
  if (NODE_ONLY.has(path) || /(^|\/)([a-z-]*-worker|collector)\.ts$/.test(path)) return false;
  return (
    /^(core|sim|viewer\/app)\//.test(path) ||
    path === 'viewer/protocol.ts' ||
    path === 'viewer/scene-message.ts' ||
    path === 'policy/actor.ts' ||
    path === 'policy/guard/guard.ts' ||
    path === 'policy/guard/guard-file.ts'
  );
}

function readSources(): Sources {
  const sources = new Map<string, string>();
  const add = (path: string) => sources.set(path, readFileSync(join(root, path), 'utf8'));
  const walk = (folder: string) => {
    for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
      const path = posix.join(folder, entry.name);
      if (entry.isDirectory()) walk(path);
      else if (/\.tsx?$/.test(entry.name) && !entry.name.endsWith('.d.ts')) add(path);
    }
  };
  for (const folder of FOLDERS) if (isThere(folder)) walk(folder);
  if (isThere('index.ts')) add('index.ts');
  return sources;
}

function isThere(path: string): boolean {
  return statSync(join(root, path), { throwIfNoEntry: false }) !== undefined;
}

describe('the source', () => {
  const sources = readSources();
  const graph = importGraph(sources);

  it('has no import cycle', () => {
    expect([...sources.keys()]).toEqual(expect.arrayContaining(['core/contract.ts', 'cli/main.ts', 'sim/urdf.ts']));
    expect(findCycles(graph)).toEqual([]);
  });

  it('has no forbidden arrow', () => {
    expect(findForbiddenArrows(graph, rooms)).toEqual([]);
  });

  it('imports only what is there', () => {
    expect(findBrokenImports(graph, (path) => !path.endsWith('.ts') && isThere(path))).toEqual([]);
  });

  it('keeps Node out of what runs in a browser', () => {
    expect(findNodeInBrowser(graph, mustRunInBrowser)).toEqual([]);
  });

  it(`has no file over ${MAX_LINES} lines`, () => {
    const lines = [...sources].map(([path, text]) => `${path} ${text.split('\n').length}`);
    expect(lines.filter((line) => Number(line.split(' ')[1]) > MAX_LINES)).toEqual([]);
  });

  it('opens every file with what it is', () => {
    const silent = [...sources].filter(([, text]) => !text.replace(/^#!.*\n/, '').startsWith('/**'));
    expect(silent.map(([path]) => path)).toEqual([]);
  });
});

describe('the check itself', () => {
  const planted = (files: Record<string, string>) => importGraph(new Map(Object.entries(files)));

  it('finds a cycle, and not one of types', () => {
    const cycle = planted({
      'core/a.ts': `import { b } from './b.ts'; export const a = b;`,
      'core/b.ts': `export * from './deep/c.ts';`,
      'core/deep/c.ts': `export const load = () => import('../a.ts');`,
    });
    expect(findCycles(cycle)).toEqual(['core/a.ts -> core/b.ts -> core/deep/c.ts -> core/a.ts']);
    const types = planted({
      'core/a.ts': `import type { B } from './b.ts'; export type A = B;`,
      'core/b.ts': `import { type A } from './a.ts'; export type B = A;`,
    });
    expect(findCycles(types)).toEqual([]);
  });

  it('finds forbidden arrows, of values and of types', () => {
    const graph = planted({
      'core/a.ts': `import type { S } from '../sim/s.ts';`,
      'sim/s.ts': `import { x } from '../core/a.ts'; export { y } from '../policy/p.ts';`,
      'policy/p.ts': `import type { S } from '../sim/s.ts'; const s: typeof import('../bridge/b.ts') = null!;`,
      'policy/q.ts': `import { s } from '../sim/s.ts';`,
      'bridge/b.ts': `import '../policy/actor.ts'; import { p } from '../policy/p.ts';`,
      'policy/actor.ts': '',
      'attic/a.ts': '',
    });
    expect(findForbiddenArrows(graph, rooms)).toEqual([
      'core/a.ts -> sim/s.ts (types)',
      'sim/s.ts -> policy/p.ts',
      'policy/p.ts -> bridge/b.ts (types)',
      'policy/q.ts -> sim/s.ts',
      'bridge/b.ts -> policy/p.ts',
      'attic/a.ts: in no room of the table',
    ]);
  });

  it('finds Node behind other files, and imports of nothing', () => {
    const graph = planted({
      'viewer/app/page.ts': `import { a } from '../../sim/a.ts'; import './gone.ts';`,
      'sim/a.ts': `import { w } from './step-worker.ts';`,
      'sim/step-worker.ts': `import { parentPort } from 'node:worker_threads';`,
      'bridge/b.ts': `import 'node:fs';`,
    });
    expect(findNodeInBrowser(graph, mustRunInBrowser)).toEqual([
      'viewer/app/page.ts -> sim/a.ts -> sim/step-worker.ts -> node:worker_threads',
      'sim/a.ts -> sim/step-worker.ts -> node:worker_threads',
    ]);
    expect(findBrokenImports(graph, () => false)).toEqual(['viewer/app/page.ts -> viewer/app/gone.ts']);
  });
});
