/** The link over real sockets: nothing is queued, nothing reconnects, every call ends, every fault has a name. */

import { afterEach, describe, expect, it } from 'vitest';
import { type LinkSettings, RosLink } from '../../bridge/link.ts';
import { InputError } from '../../core/errors.ts';
import { type RawServer, type RawServerOptions, startRawServer } from './raw-server.ts';
import { until } from './server/served-robot.ts';

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

async function serverWith(options: RawServerOptions = {}): Promise<RawServer> {
  const server = await startRawServer(options);
  open.push(server);
  return server;
}

async function linkTo(server: RawServer, settings: Partial<LinkSettings> = {}): Promise<RosLink> {
  const link = await RosLink.open({ url: server.url, ...settings });
  open.push(link);
  return link;
}

const published = (server: RawServer) => server.heard.filter(({ op }) => op === 'publish');

describe('opening', () => {
  it('says who is not there, and how to mend it', async () => {
    const server = await startRawServer();
    await server.close();
    const opening = RosLink.open({ url: server.url });
    await expect(opening).rejects.toThrow(InputError);
    await expect(opening).rejects.toThrow(/no rosbridge server at ws:\/\/127.0.0.1:\d+: .*ECONNREFUSED/);
    await expect(opening).rejects.toMatchObject({ repair: expect.stringContaining('landfall robot pendulum') });
  });

  it.each(['nonsense', 'ftp://127.0.0.1', 'ws://'])('refuses the URL %s', async (url) => {
    await expect(RosLink.open({ url })).rejects.toThrow(InputError);
  });

  it('does not wait for ever for a server that does not shake hands', async () => {
    const { createServer } = await import('node:net');
    const mute = createServer(() => {});
    await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve));
    const { port } = mute.address() as { port: number };
    await expect(RosLink.open({ url: `ws://127.0.0.1:${port}`, handshakeSeconds: 0.1 })).rejects.toThrow(/handshake/);
    mute.close();
  });
});

describe('publishing', () => {
  it('advertises with depth 1 and no latch, subscribes for the newest alone', async () => {
    const server = await serverWith();
    const link = await linkTo(server);
    link.advertise('/command', 'std_msgs/msg/Float64MultiArray');
    link.subscribe('/joint_states', 'sensor_msgs/msg/JointState', () => {});
    await until(() => server.heard.length === 2);
    expect(server.heard[0]).toMatchObject({ op: 'advertise', topic: '/command', queue_size: 1, latch: false });
    expect(server.heard[1]).toMatchObject({ op: 'subscribe', topic: '/joint_states', queue_length: 1 });
    expect(server.heard[1]).not.toHaveProperty('fragment_size');
  });

  it('drops and counts what is published after the link has closed; a new server on the port never hears it', async () => {
    const server = await serverWith();
    const link = await linkTo(server);
    const publisher = link.advertise('/command', 'std_msgs/msg/Float64');
    expect(publisher.publish({ data: 1 })).toBe(true);
    await until(() => published(server).length === 1);
    await server.close();
    await until(() => !link.isOpen);
    for (let i = 0; i < 50; i++) expect(publisher.publish({ data: 2 })).toBe(false);
    expect(link.counts.refused).toBe(50);
    expect(link.fault).toMatchObject({ name: 'link-closed', message: expect.stringContaining('code 1006') });

    const again = await serverWith({ port: server.port });
    const fresh = await linkTo(again);
    fresh.advertise('/command', 'std_msgs/msg/Float64').publish({ data: 3 });
    await until(() => published(again).length > 0);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(published(again).map(({ msg }) => msg)).toEqual([{ data: 3 }]);
    expect(again.sockets.size).toBe(1);
    // The old link does not come back by itself.
    expect(link.isOpen).toBe(false);
  });

  it('drops what is published while the last command is still in this process', async () => {
    const server = await serverWith();
    const link = await linkTo(server);
    const publisher = link.advertise('/command', 'std_msgs/msg/String');
    await until(() => server.heard.length === 1);
    for (const socket of server.sockets) socket.pause();
    // Nobody reads: the kernel takes some megabytes, then no more.
    const data = 'x'.repeat(4 * 2 ** 20);
    const results = Array.from({ length: 20 }, () => publisher.publish({ data }));
    const taken = results.indexOf(false);
    expect(taken).toBeGreaterThan(0);
    expect(results.slice(taken).every((sent) => !sent)).toBe(true);
    expect(link.counts.refused).toBe(20 - taken);
    for (const socket of server.sockets) socket.resume();
    await until(() => published(server).length === taken);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(published(server)).toHaveLength(taken);
  });
});

