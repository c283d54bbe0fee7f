/** The sealed domains: apart from each other, each a difference that the twin shows, and out of reach of what learns. */

import { readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { type Domain, domainsOf, harder, inDomain, TWIN } from '../../../bench/transfer/domains.ts';
import { experimentNamed } from '../../../configs/index.ts';
import { evaluationRecipe, openExperiment } from '../../../loop/experiment.ts';
import { makeEnvironments } from '../../../sim/recipe.ts';
import { importGraph } from '../../import-graph.ts';

const TASKS = ['pendulum', 'cartpole-balance', 'cartpole-swingup', 'acrobot', 'quadrotor-hover', 'arm-reach'];

/** Everything that may see a domain's numbers: what judges and nothing else. */
const KEEPERS = /^bench\/transfer\/(twin-study|twin-part)\.ts$/;

describe('the seal', () => {
  const root = fileURLToPath(new URL('../../..', import.meta.url));
  const sources = new Map<string, string>();
  const walk = (folder: string) => {
    for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
      const path = posix.join(folder, entry.name);
      if (entry.isDirectory()) walk(path);
      else if (path.endsWith('.ts')) {
        const text = readFileSync(join(root, path), 'utf8');
        // Whoever imports it names it.
        if (text.includes('domains.ts')) sources.set(path, text);
      }
    }
  };
  for (const folder of ['core', 'sim', 'policy', 'bridge', 'configs', 'loop', 'cli', 'bench']) walk(folder);

  it('is broken by nothing that learns', () => {
    const importers = [...importGraph(sources)]
      .filter(([, edges]) => edges.some(({ to }) => to === 'bench/transfer/domains.ts'))
      .map(([path]) => path);
    expect(importers.length).toBeGreaterThan(0);
    expect(importers.filter((path) => !KEEPERS.test(path))).toEqual([]);
  });

  it('would be seen broken', () => {
    const planted = new Map([
      ...sources,
      ['loop/peek.ts', "import { domainsOf } from '../bench/transfer/domains.ts';"],
    ]);
    const importers = [...importGraph(planted)].filter(([, edges]) =>
      edges.some(({ to }) => to === 'bench/transfer/domains.ts'),
    );
    expect(importers.map(([path]) => path).filter((path) => !KEEPERS.test(path))).toEqual(['loop/peek.ts']);
  });
});

describe('a harder domain', () => {
  it('departs twice as far', () => {
    const domain: Domain = {
      name: 'some',
      kind: 'structural',
      scale: { massScale: 1.5, torqueScale: 0.5 },
      set: { latency: 0.02 },
      torqueSpeed: { stall: 1, noLoad: 8 },
      encoders: { latency: 0.01, dropout: 0.5, parts: { position: { bias: 0.1, biasDrift: 0.2 } } },
    };
    expect(harder(domain)).toEqual({
      name: 'some-hard',
      kind: 'structural',
      scale: { massScale: 2.25, torqueScale: 0.25 },
      set: { latency: 0.04 },
      torqueSpeed: { stall: 1, noLoad: 4 },
      encoders: { latency: 0.02, dropout: 0.75, parts: { position: { bias: 0.2, biasDrift: 0.4 } } },
    });
  });
});

describe.each(TASKS)('the domains of %s', (task) => {
  const { dev, test, hard } = domainsOf(task);
  const text = ({ name: _, kind: __, ...change }: Domain) => JSON.stringify(change);

  it('are at least eight to test on, of both kinds, none of them for development', () => {
    expect(test.length).toBeGreaterThanOrEqual(8);
    expect(test.filter(({ kind }) => kind === 'structural').length).toBeGreaterThanOrEqual(4);
    expect(test.filter(({ kind }) => kind === 'parametric').length).toBeGreaterThanOrEqual(3);
    const all = [...dev, ...test, ...hard];
    expect(new Set(all.map(({ name }) => name)).size).toBe(all.length);
    expect(new Set(all.map(text)).size).toBe(all.length);
  });

  it('each move otherwise than the twin', async () => {
    const experiment = await openExperiment(experimentNamed(task));
    const recipe = evaluationRecipe(experiment, experiment.contract, 'mujoco', 1);
    const lived = async (domain: Domain) => {
      const [environment] = await makeEnvironments(inDomain(recipe, domain), 0, 1);
      const obs = new Float32Array(environment!.observer.size);
      const action = new Float32Array(environment!.actuation.size);
      const seen: number[] = [];
      environment!.reset(0, obs, 0);
      for (let t = 0; t < 40 && !environment!.terminated; t++) {
        action.fill(Math.sin(0.4 * t));
        environment!.step(action, 0, obs, 0);
        seen.push(...obs);
      }
      await environment!.robot.close();
      return seen.join();
    };
    const seen = await Promise.all([TWIN, ...dev, ...test, ...hard].map(lived));
    expect(new Set(seen).size).toBe(seen.length);
  });
});
