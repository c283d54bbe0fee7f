/** The inertial unit against mechanics: rest, tilt, free fall, a turning mount; its orientation's noise as rotations. */

import { describe, expect, it } from 'vitest';
import { cos, sin } from '../../../core/math.ts';
import { keyOf } from '../../../core/rng.ts';
import type { Pose } from '../../../core/robot-model.ts';
import { quatConjugate, quatFromRpy, quatMultiply } from '../../../core/rotation.ts';
import { IMU } from '../../../core/sensor.ts';
import type { SensorQuality } from '../../../sim/robot-spec.ts';
import { AnalyticWorld } from './analytic-world.ts';
import { AT_ORIGIN, deviation, makeRig, mean } from './rig.ts';

const DT = 0.02;

function imuRig(world: AnalyticWorld, pose: Pose = AT_ORIGIN, quality: SensorQuality = {}, seed = 1) {
  return makeRig([{ kind: 'imu', name: 'imu', link: 'base', pose }], { imu: quality }, world, seed);
}

const part = (reading: Float64Array, from: number, count = 3) => [...reading.subarray(from, from + count)];

function expectNear(found: readonly number[], wanted: readonly number[], digits = 12) {
  expect(found).toHaveLength(wanted.length);
  for (const [i, value] of wanted.entries()) expect(found[i]!).toBeCloseTo(value, digits);
}

describe('at rest', () => {
  it('feels gravity upwards, from the first reading on', () => {
    const rig = imuRig(new AnalyticWorld(0, []));
    for (const time of [0, DT, 2 * DT]) {
      rig.sense(time);
      expect([...rig.measured.sensors.imu!]).toEqual([0, 0, 0, 1, 0, 0, 0, 0, 0, 9.81]);
    }
  });

  it('feels it along its own axes: link rolled +90 degrees, then mount pitched +90', () => {
    const world = new AnalyticWorld(0, []);
    world.pose.set(quatFromRpy([Math.PI / 2, 0, 0]), 3);
    // Rolled by +90 degrees y points up.
    const level = imuRig(world);
    level.sense(0);
    expectNear(part(level.truth.sensors.imu!, IMU.accelerometer), [0, 9.81, 0]);
    // The mount's pitch is about that y axis: y still points up.
    const pitched = imuRig(world, { xyz: [0, 0, 0], quat: quatFromRpy([0, Math.PI / 2, 0]) });
    pitched.sense(0);
    expectNear(part(pitched.truth.sensors.imu!, IMU.accelerometer), [0, 9.81, 0]);
    const expected = quatMultiply(quatFromRpy([Math.PI / 2, 0, 0]), quatFromRpy([0, Math.PI / 2, 0]), [0, 0, 0, 1]);
    expectNear(part(pitched.truth.sensors.imu!, IMU.orientation, 4), expected);
    // A mount yawed by +90 degrees: its x is the link's y.
    const yawed = imuRig(world, { xyz: [0, 0, 0], quat: quatFromRpy([0, 0, Math.PI / 2]) });
    yawed.sense(0);
    expectNear(part(yawed.truth.sensors.imu!, IMU.accelerometer), [9.81, 0, 0]);
  });
});

describe('in motion', () => {
  it('feels nothing in free fall', () => {
    const world = new AnalyticWorld(0, []);
    const rig = imuRig(world, { xyz: [0.1, 0.2, 0.3], quat: quatFromRpy([0.3, -0.2, 1]) });
    for (let k = 0; k < 20; k++) {
      world.twist[2] = -9.81 * k * DT;
      rig.sense(k * DT);
      // Differences of velocities of 4 m/s over 0.02 s: 4 * 2^-52 / 0.02 is 5e-14.
      if (k > 0) expectNear(part(rig.truth.sensors.imu!, IMU.accelerometer), [0, 0, 0], 11);
    }
  });

  it('feels a push of the base, and forgets it at a reset', () => {
    const world = new AnalyticWorld(0, []);
    const rig = imuRig(world);
    rig.sense(0);
    world.twist[0] = 0.1;
    rig.sense(DT);
    expectNear(part(rig.truth.sensors.imu!, IMU.accelerometer), [0.1 / DT, 0, 9.81]);
    rig.suite.reset(keyOf(2));
    world.twist[0] = -3;
    rig.sense(0);
    expectNear(part(rig.truth.sensors.imu!, IMU.accelerometer), [0, 0, 9.81]);
  });

  it('feels w^2 r towards the axis on a turning link', () => {
    const world = new AnalyticWorld(0, []);
    const [w, r, dt] = [3, 0.4, 0.002];
    const rig = imuRig(world, { xyz: [r, 0, 0], quat: [0, 0, 0, 1] });
    world.twist[5] = w;
    for (let k = 0; k < 50; k++) {
      world.pose[5] = sin((w * k * dt) / 2);
      world.pose[6] = cos((w * k * dt) / 2);
      rig.sense(k * dt);
      const reading = rig.truth.sensors.imu!;
      expectNear(part(reading, IMU.gyro), [0, 0, w]);
      if (k === 0) continue;
      const [x, y, z] = part(reading, IMU.accelerometer) as [number, number, number];
      // The mean of a turning vector over dt, seen from the frame at its end:
      // (w r / dt) (-sin(w dt), 1 - cos(w dt), 0)
      expect(x).toBeCloseTo((-w * r * sin(w * dt)) / dt, 9);
      expect(y).toBeCloseTo((w * r * (1 - cos(w * dt))) / dt, 9);
      expect(z).toBeCloseTo(9.81, 9);
      // which is -w^2 r up to w^4 r dt^2 / 6 = 2e-5
      expect(Math.abs(x + w * w * r)).toBeLessThan(3e-5);
    }
  });

  it('feels the tangential term of a link that spins up', () => {
    const world = new AnalyticWorld(0, []);
    const rig = imuRig(world, { xyz: [0, 0, 0.5], quat: [0, 0, 0, 1] });
    rig.sense(0);
    // w from 0 to (0, 0.1, 0) about the link's origin: v = w x r = (0.05, 0, 0)
    world.twist[4] = 0.1;
    rig.sense(DT);
    expectNear(part(rig.truth.sensors.imu!, IMU.accelerometer), [0.05 / DT, 0, 9.81]);
  });
});

