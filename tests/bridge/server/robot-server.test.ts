/** The robot server as a real roslib client sees it, over a real WebSocket. */

import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../core/clock.ts';
import { InputError } from '../../../core/errors.ts';
import { Param, type Ros, Service, Topic } from './plain-roslib.ts';
import { ARRAY_COMMAND, closeAll, connectRos, jointCommand, RawClient, serve, until, urdf } from './served-robot.ts';

afterEach(closeAll);

interface JointState {
  header: { seq?: number; stamp: Record<string, number>; frame_id: string };
  name: string[];
  position: number[];
  velocity: number[];
  effort: number[];
}

function listen(ros: Ros, messageType: string, options = {}): JointState[] {
  const states: JointState[] = [];
  const topic = new Topic<JointState>({ ros, name: '/joint_states', messageType, ...options });
  topic.subscribe((state) => states.push(state));
  return states;
}

describe('topics', () => {
  it('publishes joint states in ROS 2 form, stamped in order', async () => {
    const server = await serve();
    const states = listen(await connectRos(server.url), 'sensor_msgs/msg/JointState');
    await until(() => states.length >= 20);
    const first = states[0]!;
    expect(Object.keys(first)).toEqual(['header', 'name', 'position', 'velocity', 'effort']);
    expect(Object.keys(first.header)).toEqual(['stamp', 'frame_id']);
    expect(first.name).toEqual(['shoulder']);
    const times = states.map(({ header }) => header.stamp.sec! + header.stamp.nanosec! * 1e-9);
    expect(Math.abs(times[0]! - systemClock.now())).toBeLessThan(60);
    for (let i = 1; i < times.length; i++) expect(times[i]).toBeGreaterThan(times[i - 1]!);
  });

  it('publishes them in ROS 1 form with a counter', async () => {
    const server = await serve({ ros: 1 });
    const ros = await connectRos(server.url);
    const states = listen(ros, 'sensor_msgs/JointState');
    await until(() => states.length >= 3);
    expect(Object.keys(states[0]!.header.stamp)).toEqual(['secs', 'nsecs']);
    expect(states.slice(0, 3).map(({ header }) => header.seq! - states[0]!.header.seq!)).toEqual([0, 1, 2]);
  });

  it('takes type names of either ROS', async () => {
    const server = await serve({ ros: 2 });
    const states = listen(await connectRos(server.url), 'sensor_msgs/JointState');
    await until(() => states.length > 0);
  });

  it.each(['sensor_msgs/msg/JointState', 'std_msgs/msg/Float64MultiArray'])(
    'moves the robot by an effort command as %s',
    async (messageType) => {
      const array = messageType.includes('MultiArray');
      const server = await serve(
        array
          ? { topics: { state: { topic: '/joint_states', type: 'sensor_msgs/JointState' }, command: ARRAY_COMMAND } }
          : {},
      );
      const ros = await connectRos(server.url);
      const command = new Topic<object>({ ros, name: '/effort_command', messageType, queue_size: 1 });
      const timer = setInterval(() => {
        command.publish(array ? { data: [0.5] } : jointCommand(0.5, systemClock.now()));
      }, 10);
      await until(() => server.position() > 0.1);
      clearInterval(timer);
      const taken = server.commands.records.filter(({ verdict }) => verdict === 'taken');
      expect(taken.length).toBeGreaterThan(2);
      expect(taken[0]!.effort).toEqual([0.5]);
      expect(taken[0]!.stamp === null).toBe(array);
      expect(server.commands.counts.refused).toBe(0);
    },
  );

  it('throttles one subscriber and not the other', async () => {
    const server = await serve();
    const free = listen(await connectRos(server.url), 'sensor_msgs/msg/JointState');
    const slow = listen(await connectRos(server.url), 'sensor_msgs/msg/JointState', { throttle_rate: 1000 });
    await until(() => free.length >= 40 && slow.length > 0);
    expect(slow.length).toBeLessThan(free.length / 4);
  });

  it('stops after unsubscribe, and per id', async () => {
    const server = await serve();
    const client = await RawClient.open(server.url);
    for (const id of ['a', 'b']) client.send({ op: 'subscribe', id, topic: '/joint_states' });
    await until(() => client.on('/joint_states').length > 2);
    client.send({ op: 'unsubscribe', id: 'a', topic: '/joint_states' });
    await client.call('/rosapi/get_time');
    const before = client.on('/joint_states').length;
    await until(() => client.on('/joint_states').length > before + 2);
    client.send({ op: 'unsubscribe', topic: '/joint_states' });
    await client.call('/rosapi/get_time');
    const after = client.heard.length;
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect(client.heard.length).toBe(after);
  });

  it('carries messages between clients and keeps a latched one for late comers', async () => {
    const server = await serve();
    const talker = await RawClient.open(server.url);
    talker.send({ op: 'advertise', topic: '/note', type: 'std_msgs/String', latch: true });
    talker.send({ op: 'publish', topic: '/note', msg: { data: 'hello' } });
    await talker.call('/rosapi/get_time');
    const late = await RawClient.open(server.url);
    late.send({ op: 'subscribe', topic: '/note' });
    await until(() => late.heard.length > 0);
    expect(late.heard).toEqual([{ op: 'publish', topic: '/note', msg: { data: 'hello' } }]);
    talker.send({ op: 'publish', topic: 'note', msg: {} });
    await until(() => late.heard.length > 1);
    expect(late.on('/note')[1]).toEqual({ data: '' });
  });

  it('serves the description as a latched topic in ROS 2', async () => {
    const server = await serve();
    const client = await RawClient.open(server.url);
    client.send({ op: 'subscribe', topic: '/robot_description' });
    await until(() => client.heard.length > 0);
    expect(client.on('/robot_description')).toEqual([{ data: urdf }]);
  });
});

