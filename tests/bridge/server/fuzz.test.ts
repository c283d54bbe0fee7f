/**
 * A thousand mutated messages, the same every time: the server neither falls nor hangs, and what is right still works
 * between them. Seeded; a failure names the message.
 */

import { afterEach, expect, it } from 'vitest';
import { type Key, keyOf, RandomStream } from '../../../core/rng.ts';
import { closeAll, type Json, RawClient, serve } from './served-robot.ts';

afterEach(closeAll);

const MESSAGES = 1000;

const seeds: readonly Json[] = [
  { op: 'advertise', id: 'a', topic: '/note', type: 'std_msgs/String', latch: true, queue_size: 1 },
  { op: 'unadvertise', topic: '/note' },
  { op: 'publish', topic: '/note', msg: { data: 'hello' } },
  {
    op: 'publish',
    topic: '/effort_command',
    msg: { header: { stamp: { sec: 1, nanosec: 2 }, frame_id: '' }, name: ['shoulder'], effort: [0.1] },
  },
  { op: 'publish', topic: '/array', msg: { layout: { dim: [{ label: 'x', size: 1 }] }, data: [1, 2.5] } },
  { op: 'subscribe', id: 's', topic: '/joint_states', throttle_rate: 10, queue_length: 3, fragment_size: 100 },
  { op: 'unsubscribe', id: 's', topic: '/joint_states' },
  { op: 'call_service', id: 'c', service: '/rosapi/topic_type', args: { topic: '/note' } },
  { op: 'call_service', id: 'd', service: '/rosapi/node_details', args: ['/pendulum_driver'] },
  { op: 'fragment', id: 'f', data: '{"op":"unsubs', num: 0, total: 2 },
];

const oddities: readonly unknown[] = [
  null,
  true,
  -1,
  0,
  0.5,
  1e308,
  2 ** 53,
  '',
  'x',
  '/',
  '\u0000',
  '\ud800',
  '__proto__',
  [],
  [[]],
  {},
  { a: {} },
  'x'.repeat(5000),
];

const oddKeys = ['__proto__', 'constructor', 'op', 'id', 'topic', 'msg', 'type', '', 'toString'];

/** Change one place of a value. */
function mutate(value: unknown, random: RandomStream): unknown {
  if (random.uniform() < 0.3 || typeof value !== 'object' || value === null)
    return oddities[random.below(oddities.length)];
  if (Array.isArray(value)) {
    const at = random.below(value.length + 1);
    return [...value.slice(0, at), mutate(value[at], random), ...value.slice(at + 1)];
  }
  const entries = Object.entries(value);
  if (entries.length === 0 || random.uniform() < 0.15) {
    const key = oddKeys[random.below(oddKeys.length)]!;
    return JSON.parse(
      `{${[...entries, [key, oddities[random.below(oddities.length)]] as const].map(([k, v]) => `${JSON.stringify(k)}:${JSON.stringify(v)}`).join()}}`,
    );
  }
  const at = random.below(entries.length);
  if (random.uniform() < 0.15) return Object.fromEntries(entries.filter((_, i) => i !== at));
  return Object.fromEntries(entries.map(([k, v], i) => [k, i === at ? mutate(v, random) : v]));
}

/** Change the text of a message. */
function garble(text: string, random: RandomStream): string {
  const at = random.below(text.length);
  switch (random.below(4)) {
    case 0:
      return text.slice(0, at);
    case 1:
      return text.slice(0, at) + String.fromCharCode(random.below(256)) + text.slice(at + 1);
    case 2:
      return text.slice(0, at) + text.slice(random.below(text.length));
    default:
      return '[{"'.charAt(random.below(3)).repeat(random.below(3000)) + text;
  }
}

function fuzz(key: Key): (string | Uint8Array)[] {
  const random = new RandomStream(key);
  return Array.from({ length: MESSAGES }, () => {
    const seed = seeds[random.below(seeds.length)]!;
    const kind = random.uniform();
    if (kind < 0.6) return JSON.stringify(mutate(seed, random)) ?? 'undefined';
    if (kind < 0.95) return garble(JSON.stringify(seed), random);
    return Uint8Array.from({ length: random.below(50) }, () => random.below(256));
  });
}

it(`survives ${MESSAGES} mutated messages and serves between them`, async () => {
  const server = await serve();
  const victim = await RawClient.open(server.url);
  const messages = fuzz(keyOf(20));
  let taken = 0;
  for (const [i, message] of messages.entries()) {
    victim.socket.send(message);
    if (i % 50 !== 49) continue;
    const last = typeof message === 'string' ? message.slice(0, 200) : 'binary';
    // The connection goes on; its settings may be odd by now, so a fresh client asks.
    expect(victim.closed, `after message ${i}: ${last}`).toBeUndefined();
    const client = await RawClient.open(server.url);
    expect(await client.call('/rosapi/topic_type', ['/effort_command']), `after message ${i}: ${last}`).toMatchObject({
      values: { type: 'sensor_msgs/msg/JointState' },
    });
    const before = server.commands.counts.taken;
    client.send({ op: 'publish', topic: '/effort_command', msg: { name: ['shoulder'], effort: [0] } });
    await client.call('/rosapi/get_time');
    taken += server.commands.counts.taken - before;
    client.socket.terminate();
  }
  expect(taken).toBeGreaterThanOrEqual(MESSAGES / 50);
  // The victim, too, is still served; some message may have set its fragment size.
  victim.send({ op: 'unsubscribe', topic: '/nothing', fragment_size: 1_000_000 });
  expect(await victim.call('/rosapi/nodes')).toMatchObject({ result: true });
  expect(server.lines.length).toBeGreaterThan(MESSAGES / 3);
  expect(Object.hasOwn(Object.prototype, 'a')).toBe(false);
  for (const { effort, verdict } of server.commands.records) {
    if (verdict === 'taken') expect(effort!.every(Number.isFinite)).toBe(true);
  }
});