describe('errors', () => {
  const N = 4000;

  /** Rotation vectors from truth to reading in the sensor's frame, for small ones: 2 (x, y, z) of q^-1 q_read. */
  function turns(quality: SensorQuality, seed: number): number[][] {
    const world = new AnalyticWorld(0, []);
    const attitude = quatFromRpy([0.4, 0.5, -2]);
    world.pose.set(attitude, 3);
    const rig = imuRig(world, AT_ORIGIN, quality, seed);
    return Array.from({ length: N }, (_, k) => {
      rig.sense(k * DT);
      const read = part(rig.measured.sensors.imu!, IMU.orientation, 4);
      expect(Math.hypot(...read)).toBeCloseTo(1, 12);
      const inverse = quatConjugate(attitude, [0, 0, 0, 1]);
      return quatMultiply(inverse, read, [0, 0, 0, 1])
        .slice(0, 3)
        .map((v) => 2 * v);
    });
  }

  it('turn the orientation at random by the stated angle about each axis, seed 5', () => {
    const found = turns({ parts: { orientation: { noise: 0.02 } } }, 5);
    for (const k of [0, 1, 2]) {
      const along = found.map((turn) => turn[k]!);
      // 4 standard errors: of the mean sd/sqrt(N) = 3.2e-4, of the deviation sd/sqrt(2 N) = 2.2e-4
      expect(Math.abs(mean(along))).toBeLessThan(1.3e-3);
      expect(Math.abs(deviation(along) - 0.02)).toBeLessThan(9e-4);
    }
  });

  it('turn it by one bias for the whole episode', () => {
    const [a, b] = [6, 7].map((seed) => turns({ parts: { orientation: { bias: 0.02 } } }, seed)) as [
      number[][],
      number[][],
    ];
    expectNear(a[N - 1]!, a[0]!);
    expect(Math.abs(a[0]![0]! - b[0]![0]!)).toBeGreaterThan(1e-4);
  });

  it('act on each part alone, and never on the truth', () => {
    const rig = imuRig(new AnalyticWorld(0, []), AT_ORIGIN, { parts: { gyro: { noise: 1, quantum: 0.125 } } });
    rig.sense(0);
    const reading = rig.measured.sensors.imu!;
    expect(part(reading, IMU.orientation, 4)).toEqual([0, 0, 0, 1]);
    expect(part(reading, IMU.accelerometer)).toEqual([0, 0, 9.81]);
    for (const value of part(reading, IMU.gyro)) expect(Number.isInteger(value / 0.125)).toBe(true);
    expect(part(reading, IMU.gyro).some((value) => value !== 0)).toBe(true);
    expectNear(part(rig.truth.sensors.imu!, IMU.gyro), [0, 0, 0]);
  });

  it('step the components of the quaternion', () => {
    const world = new AnalyticWorld(0, []);
    world.pose.set(quatFromRpy([0.1, 0.2, 0.3]), 3);
    const rig = imuRig(world, AT_ORIGIN, { parts: { orientation: { quantum: 2 ** -14 } } });
    rig.sense(0);
    const read = part(rig.measured.sensors.imu!, IMU.orientation, 4);
    const exact = part(rig.truth.sensors.imu!, IMU.orientation, 4);
    for (const [i, value] of read.entries()) {
      expect(Number.isInteger(value * 2 ** 14)).toBe(true);
      expect(Math.abs(value - exact[i]!)).toBeLessThanOrEqual(2 ** -15);
    }
  });
});
