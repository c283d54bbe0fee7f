/** Throttling and queues, on a clock that the test moves. */

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Subscription } from '../../../bridge/server/subscription.ts';
import { ManualClock } from '../../../core/clock.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function setUp() {
  const clock = new ManualClock(50);
  const sent: [ms: number, n: unknown][] = [];
  const subscription = new Subscription(clock, (msg) => sent.push([Math.round((clock.now() - 50) * 1000), msg.n]));
  const pass = (ms: number) => {
    for (let i = 0; i < ms; i++) {
      clock.advance(0.001);
      vi.advanceTimersByTime(1);
    }
  };
  /** One message every 10 ms, numbered. */
  const stream = (count: number) => {
    for (let n = 0; n < count; n++) {
      subscription.offer({ n });
      pass(10);
    }
  };
  return { subscription, sent, pass, stream };
}

describe('a subscription', () => {
  it('passes everything on by default', () => {
    const { subscription, sent, stream } = setUp();
    subscription.add('a', { throttleMs: 0, queueLength: 0 });
    stream(3);
    expect(sent).toEqual([
      [0, 0],
      [10, 1],
      [20, 2],
    ]);
  });

  it('drops what comes too early', () => {
    const { subscription, sent, stream } = setUp();
    subscription.add('a', { throttleMs: 25, queueLength: 0 });
    stream(8);
    expect(sent).toEqual([
      [0, 0],
      [30, 3],
      [60, 6],
    ]);
  });

  it('keeps the newest in a queue, and sends them at the throttled rate', () => {
    const { subscription, sent, stream, pass } = setUp();
    subscription.add('a', { throttleMs: 100, queueLength: 2 });
    stream(6);
    pass(300);
    expect(sent.map(([, n]) => n)).toEqual([0, 4, 5]);
    // The clock and the timers are steps of a millisecond.
    for (const k of [1, 2]) {
      expect(sent[k]![0] - sent[k - 1]![0]).toBeGreaterThanOrEqual(100);
      expect(sent[k]![0] - sent[k - 1]![0]).toBeLessThan(104);
    }
  });

  it('takes the lowest throttle and the longest queue of several, until they go', () => {
    const { subscription, sent, stream } = setUp();
    subscription.add('slow', { throttleMs: 1000, queueLength: 5 });
    subscription.add(undefined, { throttleMs: 0, queueLength: 0 });
    stream(2);
    expect(sent).toEqual([
      [0, 0],
      [10, 1],
    ]);
    expect(subscription.remove('slow')).toBe(true);
    expect(subscription.remove(undefined)).toBe(false);
  });

  it('sends nothing after it is closed', () => {
    const { subscription, sent, stream, pass } = setUp();
    subscription.add('a', { throttleMs: 100, queueLength: 9 });
    stream(3);
    subscription.close();
    pass(500);
    expect(sent).toEqual([[0, 0]]);
    expect(vi.getTimerCount()).toBe(0);
  });
});
