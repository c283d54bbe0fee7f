import { expect, test } from 'vitest';
import { RecordedFrames } from '../../../viewer/app/recorded-frames.ts';
import { pendulumEpisode, swing } from '../pendulum-frames.ts';
import { chainModel } from './chain-model.ts';

const model = chainModel(['shoulder']);
const named = (name: string, seconds: number) => ({ name, episode: pendulumEpisode(name, seconds) });

test('time starts at 0, whatever the sensors said, and the pose is that of the moment', () => {
  const frames = new RecordedFrames([named('a', 2)], model);
  expect(frames).toMatchObject({ start: 0, numEnvs: 1, title: 'a', isLive: false });
  expect(frames.end).toBeCloseTo(2, 9);
  const q = new Float32Array(1);
  frames.poseAt(1.234, q);
  // Linear between steps of 10 ms: 9 rad/s2 (10 ms)2 / 8.
  expect(Math.abs(q[0]! - swing(1.234, 0))).toBeLessThan(1.2e-4);
});

test('episodes stand side by side; the shorter one keeps its last pose', () => {
  const frames = new RecordedFrames([named('short', 1), named('long', 3)], model);
  expect(frames.end).toBeCloseTo(3, 9);
  const q = new Float32Array(2);
  frames.poseAt(2.5, q);
  expect(q[0]).toBeCloseTo(swing(1, 0), 5);
  expect(q[1]).toBeCloseTo(swing(2.5, 0), 3);
  expect([frames.labelOf(0), frames.labelOf(1)]).toEqual(['short', 'long']);
});

test('channels: reward terms and their sum, observations by name, torques, state', () => {
  const frames = new RecordedFrames([named('a', 1)], model);
  const names = (group: string) => frames.channels.filter((channel) => channel.group === group).map(({ name }) => name);
  expect(names('reward')).toEqual(['energy', 'balance', 'total']);
  expect(names('obs')).toEqual(['angle[0]', 'angle[1]', 'speed']);
  expect(names('torque')).toEqual(['commanded', 'measured']);
  expect(names('other')).toEqual(['position', 'velocity']);
  const { times, columns } = frames.series(0, 0.495, 0.525);
  // From the step before the window to the one after it.
  expect(times.map((time) => Number(time.toFixed(2)))).toEqual([0.49, 0.5, 0.51, 0.52, 0.53]);
  expect(columns[frames.channels.findIndex(({ name }) => name === 'total')]).toEqual([1, 1, 1, 1, 1]);
});

test('a channel that one episode lacks is a gap there; what is not finite too', () => {
  const bare = pendulumEpisode('bare', 1);
  for (const step of bare.steps) {
    step.rewardTerms = {};
    step.effort[0] = Number.NaN;
    step.command[0] = Number.NaN;
  }
  const frames = new RecordedFrames([named('a', 1), { name: 'bare', episode: bare }], model);
  const column = (env: number, name: string) =>
    frames.series(env, 0, 0.02).columns[frames.channels.findIndex((channel) => channel.name === name)];
  expect(column(0, 'energy')).toEqual([0.4, 0.4, 0.4, 0.4]);
  expect(column(1, 'energy')).toEqual([null, null, null, null]);
  expect(column(1, 'measured')).toEqual([null, null, null, null]);
  expect(column(1, 'commanded')).toEqual([null, null, null, null]);
});

test('a pose that is not known leaves the robot where it was', () => {
  const broken = pendulumEpisode('broken', 1);
  broken.steps[50]!.q[0] = Number.NaN;
  const frames = new RecordedFrames([{ name: 'broken', episode: broken }], model);
  const q = Float32Array.of(0.25);
  frames.poseAt(0.5, q);
  expect(q[0]).toBe(0.25);
});

test('times that repeat or step back stand still instead of breaking the time line', () => {
  const episode = pendulumEpisode('odd', 0.1);
  episode.steps[5]!.sensorTime = episode.steps[4]!.sensorTime - 3;
  episode.steps[6]!.sensorTime = episode.steps[5]!.sensorTime;
  const { times } = new RecordedFrames([{ name: 'odd', episode }], model).series(0, 0, 9);
  for (let i = 1; i < times.length; i++) expect(times[i]).toBeGreaterThanOrEqual(times[i - 1]!);
});

test('stepping visits the steps of every episode', () => {
  const frames = new RecordedFrames([named('a', 1), named('b', 2)], model);
  expect(frames.neighbour(0, 1)).toBeCloseTo(0.01, 9);
  expect(frames.neighbour(1.005, 1)).toBeCloseTo(1.01, 9);
  expect(frames.neighbour(1.005, -1)).toBeCloseTo(1, 9);
  expect(frames.neighbour(0, -1)).toBe(0);
  expect(frames.neighbour(2, 1)).toBeCloseTo(2, 9);
});

test('an episode without steps has no length', () => {
  const empty = { ...pendulumEpisode('empty', 1), steps: [] };
  const frames = new RecordedFrames([{ name: 'empty', episode: empty }], model);
  expect(frames.end).toBe(0);
  frames.poseAt(0, new Float32Array(1));
  expect(frames.neighbour(0, 1)).toBe(0);
});

test('a recorded base moves the robot; without one it stays where it is', () => {
  const episode = pendulumEpisode('walk', 1);
  for (const [i, step] of episode.steps.entries()) {
    Object.assign(step, { base: Float64Array.of(i / 100, 0, 0.4, 0, 0, 0, 1) });
  }
  const frames = new RecordedFrames([{ name: 'walk', episode }, named('fixed', 1)], model);
  expect(frames.model.base).toBe('floating');
  expect(new RecordedFrames([named('fixed', 1)], model).model.base).toBe('fixed');
  const bases = new Float32Array(14).fill(0.25);
  frames.baseAt(0.505, bases);
  expect(bases[0]).toBeCloseTo(0.505, 5);
  expect(bases[2]).toBeCloseTo(0.4, 6);
  expect([...bases.slice(7)]).toEqual(new Array(7).fill(0.25));
});
