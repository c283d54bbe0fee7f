/** Every misbehaviour switch does, on the wire, what it says; and stops when it is switched off. */

import { afterEach, describe, expect, it } from 'vitest';
import { type Misbehaviour, misbehaviours } from '../../../bridge/server/misbehaviour.ts';
import { systemClock } from '../../../core/clock.ts';
import { closeAll, type Json, jointCommand, RawClient, type Served, serve, until } from './served-robot.ts';

afterEach(closeAll);

interface JointState extends Json {
  header: { stamp: { sec: number; nanosec: number } };
  name: string[];
  position: (number | null)[];
  velocity: number[];
  effort: number[];
}

async function listening(server: Served): Promise<RawClient> {
  const client = await RawClient.open(server.url);
  client.send({ op: 'subscribe', topic: '/joint_states', type: 'sensor_msgs/msg/JointState' });
  await until(() => client.on('/joint_states').length > 0);
  return client;
}

/** The first state that arrives with these switches on; state messages on their way are let pass. */
async function stateWith(...on: Misbehaviour[]): Promise<JointState> {
  const server = await serve();
  const client = await listening(server);
  server.misbehave(on);
  await client.call('/rosapi/get_time');
  const seen = client.on('/joint_states').length;
  await until(() => client.on('/joint_states').length > seen);
  return client.on('/joint_states')[seen] as JointState;
}

