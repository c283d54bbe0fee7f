/** The lidar study's parts by hand, its logs as they are, and that what is frozen stays so. */

import { mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseCarmen } from '../../../bench/transfer/carmen.ts';
import { icp } from '../../../bench/transfer/icp.ts';
import { figuresOf } from '../../../bench/transfer/lidar.ts';
import { ARMS, zeroShotFourViews } from '../../../bench/transfer/lidar-arms.ts';
import { endPoint, interval } from '../../../bench/transfer/lidar-intervals.ts';
import {
  BUILDINGS,
  drawPairs,
  haveLogs,
  mirrored,
  motionBetween,
  pairsOf,
  type RealPair,
  realPairs,
  swapped,
} from '../../../bench/transfer/lidar-pairs.ts';
import { lidarStudy, rootMeanSquare } from '../../../bench/transfer/lidar-study.ts';
import { applyHead, ridgeHead } from '../../../bench/transfer/ridge.ts';
import { keyOf, RandomStream } from '../../../core/rng.ts';
import { initialTensors } from '../../../policy/perception/conv-layers.ts';
import { LIDAR_PAIR, pairTensors } from '../../../policy/perception/pair-spec.ts';
import { isFree, makeFloorPlan } from '../../../sim/floor-plan.ts';
import { PlanarLidar, type PlanarScan } from '../../../sim/planar-lidar.ts';

describe('CARMEN', () => {
  const line = 'FLASER 4 1.5 2 81.91 0.5 10 20 0.5 9 8 0.1 12.5 host 12.6';

  it('reads scans and their corrected poses, and passes over the rest', () => {
    const [scan, ...more] = parseCarmen(`# a comment\nODOM 1 2 3 0 0 0 1 host 1\n${line}\n`, 'log');
    expect(more).toEqual([]);
    expect(scan!.pose).toEqual([10, 20, 0.5]);
    expect([...scan!.scan.ranges]).toEqual([1.5, 2, Math.fround(81.91), 0.5]);
    expect(scan!.scan).toMatchObject({ from: -Math.PI / 2, step: Math.PI / 4 });
    expect(scan!.scan.ranges[2]).toBeGreaterThan(scan!.scan.maxRange);
  });

  it('says on which line a log is cut off', () => {
    expect(() => parseCarmen(`${line}\nFLASER 180 1 2 3\n`, 'log')).toThrow(/log, line 2: not a scan of 180/);
    expect(() => parseCarmen('ODOM 1 2', 'log')).toThrow(/no FLASER/);
  });
});

describe.skipIf(!haveLogs())('the logs (skipped where they are not there)', () => {
  it('hold the pairs of the notes: nearer than 1 m, turned by less than 0.6 rad', async () => {
    const all = await realPairs();
    const counts = Object.fromEntries(all.map(({ building, pairs }) => [building, pairs.length]));
    expect(counts).toEqual({ intel: 1583, csail: 78, edmonton: 207, 'freiburg-101': 257 });
    const drawn = drawPairs(all, 'intel', 30, 1);
    expect(drawn).toHaveLength(30);
    // As many of each building, and none of the one held out.
    const from = (name: string) => {
      const one = all.find(({ building }) => building === name)!;
      return drawn.filter(([sample]) => one.samples.includes(sample!)).length;
    };
    expect(BUILDINGS.map(from)).toEqual([0, 10, 10, 10]);
    expect(drawPairs(all, 'csail', 300, 1)).toHaveLength(300);
    expect(drawPairs(all, 'intel', 300, 2)[0]![0]).not.toBe(drawn[0]![0]);
  });
});

