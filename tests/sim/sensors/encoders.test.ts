/** Joint encoders: today's noise to the bit, and the errors beside it. */

import { describe, expect, it } from 'vitest';
import { keyOf, RandomStream } from '../../../core/rng.ts';
import { makeState } from '../../../core/robot.ts';
import type { SensorQuality } from '../../../sim/robot-spec.ts';
import { Encoders } from '../../../sim/sensors/encoders.ts';

const DT = 0.02;
const truth = makeState(3);
truth.q.set([0.1, -2, 7]);
truth.qd.set([1, 0, -3]);

function play(encoders: Encoders, count: number, noise: readonly [number, number] = [0, 0], bias?: number[]) {
  const measured = makeState(3);
  return Array.from({ length: count }, (_, k) => {
    encoders.sense(k * DT, truth, measured, ...noise, bias);
    return [...measured.q, ...measured.qd];
  });
}

const exact = [0.1, -2, 7, 1, 0, -3];

describe('encoders', () => {
  it('without errors say the truth', () => {
    for (const found of play(new Encoders(3), 5)) expect(found).toEqual(exact);
  });

  it.each([
    [0.01, 0.2],
    [0, 0.2],
    [0.01, 0],
  ])('with noise %d and %d draw q then qd of each joint from the key itself', (position, velocity) => {
    const key = keyOf(42);
    const encoders = new Encoders(3);
    encoders.reset(key);
    const random = new RandomStream(key);
    for (const found of play(encoders, 50, [position, velocity])) {
      const q: number[] = [];
      const qd: number[] = [];
      for (let j = 0; j < 3; j++) {
        q.push(truth.q[j]! + position * random.normal());
        qd.push(truth.qd[j]! + velocity * random.normal());
      }
      expect(found).toEqual([...q, ...qd]);
    }
  });

  it('restarted go on in the same noise, reset start it over', () => {
    const encoders = new Encoders(3);
    encoders.reset(keyOf(1));
    const long = play(encoders, 6, [1, 1]);
    encoders.reset(keyOf(1));
    const short = play(encoders, 3, [1, 1]);
    encoders.restart();
    expect([...short, ...play(encoders, 3, [1, 1])]).toEqual(long);
  });

  it('add the bias they are given to positions alone', () => {
    const [found] = play(new Encoders(3), 1, [0, 0], [0.5, -0.5, 0]);
    expect(found).toEqual([0.6, -2.5, 7, 1, 0, -3]);
  });

  it('have errors of their own by part, and the same noise with and without them', () => {
    const key = keyOf(8);
    const noise = [0.01, 0.1] as const;
    const plain = new Encoders(3);
    plain.reset(key);
    const biased = new Encoders(3, { parts: { position: { bias: 0.3 } } });
    biased.reset(key);
    const [a, b] = [play(plain, 20, noise), play(biased, 20, noise)];
    const offset = b[0]!.map((value, i) => value - a[0]![i]!);
    expect(new Set(offset.slice(0, 3)).size).toBe(3);
    for (const [k, found] of b.entries()) {
      for (const [i, value] of found.entries()) expect(value - a[k]![i]!).toBeCloseTo(offset[i]!, 12);
      expect(found.slice(3)).toEqual(a[k]!.slice(3));
    }
  });

  it('step their output after all else', () => {
    const step = (2 * Math.PI) / 4096;
    const encoders = new Encoders(3, { parts: { position: { quantum: step } } });
    for (const found of play(encoders, 20, [0.01, 0], [0.001, 0.001, 0.001])) {
      for (const value of found.slice(0, 3))
        expect(Math.abs(value / step - Math.round(value / step))).toBeLessThan(1e-9);
      expect(found.slice(3)).toEqual([1, 0, -3]);
    }
  });

  it('late say what was: two and a half steps are three', () => {
    const encoders = new Encoders(1, { latency: 2.5 * DT });
    const [now, measured] = [makeState(1), makeState(1)];
    const found = Array.from({ length: 8 }, (_, k) => {
      now.q[0] = k;
      now.qd[0] = 10 + k;
      encoders.sense(k * DT, now, measured, 0, 0);
      return [measured.q[0], measured.qd[0]];
    });
    expect(found).toEqual([0, 0, 0, 0, 1, 2, 3, 4].map((k) => [k, 10 + k]));
  });

  it('refuse what is no quality', () => {
    const make = (quality: SensorQuality) => () => new Encoders(1, quality);
    expect(make({ latency: -1 })).toThrow('quality of sensor encoders: latency should be seconds, 0 or more, found -1');
    expect(make({ dropout: 2 })).toThrow(/dropout should be a share from 0 to 1, found 2/);
    expect(make({ rateHz: 0 })).toThrow(/rateHz should be above 0/);
    expect(make({ parts: { position: { noise: NaN } } })).toThrow(/position.noise should be 0 or more, found NaN/);
    expect(make({ parts: { positon: {} } })).toThrow('quality of sensor encoders: no part named positon');
  });
});