describe('state messages', () => {
  it('nan: positions are null', async () => {
    expect((await stateWith('nan')).position).toEqual([null]);
  });

  it('names: of another robot', async () => {
    expect((await stateWith('names')).name).toEqual(['shoulder_of_another_robot']);
  });

  it('drop: the joint is missing', async () => {
    expect(await stateWith('drop')).toMatchObject({ name: [], position: [], velocity: [], effort: [] });
  });

  it('reorder: behind a stranger', async () => {
    expect(await stateWith('reorder')).toMatchObject({ name: ['stranger', 'shoulder'], position: [1, 0] });
  });

  it('stale: stamps are 2 s old', async () => {
    const { header } = await stateWith('stale');
    expect(systemClock.now() - header.stamp.sec - header.stamp.nanosec * 1e-9).toBeGreaterThanOrEqual(2);
  });

  it('several at once', async () => {
    expect(await stateWith('reorder', 'nan', 'names')).toMatchObject({
      name: ['stranger', 'shoulder_of_another_robot'],
      position: [1, null],
    });
  });

  it('bad-json: cut off in the middle', async () => {
    const server = await serve({ misbehaviours: ['bad-json'] });
    const client = await RawClient.open(server.url);
    client.send({ op: 'subscribe', topic: '/joint_states' });
    await until(() => client.garbage.length > 2);
    expect(client.heard).toEqual([]);
    expect(client.garbage[0]).toMatch(/^\{"op":"publish","topic":"\/joint_states","msg":\{/);
  });

  it('fragment: id 0 and a fractional total, whole when joined by number', async () => {
    const server = await serve({ misbehaviours: ['fragment'] });
    const client = await RawClient.open(server.url);
    client.send({ op: 'subscribe', topic: '/joint_states' });
    await until(() => client.heard.filter(({ num }) => num === 0).length > 1);
    const second = client.heard.findIndex(({ num }, i) => i > 0 && num === 0);
    const parts = client.heard.slice(0, second);
    expect(new Set(parts.map(({ op, id }) => `${op} ${id}`))).toEqual(new Set(['fragment 0']));
    expect(Number.isInteger(parts[0]!.total)).toBe(false);
    expect(Math.floor(parts[0]!.total as number)).toBe(parts.length);
    const message = JSON.parse(parts.map(({ data }) => data).join(''));
    expect(message).toMatchObject({ op: 'publish', topic: '/joint_states', msg: { name: ['shoulder'] } });
  });
});

describe('the connection', () => {
  it('large: 10 MB beside the states, which go on', async () => {
    const server = await serve({ misbehaviours: ['large'] });
    const client = await listening(server);
    await until(() => client.on('/landfall/large').length > 0);
    expect((client.on('/landfall/large')[0]!.data as string).length).toBe(10_000_000);
    const seen = client.on('/joint_states').length;
    await until(() => client.on('/joint_states').length > seen + 3);
  });

  it('freeze: neither reads nor sends nor hangs up, then goes on', async () => {
    const server = await serve();
    const client = await listening(server);
    server.misbehave(['freeze']);
    await new Promise((resolve) => setTimeout(resolve, 50));
    const seen = client.heard.length;
    const old = systemClock.now() - 10;
    client.send({ op: 'publish', topic: '/effort_command', msg: jointCommand(1, old) });
    await new Promise((resolve) => setTimeout(resolve, 150));
    expect(client.heard.length).toBe(seen);
    expect(client.closed).toBeUndefined();
    expect(server.commands.records).toEqual([]);
    server.misbehave([]);
    await until(() => client.heard.length > seen + 3);
    // What lay in the socket arrives now, and is too old.
    expect(server.commands.counts).toEqual({ taken: 0, stale: 1, refused: 0 });
  });

  it('nagle: everything arrives, in order, at the state rate, later', async () => {
    const server = await serve();
    const client = await RawClient.open(server.url);
    const ages: number[] = [];
    client.socket.on('message', () => {
      const { msg } = client.heard.at(-1) as { msg: JointState };
      ages.push(systemClock.now() - msg.header.stamp.sec - msg.header.stamp.nanosec * 1e-9);
    });
    client.send({ op: 'subscribe', topic: '/joint_states' });
    await until(() => ages.length >= 60);
    const plain = ages.splice(0).sort((a, b) => a - b);
    server.misbehave(['nagle']);
    await until(() => ages.length >= 120);
    const late = ages.slice(10).sort((a, b) => a - b);
    const median = (values: readonly number[]) => values[Math.floor(values.length / 2)]!;
    // one period of 10 ms
    expect(median(late) - median(plain)).toBeGreaterThan(0.005);
    expect(late.at(-1)).toBeGreaterThan(0.04);
    const stamps = client.on('/joint_states').map((msg) => (msg as JointState).header.stamp);
    const times = stamps.map(({ sec, nanosec }) => sec + nanosec * 1e-9);
    for (let i = 1; i < times.length; i++) expect(times[i]).toBeGreaterThan(times[i - 1]!);
  });

  it('hang: in ROS 2 a call blocks what comes behind it, not the states', async () => {
    const server = await serve({ misbehaviours: ['hang'] });
    const client = await listening(server);
    client.send({ op: 'call_service', id: 'first', service: '/rosapi/nodes' });
    client.send({ op: 'publish', topic: '/effort_command', msg: { name: ['shoulder'], effort: [0.1] } });
    const seen = client.on('/joint_states').length;
    await until(() => client.on('/joint_states').length > seen + 10);
    expect(server.commands.records).toEqual([]);
    expect(client.heard.some(({ id }) => id === 'first')).toBe(false);
    server.misbehave([]);
    await until(() => client.heard.some(({ id }) => id === 'first'));
    expect(server.commands.counts.taken).toBe(1);
  });

  it('hang: in ROS 1 only the call hangs', async () => {
    const server = await serve({ ros: 1, misbehaviours: ['hang'] });
    const client = await RawClient.open(server.url);
    client.send({ op: 'call_service', id: 'first', service: '/rosapi/nodes' });
    client.send({ op: 'publish', topic: '/effort_command', msg: { name: ['shoulder'], effort: [0.1] } });
    await until(() => server.commands.counts.taken === 1);
    expect(client.heard).toEqual([]);
  });
});

describe('/landfall/misbehave', () => {
  it('switches for a time, when allowed', async () => {
    const server = await serve({ allowMisbehaviour: true });
    const client = await listening(server);
    expect(await client.call('/landfall/misbehave', { on: ['nan'], seconds: 0.1 })).toMatchObject({ result: true });
    const isNull = () => (client.on('/joint_states').at(-1) as JointState).position[0] === null;
    await until(isNull);
    await until(() => !isNull());
  });

  it('names what there is', async () => {
    const server = await serve({ allowMisbehaviour: true });
    const client = await RawClient.open(server.url);
    const { result, values } = await client.call('/landfall/misbehave', { on: ['nan', 'dance'] });
    expect(result).toBe(false);
    expect(values).toBe(`no misbehaviour dance; there are ${Object.keys(misbehaviours).join(', ')}`);
  });
});