describe('fragments', () => {
  it('joins what a client sends in pieces, in any order, and splits what it asks for', async () => {
    const server = await serve();
    const client = await RawClient.open(server.url);
    const whole = JSON.stringify({ op: 'call_service', id: 'x', service: '/rosapi/nodes' });
    const pieces = [whole.slice(0, 20), whole.slice(20, 40), whole.slice(40)];
    for (const num of [2, 0, 1]) {
      client.send({ op: 'fragment', id: 'f', data: pieces[num]!, num, total: 3 });
    }
    await until(() => client.heard.length > 0);
    expect(client.heard[0]).toMatchObject({ op: 'service_response', id: 'x', result: true });

    client.send({ op: 'call_service', id: 'y', service: '/rosapi/nodes', fragment_size: 30 });
    const parts = () => client.heard.filter(({ op }) => op === 'fragment');
    await until(() => parts().length > 0 && parts().length === parts()[0]!.total);
    const text = parts()
      .map(({ data }) => data)
      .join('');
    expect(JSON.parse(text)).toMatchObject({ op: 'service_response', id: 'y', result: true });
  });
});

describe('services', () => {
  it('answers what rosapi is asked, in ROS 2', async () => {
    const server = await serve();
    const client = await RawClient.open(server.url);
    client.send({ op: 'subscribe', topic: '/joint_states' });
    const ask = async (name: string, args: Record<string, unknown> | unknown[] = {}) =>
      (await client.call(`/rosapi/${name}`, args)).values;
    expect(await ask('topics')).toEqual({
      topics: ['/effort_command', '/joint_states', '/robot_description'],
      types: ['sensor_msgs/msg/JointState', 'sensor_msgs/msg/JointState', 'std_msgs/msg/String'],
    });
    expect(await ask('topic_type', { topic: '/effort_command' })).toEqual({ type: 'sensor_msgs/msg/JointState' });
    expect(await ask('topic_type', ['/nothing'])).toEqual({ type: '' });
    expect(await ask('subscribers', { topic: '/effort_command' })).toEqual({ subscribers: ['/pendulum_driver'] });
    expect(await ask('subscribers', { topic: '/joint_states' })).toEqual({ subscribers: ['/rosbridge_websocket'] });
    expect(await ask('publishers', { topic: '/joint_states' })).toEqual({ publishers: ['/pendulum_driver'] });
    expect(await ask('nodes')).toEqual({ nodes: ['/pendulum_driver', '/rosapi', '/rosbridge_websocket'] });
    expect(await ask('get_ros_version')).toMatchObject({ version: 2 });
    const { time } = (await ask('get_time')) as { time: Record<string, number> };
    expect(Math.abs(time.sec! + time.nanosec! * 1e-9 - systemClock.now())).toBeLessThan(60);
    expect(await ask('get_param', { name: '/robot_state_publisher:robot_description' })).toEqual({
      value: JSON.stringify(urdf),
      successful: true,
      reason: '',
    });
    expect(await ask('get_param', { name: '/speed', default: '3' })).toMatchObject({ value: '3', successful: false });
    expect(await ask('has_param', { name: '/speed' })).toEqual({ exists: false });
    expect(await ask('service_type', { service: '/landfall/reset' })).toEqual({ type: 'std_srvs/srv/Empty' });
    expect(await ask('service_node', { service: '/landfall/reset' })).toEqual({ node: '/pendulum_driver' });
    expect(await ask('node_details', { node: '/pendulum_driver' })).toMatchObject({ subscribing: ['/effort_command'] });
    expect(await ask('message_details', { type: 'sensor_msgs/msg/JointState' })).toMatchObject({
      typedefs: [
        { type: 'sensor_msgs/msg/JointState', fieldnames: ['header', 'name', 'position', 'velocity', 'effort'] },
        { type: 'std_msgs/msg/Header', fieldnames: ['stamp', 'frame_id'] },
      ],
    });
  });

  it('answers in ROS 1, which has no get_ros_version', async () => {
    const server = await serve({ ros: 1 });
    const ros = await connectRos(server.url);
    const types = await new Promise<{ topics: string[]; types: string[] }>((resolve) => ros.getTopics(resolve));
    expect(types).toEqual({
      topics: ['/effort_command', '/joint_states'],
      types: ['sensor_msgs/JointState', 'sensor_msgs/JointState'],
    });
    const description = await new Promise((resolve) => new Param({ ros, name: '/robot_description' }).get(resolve));
    expect(description).toBe(urdf);
    const version = new Service({
      ros,
      name: '/rosapi/get_ros_version',
      serviceType: 'rosapi/GetROSVersion',
    });
    const failure = await new Promise((resolve, reject) => version.callService({}, reject, resolve));
    expect(failure).toBe('Service /rosapi/get_ros_version does not exist');
  });

  it('says what is wrong with a request', async () => {
    const server = await serve();
    const client = await RawClient.open(server.url);
    expect(await client.call('/rosapi/topic_type', { topic: 3 })).toMatchObject({
      result: false,
      values: 'args.topic should be string, found 3',
    });
    expect(await client.call('/rosapi/topic_type', { topc: 'x' })).toMatchObject({ result: false });
    expect(await client.call('/rosapi/topic_type', ['a', 'b'])).toMatchObject({ result: false });
    expect(await client.call('/landfall/misbehave', { on: ['nan'] })).toMatchObject({ result: false });
  });

  it('hangs the robot at rest on /landfall/reset', async () => {
    const server = await serve({ watchdogSeconds: null });
    const client = await RawClient.open(server.url);
    client.send({ op: 'publish', topic: '/effort_command', msg: jointCommand(1, systemClock.now()) });
    await until(() => server.position() > 0.2);
    expect(await client.call('/landfall/reset')).toMatchObject({ result: true, values: {} });
    expect(server.position()).toBe(0);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(server.position()).toBe(0);
  });
});

