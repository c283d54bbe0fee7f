/** The page end to end: the real server, the built page, a real browser. */

import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { ObservationContract } from '../../core/contract.ts';
import { Observer } from '../../core/observation.ts';
import { keyOf, RandomStream } from '../../core/rng.ts';
import { makeState } from '../../core/robot.ts';
import { FLOOR } from '../../sim/scene.ts';
import { startViewer, type Viewer } from '../../viewer/server/index.ts';
import { layoutOf } from '../core/layout.ts';
import { sampleContract } from '../core/samples.ts';
import { chromiumPath, stateOf, untilState, Workshop } from './chromium.ts';
import { keepWriting, pendulumRecording, pendulumRing, pendulumUrdf, swing, writeFrames } from './pendulum-frames.ts';
import { headMesh, walk, walkerBase, walkerJoints, walkerRing, walkerScene, walkerUrdf } from './walker-frames.ts';

let workshop: Workshop;
let directory: string;
beforeAll(async () => {
  workshop = await Workshop.open();
}, 120_000);
afterAll(() => workshop.close());
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'landfall-page-test-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

describe('the bundle', () => {
  const zippedSize = async (name: string) =>
    gzipSync(await readFile(join(workshop.page, name.replace('./', ''))), { level: 9 }).length;

  test('is at most 250 kB of JavaScript, zipped, before the first picture', async () => {
    const html = await readFile(join(workshop.page, 'index.html'), 'utf8');
    const scripts = [...html.matchAll(/(?:src|href)="(\.\/assets\/[^"]+\.js)"/g)].map((match) => match[1]!);
    expect(scripts.length).toBeGreaterThan(0);
    const sizes = await Promise.all(scripts.map(zippedSize));
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(250_000);
  });

  test('loads the URDF and MCAP readers later, at most 45 kB each', async () => {
    const names = await readdir(join(workshop.page, 'assets'));
    for (const part of ['urdf', 'recording-reader']) {
      const name = names.find((file) => file.startsWith(`${part}-`) && file.endsWith('.js'));
      expect(name).toBeDefined();
      expect(await zippedSize(`assets/${name}`)).toBeLessThanOrEqual(45_000);
    }
  });
});

