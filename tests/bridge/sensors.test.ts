/** Sensor messages by hand: every number's place and frame, what is refused, and a thousand broken messages of each type. */

import { describe, expect, it } from 'vitest';
import { SensorFeed } from '../../bridge/sensors/feed.ts';
import { needsOf } from '../../bridge/sensors/needs.ts';
import { readerOf, sensorTypes } from '../../bridge/sensors/registry.ts';
import { conform } from '../../bridge/server/message-types.ts';
import { odometryJson, sensorPublications } from '../../bridge/server/sensor-messages.ts';
import { stateReaderOf } from '../../bridge/state-reader.ts';
import { keyOf, RandomStream } from '../../core/rng.ts';
import { makeState } from '../../core/robot.ts';
import { pendulumContract } from './contract.ts';
import { roverContract } from './rover.ts';

const seed = Number(process.env.LANDFALL_TEST_SEED ?? 1);

const header = { stamp: { sec: 12, nanosec: 500_000_000 }, frame_id: 'x' };
const nine = new Array<number>(9).fill(0);
const imu = {
  header,
  orientation: { x: 0, y: 0, z: 0.6, w: 0.8 },
  orientation_covariance: nine,
  angular_velocity: { x: 1, y: 2, z: 3 },
  angular_velocity_covariance: nine,
  linear_acceleration: { x: 4, y: 5, z: 6 },
  linear_acceleration_covariance: nine,
};
const scan = {
  header,
  angle_min: -1,
  angle_max: 1,
  angle_increment: 1,
  time_increment: 0,
  scan_time: 0,
  range_min: 0.1,
};
const scanOf = (ranges: unknown[]) => ({ ...scan, range_max: 3.5, ranges, intensities: [] });
const odometry = {
  header,
  child_frame_id: 'base_link',
  // A quarter turn to the left.
  pose: {
    pose: { position: { x: 1, y: 2, z: 3 }, orientation: { x: 0, y: 0, z: Math.SQRT1_2, w: Math.SQRT1_2 } },
    covariance: [],
  },
  twist: { twist: { linear: { x: 2, y: 0.5, z: 0.1 }, angular: { x: 0.3, y: 0, z: 0.7 } }, covariance: [] },
};
const arrayOf = (data: unknown[]) => ({ layout: { dim: [], data_offset: 0 }, data });

const samples: Readonly<Record<string, { message: object; size: number }>> = {
  'sensor_msgs/Imu': { message: imu, size: 10 },
  'sensor_msgs/LaserScan': { message: scanOf([1, 2, 3]), size: 3 },
  'std_msgs/Float64MultiArray': { message: arrayOf([1, 2]), size: 2 },
  'std_msgs/Float32MultiArray': { message: arrayOf([1, 2]), size: 2 },
  'nav_msgs/Odometry': { message: odometry, size: 13 },
};

/** What the reader makes of a message, or its complaint. */
function read(type: string, message: unknown, size: number): number[] | string {
  const out = new Float64Array(size);
  return readerOf(type, 'x').read(message, out) ?? [...out];
}

