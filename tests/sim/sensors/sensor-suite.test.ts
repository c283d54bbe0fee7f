/** The suite: every kind at once, truth beside readings, same key same bytes, what costs rays, what it refuses. */

import { describe, expect, it } from 'vitest';
import { InputError } from '../../../core/errors.ts';
import { keyOf } from '../../../core/rng.ts';
import { quatFromRpy } from '../../../core/rotation.ts';
import type { SensorSpec } from '../../../core/sensor.ts';
import type { RobotSpec, SensorQuality } from '../../../sim/robot-spec.ts';
import { SensorSuite } from '../../../sim/sensors/sensor-suite.ts';
import { AnalyticWorld } from './analytic-world.ts';
import { AT_ORIGIN, makeRig, model } from './rig.ts';

const DT = 0.02;
const range = { minRange: 0.1, maxRange: 5 };
const mounted = { link: 'base', pose: AT_ORIGIN };

const sensors: SensorSpec[] = [
  { kind: 'imu', name: 'imu', ...mounted },
  { kind: 'contact', name: 'feet', links: ['left_foot', 'right_foot'], threshold: 1 },
  {
    kind: 'heights',
    name: 'scan',
    ...mounted,
    points: [
      [0, 0],
      [0.5, 0],
    ],
    maxRange: 2,
  },
  { kind: 'lidar', name: 'lidar', ...mounted, beams: 36, from: -Math.PI, to: Math.PI, ...range },
  { kind: 'depth', name: 'camera', ...mounted, width: 8, height: 6, fov: 1.2, ...range },
];

const errors = { noise: 0.01, bias: 0.02, biasDrift: 0.01, quantum: 0.001 };
const ranging: SensorQuality = { parts: { reading: errors }, latency: 0.05, dropout: 0.1, rateHz: 20 };
const quality: RobotSpec['quality'] = {
  imu: { parts: { orientation: errors, gyro: errors, accelerometer: errors }, latency: 0.01, dropout: 0.05 },
  feet: { parts: { reading: errors }, latency: 0.03 },
  scan: ranging,
  lidar: ranging,
  camera: ranging,
};

function makeWorld(): AnalyticWorld {
  return new AnalyticWorld(0, [{ min: [1, -1, 0], max: [1.2, 1, 2] }]);
}

/** Move on a circle of 0.2 m. */
function move(world: AnalyticWorld, k: number): void {
  const angle = 0.1 * k;
  world.pose.set([0.2 * Math.cos(angle), 0.2 * Math.sin(angle), 0.4]);
  world.pose.set(quatFromRpy([0.1, 0.05, angle]), 3);
  world.forces[1] = k % 7;
}

function play(seed: number, count: number, rig = makeRig(sensors, quality, makeWorld(), seed), world = makeWorld()) {
  rig.suite.reset(keyOf(seed));
  const measured: number[] = [];
  const truth: number[] = [];
  for (let k = 0; k < count; k++) {
    move(world, k);
    rig.suite.sense(world, k * DT, rig.truth, rig.measured);
    for (const { name } of sensors) {
      measured.push(...rig.measured.sensors[name]!);
      truth.push(...rig.truth.sensors[name]!);
    }
  }
  return { measured, truth };
}

describe('a suite', () => {
  it('states the sizes of its readings', () => {
    expect(new SensorSuite(sensors, {}, model).sizes).toEqual({ imu: 10, feet: 2, scan: 2, lidar: 36, camera: 48 });
  });

  it('without stated quality reads the truth', () => {
    const rig = makeRig(sensors, {}, makeWorld());
    const { measured, truth } = play(1, 10, rig);
    expect(measured).toEqual(truth);
    expect(truth.every(Number.isFinite)).toBe(true);
  });

  it('gives the same bytes for the same key, in a suite that has run before too', () => {
    const first = play(3, 60);
    expect(first.measured.every(Number.isFinite)).toBe(true);
    const rig = makeRig(sensors, quality, makeWorld());
    play(4, 33, rig);
    expect(play(3, 60, rig)).toEqual(first);
    const other = play(4, 60);
    expect(other.truth).toEqual(first.truth);
    expect(other.measured).not.toEqual(first.measured);
  });

  it('has errors that no later sensor in the list changes', () => {
    const world = makeWorld();
    move(world, 0);
    const few = makeRig(sensors.slice(0, 2), { imu: quality.imu! }, world, 9);
    const all = makeRig(sensors, quality, world, 9);
    for (let k = 0; k < 20; k++) {
      few.sense(k * DT);
      all.sense(k * DT);
      expect(all.measured.sensors.imu).toEqual(few.measured.sensors.imu);
    }
  });

  it('keeps a bias within an episode and draws another for the next', () => {
    const world = makeWorld();
    move(world, 0);
    const rig = makeRig(sensors, { lidar: { parts: { reading: { bias: 0.05 } } } }, world);
    const biasAt = (time: number) => {
      rig.sense(time);
      const i = rig.truth.sensors.lidar!.findIndex((distance) => distance < 4);
      expect(i).toBeGreaterThanOrEqual(0);
      return rig.measured.sensors.lidar![i]! - rig.truth.sensors.lidar![i]!;
    };
    const first = biasAt(0);
    for (const time of [1, 2, 3]) expect(biasAt(time)).toBe(first);
    rig.suite.reset(keyOf(77));
    expect(Math.abs(biasAt(0) - first)).toBeGreaterThan(1e-6);
  });

  it('casts a ray for each beam, and none between the readings of its rate', () => {
    const world = makeWorld();
    const rig = makeRig(sensors.slice(3, 4), { lidar: { rateHz: 10 } }, world);
    for (let k = 0; k < 50; k++) rig.sense(k * DT);
    expect(world.rays).toBe(36 * 10);
  });
});

describe('errors', () => {
  const make = (changes: object, of = 3, stated: RobotSpec['quality'] = {}) => {
    const changed = sensors.map((sensor, i) => (i === of ? ({ ...sensor, ...changes } as SensorSpec) : sensor));
    return () => new SensorSuite(changed, stated, model);
  };

  it('name the link that is not there, and the one that was meant', () => {
    expect(make({ link: 'bace' })).toThrow('robot box: sensor lidar sits on link bace, which it does not have');
    expect(make({ links: ['left_foot', 'tail'] }, 1)).toThrow(/sensor feet sits on link tail/);
    try {
      make({ link: 'bace' })();
    } catch (error) {
      expect((error as InputError).repair).toBe('did you mean base?');
    }
  });

  it('name a quality that belongs to no sensor or part', () => {
    expect(make({}, 0, { lidr: {} })).toThrow('robot box: quality of lidr, which is no sensor of it');
    expect(make({}, 0, { imu: { parts: { reading: {} } } })).toThrow('quality of sensor imu: no part named reading');
    expect(make({}, 0, { encoders: {} })).not.toThrow();
  });

  it.each<[string, number, object]>([
    ['two sensors named imu', 3, { name: 'imu' }],
    ['beams should be a whole number above 0, found 0', 3, { beams: 0 }],
    ['to should be rad, from or more, found -4', 3, { to: -4 }],
    ['maxRange should be above minRange, found 0.1', 3, { maxRange: 0.1 }],
    ['fov should be rad within (0, pi), found 4', 4, { fov: 4 }],
    ['width should be a whole number above 0, found 2.5', 4, { width: 2.5 }],
    ['maxRange should be m, above 0, found NaN', 2, { maxRange: NaN }],
  ])('say: %s', (message, of, changes) => {
    expect(make(changes, of)).toThrow(InputError);
    expect(make(changes, of)).toThrow(message);
  });
});
