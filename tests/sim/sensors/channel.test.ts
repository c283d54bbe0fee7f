/** When readings are taken, lost and delivered: rate, latency of whole and fractional steps, dropout, and their mixture. */

import { describe, expect, it } from 'vitest';
import { keyOf, RandomStream } from '../../../core/rng.ts';
import type { SensorQuality } from '../../../sim/robot-spec.ts';
import { Channel } from '../../../sim/sensors/channel.ts';
import { DelayLine } from '../../../sim/sensors/delay-line.ts';
import { mean } from './rig.ts';

const DT = 0.02;

/** Which step's reading is there at each step: the reading taken at step k is k. */
function play(
  quality: SensorQuality,
  steps: number,
  seed = 1,
  channel = new Channel(1, quality, quality.dropout ?? 0),
) {
  const random = new RandomStream(keyOf(seed));
  const reading = new Float64Array(1);
  channel.clear();
  let time = 0;
  return Array.from({ length: steps }, (_, k) => {
    if (channel.isDue(time)) {
      reading[0] = k;
      channel.send(reading, time, random);
    }
    const found = channel.receive(time)[0]!;
    // A sum, as the simulator's clock is.
    time += DT;
    return found;
  });
}

const steps = (n: number) => Array.from({ length: n }, (_, k) => k);

describe('latency', () => {
  it('of nothing delivers at once', () => {
    expect(play({}, 200)).toEqual(steps(200));
  });

  it.each([1, 2, 5, 13])('of %i steps is exact, and the first reading fills the time before', (n) => {
    expect(play({ latency: n * DT }, 2000)).toEqual(steps(2000).map((k) => Math.max(0, k - n)));
  });

  it.each([
    [0.001, 1],
    [0.019, 1],
    [0.021, 2],
    [0.05, 3],
  ])('of %d s takes the newest reading at least so old: %i steps', (latency, n) => {
    expect(play({ latency }, 100)).toEqual(steps(100).map((k) => Math.max(0, k - n)));
  });

  it('is forgotten at a reset, and the line works on in the room it has', () => {
    const channel = new Channel(1, { latency: 0.1 }, 0);
    const first = play({}, 50, 1, channel);
    expect(play({}, 50, 1, channel)).toEqual(first);
  });
});

describe('rate', () => {
  it('holds readings between samples: 10 Hz of 50', () => {
    expect(play({ rateHz: 10 }, 1000)).toEqual(steps(1000).map((k) => k - (k % 5)));
  });

  it('that is no divisor samples at the first step at or after k / rate: 30 Hz of 50', () => {
    // due at 0, 33.3, 66.7, 100 ms: steps 0, 2, 4, 5
    expect(play({ rateHz: 30 }, 11)).toEqual([0, 0, 2, 2, 4, 5, 5, 7, 7, 9, 10]);
    const found = play({ rateHz: 30 }, 1000);
    // No sample is lost in the long run: 20 s of 30 Hz.
    expect(new Set(found).size).toBe(600);
  });

  it('above the control rate gives one reading a step', () => {
    expect(play({ rateHz: 400 }, 100)).toEqual(steps(100));
    expect(play({ rateHz: null }, 100)).toEqual(steps(100));
  });

  it('and latency add: the sample of 10 Hz, 30 ms later', () => {
    expect(play({ rateHz: 10, latency: 0.03 }, 14)).toEqual([0, 0, 0, 0, 0, 0, 0, 5, 5, 5, 5, 5, 10, 10]);
  });
});

describe('dropout', () => {
  it('keeps the reading before, at the stated share, but never the first, seed 7', () => {
    const found = play({ dropout: 0.3 }, 5000, 7);
    expect(found[0]).toBe(0);
    const held = found.slice(1).map((value, k) => {
      expect([k + 1, found[k]]).toContain(value);
      return value === k + 1 ? 0 : 1;
    });
    // 4 standard errors: sqrt(0.21 / 5000) = 0.0065
    expect(Math.abs(mean(held) - 0.3)).toBeLessThan(0.026);
  });

  it('of everything leaves the first', () => {
    expect(new Set(play({ dropout: 1 }, 50))).toEqual(new Set([0]));
  });
});

describe('a delay line', () => {
  it('copies what it is given', () => {
    const line = new DelayLine(2, 1);
    const reading = Float64Array.of(1, 2);
    line.push(reading, 0);
    reading.fill(9);
    expect([...line.newest(5)]).toEqual([1, 2]);
  });

  it('keeps order while it grows in the middle of its ring', () => {
    const line = new DelayLine(1, 10);
    const push = (k: number) => line.push(Float64Array.of(k), k);
    for (const k of [0, 1, 2]) push(k);
    expect(line.newest(11)[0]).toBe(1);
    for (const k of steps(20).slice(3)) push(k);
    for (const k of steps(20).slice(1)) expect(line.newest(10 + k)[0]).toBe(k);
  });
});