describe('readers', () => {
  it('Imu: orientation, gyro, accelerometer; what it says it does not measure is NaN', () => {
    expect(read('sensor_msgs/msg/Imu', imu, 10)).toEqual([0, 0, 0.6, 0.8, 1, 2, 3, 4, 5, 6]);
    const without = { ...imu, orientation: { x: 0, y: 0, z: 0, w: 0 }, orientation_covariance: [-1, ...nine.slice(1)] };
    expect(read('sensor_msgs/Imu', without, 10)).toEqual([NaN, NaN, NaN, NaN, 1, 2, 3, 4, 5, 6]);
    expect(read('sensor_msgs/Imu', { ...imu, angular_velocity: { x: null, y: 2, z: 3 } }, 10)[4]).toBeNaN();
    expect(read('sensor_msgs/Imu', { ...imu, orientation: { x: 0, y: 0, z: 0, w: 0 } }, 10)).toMatch(/length 0.000/);
    expect(read('sensor_msgs/Imu', imu, 9)).toMatch(/gives 10 numbers, the contract expects 9/);
    expect(read('sensor_msgs/Imu', { header, data: [] }, 10)).toMatch(/found fields header, data/);
  });

  it('LaserScan: whatever is no hit within the range is range_max; the count must be right', () => {
    const ranges = [1, null, Infinity, NaN, -Infinity, 9, 0.05, 3.5];
    expect(read('sensor_msgs/LaserScan', scanOf(ranges), 8)).toEqual([1, 3.5, 3.5, 3.5, 3.5, 3.5, 0.05, 3.5]);
    expect(read('sensor_msgs/LaserScan', scanOf([1, 2]), 8)).toMatch(/has 2 ranges, the contract expects 8/);
    expect(read('sensor_msgs/LaserScan', scanOf(['1']), 1)).toMatch(/range 0 is string/);
    expect(read('sensor_msgs/LaserScan', { ...scan, ranges: [1] }, 1)).toMatch(/ranges and range_max/);
    expect(readerOf('sensor_msgs/LaserScan', 'x').scan!(scanOf([]))).toEqual({
      from: -1,
      to: 1,
      minRange: 0.1,
      maxRange: 3.5,
    });
  });

  it('arrays: numbers as they are, typed arrays too, null as NaN', () => {
    expect(read('std_msgs/Float64MultiArray', arrayOf([1, null]), 2)).toEqual([1, NaN]);
    expect(read('std_msgs/msg/Float32MultiArray', { data: Float32Array.of(0.5, 2) }, 2)).toEqual([0.5, 2]);
    expect(read('std_msgs/Float64MultiArray', arrayOf([1]), 2)).toMatch(/has 1 numbers, the contract expects 2/);
    expect(read('std_msgs/Float64MultiArray', { layout: { data_offset: 1 }, data: [1] }, 1)).toMatch(
      /data_offset is 1/,
    );
  });

  it('Odometry: the linear velocity turned from the child frame into the world, the angular one left in the body', () => {
    const reading = read('nav_msgs/Odometry', odometry, 13) as number[];
    // Turned by a quarter: forward 2 is y 2, left 0.5 is x -0.5.
    const expected = [1, 2, 3, 0, 0, Math.SQRT1_2, Math.SQRT1_2, -0.5, 2, 0.1, 0.3, 0, 0.7];
    for (const [i, value] of expected.entries()) expect(reading[i]).toBeCloseTo(value, 12);
  });

  it('Odometry of the simulated robot comes back as the state it was made from', () => {
    const state = makeState(0);
    state.base.set([1, -2, 0.5, 0.1, -0.3, 0.5, Math.sqrt(1 - 0.35)]);
    state.twist.set([0.4, -0.2, 0.1, 1, 2, 3]);
    for (const ros of [1, 2] as const) {
      const reading = read('nav_msgs/Odometry', odometryJson(state, 5, ros), 13) as number[];
      for (const [i, value] of [...state.base, ...state.twist].entries()) expect(reading[i]).toBeCloseTo(value, 12);
      expect(() => conform('nav_msgs/Odometry', odometryJson(state, 5, ros), { ros, now: 0 })).not.toThrow();
    }
  });

  it('names the types there are', () => {
    expect(() => readerOf('sensor_msgs/Image', 'sensor eye')).toThrow(/sensor eye comes as sensor_msgs\/Image/);
    expect(Object.keys(samples).sort()).toEqual([...sensorTypes].sort());
  });

  it.each(sensorTypes)('%s: 1000 broken messages are a complaint or a reading, never an exception', (type) => {
    const random = new RandomStream(keyOf(seed));
    const { message, size } = samples[type]!;
    const junk = [null, undefined, NaN, -1e300, 'x', [], {}, [null], true, { x: 1 }, [[1]], new Uint8Array(2)];
    let complaints = 0;
    for (let i = 0; i < 1000; i++) {
      const broken = structuredClone(message) as Record<string, unknown>;
      mutate(broken, junk[random.below(junk.length)], random);
      const reading = read(type, random.uniform() < 0.05 ? junk[random.below(junk.length)] : broken, size);
      if (typeof reading === 'string') complaints++;
      else for (const value of reading) expect(typeof value).toBe('number');
    }
    expect(complaints).toBeGreaterThan(50);
  });
});