describe.skipIf(!haveLogs())('a study in little (skipped where the logs are not there)', () => {
  it('has every arm in its table, keeps what it made, and leaves the encoders on disk as they are', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'landfall-lidar-'));
    const options = {
      seeds: 1,
      sceneSeeds: 1,
      counts: [30],
      pretraining: { steps: 2, batch: 2, learningRate: 1e-3, warmUp: 1 },
      arms: { steps: 2, batch: 4, warmUp: 1 },
      judged: 3,
      directory,
      onProgress: () => undefined,
    };
    const study = await lidarStudy(options);
    const { json, table } = figuresOf(study);
    expect(json).toMatchObject({
      zeroShot: { translation: expect.any(Number), rotation: expect.any(Number) },
      endpoint: { '30': { diff: expect.any(Number), ci95: [expect.any(Number), expect.any(Number)] } },
    });
    for (const arm of Object.keys(ARMS)) expect(table).toContain(`| ${arm} |`);
    const encoder = join(directory, 'lidar', 'motion-1', 'encoder.safetensors');
    const before = await readFile(encoder);
    // The second time nothing is trained: the cells' file is read, and an untrained arm would differ.
    const cells = join(directory, 'lidar', 'cells-1.json');
    const written = await readFile(cells, 'utf8');
    expect(await lidarStudy({ ...options, arms: { steps: 2, batch: 4, warmUp: 2 } })).toEqual(study);
    expect(await readFile(cells, 'utf8')).toBe(written);
    expect(await readFile(encoder)).toEqual(before);
  }, 300_000);
});

it('four views are one estimate: in a mirror it is mirrored', () => {
  const random = new RandomStream(keyOf(2));
  const features = () => Float32Array.from({ length: 192 * 8 }, () => random.normal());
  const samples = () => Array.from({ length: 4 }, () => ({ first: features(), second: features(), label: [0, 0, 0] }));
  const [straight, mirror] = [samples(), samples()];
  const weights = initialTensors(pairTensors(LIDAR_PAIR), keyOf(3));
  const told = zeroShotFourViews(weights, straight, mirror);
  const image = zeroShotFourViews(weights, mirror, straight);
  // y and heading change sign; sums of four in another order, so within rounding.
  for (const [i, value] of told.entries()) expect(image[i]).toBeCloseTo(i % 3 === 0 ? value : -value, 9);
  expect(Math.max(...told.map(Math.abs))).toBeGreaterThan(1e-3);
});

const scan: PlanarScan = { from: -Math.PI / 2, step: Math.PI / 4, maxRange: 50, ranges: Float32Array.of(1, 2, 3, 4) };

describe('a pair', () => {
  // From (1, 1) looking up to (1, 2), turned by another 0.1 rad: 1 m ahead.
  const motion = motionBetween([1, 1, Math.PI / 2], [1, 2, Math.PI / 2 + 0.1]);
  const pair: RealPair = { first: scan, second: { ...scan, ranges: Float32Array.of(5, 6, 7, 8) }, motion };

  it('has the motion in the frame of the first', () => {
    expect(motion).toEqual([expect.closeTo(1, 12), expect.closeTo(0, 12), expect.closeTo(0.1, 12)]);
  });

  it('seen from the other end is the way back', () => {
    const back = swapped(pair);
    expect(back.first).toBe(pair.second);
    // R(-0.1) (-1, 0)
    expect(back.motion).toEqual([-Math.cos(0.1), Math.sin(0.1), -0.1].map((value) => expect.closeTo(value, 12)));
    expect(swapped(back).motion).toEqual(motion.map((value) => expect.closeTo(value, 12)));
  });

  it('in a mirror has left for right', () => {
    const image = mirrored(pair);
    expect([...image.first.ranges]).toEqual([4, 3, 2, 1]);
    // Beams at -90, -45, 0, 45 degrees become -45, 0, 45, 90.
    expect(image.first.from).toBeCloseTo(-Math.PI / 4, 12);
    expect(image.motion).toEqual([motion[0], -motion[1], -motion[2]]);
  });

  it('is kept when near and little turned', () => {
    const at = (x: number, heading: number) => ({ scan, pose: [x, 0, heading] as const });
    const { pairs, samples } = pairsOf('intel', [at(0, 0), at(0.9, 0), at(1.5, 0), at(1.6, 1)]);
    expect(pairs.map((one) => one.motion[0])).toEqual([expect.closeTo(0.9, 12), expect.closeTo(0.6, 12)]);
    expect(samples).toHaveLength(4);
  });
});

