/**
 * The sensors of one simulated robot beside its joint encoders: once a control step, what each would read if it were
 * perfect, and what it does read. Every sensor has a random stream of its own, so adding one at the end of the list changes
 * no other. Knows no engine.
 */

import { InputError } from '../../core/errors.ts';
import { type Key, RandomStream } from '../../core/rng.ts';
import type { RobotState } from '../../core/robot.ts';
import type { RobotModel } from '../../core/robot-model.ts';
import { type SensorSpec, sensorSize, sensorSizes } from '../../core/sensor.ts';
import type { RobotSpec, SensorQuality } from '../robot-spec.ts';
import type { SensedWorld } from '../sensed-world.ts';
import { Channel } from './channel.ts';
import { Contact } from './contact.ts';
import { DepthCamera } from './depth-camera.ts';
import { HeightScan } from './height-scan.ts';
import { Imu } from './imu.ts';
import type { Instrument } from './instrument.ts';
import { Lidar } from './lidar.ts';
import { checkQuality, partsOf, suggest } from './quality.ts';

interface Station {
  readonly name: string;
  readonly instrument: Instrument;
  readonly channel: Channel;
  readonly random: RandomStream;
  /** The reading being taken. */
  readonly reading: Float64Array;
}

export class SensorSuite {
  /** Sizes by name, as `makeState` takes them. */
  readonly sizes: Readonly<Record<string, number>>;
  readonly #stations: readonly Station[];
  #isFresh = true;
  #time = 0;

  /** @throws InputError for a link, a sensor or a part that is not there, and for sizes and errors that are none */
  constructor(sensors: readonly SensorSpec[], quality: RobotSpec['quality'], model: RobotModel) {
    const names = sensors.map((sensor) => sensor.name);
    for (const name of Object.keys(quality)) {
      if (name === 'encoders' || names.includes(name)) continue;
      throw new InputError(`robot ${model.name}: quality of ${name}, which is no sensor of it`, {
        repair: suggest(name, [...names, 'encoders']),
      });
    }
    this.sizes = sensorSizes(sensors);
    this.#stations = sensors.map((sensor, i) => {
      if (names.indexOf(sensor.name) !== i) {
        throw new InputError(`robot ${model.name}: two sensors named ${sensor.name}`, { repair: 'rename one' });
      }
      return makeStation(sensor, quality[sensor.name] ?? {}, model);
    });
    this.reset([0, 0]);
  }

  /** A new episode: biases are drawn, nothing is on its way; the first reading is in every channel at once. */
  reset(key: Key): void {
    this.#isFresh = true;
    for (let i = 0; i < this.#stations.length; i++) {
      const { instrument, channel, random } = this.#stations[i]!;
      // 0 is the encoders'.
      random.resetFolded(key, 1 + i);
      instrument.begin(random);
      channel.clear();
    }
  }

  /**
   * To be called once a control step: exact readings into `truth.sensors`, the sensors' own into `measured.sensors`. A
   * sensor that casts rays does so only when it takes a reading: at a `rateHz` below the control rate its exact reading too
   * is the one of that time.
   * @param time s, above the last call's
   */
  sense(world: SensedWorld, time: number, truth: RobotState, measured: RobotState): void {
    const dt = this.#isFresh ? 0 : time - this.#time;
    this.#isFresh = false;
    this.#time = time;
    for (let i = 0; i < this.#stations.length; i++) {
      const { name, instrument, channel, random, reading } = this.#stations[i]!;
      const exact = truth.sensors[name]!;
      const isDue = channel.isDue(time);
      if (isDue || !instrument.castsRays) instrument.read(world, dt, exact);
      if (isDue) {
        instrument.corrupt(exact, channel.elapsed(time), random, reading);
        channel.send(reading, time, random);
      }
      measured.sensors[name]!.set(channel.receive(time));
    }
  }
}

function makeStation(sensor: SensorSpec, quality: SensorQuality, model: RobotModel): Station {
  checkQuality(sensor.name, quality, partsOf(sensor.kind));
  checkRanges(sensor, model);
  const size = sensorSize(sensor);
  // Lidar and camera lose rays, not readings.
  const dropout = sensor.kind === 'lidar' || sensor.kind === 'depth' ? 0 : (quality.dropout ?? 0);
  return {
    name: sensor.name,
    instrument: makeInstrument(sensor, quality, model),
    channel: new Channel(size, quality, dropout),
    random: new RandomStream([0, 0]),
    reading: new Float64Array(size),
  };
}

function makeInstrument(sensor: SensorSpec, quality: SensorQuality, model: RobotModel): Instrument {
  const indexOf = (link: string) => {
    const index = model.links.findIndex((candidate) => candidate.name === link);
    if (index >= 0) return index;
    const known = model.links.map((candidate) => candidate.name);
    throw new InputError(`robot ${model.name}: sensor ${sensor.name} sits on link ${link}, which it does not have`, {
      repair: suggest(link, known),
    });
  };
  switch (sensor.kind) {
    case 'imu':
      return new Imu(sensor, indexOf(sensor.link), quality);
    case 'contact':
      return new Contact(sensor, sensor.links.map(indexOf), quality);
    case 'heights':
      return new HeightScan(sensor, indexOf(sensor.link), quality);
    case 'lidar':
      return new Lidar(sensor, indexOf(sensor.link), quality);
    case 'depth':
      return new DepthCamera(sensor, indexOf(sensor.link), quality);
  }
}

/** @throws InputError for numbers that make no sensor */
function checkRanges(sensor: SensorSpec, model: RobotModel): void {
  const check = (field: string, isRight: boolean, want: string, found: number) => {
    if (isRight) return;
    throw new InputError(`robot ${model.name}: sensor ${sensor.name}: ${field} should be ${want}, found ${found}`);
  };
  const whole = (field: string, n: number) => check(field, Number.isInteger(n) && n > 0, 'a whole number above 0', n);
  if (sensor.kind === 'lidar') {
    whole('beams', sensor.beams);
    check('to', Number.isFinite(sensor.to - sensor.from) && sensor.to >= sensor.from, 'rad, from or more', sensor.to);
  } else if (sensor.kind === 'depth') {
    whole('width', sensor.width);
    whole('height', sensor.height);
    check('fov', sensor.fov > 0 && sensor.fov < Math.PI, 'rad within (0, pi)', sensor.fov);
  }
  if (sensor.kind === 'lidar' || sensor.kind === 'depth') {
    check('minRange', sensor.minRange >= 0, 'm, 0 or more', sensor.minRange);
    check(
      'maxRange',
      sensor.maxRange > sensor.minRange && sensor.maxRange < Infinity,
      'above minRange',
      sensor.maxRange,
    );
  } else if (sensor.kind === 'heights') {
    check('maxRange', sensor.maxRange > 0 && sensor.maxRange < Infinity, 'm, above 0', sensor.maxRange);
  }
}