/** Put `value` somewhere in the message. */
function mutate(target: Record<string, unknown>, value: unknown, random: RandomStream): void {
  const keys = Object.keys(target);
  const key = keys[random.below(keys.length)];
  if (key === undefined) return;
  const inner = target[key];
  if (typeof inner === 'object' && inner !== null && random.uniform() < 0.6) {
    mutate(inner as Record<string, unknown>, value, random);
  } else if (random.uniform() < 0.3) {
    delete target[key];
  } else {
    target[key] = value;
  }
}

describe('what a policy needs', () => {
  it('is what its observations read, number by number', () => {
    const { sensors, base, joints } = needsOf(roverContract());
    expect([...sensors.get('imu')!]).toEqual([1, 1, 1, 1, 0, 0, 0, 0, 0, 0]);
    expect([...sensors.get('scan')!]).toEqual(new Array(8).fill(1));
    // Velocities in the base's frame need its rotation, not its place.
    expect([...base]).toEqual([0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]);
    expect(joints).toEqual([]);
    expect(needsOf(pendulumContract()).joints).toEqual(['shoulder']);
    expect(needsOf(pendulumContract()).base.some((flag) => flag === 1)).toBe(false);
  });
});

describe('a feed', () => {
  const feedOf = (needed: number[], limit = 0.1) => {
    const readings: number[][] = [];
    const feed = new SensorFeed({
      name: 'imu',
      topic: '/imu',
      type: 'sensor_msgs/Imu',
      reader: readerOf('sensor_msgs/Imu', 'imu'),
      needed: Uint8Array.from({ length: 10 }, (_, i) => needed[i] ?? 0),
      limit,
      accept: (reading) => readings.push([...reading]),
    });
    return { feed, readings };
  };
  const at = (seconds: number, changes: object = {}) => ({
    ...imu,
    header: { stamp: { sec: Math.floor(seconds), nanosec: Math.round((seconds % 1) * 1e9) }, frame_id: '' },
    ...changes,
  });

  it('is too old by the time since its newest stamp, also when the same message comes again', () => {
    const { feed } = feedOf([1]);
    expect(feed.check(100, NaN)?.message).toBe('sensor imu: nothing has come on /imu (limit 100 ms)');
    feed.receive(at(10), 100);
    expect(feed.check(100.05, 10.05)).toBeNull();
    feed.receive(at(10), 100.09);
    expect(feed.check(100.15, 10.15)).toMatchObject({ name: 'stale-sensor' });
    feed.receive(at(10.16), 100.16);
    expect(feed.check(100.2, 10.2)).toBeNull();
    // By the robot's own clock it is late, though it comes at once.
    expect(feed.check(100.2, 10.4)).toMatchObject({ name: 'stale-sensor' });
  });

  it.each<[string, object, RegExp]>([
    ['null in what is read', { orientation: { x: null, y: 0, z: 0, w: 1 } }, /sensor imu: number 0 of 10 is missing/],
    ['no stamp', { header: {} }, /no header.stamp/],
    ['another type', { orientation: undefined }, /expected a sensor_msgs\/Imu/],
  ])('%s is a fault that names it, and stays', (_, changes, message) => {
    const { feed, readings } = feedOf([1, 1, 1, 1]);
    feed.receive(at(10, changes), 100);
    feed.receive(at(10.01), 100.01);
    expect(feed.check(100.02, 10.02)).toMatchObject({ name: 'bad-sensor', message: expect.stringMatching(message) });
    expect(readings.at(-2)!.every(Number.isNaN)).toBe(true);
  });

  it('a stamp that goes back is a fault', () => {
    const { feed } = feedOf([1]);
    feed.receive(at(10), 100);
    feed.receive(at(9), 100.01);
    expect(feed.check(100.02, 10.02)?.message).toMatch(/sensor imu's stamp went back by 1\.000 s/);
  });

  it('nobody reads is never a fault, and forgets what is old or broken', () => {
    const { feed, readings } = feedOf([]);
    feed.receive(at(10), 100);
    expect(readings.at(-1)![3]).toBe(0.8);
    expect(feed.check(100.5, 10.5)).toBeNull();
    expect(readings.at(-1)![3]).toBeNaN();
    feed.receive('nonsense', 101);
    expect(feed.check(101, 11)).toBeNull();
  });
});

describe('what the simulated robot publishes', () => {
  it('is read back as it was measured, and taken by the strict server', () => {
    const { ros } = roverContract();
    const pose = { xyz: [0, 0, 0], quat: [0, 0, 0, 1] } as const;
    const state = makeState(2, { imu: 10, scan: 3, feet: 2 });
    state.sensors.imu!.set([0, 0, 0.6, 0.8, 1, 2, 3, 4, 5, 6]);
    state.sensors.scan!.set([1.5, 3.5, 0.25]);
    state.sensors.feet!.set([1, 0]);
    const all = sensorPublications(
      { ...ros, sensors: { ...ros.sensors, feet: { topic: '/feet', type: 'std_msgs/Float32MultiArray' } } },
      [
        { spec: { kind: 'imu', name: 'imu', link: 'body', pose }, rateHz: null },
        {
          spec: {
            kind: 'lidar',
            name: 'scan',
            link: 'body',
            pose,
            beams: 3,
            from: 0,
            to: 1,
            minRange: 0.1,
            maxRange: 3.5,
          },
          rateHz: 10,
        },
        { spec: { kind: 'contact', name: 'feet', links: ['a', 'b'], threshold: 1 }, rateHz: null },
      ],
      2,
    );
    expect(all.map(({ topic }) => topic)).toEqual(['/imu', '/scan', '/feet', '/odom']);
    const messages = all.map(({ type, message }) => {
      const json = JSON.parse(JSON.stringify(message(state, 5)));
      return { type, json };
    });
    expect(messages[1]!.json.ranges).toEqual([1.5, null, 0.25]);
    for (const [i, name] of ['imu', 'scan', 'feet'].entries()) {
      const { type, json } = messages[i]!;
      const reading = state.sensors[name]!;
      expect(read(type, json, reading.length)).toEqual([...reading]);
    }
    for (const { type, json } of messages) {
      // A beam without a hit is infinite in ROS, and null in JSON alone.
      const sound = 'ranges' in json ? { ...json, ranges: [1, 2, 3] } : json;
      expect(() => conform(type, sound, { ros: 2, now: 0 })).not.toThrow();
    }
    // The scan is due ten times a second.
    const scanned = (time: number) => all[1]!.message({ ...state, time }, 5) !== null;
    expect([0.05, 0.1, 0.15, 0.2].map(scanned)).toEqual([false, true, false, true]);
  });
});

describe('odometry as the state', () => {
  const reader = stateReaderOf({
    ...roverContract(),
    ros: { ...roverContract().ros, state: { topic: '/odom', type: 'nav_msgs/msg/Odometry' } },
  });

  it('writes base and twist, and nothing when a number is missing', () => {
    const state = makeState(2);
    expect(reader.read(odometry, state)).toMatchObject({ kind: 'state', stamp: { seconds: 12.5, ros: 2 } });
    expect(state.time).toBe(12.5);
    expect(state.twist[1]).toBeCloseTo(2, 12);
    const broken = structuredClone(odometry) as unknown as { twist: { twist: { angular: { z: unknown } } } };
    broken.twist.twist.angular.z = null;
    expect(reader.read({ ...broken, header: { stamp: { sec: 13, nanosec: 0 } } }, state)).toMatchObject({
      kind: 'bad',
      fault: { name: 'not-finite' },
    });
    expect(state.time).toBe(12.5);
  });
});