it('point-to-line ICP finds a small motion in a room, and not a large one', () => {
  const random = new RandomStream(keyOf(8));
  const plan = makeFloorPlan(random);
  let [x, y] = [0, 0];
  do [x, y] = [random.between(0, plan.size[0]), random.between(0, plan.size[1])];
  while (!isFree(plan, x, y, 0.5));
  const lidar = new PlanarLidar();
  const at = (dx: number, turn: number) => {
    const one = { from: -Math.PI / 2, step: Math.PI / 180, maxRange: 30, ranges: new Float32Array(180) };
    lidar.measure(plan, x + dx, y, 0.3 + turn, one);
    return one;
  };
  const found = icp(at(0, 0), at(0.1, 0.05));
  // 0.1 m along the world's x, in a frame turned by 0.3 rad.
  expect(Math.abs(found[0] - 0.1 * Math.cos(0.3))).toBeLessThan(0.01);
  expect(Math.abs(found[1] + 0.1 * Math.sin(0.3))).toBeLessThan(0.01);
  expect(Math.abs(found[2] - 0.05)).toBeLessThan(0.005);
});

describe('ridge', () => {
  // y = 2 x0 - x1 + 3, without noise.
  const x = Float32Array.from({ length: 40 }, (_, i) => Math.sin(7 * i));
  const y = Float64Array.from({ length: 20 }, (_, i) => 2 * x[2 * i]! - x[2 * i + 1]! + 3);
  const group = Array.from({ length: 20 }, (_, i) => i >> 1);

  it('finds an exact line', () => {
    const head = ridgeHead(x, y, 2, 1, group);
    expect([...head.weight, ...head.bias]).toEqual([2, -1, 3].map((value) => expect.closeTo(value, 2)));
    expect([...applyHead(head, Float32Array.of(1, 1), 2, 1)]).toEqual([expect.closeTo(4, 2)]);
  });

  it('stays with the head it is shrunk to where the data say nothing', () => {
    const towards = { weight: Float64Array.of(5, 6), bias: Float64Array.of(7) };
    const nothing = new Float32Array(40);
    const head = ridgeHead(nothing, new Float64Array(20).fill(7), 2, 1, group, towards);
    expect([...head.weight, ...head.bias]).toEqual([5, 6, 7].map((value) => expect.closeTo(value, 9)));
  });
});

describe('errors and intervals', () => {
  it('are root mean squares of the vector and of the heading', () => {
    const label = (x: number, y: number, heading: number) => ({ first: x0, second: x0, label: [x, y, heading] });
    const x0 = new Float32Array(0);
    // Errors (3, 4) and 0: sqrt(25 / 2); heading 1 and 0: sqrt(1 / 2)
    const errors = rootMeanSquare([label(0, 0, 0), label(1, 1, 1)], [3, 4, 1, 1, 1, 1]);
    expect(errors.translation).toBeCloseTo(Math.sqrt(12.5), 12);
    expect(errors.rotation).toBeCloseTo(Math.sqrt(0.5), 12);
  });

  it('has buildings as its unit: four values, t with 3 degrees of freedom', () => {
    // sd of 1, 2, 3, 4 is 1.29099; half = 3.182 * 1.29099 / 2
    expect(interval([1, 2, 3, 4])).toEqual({ mean: 2.5, half: expect.closeTo(2.05397, 4) });
  });

  it('adds what seeds differ by', () => {
    const cell = (translation: number) => ({ translation, rotation: 0 });
    const arm = [1, 2, 3, 4].map((b) => [cell(b), cell(b + 1)]);
    const other = arm.map(() => [cell(0), cell(0)]);
    const { diff, ci95, seeds } = endPoint(arm, other, 'translation');
    expect([diff, ...seeds]).toEqual([3, 2.5, 3.5]);
    // sqrt(1.66667 / 4 + 0.5 / 2) = 0.816497
    expect(ci95[1] - diff).toBeCloseTo(3.182 * 0.816497, 4);
  });
});