describe('service calls', () => {
  it('ends a call whose server dies, well before its time limit', async () => {
    const server = await serverWith({ onMessage: (_, socket) => socket.terminate() });
    const link = await linkTo(server);
    const call = link.call('/rosapi/topics', 'rosapi/Topics', {}, 30);
    await expect(call).rejects.toThrow('the link closed during a service call');
  });

  it('ends a call that is never answered', async () => {
    const link = await linkTo(await serverWith());
    await expect(link.call('/rosapi/topics', 'rosapi/Topics', {}, 0.05)).rejects.toThrow('no answer in 0.05 s');
  });

  it('refuses a call on a closed link', async () => {
    const link = await linkTo(await serverWith());
    await link.close();
    await expect(link.call('/rosapi/topics', 'rosapi/Topics', {}, 30)).rejects.toThrow('the link is closed');
    // Closing on purpose is no fault.
    expect(link.fault).toBeNull();
  });

  it('gives the answer, or the text of the failure', async () => {
    const server = await serverWith({
      onMessage: ({ id, service }, socket) => {
        const good = service === '/good';
        socket.send(
          JSON.stringify({ op: 'service_response', id, service, values: good ? { x: 1 } : 'no such', result: good }),
        );
      },
    });
    const link = await linkTo(server);
    expect(await link.call('/good', 'a/B', {}, 5)).toEqual({ x: 1 });
    await expect(link.call('/bad', 'a/B', {}, 5)).rejects.toThrow('/bad: no such');
  });
});

describe('what comes in', () => {
  const state = { op: 'publish', topic: '/joint_states', msg: { name: ['shoulder'] } };

  async function listening(settings: Partial<LinkSettings> = {}) {
    const server = await serverWith();
    const link = await linkTo(server, settings);
    const got: unknown[] = [];
    link.subscribe('/joint_states', 'sensor_msgs/JointState', (message) => got.push(message));
    await until(() => server.heard.length === 1);
    return { server, link, got };
  }

  it.each([
    ['half a message', JSON.stringify(state).slice(0, 30), /not JSON/],
    ['a bare NaN', '{"op":"publish","topic":"/joint_states","msg":{"position":[NaN]}}', /not JSON/],
    ['JSON that is no message', '[1, 2]', /without an operation/],
    ['nothing', '', /not JSON/],
    ['bytes', Buffer.from([1, 2, 3]), /binary message of 3 bytes/],
    ['20000 brackets', '{'.repeat(20_000), /not JSON/],
    ['half a fragment', '{"op":"fragment","id":1}', /fragment without/],
  ])('%s is a fault, is counted, and the next message is read', async (_, bad, text) => {
    const { server, link, got } = await listening();
    server.say(bad);
    server.say(state);
    await until(() => got.length === 1);
    expect(link.fault).toMatchObject({ name: 'bad-message', message: expect.stringMatching(text) });
    expect(link.counts.malformed).toBe(1);
    expect(link.isOpen).toBe(true);
  });

  it('joins fragments with id 0 and a fractional total', async () => {
    const { server, link, got } = await listening();
    const text = JSON.stringify(state);
    for (let num = 0; num * 20 < text.length; num++) {
      const data = text.slice(num * 20, num * 20 + 20);
      server.say({ op: 'fragment', id: 0, data, num, total: (text.length - 1) / 20 + 1 });
    }
    await until(() => got.length === 1);
    expect(got[0]).toEqual(state.msg);
    expect(link.fault).toBeNull();
  });

  it('does not parse a message that is too large; the link lives, so that damping can be sent', async () => {
    const { server, link, got } = await listening({ messageBytes: 1000 });
    server.say({ ...state, msg: { name: ['x'.repeat(2000)] } });
    server.say(state);
    await until(() => got.length === 1);
    expect(link.fault).toMatchObject({ name: 'large-message', message: expect.stringContaining('the limit is') });
    expect(link.isOpen).toBe(true);
  });

  it('closes a connection that sends more than it will hold in memory', async () => {
    const { server, link } = await listening();
    server.say(Buffer.alloc(33 * 2 ** 20));
    await until(() => !link.isOpen);
    expect(link.fault).toMatchObject({ name: 'large-message' });
  });

  it('notices a large message while it is still arriving', async () => {
    const { server, link } = await listening();
    // The first 3 MB of a frame of 10 MB, past the server's WebSocket.
    const raw = server.streams[0]!;
    const header = Buffer.from([0x81, 127, 0, 0, 0, 0, 0, 0x98, 0x96, 0x80]);
    raw.write(Buffer.concat([header, Buffer.alloc(3 * 2 ** 20, 0x20)]));
    await until(() => link.pendingBytes > link.messageBytes);
    expect(link.isOpen).toBe(true);
  });
});

describe('signs of life', () => {
  it('measures the round trip and when the other side was last reading', async () => {
    const link = await linkTo(await serverWith());
    const before = link.provenAt;
    const took = await link.roundTrip(5);
    expect(took).toBeGreaterThan(0);
    expect(took).toBeLessThan(5);
    expect(link.provenAt).toBeGreaterThan(before);
  });

  it('calls an open socket on which no ping is answered silent', async () => {
    const link = await linkTo(await serverWith({ answersPings: false }), { pongSeconds: 0.1 });
    await until(() => link.fault !== null);
    expect(link.fault).toMatchObject({ name: 'silence', message: expect.stringContaining('no answer to a ping') });
    expect(link.isOpen).toBe(true);
    expect(await link.roundTrip(0.05)).toBe(Infinity);
  });

  it('leaves a silent server soon when asked to close', async () => {
    const server = await serverWith();
    const link = await linkTo(server);
    for (const socket of server.sockets) socket.pause();
    await link.close();
    expect(link.isOpen).toBe(false);
  });
});
