/**
 * Joint encoders: what they say of positions and velocities. The white noise of `Dynamics` comes first, from the noise key's
 * own stream; everything else has a stream beside it, so adding a bias does not change the noise. Knows no engine.
 */

import { type Key, RandomStream } from '../../core/rng.ts';
import type { RobotState } from '../../core/robot.ts';
import type { SensorQuality } from '../robot-spec.ts';
import { Channel } from './channel.ts';
import { checkQuality, partsOf } from './quality.ts';
import { ReadingError } from './reading-error.ts';

export class Encoders {
  readonly #nJoints: number;
  readonly #channel: Channel;
  readonly #position: ReadingError;
  readonly #velocity: ReadingError;
  /** The reading being taken: q, then qd, [2 nJoints]. */
  readonly #reading: Float64Array;
  readonly #white = new RandomStream([0, 0]);
  readonly #normals: Float64Array;
  readonly #random = new RandomStream([0, 0]);

  /** @param quality the robot's for `encoders`; perfect without @throws InputError for a part or a number that is none */
  constructor(nJoints: number, quality: SensorQuality = {}) {
    checkQuality('encoders', quality, partsOf('encoders'));
    this.#nJoints = nJoints;
    this.#channel = new Channel(2 * nJoints, quality, quality.dropout ?? 0);
    this.#position = new ReadingError(quality.parts?.position, nJoints);
    this.#velocity = new ReadingError(quality.parts?.velocity, nJoints);
    this.#reading = new Float64Array(2 * nJoints);
    this.#normals = new Float64Array(2 * nJoints);
    this.reset([0, 0]);
  }

  /** A new episode: biases are drawn, nothing is on its way; the first reading arrives at once. */
  reset(key: Key): void {
    this.#white.reset(key);
    this.#random.resetFolded(key, 0);
    this.#position.begin(this.#random);
    this.#velocity.begin(this.#random);
    this.restart();
  }

  /** A new episode under the same biases; the noise goes on where it was. */
  restart(): void {
    this.#channel.clear();
  }

  /**
   * To be called once a control step: `measured.q` and `measured.qd` from those of `truth`.
   * @param time s @param positionNoise standard deviation, rad or m @param velocityNoise standard deviation, rad/s or m/s
   * @param bias added to every position, rad or m, [nJoints]
   */
  sense(
    time: number,
    truth: RobotState,
    measured: RobotState,
    positionNoise: number,
    velocityNoise: number,
    bias?: ArrayLike<number>,
  ): void {
    const channel = this.#channel;
    if (channel.isDue(time)) {
      this.#take(truth, positionNoise, velocityNoise, bias);
      const dt = channel.elapsed(time);
      const n = this.#nJoints;
      this.#position.apply(this.#reading, 0, n, dt, this.#random);
      this.#velocity.apply(this.#reading, n, 2 * n, dt, this.#random);
      channel.send(this.#reading, time, this.#random);
    }
    const reading = channel.receive(time);
    for (let j = 0; j < this.#nJoints; j++) {
      measured.q[j] = reading[j]!;
      measured.qd[j] = reading[this.#nJoints + j]!;
    }
  }

  #take(truth: RobotState, positionNoise: number, velocityNoise: number, bias: ArrayLike<number> | undefined): void {
    const n = this.#nJoints;
    const reading = this.#reading;
    reading.set(truth.q);
    reading.set(truth.qd, n);
    if (positionNoise !== 0 || velocityNoise !== 0) {
      const normals = this.#normals;
      this.#white.normals(normals, 2 * n);
      for (let j = 0; j < n; j++) {
        reading[j] = reading[j]! + positionNoise * normals[2 * j]!;
        reading[n + j] = reading[n + j]! + velocityNoise * normals[2 * j + 1]!;
      }
    }
    if (bias === undefined) return;
    for (let j = 0; j < n; j++) reading[j] = reading[j]! + bias[j]!;
  }
}
