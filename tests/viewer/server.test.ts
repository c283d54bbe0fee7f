import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { type FrameRing, makeFrameRing, openFrameRing } from '../../core/frame-ring.ts';
import { FLOOR } from '../../sim/scene.ts';
import {
  type DecodedFrame,
  decodeFrame,
  type Library,
  type LiveSource,
  type ServerMessage,
} from '../../viewer/protocol.ts';
import { startViewer, type Viewer } from '../../viewer/server/index.ts';
import { headMesh, walk, walkerJoints, walkerRing, walkerScene } from './walker-frames.ts';

const urdf = '<robot name="test"><link name="base"/></robot>';
let directory: string;
let viewer: Viewer;
const open: { terminate?(): void; destroy?(): void }[] = [];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'landfall-viewer-'));
});
afterEach(async () => {
  for (const socket of open.splice(0)) (socket.terminate ?? socket.destroy)?.call(socket);
  await viewer.close();
  await rm(directory, { recursive: true });
});

interface Client {
  readonly socket: WebSocket;
  readonly frames: DecodedFrame[];
  readonly messages: ServerMessage[];
}

/** A client that reads everything. */
async function attach(url: string): Promise<Client> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}live`);
  open.push(socket);
  socket.binaryType = 'arraybuffer';
  const client: Client = { socket, frames: [], messages: [] };
  let source: LiveSource | null = null;
  socket.on('message', (data, isBinary) => {
    if (isBinary) {
      client.frames.push(decodeFrame(source!.spec, data as ArrayBuffer));
    } else {
      const message: ServerMessage = JSON.parse(String(data));
      if (message.type === 'source') source = message.source;
      client.messages.push(message);
    }
  });
  await once(socket, 'open');
  return client;
}

/** A real client that has shaken hands and then reads nothing more. */
async function attachStalled(url: string): Promise<Socket> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  open.push(socket);
  await once(socket, 'connect');
  const key = 'dGhlIHNhbXBsZSBub25jZQ==';
  socket.write(
    `GET /live HTTP/1.1\r\nHost: ${hostname}:${port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n\r\n`,
  );
  await once(socket, 'readable');
  return socket;
}

async function until(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  for (let i = 0; i < 1000; i++) {
    if (await condition()) return;
    await sleep(10);
  }
  throw new Error(`never happened: ${what}`);
}

function write(ring: FrameRing, frames: number): void {
  const writer = openFrameRing(ring);
  const { numEnvs, nJoints, channels, dt } = ring.spec;
  for (let i = 0; i < frames; i++) {
    const frame = writer.published + i;
    writer.setTime(writer.slotOf(frame), frame * dt);
    for (let env = 0; env < numEnvs; env++) {
      const q = new Float32Array(nJoints).fill(env);
      writer.setEnv(writer.slotOf(frame), env, q, new Float32Array(channels.length).fill(10 * env));
    }
  }
  writer.publish(frames);
}

const channels = [{ name: 'upright', group: 'reward', unit: '1' }] as const;
const smallSpec = { capacity: 64, numEnvs: 3, nJoints: 1, channels, dt: 0.01 };

test('a client gets the source, the history, the newest frames, and the channels of the environment it selects', async () => {
  viewer = await startViewer({ port: 0 });
  const ring = makeFrameRing(smallSpec);
  viewer.show({ title: 'pendulum', kind: 'robot', urdf, joints: ['shoulder'], ring });
  viewer.metrics({ iteration: 1, meanReturn: 5 });
  viewer.note('twin ready');
  const client = await attach(viewer.url);
  await until(() => client.messages.some((message) => message.type === 'source'), 'source');
  expect(client.messages).toContainEqual({ type: 'hello', protocol: 2 });
  expect(client.messages).toContainEqual({ type: 'metrics', reset: true, records: [{ iteration: 1, meanReturn: 5 }] });
  expect(client.messages).toContainEqual({ type: 'notes', reset: true, notes: ['twin ready'] });
  const told = client.messages.find((message) => message.type === 'source');
  expect(told?.source).toMatchObject({ kind: 'robot', title: 'pendulum', joints: ['shoulder'], spec: smallSpec });
  expect(await (await fetch(`${viewer.url}model/${told?.source?.model}`)).text()).toBe(urdf);

  write(ring, 3);
  await until(() => client.frames.length > 0, 'a frame');
  expect(client.frames[0]).toMatchObject({ step: 2, simTime: 0.02, selected: 0 });
  expect([...client.frames[0]!.q]).toEqual([0, 1, 2]);
  // Selecting shows at once, though no new frame comes.
  client.socket.send(JSON.stringify({ type: 'select', env: 2 }));
  await until(() => client.frames.at(-1)?.selected === 2, 'the selected environment');
  expect([...client.frames.at(-1)!.channels]).toEqual([20]);

  viewer.metrics({ iteration: 2 });
  viewer.show({ title: 'again', kind: 'train', urdf, joints: ['shoulder'], ring });
  client.socket.send(JSON.stringify({ type: 'ping', sent: 1.5 }));
  await until(() => client.messages.some((message) => message.type === 'pong'), 'pong');
  expect(client.messages).toContainEqual({ type: 'metrics', reset: false, records: [{ iteration: 2 }] });
  // Another training starts with empty curves.
  expect(client.messages).toContainEqual({ type: 'metrics', reset: true, records: [] });
});

test('a client is told the scene of the environment it selects, before the first frame in it, once', async () => {
  viewer = await startViewer({ port: 0 });
  const ring = walkerRing(2);
  viewer.show({ title: 'walker', kind: 'robot', urdf, joints: walkerJoints, ring, meshes: { 'a.stl': headMesh } });
  viewer.scene(0, 0, walkerScene);
  viewer.scene(1, 0, FLOOR);
  viewer.scene(0, 3, FLOOR);
  const client = await attach(viewer.url);
  const scenes = () => client.messages.filter((message) => message.type === 'scene');
  walk(ring, 1);
  await until(() => client.frames.length > 0, 'a frame');
  const [first] = scenes();
  expect(first).toMatchObject({ env: 0, step: 0 });
  const { ground, statics, objects } = walkerScene;
  expect(first?.scene.statics).toEqual(statics);
  expect(first?.scene.objects).toEqual(objects.map(({ geometry, pose }) => ({ geometry, pose })));
  // Rounded to a tenth of a millimetre.
  const [sent, made] = [first?.scene.ground, ground];
  if (typeof sent !== 'object' || typeof made !== 'object') throw new Error('no terrain');
  for (let k = 0; k < made.heights.length; k++)
    expect(Math.abs(sent.heights[k]! - made.heights[k]!)).toBeLessThan(6e-5);
  expect(client.frames[0]!.objects[0]).toBeCloseTo(objects[0]!.pose.xyz[0], 5);

  client.socket.send(JSON.stringify({ type: 'select', env: 1 }));
  await until(() => scenes().length > 1, 'the scene of the other');
  expect(scenes()[1]).toMatchObject({ env: 1, scene: { ground: 'plane' } });
  client.socket.send(JSON.stringify({ type: 'select', env: 0 }));
  walk(ring, 4);
  await until(
    () => client.frames.at(-1)!.step === 4 && client.frames.at(-1)!.selected === 0,
    'a frame of the next scene',
  );
  expect(scenes().at(-1)).toMatchObject({ env: 0, step: 3, scene: { ground: 'plane' } });
  const told = scenes().length;
  walk(ring, 1);
  await until(() => client.frames.at(-1)!.step === 5, 'another frame');
  expect(scenes()).toHaveLength(told);

  const source = client.messages.find((message) => message.type === 'source')?.source;
  const meshes = await (await fetch(`${viewer.url}meshes/${source?.model}`)).json();
  expect(Object.keys(meshes)).toEqual(['a.stl']);
  // Six digits of 0.06 m.
  expect(meshes['a.stl']).toEqual(Array.from(headMesh, (value) => expect.closeTo(value, 6)));
  expect(await (await fetch(`${viewer.url}meshes/unknown`)).json()).toEqual({});
});

test('with nobody watching no frame is encoded', async () => {
  viewer = await startViewer({ port: 0 });
  const ring = makeFrameRing(smallSpec);
  viewer.show({ title: 'pendulum', kind: 'robot', urdf, joints: ['shoulder'], ring });
  for (let i = 0; i < 20; i++) {
    write(ring, 1);
    await sleep(10);
  }
  expect(await viewer.stats()).toMatchObject({ clients: 0, framesEncoded: 0 });
  const client = await attach(viewer.url);
  await until(() => client.frames.length > 0, 'a frame once somebody watches');
  client.socket.close();
  await until(async () => (await viewer.stats()).clients === 0, 'the client to leave');
  const { framesEncoded } = await viewer.stats();
  for (let i = 0; i < 20; i++) {
    write(ring, 1);
    await sleep(10);
  }
  expect((await viewer.stats()).framesEncoded).toBe(framesEncoded);
});

test('a stalled client is skipped, holds no more than a few frames, leaves the others alone, and is closed', async () => {
  viewer = await startViewer({ port: 0, stallSeconds: 2 });
  // 512 kB a frame, 30 times a second: 15 MB/s, so that a queue would show.
  const ring = makeFrameRing({ capacity: 8, numEnvs: 4096, nJoints: 31, channels, dt: 0.01 });
  viewer.show({ title: 'many', kind: 'robot', urdf, joints: [], ring });
  const healthy = await attach(viewer.url);
  const stalled = await attachStalled(viewer.url);
  const ended = once(stalled, 'close');
  await until(async () => (await viewer.stats()).clients === 2, 'both clients');

  const start = performance.now();
  while ((await viewer.stats()).stalled === 0) {
    if (performance.now() - start > 20_000) throw new Error('the stalled client was never closed');
    write(ring, 1);
    await sleep(15);
    // Keep the test's own frames from counting.
    if (healthy.frames.length > 10) healthy.frames.splice(0, healthy.frames.length - 10);
  }
  stalled.resume();
  await ended;
  const stats = await viewer.stats();
  expect(stats.stalled).toBe(1);
  expect(stats.framesSkipped).toBeGreaterThan(10);
  expect(stats.framesSent).toBeGreaterThan(10);
  // The limit of 256 kB, and the frame of 512 kB that was sent just below it.
  expect(stats.peakBuffered).toBeLessThan(800_000);
  // It did stall: more than the limit waited.
  expect(stats.peakBuffered).toBeGreaterThan(256_000);

  const seen = healthy.frames.at(-1)!.seq;
  write(ring, 1);
  await until(() => healthy.frames.at(-1)!.seq > seen, 'the healthy client to go on');
});

test('the next free port is taken, and the address says which', async () => {
  viewer = await startViewer({ port: 0 });
  const port = Number(new URL(viewer.url).port);
  const second = await startViewer({ port });
  expect(Number(new URL(second.url).port)).toBeGreaterThan(port);
  await second.close();
});

test('an address that is not of this machine is refused with the reason', async () => {
  viewer = await startViewer({ port: 0 });
  await expect(startViewer({ port: 0, host: '192.0.2.1' })).rejects.toThrow(/cannot listen on 192\.0\.2\.1:0/);
});

test('it hands out the recordings of its library and nothing else', async () => {
  await writeFile(join(directory, 'a.mcap'), 'bytes');
  viewer = await startViewer({ port: 0, root: directory });
  const library: Library = await (await fetch(`${viewer.url}library`)).json();
  const { id } = library.runs[0]!.recordings[0]!;
  expect(await (await fetch(`${viewer.url}recording/${id}`)).text()).toBe('bytes');
  for (const path of [
    'recording/0123',
    'recording/..%2f..%2fetc%2fpasswd',
    'model/0',
    '..%2fpackage.json',
    'package.json',
  ]) {
    expect((await fetch(`${viewer.url}${path}`)).status).toBe(404);
  }
  expect((await fetch(`${viewer.url}library`, { method: 'POST' })).status).toBe(405);
  const ring = makeFrameRing(smallSpec);
  viewer.show({ title: 'x', kind: 'robot', urdf, joints: [], ring });
  const client = await attach(viewer.url);
  viewer.openRecordings([join(directory, 'a.mcap')]);
  await until(() => client.messages.some((message) => message.type === 'open'), 'open');
  expect(client.messages).toContainEqual({ type: 'open', ids: [id] });
});

test('the robots of the package are there by their hash', async () => {
  viewer = await startViewer({ port: 0 });
  const text = await readFile(new URL('../../configs/robots/pendulum.urdf', import.meta.url), 'utf8');
  const { createHash } = await import('node:crypto');
  const hash = createHash('sha256').update(text).digest('hex');
  expect(await (await fetch(`${viewer.url}model/${hash}`)).text()).toBe(text);
});

test('without a built page it says how to build it', async () => {
  viewer = await startViewer({ port: 0, page: join(directory, 'none') });
  const response = await fetch(viewer.url);
  expect(response.status).toBe(503);
  expect(await response.text()).toContain('npm run build:app');
});
