/** What a recording becomes: the torque's kind, wild readings, smoothed velocities, windows; and what is refused. */

import { describe, expect, it } from 'vitest';
import { type Episode, JOINTS_ALONE } from '../../../core/episode.ts';
import { keyOf, RandomStream } from '../../../core/rng.ts';
import { findDisturbances, probeWindows } from '../../../sim/identify/disturbances.ts';
import { recordingOf } from '../../../sim/identify/recording.ts';
import { deviation } from '../../../sim/identify/robust-statistics.ts';
import { cutWindows, overlaps, pooledError } from '../../../sim/identify/windows.ts';

const RATE = 200;
const FREQUENCY = 4;

interface Reading {
  readonly time: number;
  readonly q: number;
  readonly qd: number;
  readonly effort: number;
  readonly command: number;
}

/** q = 2 sin(4 t) with a little noise, changed reading by reading. */
function episode(count: number, change: (reading: Reading, k: number) => Partial<Reading> = () => ({})): Episode {
  const random = new RandomStream(keyOf(3));
  const steps = Array.from({ length: count }, (_, k) => {
    const time = k / RATE;
    const reading: Reading = {
      time,
      q: 2 * Math.sin(FREQUENCY * time) + 0.002 * random.normal(),
      qd: 2 * FREQUENCY * Math.cos(FREQUENCY * time) + 0.1 * random.normal(),
      effort: Number.NaN,
      command: 0.5 * Math.sin(3 * time),
    };
    const r = { ...reading, ...change(reading, k) };
    return {
      sensorTime: r.time,
      receiptTime: r.time,
      commandTime: r.time,
      q: Float64Array.of(r.q),
      qd: Float64Array.of(r.qd),
      effort: Float64Array.of(r.effort),
      obs: new Float32Array(0),
      action: new Float32Array(0),
      ...JOINTS_ALONE,
      command: Float64Array.of(r.command),
      reward: 0,
      rewardTerms: {},
      terminated: false,
      truncated: false,
    };
  });
  const meta = {
    id: 'sine',
    source: 'import' as const,
    robot: 'pendulum',
    task: 'pendulum',
    joints: ['shoulder'],
    rateHz: 0,
    startedAt: 0,
    contract: null,
    shadow: false,
    parameters: {},
  };
  return { meta, steps, outcome: null };
}

describe('recordingOf', () => {
  it('smooths the velocity: less noise than the log, no lag', () => {
    const recording = recordingOf(episode(800), 'sine');
    const truth = Float64Array.from(recording.times, (t) => 2 * FREQUENCY * Math.cos(FREQUENCY * t));
    const error = (column: Float64Array) => deviation(column.map((v, k) => v - truth[k]!));
    expect(error(recording.qd)).toBeGreaterThan(0.09);
    expect(error(recording.qdSmooth)).toBeLessThan(0.05);
  });

  it('finds the velocity readings that were planted, and hardly any other', () => {
    const planted = [100, 101, 250, 400, 555];
    const recording = recordingOf(
      episode(800, ({ qd }, k) => (planted.includes(k) ? { qd: qd + 3 } : {})),
      'sine',
    );
    for (const k of planted) expect(recording.wild[k]).toBe(1);
    // Of 795 sound readings of normal noise 2 lie beyond three deviations.
    expect(recording.wildVelocities).toBeLessThan(planted.length + 15);
    // The start velocity of a wild reading comes from its neighbours.
    const truth = 2 * FREQUENCY * Math.cos(FREQUENCY * recording.times[250]!);
    expect(Math.abs(recording.qdSmooth[250]! - truth)).toBeLessThan(0.3);
  });

  it('takes the command where there is one, and says when it is a measured torque', () => {
    expect(recordingOf(episode(100), 'sine').measured).toBe(false);
    const repeated = episode(100, ({ command }) => ({ effort: command }));
    expect(recordingOf(repeated, 'sine').measured).toBe(true);
    const read = episode(100, () => ({ command: Number.NaN, effort: 0.25 }));
    expect(recordingOf(read, 'sine')).toMatchObject({ measured: true });
    expect(recordingOf(read, 'sine').torque[7]).toBe(0.25);
  });

  it('counts torque readings far beyond the rest and has a repaired column, for a sensor only', () => {
    const spike = (k: number) => (k === 50 || k === 90 ? 17 : null);
    const sensor = episode(200, ({ command }, k) => {
      const torque = spike(k) ?? command;
      return { command: torque, effort: torque };
    });
    const recording = recordingOf(sensor, 'sine');
    expect(recording.wildTorques).toBe(2);
    expect(recording.torque[50]).toBe(17);
    expect(Math.abs(recording.torqueRepaired[50]!)).toBeLessThan(0.5);
    expect(
      recordingOf(
        episode(200, (_, k) => ({ command: spike(k) ?? 0.1 })),
        'sine',
      ).wildTorques,
    ).toBe(0);
  });

  it.each([
    ['too few steps', episode(10), /expected at least 20 steps, found 10/],
    ['no torque', episode(100, () => ({ command: Number.NaN })), /expected a command or a measured effort/],
    ['a joint that stands still', episode(100, () => ({ q: 1, qd: 0 })), /expected every joint to move/],
    ['times that stand still', episode(100, (_, k) => (k === 40 ? { time: 0 } : {})), /sensor times that increase/],
    ['a position that is not a number', episode(100, (_, k) => (k === 3 ? { q: Number.NaN } : {})), /finite positions/],
  ])('refuses %s in one line', (_, bad, message) => {
    expect(() => recordingOf(bad, 'bad.csv')).toThrow(message);
    expect(() => recordingOf(bad, 'bad.csv')).toThrow(/^bad\.csv: [^\n]+$/);
  });
});

