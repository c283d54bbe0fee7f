/** The age of states, by hand: clock difference, delay, drift, stamps that stand still or jump. */

import { describe, expect, it } from 'vitest';
import { StateClock } from '../../bridge/state-clock.ts';

/** The robot's clock is 1000 s behind ours. */
const DIFFERENCE = 1000;

describe('StateClock', () => {
  it('measures a delay against the quickest message', () => {
    const clock = new StateClock(1);
    expect(clock.accept(5, 5 + DIFFERENCE + 0.002)).toBe(true);
    expect(clock.age(5 + DIFFERENCE + 0.002)).toBeCloseTo(0, 9);
    // 30 ms longer on the way than the quickest.
    expect(clock.accept(5.01, 5.01 + DIFFERENCE + 0.032)).toBe(true);
    expect(clock.age(5.01 + DIFFERENCE + 0.032)).toBeCloseTo(0.03, 5);
  });

  it('adds half the round trip, which the comparison of clocks cannot see', () => {
    const clock = new StateClock(1);
    clock.oneWay = 0.004;
    clock.accept(5, 5 + DIFFERENCE + 0.004);
    const now = 5 + DIFFERENCE + 0.004;
    expect(clock.age(now)).toBeCloseTo(0.004, 9);
    // The robot's clock really stands at 5.004.
    expect(clock.robotTime(now)).toBeCloseTo(5.004, 9);
  });

  it('goes by the receipt where states stop', () => {
    const clock = new StateClock(1);
    clock.accept(5, 100);
    expect(clock.age(100.5)).toBeCloseTo(0.5, 9);
    expect(clock.sinceReceipt(100.5)).toBeCloseTo(0.5, 9);
  });

  it('takes a stamp that stands still for no new state', () => {
    const clock = new StateClock(1);
    clock.accept(5, 100);
    for (let i = 1; i <= 10; i++) expect(clock.accept(5, 100 + 0.01 * i)).toBe(false);
    expect(clock.age(100.1)).toBeCloseTo(0.1, 9);
  });

  it('does not believe that a queue which fills is a clock that drifts', () => {
    const clock = new StateClock(1);
    // Each state 1 ms later than the one before: 10 s of queue growing by 1 %.
    for (let i = 0; i <= 1000; i++) clock.accept(5 + 0.1 * i, 100 + 0.101 * i);
    expect(clock.age(100 + 101)).toBeGreaterThan(0.98);
  });

  it('follows two clocks that part by 50 millionths', () => {
    const clock = new StateClock(1);
    for (let i = 0; i <= 36_000; i++) clock.accept(5 + 0.1 * i, 100 + 0.1 * i * (1 + 50e-6));
    // An hour later the clocks are 180 ms apart, the state is not.
    expect(clock.age(100 + 3600 * (1 + 50e-6))).toBeLessThan(0.001);
  });

  it.each([
    ['goes back', 4.9, 'went back'],
    ['jumps ahead', 6.5, 'jumped ahead'],
    ['is zero', 0, 'stamp is 0'],
    ['is not a number', NaN, 'stamp is NaN'],
  ])('a stamp that %s is a fault', (_, stamp, text) => {
    const clock = new StateClock(1);
    clock.accept(5, 100);
    const verdict = clock.accept(stamp, 100.01);
    expect(verdict).toMatchObject({ name: 'bad-stamp', message: expect.stringContaining(text) });
  });

  it('is infinitely old before the first state', () => {
    expect(new StateClock(1).age(5)).toBe(Infinity);
  });
});
