/** Deadlines: absolute, skipped when missed, and drawn towards the arrival of states. */

import { describe, expect, it } from 'vitest';
import { Schedule } from '../../bridge/schedule.ts';

describe('Schedule', () => {
  it('adds no lateness up: next = previous + period', () => {
    const schedule = new Schedule(0.01);
    schedule.start(100);
    for (let k = 0; k < 50; k++) {
      const late = 0.003 * (k % 3);
      expect(schedule.advance(schedule.deadline + late, -Infinity, NaN)).toBeCloseTo(late, 9);
    }
    expect(schedule.deadline).toBeCloseTo(100.5, 9);
    expect(schedule.missed).toBe(0);
  });

  it('counts deadlines that passed, and goes on with the next one ahead', () => {
    const schedule = new Schedule(0.01);
    schedule.start(100);
    expect(schedule.advance(100.035, -Infinity, NaN)).toBeCloseTo(0.035, 9);
    expect(schedule.missed).toBe(3);
    expect(schedule.deadline).toBeCloseTo(100.04, 9);
  });

  it('waits for a late state a fifth of a period, and never more than 2 ms', () => {
    for (const [period, grace] of [
      [0.005, 0.001],
      [0.01, 0.002],
      [0.1, 0.002],
    ] as const) {
      const schedule = new Schedule(period);
      schedule.start(0);
      expect(schedule.latest - schedule.deadline).toBeCloseTo(grace, 9);
    }
  });

  // Control period, state interval, phases modulo which the lock holds; 4 ms against 10 ms meet every second tick.
  it.each([
    [0.01, 0.01, 0.01],
    [0.01, 0.005, 0.005],
    [0.01, 0.002, 0.002],
    [0.02, 0.01, 0.01],
    [0.005, 0.005, 0.005],
    [0.01, 0.004, 0.002],
  ])('locks ticks of %d s to states every %d s', (period, interval, cycle) => {
    for (const phase of [0.1, 0.35, 0.6, 0.9]) {
      const schedule = new Schedule(period);
      const first = 50 + phase * interval;
      schedule.start(50.001);
      const waits: number[] = [];
      for (let k = 0; k < 600; k++) {
        const now = schedule.deadline;
        const receipt = first + Math.floor((now - first) / interval) * interval;
        const before = schedule.deadline;
        schedule.advance(now, receipt, interval);
        // Never moved by more than a hundredth of a period.
        expect(Math.abs(schedule.deadline - before - period)).toBeLessThanOrEqual(0.01 * period + 1e-9);
        waits.push(now - receipt);
      }
      // 0.3 ms after a state, modulo the cycle.
      for (const wait of waits.slice(-20)) expect(wait % cycle).toBeCloseTo(0.0003, 4);
    }
  });
});