describe('cutWindows', () => {
  const recording = recordingOf(episode(800), 'sine');
  const settings = { seconds: 0.5, stride: 0.25, begin: 0, end: 0.6, soundStarts: false };

  it('lays windows of the asked length, a stride apart, within the asked part', () => {
    const windows = cutWindows(recording, settings);
    const end = 0.6 * recording.times.at(-1)!;
    expect(windows.length).toBe(8);
    for (const [i, { from, to }] of windows.entries()) {
      expect(recording.times[to]! - recording.times[from]!).toBeCloseTo(0.5, 9);
      expect(recording.times[from]).toBeCloseTo(0.25 * i, 2);
      expect(recording.times[to]!).toBeLessThanOrEqual(end + 1e-9);
    }
  });

  it('starts at no wild reading when told so', () => {
    const noisy = recordingOf(
      episode(800, ({ qd }, k) => (k % 50 === 0 ? { qd: qd + 3 } : {})),
      'sine',
    );
    const starts = cutWindows(noisy, { ...settings, soundStarts: true }).map(({ from }) => noisy.wild[from]);
    expect(starts.length).toBeGreaterThan(6);
    expect(starts).not.toContain(1);
  });

  it('knows which windows a span touches', () => {
    const [first, second] = cutWindows(recording, { ...settings, stride: 0.6 });
    const spans = [{ begin: 0.1, end: 0.2 }];
    expect(overlaps(recording, first!, spans)).toBe(true);
    expect(overlaps(recording, second!, spans)).toBe(false);
  });
});

it('the pooled error is the root of the mean square over all readings', () => {
  expect(pooledError([Float64Array.of(1, 1), Float64Array.of(3, 3, 3, 3)])).toBeCloseTo(Math.sqrt(38 / 6), 12);
});

it('a kick that no parameter explains is found where it was, and nothing else', () => {
  // From 2 s on the arm is 3 rad/s faster than the model says, reached within 50 ms: a push.
  const pushed = recordingOf(
    episode(800, ({ time, q, qd }) => {
      const after = Math.max(0, time - 2);
      const gain = 60 * Math.min(after, 0.05);
      return { q: q + gain * Math.max(0, after - 0.025), qd: qd + gain };
    }),
    'pushed',
  );
  const windows = probeWindows(pushed);
  // A perfect model of the unpushed sine: the velocity changes as it would have without the push.
  const slope = (t: number) => 2 * FREQUENCY * Math.cos(FREQUENCY * t);
  const predicted = windows.map(({ from, to }) => [
    pushed.qdSmooth[from]! + slope(pushed.times[to]!) - slope(pushed.times[from]!),
  ]);
  const spans = findDisturbances(pushed, windows, predicted);
  expect(spans.length).toBe(1);
  expect(spans[0]!.begin).toBeGreaterThan(1.85);
  expect(spans[0]!.begin).toBeLessThan(2.01);
  expect(spans[0]!.end).toBeGreaterThan(2.04);
  expect(spans[0]!.end).toBeLessThan(2.2);
});
