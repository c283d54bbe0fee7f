/** The page of an exported policy in a real browser, from the disk: the robot moves as it does in Node, and no server answers. */

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { pendulum } from '../../configs/pendulum.ts';
import { quadrupedRough } from '../../configs/quadruped-rough.ts';
import type { ExperimentConfig } from '../../configs/schema.ts';
import { keyOf, RandomStream } from '../../core/rng.ts';
import { evaluationRecipe, openExperiment } from '../../loop/experiment.ts';
import { Actor } from '../../policy/actor.ts';
import type { PageData } from '../../policy/export/page-data.ts';
import { policyPage } from '../../policy/export/policy-page.ts';
import { makeEnvironments } from '../../sim/recipe.ts';
import { untrained } from '../policy/export/untrained.ts';
import { chromiumPath, stateOf, untilState, Workshop } from './chromium.ts';

let workshop: Workshop;
let directory: string;
let template: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'landfall-policy-page-'));
  const configFile = fileURLToPath(new URL('../../vite.policy.config.ts', import.meta.url));
  await build({ configFile, logLevel: 'error', build: { outDir: join(directory, 'built'), emptyOutDir: true } });
  template = await readFile(join(directory, 'built', 'index.html'), 'utf8');
  workshop = await Workshop.open();
}, 120_000);
afterAll(async () => {
  await workshop.close();
  await rm(directory, { recursive: true, force: true });
});

async function dataOf(config: ExperimentConfig): Promise<PageData> {
  const experiment = await openExperiment(config);
  const { contract, weights } = untrained(experiment.contract, new RandomStream(keyOf(1)));
  return { title: config.task, recipe: evaluationRecipe(experiment, contract, 'rapier'), weights };
}

test('the page is one file of at most 4.5 MB', () => {
  // Rapier's WASM is 2.9 MB of it.
  expect(template.length).toBeLessThan(4.5e6);
});

const where = chromiumPath === undefined ? ' (skipped: no Chromium found; set CHROMIUM to its path)' : '';
describe.skipIf(chromiumPath === undefined)(`in headless Chromium${where}`, () => {
  async function open(html: string) {
    const file = join(directory, 'policy.html');
    await writeFile(file, html);
    return workshop.tab(`file://${file}`);
  }

  test('lets the policy act as it does in Node', async () => {
    const data = await dataOf(pendulum);
    const tab = await open(policyPage(template, data));
    const shown = await untilState(tab, 'a second of simulation', ({ source }) => (source?.end ?? 0) > 1);
    expect(shown.source).toMatchObject({ kind: 'policy', title: 'pendulum', robot: 'pendulum', isLive: true });
    const [environment] = await makeEnvironments(data.recipe, 0, 1);
    const actor = new Actor(data.recipe.contract, data.weights);
    const obs = new Float32Array(environment!.observer.size);
    const action = new Float32Array(environment!.actuation.size);
    environment!.reset(0, obs, 0);
    const angles = [environment!.robot.truth.q[0]!];
    for (let k = 1; k <= 40; k++) {
      actor.act(obs, action);
      environment!.step(action, 0, obs, 0);
      angles.push(environment!.robot.truth.q[0]!);
    }
    // At 50 Hz the moment 0.8 s is frame 40, or a hair before it: then between 39 and 40, interpolated.
    expect(Math.abs(angles[40]! - angles[39]!)).toBeGreaterThan(1e-4);
    await tab.locator('#timeline input[type=range]').fill('0.8');
    await untilState(
      tab,
      `the joint at ${angles[40]} at 0.8 s`,
      ({ playhead, q }) => Math.abs(playhead.time - 0.8) < 1e-6 && Math.abs(q[0]! - angles[40]!) < 1e-5,
    );
    await tab.close();
    expect(workshop.takeErrors()).toEqual([]);
  });

  test('shows a robot that moves about, and the stairs around it', async () => {
    const tab = await open(policyPage(template, await dataOf(quadrupedRough)));
    const { source, scene } = await untilState(tab, 'some frames', (state) => state.framesReceived > 5);
    expect(source?.robot).toBe('quadruped');
    expect(scene?.statics).toBeGreaterThan(0);
    expect((await stateOf(tab)).bases.some((value) => value !== 0)).toBe(true);
    await tab.close();
    expect(workshop.takeErrors()).toEqual([]);
  });

  test('says so when what is inside is damaged', async () => {
    const tab = await open(template.replace('id="policy"></script>', 'id="policy">{}</script>'));
    await tab.getByText('this page holds no policy that can be read').waitFor();
    await tab.close();
    expect(workshop.takeErrors()).toEqual([]);
  });
});