describe('safety of the robot', () => {
  it('damps itself when commands stop', async () => {
    const server = await serve({ watchdogSeconds: 0.1 });
    const client = await RawClient.open(server.url);
    client.send({ op: 'publish', topic: '/effort_command', msg: { name: ['shoulder'], effort: [1] } });
    await until(() => server.watchdogStops === 1);
    client.send({ op: 'subscribe', topic: '/joint_states' });
    await until(() => client.on('/joint_states').length >= 10);
    for (const state of client.on('/joint_states').slice(2)) {
      const { velocity, effort } = state as unknown as JointState;
      // tau = -kd qd, of the last physics step; the command would have been 1
      expect(Math.abs(effort[0]! + 0.3 * velocity[0]!)).toBeLessThan(0.05);
    }
    expect(server.lines.filter((line) => line.startsWith('watchdog'))).toEqual([
      'watchdog: no fresh command for 0.1 s, damping',
    ]);
  });

  it('refuses a command whose stamp is older than the watchdog', async () => {
    const server = await serve({ watchdogSeconds: 2 });
    const client = await RawClient.open(server.url);
    const send = (effort: number, age: number) =>
      client.send({ op: 'publish', topic: '/effort_command', msg: jointCommand(effort, systemClock.now() - age) });
    send(1, 5);
    await client.call('/rosapi/get_time');
    expect(server.commands.counts).toEqual({ taken: 0, stale: 1, refused: 0 });
    expect(server.commands.records[0]).toMatchObject({ effort: [1], verdict: 'stale' });
    expect(server.position()).toBe(0);
    send(0.5, 0);
    await client.call('/rosapi/get_time');
    expect(server.commands.counts).toEqual({ taken: 1, stale: 1, refused: 0 });
  });

  it('stamps an unstamped command with its arrival', async () => {
    const server = await serve();
    const client = await RawClient.open(server.url);
    client.send({ op: 'publish', topic: '/effort_command', msg: { name: ['shoulder'], effort: [0.1] } });
    await client.call('/rosapi/get_time');
    const [record] = server.commands.records;
    expect(record).toMatchObject({ verdict: 'taken', effort: [0.1] });
    expect(Math.abs(record!.arrival - record!.stamp!)).toBeLessThan(0.05);
  });

  it.each([
    ['a stranger', { name: ['elbow'], effort: [1] }, 'no joint named elbow'],
    ['no joint', { name: [], effort: [] }, 'no effort for shoulder'],
    ['a joint twice', { name: ['shoulder', 'shoulder'], effort: [1, 2] }, 'a joint is named twice'],
    ['no effort', { name: ['shoulder'], effort: [] }, 'effort should have 1 numbers, as name has, found 0'],
  ])('refuses a command for %s', async (_, msg, reason) => {
    const server = await serve();
    const client = await RawClient.open(server.url);
    client.send({ op: 'publish', topic: '/effort_command', msg });
    await client.call('/rosapi/get_time');
    expect(server.commands.records).toMatchObject([{ verdict: 'refused', effort: null, reason }]);
  });
});

