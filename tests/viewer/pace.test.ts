import { expect, test } from 'vitest';
import { makeFrameRing, type OpenFrameRing, openFrameRing } from '../../core/frame-ring.ts';
import { NewestFrame, SimulationPace } from '../../viewer/server/pace.ts';

const DT = 0.01;

function ringOf(capacity: number): { write(frames: number): void; ring: OpenFrameRing } {
  const ring = openFrameRing(makeFrameRing({ capacity, numEnvs: 1, nJoints: 1, channels: [], dt: DT }));
  const write = (frames: number) => {
    for (let i = 0; i < frames; i++) {
      const number = ring.published + i;
      ring.setTime(ring.slotOf(number), number * DT);
      ring.setEnv(ring.slotOf(number), 0, [number], []);
    }
    ring.publish(frames);
  };
  return { write, ring };
}

test('a robot is shown as it is: the newest frame, once', () => {
  const { write, ring } = ringOf(64);
  const pace = new NewestFrame(ring);
  expect(pace.next()).toBeNull();
  write(5);
  expect(pace.next()?.frame.number).toBe(4);
  expect(pace.next()).toBeNull();
});

test('a burst is played at the pace of the simulation, without leaving frames out', () => {
  const { write, ring } = ringOf(256);
  const pace = new SimulationPace(ring);
  write(64);
  const shown: number[] = [];
  for (let k = 0; k < 64; k++) shown.push(pace.next(k * DT)!.frame.number);
  expect(shown).toEqual(Array.from({ length: 64 }, (_, k) => k));
  expect(pace.next(64 * DT)).toBeNull();
});

test('ticks slower than the simulation leave frames out but keep its pace', () => {
  const { write, ring } = ringOf(256);
  const pace = new SimulationPace(ring);
  write(100);
  pace.next(0);
  // 60 ticks a second over 0.5 s of a simulation with 100 frames a second
  let last = 0;
  for (let tick = 1; tick <= 30; tick++) last = pace.next(tick / 60)?.frame.number ?? last;
  expect(last).toBe(50);
});

test('a trainer at half of real time is shown in slow motion, without pauses', () => {
  const { write, ring } = ringOf(256);
  const pace = new SimulationPace(ring);
  const shown: number[] = [];
  for (let tick = 0; tick < 600; tick++) {
    // 50 frames of 10 ms every second
    if (tick % 60 === 0) write(50);
    const due = pace.next(tick / 60);
    if (due !== null) shown.push(tick);
  }
  const settled = shown.filter((tick) => tick > 120);
  const pauses = settled.map((tick, i) => tick - (settled[i - 1] ?? tick));
  // One frame every 20 ms is one every 1.2 ticks.
  expect(Math.max(...pauses)).toBeLessThanOrEqual(2);
});

test('a trainer much slower than that is shown with pauses, and not hurried after', () => {
  const { write, ring } = ringOf(256);
  const pace = new SimulationPace(ring);
  write(10);
  for (let k = 0; k < 10; k++) pace.next(k * DT);
  expect(pace.next(0.5)).toBeNull();
  write(10);
  expect(pace.next(10)?.frame.number).toBe(10);
  // At the slowest, a quarter of real time.
  expect(pace.next(10 + 3 * DT)).toBeNull();
  expect(pace.next(10 + 4 * DT)?.frame.number).toBe(11);
});

test('a trainer eight times faster than real time is shown in unbroken stretches of seconds, each near the present', () => {
  const burst = 128;
  const { write, ring } = ringOf(4 * burst);
  const pace = new SimulationPace(ring);
  let [previous, length] = [-1, 0];
  const stretches: number[] = [];
  const lags: number[] = [];
  for (let tick = 0; tick < 60 * 60; tick++) {
    const now = tick / 60;
    while (ring.published * DT < now * 8) write(burst);
    const due = pace.next(now);
    if (due === null) continue;
    const { number } = due.frame;
    expect(due.frame.values[0]).toBe(number);
    if (due.jump) {
      stretches.push(length * DT);
      lags.push((ring.published - number) * DT);
      length = 0;
    } else {
      // at most two frames of 10 ms between ticks of 17 ms
      expect(number - previous).toBeLessThanOrEqual(2);
    }
    length += number - previous;
    previous = number;
  }
  expect(stretches.length).toBeGreaterThan(8);
  expect(Math.min(...stretches)).toBeGreaterThan(3);
  // A jump lands within what the ring can still show.
  expect(Math.max(...lags)).toBeLessThanOrEqual(2 * burst * DT);
});
