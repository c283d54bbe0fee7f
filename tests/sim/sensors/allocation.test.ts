/**
 * What sensing leaves to the garbage collector. V8 boxes a number (16 bytes) that crosses a call it does not inline, and
 * core/rng.ts makes several such calls for a normal number; of arrays and objects there must be none. In a file of its own,
 * because what is inlined depends on what ran before.
 */

import { expect, it } from 'vitest';
import { makeState } from '../../../core/robot.ts';
import type { SensorSpec } from '../../../core/sensor.ts';
import type { SensorQuality } from '../../../sim/robot-spec.ts';
import type { SensedWorld } from '../../../sim/sensed-world.ts';
import { Encoders } from '../../../sim/sensors/encoders.ts';
import { bytesPerCall } from '../../core/allocation.ts';
import { AT_ORIGIN, makeRig } from './rig.ts';

const DT = 0.02;
const clock = Float64Array.of(0);

/** A world without arithmetic, so that what is measured is the sensors. */
class StillWorld implements SensedWorld {
  readonly gravity = 9.81;
  readonly #distance = Float64Array.of(2.5);
  linkPose(_link: number, out: Float64Array): void {
    out.fill(0);
    out[6] = 1;
  }
  linkTwist(_link: number, out: Float64Array): void {
    out.fill(0);
  }
  castRays(_rays: Float64Array, out: Float64Array): void {
    out.fill(this.#distance[0]!);
  }
  contactForces(_links: readonly number[], out: Float64Array): void {
    out.fill(this.#distance[0]!);
  }
}

const mounted = { link: 'base', pose: AT_ORIGIN };
const range = { minRange: 0.1, maxRange: 5.5 };

/** Each with 400 numbers, but for the IMU and the switches. */
const sensors: SensorSpec[] = [
  { kind: 'imu', name: 'imu', ...mounted },
  { kind: 'contact', name: 'feet', links: ['left_foot', 'right_foot'], threshold: 1 },
  {
    kind: 'heights',
    name: 'scan',
    ...mounted,
    points: Array.from({ length: 400 }, () => [0, 0] as const),
    maxRange: 2,
  },
  { kind: 'lidar', name: 'lidar', ...mounted, beams: 400, from: -1, to: 1, ...range },
  { kind: 'depth', name: 'camera', ...mounted, width: 20, height: 20, fov: 1.2, ...range },
];
const late: SensorQuality = { latency: 0.07, parts: { reading: { quantum: 0.001 }, gyro: { quantum: 0.01 } } };

for (const sensor of sensors) {
  it(`${sensor.kind}: numbers alone, however many it reads`, () => {
    const parts = sensor.kind === 'imu' ? { gyro: late.parts!.gyro! } : { reading: late.parts!.reading! };
    const rig = makeRig([sensor], { [sensor.name]: { ...late, parts } }, new StillWorld());
    const bytes = bytesPerCall(() => {
      clock[0] = clock[0]! + DT;
      rig.sense(clock[0]!);
    });
    // Less than a byte a number, where each is one of many.
    expect(bytes).toBeLessThan(sensor.kind === 'imu' || sensor.kind === 'contact' ? 150 : 400);
  });
}

it('encoders: numbers alone', () => {
  const encoders = new Encoders(30, { latency: 0.05, parts: { position: { quantum: 0.01 } } });
  const [truth, measured] = [makeState(30), makeState(30)];
  const bias = new Float64Array(30);
  const bytes = bytesPerCall(() => {
    clock[0] = clock[0]! + DT;
    encoders.sense(clock[0]!, truth, measured, 0, 0, bias);
  });
  // 60 numbers: boxed one by one they would take 960 bytes.
  expect(bytes).toBeLessThan(150);
});