describe('the server', () => {
  it('listens on loopback by default', async () => {
    const server = await serve();
    expect(server.host).toBe('127.0.0.1');
    expect(server.url).toBe(`ws://127.0.0.1:${server.port}`);
  });

  it('says that a port is taken, and how to go on', async () => {
    const server = await serve();
    const error = await serve({ port: server.port }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(InputError);
    expect(String(error)).toContain(`cannot listen on 127.0.0.1:${server.port}: the port is in use`);
  });

  it('refuses topics it cannot serve', async () => {
    const topics = { state: { topic: '/s', type: 'sensor_msgs/Imu' }, command: ARRAY_COMMAND };
    await expect(serve({ topics })).rejects.toThrow(/state topic \/s: type should be sensor_msgs\/JointState/);
  });

  it('forgets a client that is gone', async () => {
    const server = await serve();
    const client = await RawClient.open(server.url);
    client.send({ op: 'advertise', topic: '/note', type: 'std_msgs/String' });
    client.send({ op: 'subscribe', topic: '/joint_states' });
    await client.call('/rosapi/get_time');
    client.socket.terminate();
    await until(() => server.clients === 0);
    const next = await RawClient.open(server.url);
    expect((await next.call('/rosapi/topic_type', { topic: '/note' })).values).toEqual({ type: '' });
    expect((await next.call('/rosapi/subscribers', { topic: '/joint_states' })).values).toEqual({ subscribers: [] });
  });

  it('ends the connection of a client that sends more than it may, and no other', async () => {
    const server = await serve({ maxPayload: 100_000 });
    const [big, other] = [await RawClient.open(server.url), await RawClient.open(server.url)];
    big.send({ op: 'publish', topic: '/note', msg: { data: 'x'.repeat(200_000) } });
    await until(() => big.closed !== undefined);
    expect(big.closed).toBe(1009);
    expect(await other.call('/rosapi/nodes')).toMatchObject({ result: true });
  });
});
