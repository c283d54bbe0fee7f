/**
 * What the real server drops without a word, ours drops without a word: nothing comes back, a line in the log says why,
 * and the connection goes on. Cases: row 5 of the measured failures of rosbridge_suite, and the protocol's strict types.
 */

import { afterEach, describe, expect, it } from 'vitest';
import { closeAll, RawClient, serve } from './served-robot.ts';

afterEach(closeAll);

const publish = (msg: unknown) => ({ op: 'publish', topic: '/effort_command', msg });

const dropped: readonly [what: string, message: Record<string, unknown> | string, reason: RegExp][] = [
  [
    'NaN, which JSON writes as null',
    publish({ name: ['shoulder'], effort: [Number.NaN] }),
    /effort\[0\] should be float64, found null/,
  ],
  [
    'a number too large for a double',
    '{"op":"publish","topic":"/effort_command","msg":{"name":["shoulder"],"effort":[1e999]}}',
    /found Infinity/,
  ],
  ['a bare NaN', '{"op":"publish","topic":"/effort_command","msg":{"effort":[NaN]}}', /not JSON/],
  [
    'a string for a float',
    publish({ name: ['shoulder'], effort: ['1'] }),
    /effort\[0\] should be float64, found string/,
  ],
  ['a misspelt field', publish({ name: ['shoulder'], efort: [1] }), /sensor_msgs\/JointState has no field efort/],
  ['an inherited name for a field', publish({ constructor: 1 }), /has no field constructor/],
  ['a number for an array', publish({ name: ['shoulder'], effort: 1 }), /effort should be float64\[\], found 1/],
  ['a float in a stamp', publish({ header: { stamp: { sec: 1.5, nanosec: 0 } } }), /stamp should be a time/],
  ['a strange stamp', publish({ header: { stamp: { seconds: 1 } } }), /stamp should be a time/],
  ['seq in ROS 2', publish({ header: { seq: 1 } }), /has no field seq/],
  ['a message that is an array', publish([1]), /publish: msg: should be an object/],
  ['a message that is null', publish(null), /publish: msg: should be an object/],
  ['an unadvertised topic', { op: 'publish', topic: '/nothing', msg: {} }, /\/nothing is not advertised/],
  ['an unknown type', { op: 'advertise', topic: '/x', type: 'my_msgs/Thing' }, /unknown type my_msgs\/Thing/],
  [
    'a type conflict',
    { op: 'advertise', topic: '/effort_command', type: 'std_msgs/String' },
    /is of type sensor_msgs\/JointState/,
  ],
  [
    'a subscription of another type',
    { op: 'subscribe', topic: '/joint_states', type: 'std_msgs/String' },
    /is of type sensor_msgs/,
  ],
  ['a subscription that infers nothing', { op: 'subscribe', topic: '/nothing' }, /no topic \/nothing/],
  [
    'a compression we do not have',
    { op: 'subscribe', topic: '/joint_states', compression: 'png' },
    /no compression png/,
  ],
  ['null for an optional field', { op: 'subscribe', topic: '/joint_states', type: null }, /subscribe: type/],
  ['a fraction of a millisecond', { op: 'subscribe', topic: '/joint_states', throttle_rate: 12.5 }, /throttle_rate/],
  ['a negative queue', { op: 'subscribe', topic: '/joint_states', queue_length: -1 }, /queue_length/],
  ['an unknown operation', { op: 'set_level', level: 'info' }, /unknown operation set_level/],
  ['an operation named like a method', { op: 'toString' }, /unknown operation toString/],
  ['no operation', { topic: '/x' }, /op should be a string/],
  ['a number for an operation', { op: 3 }, /op should be a string/],
  ['no topic', { op: 'subscribe' }, /subscribe: topic/],
  ['an object for an id', { op: 'subscribe', id: {}, topic: '/joint_states' }, /subscribe: id/],
  ['a fragment beyond its total', { op: 'fragment', id: 'f', data: 'x', num: 3, total: 2 }, /fragment/],
  ['an empty fragment', { op: 'fragment', id: 'f', data: '', num: 0, total: 1 }, /fragment: data/],
  [
    'a fragment in a fragment',
    { op: 'fragment', id: 'f', data: '{"op":"fragment","id":"g","data":"x","num":0,"total":1}', num: 0, total: 1 },
    /fragment inside a fragment/,
  ],
  ['text that is no JSON', '{"op": "publish"', /not JSON/],
  ['20,000 brackets', '{'.repeat(20_000), /not JSON: \{+\.\.\. \(20000 characters\)/],
  ['JSON that is no object', '[1, 2]', /not an object/],
  ['nothing', '', /not JSON/],
];

describe('dropped without a reply', () => {
  it.each(dropped)('%s', async (_, message, reason) => {
    const server = await serve();
    const client = await RawClient.open(server.url);
    client.send(message);
    expect(await client.call('/rosapi/topic_type', ['/effort_command'])).toMatchObject({
      result: true,
      values: { type: 'sensor_msgs/msg/JointState' },
    });
    expect(client.heard).toHaveLength(1);
    expect(server.lines).toEqual([expect.stringMatching(reason)]);
    expect(server.lines[0]).toMatch(/^client 0: dropped: /);
    expect(server.commands.records).toEqual([]);
    client.send(publish({ name: ['shoulder'], effort: [0.1] }));
    await client.call('/rosapi/get_time');
    expect(server.commands.counts).toEqual({ taken: 1, stale: 0, refused: 0 });
  });

  it('binary messages', async () => {
    const server = await serve();
    const client = await RawClient.open(server.url);
    client.socket.send(new Uint8Array([0xa1, 0x62, 0x6f, 0x70]));
    await client.call('/rosapi/get_time');
    expect(server.lines).toEqual([expect.stringMatching(/dropped: binary message/)]);
  });
});

describe('taken all the same', () => {
  it.each([
    ['an integer for a float', { name: ['shoulder'], effort: [1] }],
    ['a ROS 1 stamp in ROS 2', { header: { stamp: { secs: 4e9, nsecs: 0 } }, name: ['shoulder'], effort: [1] }],
  ])('%s', async (_, msg) => {
    const server = await serve();
    const client = await RawClient.open(server.url);
    client.send(publish(msg));
    await client.call('/rosapi/get_time');
    expect(server.commands.counts.taken).toBe(1);
  });

  it('seq in ROS 1', async () => {
    const server = await serve({ ros: 1 });
    const client = await RawClient.open(server.url);
    client.send(publish({ header: { seq: 7 }, name: ['shoulder'], effort: [1] }));
    await client.call('/rosapi/get_time');
    expect(server.commands.counts.taken).toBe(1);
  });
});