const where = chromiumPath === undefined ? ' (skipped: no Chromium found; set CHROMIUM to its path)' : '';
describe.skipIf(chromiumPath === undefined)(`the page in headless Chromium${where}`, () => {
  let viewer: Viewer;
  let tab: Page | undefined;
  const writers: { stop(): void }[] = [];

  afterEach(async () => {
    for (const writer of writers.splice(0)) writer.stop();
    await tab?.close();
    tab = undefined;
    await viewer.close();
    expect(workshop.takeErrors()).toEqual([]);
  });

  async function watch(numEnvs: number, kind: 'robot' | 'train' = 'robot') {
    viewer = await startViewer({ port: 0, page: workshop.page });
    const ring = pendulumRing(numEnvs);
    viewer.show({ title: 'swinging', kind, urdf: pendulumUrdf, joints: ['shoulder'], ring });
    writers.push(keepWriting(ring));
    tab = await workshop.tab(viewer.url);
    await untilState(tab, 'a minute to rewind', (state) => (state.source?.end ?? 0) > 1);
    return { tab, ring };
  }

  /** Open an empty page and drop files onto it. */
  async function dropOnto(page: Page, files: Readonly<Record<string, Uint8Array>>): Promise<void> {
    const encoded = Object.entries(files).map(
      ([name, bytes]) => [name, Buffer.from(bytes).toString('base64')] as const,
    );
    await page.evaluate((list) => {
      const transfer = new DataTransfer();
      for (const [name, base64] of list) {
        transfer.items.add(new File([Uint8Array.from(atob(base64), (c) => c.charCodeAt(0))], name));
      }
      for (const type of ['dragenter', 'dragover', 'drop']) {
        document.body.dispatchEvent(new DragEvent(type, { dataTransfer: transfer, bubbles: true, cancelable: true }));
      }
    }, encoded);
  }

  test('shows a live robot: frames arrive, it moves, and the picture with it', async () => {
    const { tab } = await watch(1);
    const first = await stateOf(tab);
    expect(first).toMatchObject({ connection: 'connected', selected: 0 });
    expect(first.source).toMatchObject({ kind: 'robot', title: 'swinging', robot: 'pendulum', numEnvs: 1 });
    expect(first.playhead).toMatchObject({ live: true, playing: true });
    const picture = await tab.locator('#canvas').screenshot();
    await untilState(tab, 'motion', (state) => Math.abs(state.q[0]! - first.q[0]!) > 0.3);
    expect((await tab.locator('#canvas').screenshot()).equals(picture)).toBe(false);
    const later = await stateOf(tab);
    expect(later.framesReceived).toBeGreaterThan(first.framesReceived);
    await tab.getByText('connected').waitFor();
    // Reward terms, torque, observation.
    expect(await tab.locator('.plot .uplot').count()).toBe(3);
  });

  test('pauses, scrubs, steps, plays slower, and jumps back to live', async () => {
    const { tab } = await watch(1);
    await tab.keyboard.press('Space');
    const paused = await untilState(tab, 'a pause', (state) => !state.playhead.playing);
    await tab.waitForTimeout(300);
    const still = await stateOf(tab);
    expect(still.playhead.time).toBe(paused.playhead.time);
    expect(still.q).toEqual(paused.q);
    // Frames went on arriving meanwhile.
    expect(still.source!.end).toBeGreaterThan(paused.source!.end);

    await tab.locator('#timeline input[type=range]').fill('0.5');
    const scrubbed = await untilState(tab, 'scrubbing', (state) => Math.abs(state.playhead.time - 0.5) < 1e-6);
    expect(scrubbed.playhead.live).toBe(false);

    await tab.locator('#canvas').focus();
    await tab.keyboard.press('ArrowRight');
    const stepped = await untilState(tab, 'one frame on', (state) => state.playhead.time > 0.5);
    // Frames come at 60 a second or slower.
    expect(stepped.playhead.time - 0.5).toBeLessThan(0.2);
    await tab.keyboard.press('ArrowLeft');
    await untilState(tab, 'one frame back', (state) => state.playhead.time < stepped.playhead.time);

    await tab.locator('#timeline select').selectOption('0.25');
    await tab.getByRole('button', { name: 'Play' }).click();
    const slow = await stateOf(tab);
    await tab.waitForTimeout(800);
    const after = await stateOf(tab);
    expect(after.playhead).toMatchObject({ speed: 0.25, playing: true, live: false });
    // A quarter of the frames' own pace, which is that of the wall clock.
    const share = (after.playhead.time - slow.playhead.time) / (after.source!.end - slow.source!.end);
    expect(share).toBeGreaterThan(0.1);
    expect(share).toBeLessThan(0.5);

    await tab.getByRole('button', { name: 'Live' }).click();
    await untilState(tab, 'live again', ({ playhead, source }) => playhead.live && source!.end - playhead.time < 0.3);
  });

  test('pressing a plot moves the playhead, in every plot', async () => {
    const { tab } = await watch(1);
    const over = tab.locator('.plot .u-over').first();
    const box = (await over.boundingBox())!;
    await over.click({ position: { x: 3, y: box.height / 2 } });
    const state = await untilState(tab, 'a seek', ({ playhead }) => !playhead.live && !playhead.playing);
    expect(state.playhead.time).toBeLessThan(state.source!.end - 0.5);
    const lines = await tab
      .locator('.playhead-line')
      .evaluateAll((nodes) => nodes.map((node) => node.getAttribute('style')));
    expect(lines).toHaveLength(3);
  });

  test('draws several environments with as many draw calls as one, and selects by key and by click', async () => {
    await watch(1);
    const one = (await stateOf(tab!)).drawCalls;
    await tab!.close();
    await viewer.close();
    const { tab: many } = await watch(64);
    const state = await stateOf(many);
    expect(state.source?.numEnvs).toBe(64);
    expect(new Set(state.q).size).toBe(64);
    // The ring around the selected one is the only call more.
    expect(state.drawCalls).toBeLessThanOrEqual(one + 1);
    expect(state.drawCalls).toBeLessThanOrEqual(20);

    await many.keyboard.press('j');
    await untilState(many, 'the next one', ({ selected }) => selected === 1);
    const at = await many.evaluate(() => window.landfall.basePosition(20));
    await many.locator('#canvas').click({ position: at! });
    await untilState(many, 'the clicked one', ({ selected }) => selected === 20);
    expect(await many.locator('#environments').textContent()).toContain('environment 20 of 64');
    // Its channels come from the server: the torque in the plot is its own, -q.
    await many.waitForTimeout(500);
    await many.keyboard.press('Space');
    const paused = await untilState(many, 'a pause', ({ playhead }) => !playhead.playing);
    const torque = many.locator('section[aria-label="Torque"] .legend-value');
    // Two decimals, and the frame before rather than the one interpolated: 3 rad/s for 20 ms.
    await expect.poll(async () => Math.abs(Number(await torque.textContent()) + paused.q[20]!)).toBeLessThan(0.08);
  });

  async function watchWalkers(numEnvs: number) {
    viewer = await startViewer({ port: 0, page: workshop.page });
    const ring = walkerRing(numEnvs);
    const meshes = { 'head.stl': headMesh };
    viewer.show({ title: 'walking', kind: 'robot', urdf: walkerUrdf, joints: walkerJoints, ring, meshes });
    for (let env = 0; env < numEnvs; env++) viewer.scene(env, 0, env === 1 ? FLOOR : walkerScene);
    const timer = setInterval(() => walk(ring, 1), 20);
    writers.push({ stop: () => clearInterval(timer) });
    tab = await workshop.tab(viewer.url);
    await untilState(tab, 'a walk', (state) => (state.source?.end ?? 0) > 0.5);
    return tab;
  }

  test('shows a robot that walks through terrain, with the camera following until it is let go', async () => {
    const walking = await watchWalkers(1);
    const first = await stateOf(walking);
    expect(first).toMatchObject({ following: true, scene: { ground: 'terrain', statics: 3, objects: 2 } });
    // 3 cm of lag at 0.3 m/s and 0.1 s, in a picture of metres: it stays about where it was.
    const at = () => walking.evaluate(() => window.landfall.basePosition(0));
    const [x, base] = [(await at())!.x, first.bases[0]!];
    await untilState(walking, 'half a metre', ({ bases }) => bases[0]! > base + 0.5);
    expect(Math.abs((await at())!.x - x)).toBeLessThan(40);
    await walking.keyboard.press('Space');
    await untilState(walking, 'a pause', (state) => !state.playhead.playing);
    await walking.waitForTimeout(200);
    const paused = await stateOf(walking);
    const { playhead } = paused;
    // The base of that moment: linear between frames of 20 ms, and the time line may have begun a few frames in.
    const start = paused.bases[0]! / 0.3 - playhead.time;
    expect(start).toBeGreaterThan(-0.03);
    const expected = walkerBase(playhead.time + start, 0);
    for (let i = 0; i < 7; i++) expect(Math.abs(paused.bases[i]! - expected[i]!)).toBeLessThan(2e-3);

    await walking.keyboard.press('Space');
    await walking.keyboard.press('f');
    await untilState(walking, 'it to be let go', ({ following }) => !following);
    const before = await stateOf(walking);
    const left = (await at())!.x;
    await untilState(walking, 'a step', ({ bases }) => bases[0]! > before.bases[0]! + 0.3);
    // It may have left the picture meanwhile.
    expect((await at())?.x ?? Infinity).toBeGreaterThan(left + 40);
  });

  test('shows the surroundings of the robot that is selected, and draws its meshes', async () => {
    const walking = await watchWalkers(2);
    const one = await untilState(walking, 'the terrain', ({ scene }) => scene?.ground === 'terrain');
    expect(one.following).toBe(false);
    expect(one.drawCalls).toBeLessThanOrEqual(20);
    await walking.keyboard.press('j');
    const other = await untilState(walking, 'the floor', ({ scene }) => scene?.ground === 'plane');
    expect(other.triangles).toBeLessThan(one.triangles);
    // The mesh was found: nobody is told of missing ones.
    expect(await walking.getByText('not drawn').count()).toBe(0);
    const apart = await walking.evaluate(() => [0, 1].map((env) => window.landfall.basePosition(env)));
    expect(apart[1]!.x - apart[0]!.x).toBeGreaterThan(50);
  });

  test('shows training: bursts as smooth motion, curves, notes', async () => {
    viewer = await startViewer({ port: 0, page: workshop.page });
    const ring = pendulumRing(4);
    viewer.show({ title: 'brave-otter', kind: 'train', urdf: pendulumUrdf, joints: ['shoulder'], ring });
    const burst = setInterval(() => writeFrames(ring, 64), 640);
    writers.push({ stop: () => clearInterval(burst) });
    tab = await workshop.tab(viewer.url);
    for (let iteration = 1; iteration <= 5; iteration++)
      viewer.metrics({ iteration, return: iteration ** 2, kl: 0.01 });
    viewer.note('iteration 5: best so far');
    const state = await untilState(tab, 'two bursts', ({ source }) => (source?.end ?? 0) > 1);
    expect(state.source?.kind).toBe('train');
    // 64 frames a burst, and yet far more moments than bursts.
    expect(state.framesReceived).toBeGreaterThan(20);
    await untilState(tab, 'curves', ({ metricsCount }) => metricsCount === 5);
    const curve = tab.locator('section[aria-label="Return"]');
    await curve.waitFor();
    expect(await curve.locator('strong').textContent()).toBe('25.0');
    await tab.getByText('iteration 5: best so far').waitFor();
  });

  test('shows a dropped recording: pose, plots, loop, and that its observations are made the same here', async () => {
    viewer = await startViewer({ port: 0, page: workshop.page });
    tab = await workshop.tab(viewer.url);
    await dropOnto(tab, { 'swing.mcap': await pendulumRecording('swing', 1.5) });
    const { source } = await untilState(tab, 'the recording', (state) => state.source !== null);
    expect(source).toMatchObject({ kind: 'recording', title: 'swing.mcap', isLive: false, numEnvs: 1, start: 0 });
    expect(source!.end).toBeCloseTo(1.5, 9);
    expect(source!.channels).toEqual(
      expect.arrayContaining(['energy', 'total', 'angle[0]', 'speed', 'commanded', 'measured', 'position']),
    );
    await tab.getByText('identical to the recorded ones (151 steps)').waitFor();

    await tab.getByRole('button', { name: 'Pause' }).click();
    await tab.locator('#timeline input[type=range]').fill('0.7');
    // Linear between steps of 10 ms: 9 rad/s2 (10 ms)2 / 8 = 0.0001 rad off at most.
    await untilState(tab, 'the pose of that moment', ({ playhead: { time }, q }) => {
      return Math.abs(time - 0.7) < 1e-6 && Math.abs(q[0]! - swing(0.7, 0)) < 2e-4;
    });
    await tab.getByRole('button', { name: 'Play' }).click();

    await tab.locator('#timeline select').selectOption('8');
    const before = await stateOf(tab);
    expect(before.playhead).toMatchObject({ playing: true, loop: true });
    // 1.5 s at 8x: within half a second it has come round.
    await untilState(tab, 'a loop', ({ playhead }) => playhead.time < 0.5);
    await tab.keyboard.press('o');
    await untilState(tab, 'the end', ({ playhead, source: now }) => !playhead.playing && playhead.time === now!.end);
  });

  test('shows several recordings side by side, and takes files from the dialog', async () => {
    viewer = await startViewer({ port: 0, page: workshop.page });
    tab = await workshop.tab(viewer.url);
    await tab.getByRole('button', { name: 'Open…' }).click();
    const files = await Promise.all(
      ['a', 'b', 'c'].map(async (name, i) => {
        const buffer = Buffer.from(await pendulumRecording(name, 1 + i));
        return { name: `${name}.mcap`, mimeType: 'application/octet-stream', buffer };
      }),
    );
    await tab.locator('#file').setInputFiles(files);
    const { source } = await untilState(tab, 'the recordings', (state) => state.source !== null);
    expect(source).toMatchObject({ numEnvs: 3, title: '3 episodes' });
    expect(source!.end).toBeCloseTo(3, 9);
    await tab.keyboard.press('j');
    await tab.getByText('b.mcap of 3').waitFor();
  });

  test('says what is wrong with a file, and shows what can be read of a cut one', async () => {
    viewer = await startViewer({ port: 0, page: workshop.page });
    tab = await workshop.tab(viewer.url);
    await dropOnto(tab, { 'notes.mcap': new TextEncoder().encode('not a recording at all') });
    await tab.locator('#message').getByText('notes.mcap: expected an MCAP episode').waitFor();
    expect((await stateOf(tab)).source).toBeNull();

    const whole = await pendulumRecording('cut', 3);
    await dropOnto(tab, { 'cut.mcap': whole.subarray(0, Math.floor(whole.length * 0.7)) });
    const { source } = await untilState(tab, 'the rest', (state) => state.source !== null);
    expect(source!.end).toBeGreaterThan(0.4);
    expect(source!.end).toBeLessThan(3);
    await tab.getByText('steps before the damage').waitFor();
  });

  test('opens the one run of its directory by itself, and a recording it is told to', async () => {
    const run = join(directory, 'pendulum', '1123-2047-brave-otter');
    await mkdir(join(run, 'episodes'), { recursive: true });
    const metrics = [1, 2, 3].map((i) =>
      JSON.stringify({ iteration: i, meanReturn: i, note: 'text', reward: { energy: i } }),
    );
    await writeFile(join(run, 'metrics.jsonl'), `${metrics.join('\n')}\n{"iteration":4,"me`);
    await writeFile(join(run, 'episodes', '0001.mcap'), await pendulumRecording('one', 1));
    await writeFile(join(run, 'episodes', '0002.mcap'), await pendulumRecording('two', 2));
    viewer = await startViewer({ port: 0, page: workshop.page, root: directory });
    tab = await workshop.tab(viewer.url);
    const opened = await untilState(tab, 'the newest recording', (state) => state.source !== null);
    expect(opened).toMatchObject({ metricsCount: 3, source: { title: '0002.mcap' } });
    viewer.openRecordings([join(run, 'episodes', '0001.mcap')]);
    await untilState(tab, 'the other recording', ({ source }) => source?.title === '0001.mcap');
    await tab.keyboard.press('r');
    await tab.getByText(join('pendulum', '1123-2047-brave-otter')).waitFor();
  });

  test('a recording goes on while something live starts, which is one click away', async () => {
    viewer = await startViewer({ port: 0, page: workshop.page });
    tab = await workshop.tab(viewer.url);
    await dropOnto(tab, { 'swing.mcap': await pendulumRecording('swing', 1) });
    await untilState(tab, 'the recording', (state) => state.source !== null);
    const ring = pendulumRing(1);
    viewer.show({ title: 'later', kind: 'robot', urdf: pendulumUrdf, joints: ['shoulder'], ring });
    writers.push(keepWriting(ring));
    await tab.getByRole('button', { name: 'Watch live' }).click();
    await untilState(tab, 'the live one', ({ source, playhead }) => source?.title === 'later' && playhead.live);
  });

  test('finds a server again that went away', async () => {
    const { tab } = await watch(1);
    const port = Number(new URL(viewer.url).port);
    await viewer.close();
    await untilState(tab, 'the loss', ({ connection }) => connection !== 'connected');
    viewer = await startViewer({ port, page: workshop.page });
    const ring = pendulumRing(2);
    viewer.show({ title: 'again', kind: 'robot', urdf: pendulumUrdf, joints: ['shoulder'], ring });
    writers.push(keepWriting(ring));
    const back = await untilState(tab, 'the return', ({ source }) => source?.title === 'again' && source.end > 0.2);
    expect(back).toMatchObject({ connection: 'connected', source: { numEnvs: 2 } });
  });

  test('makes the same observations as Node from the same states, to the bit', async () => {
    viewer = await startViewer({ port: 0, page: workshop.page });
    tab = await workshop.tab(viewer.url);
    const joint = { joints: ['a', 'b'], frame: 'joint', scale: 0.37, clip: [-2, 2], history: 3, delay: 1 } as const;
    const spec = (term: string, sizePerJoint: number): ObservationContract => ({
      ...joint,
      joints: [...joint.joints],
      clip: [...joint.clip],
      name: term,
      term,
      unit: '1',
      size: 2 * sizePerJoint * joint.history,
    });
    const observations = [
      spec('joint_sin_cos', 2),
      spec('joint_position', 1),
      spec('joint_velocity', 1),
      spec('last_action', 1),
    ];
    const random = new RandomStream(keyOf(11));
    const pair = (scale: number) => [random.normal() * scale, random.normal() * scale];
    const samples = Array.from({ length: 2000 }, (_, i) => ({
      time: i / 100,
      q: pair(i % 3 === 0 ? 1e4 : 4),
      qd: pair(10),
      effort: pair(1),
      lastAction: pair(0.5),
    }));

    const layout = layoutOf(['a', 'b']);
    const observer = new Observer(observations, layout);
    const expected = new Float32Array(samples.length * observer.size);
    const state = makeState(2);
    for (const [i, sample] of samples.entries()) {
      state.q.set(sample.q);
      state.qd.set(sample.qd);
      observer.observe(state, Float32Array.from(sample.lastAction), expected, i * observer.size);
    }
    const { createHash } = await import('node:crypto');
    const inNode = createHash('sha256').update(new Uint8Array(expected.buffer)).digest('hex');
    const inPage = await tab.evaluate(([robot, stream]) => window.landfall.hashObservations(robot, stream), [
      { ...sampleContract(), ...layout, observations },
      samples,
    ] as const);
    expect(inPage).toBe(inNode);
  });

  test('fits a phone, follows the colour scheme, and lists its keys', async () => {
    const { tab } = await watch(2);
    const ground = () => tab.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const dark = await ground();
    await tab.emulateMedia({ colorScheme: 'light' });
    expect(await ground()).not.toBe(dark);
    await tab.setViewportSize({ width: 360, height: 740 });
    const overflow = await tab.evaluate(
      () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
    );
    expect(overflow).toBeLessThanOrEqual(0);
    for (const name of ['Pause', 'Open…', 'Live', 'Next environment']) {
      expect(await tab.getByRole('button', { name }).isVisible()).toBe(true);
    }
    await tab.keyboard.press('?');
    await tab.getByRole('dialog', { name: 'Keyboard shortcuts' }).waitFor();
    await tab.keyboard.press('Escape');
    expect(await tab.locator('dialog[open]').count()).toBe(0);
  });
});
