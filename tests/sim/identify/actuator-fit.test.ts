/** Networks of drives from logs of drives whose law is known. */

import { describe, expect, it } from 'vitest';
import { tanh } from '../../../core/math.ts';
import { keyOf, RandomStream } from '../../../core/rng.ts';
import {
  type DriveLog,
  fitActuator,
  linearModel,
  motorModel,
  networkModel,
  rowsOf,
  torqueError,
} from '../../../sim/identify/actuator-fit.ts';
import { at, commandOf, drivesOf, jointState } from '../actuators/rig.ts';

const DT = 0.01;

/** A drive whose torque lags one reading behind what it is asked for and saturates smoothly at 2 N m. */
function logged(seed: number, law: (asked: number, qd: number) => number, lag = 1): DriveLog {
  const random = new RandomStream(keyOf(seed));
  const count = 800;
  const asked = new Float64Array(count);
  const velocity = new Float64Array(count);
  const torque = new Float64Array(count);
  for (let k = 0; k < count; k++) {
    asked[k] = k % 8 === 0 ? random.between(-3, 3) : asked[k - 1]!;
    velocity[k] = k === 0 ? 0 : 0.95 * velocity[k - 1]! + 0.3 * random.normal();
    torque[k] = law(asked[Math.max(0, k - lag)]!, velocity[k]!);
  }
  return { times: Float64Array.from({ length: count }, (_, k) => k * DT), asked, velocity, torque };
}

describe('rows', () => {
  it('hold what was asked, newest first, then velocities interpolated between readings', () => {
    const log = {
      times: Float64Array.of(0, 0.02, 0.04),
      asked: Float64Array.of(1, 2, 3),
      velocity: Float64Array.of(0, 4, 0),
      torque: Float64Array.of(0, 10, 20),
    };
    const { inputs, torques } = rowsOf([log], 2, 0.01);
    expect(torques.length).toBe(3);
    // At 10 ms, 20 ms and 30 ms.
    const expected = [1, 1, 2, 0, 2, 1, 4, 2, 2, 2, 2, 4];
    for (const [i, value] of expected.entries()) expect(inputs[i]).toBeCloseTo(value, 9);
    for (const [i, value] of [5, 10, 15].entries()) expect(torques[i]).toBeCloseTo(value, 9);
  });
});

describe('a drive that lags and saturates', async () => {
  const law = (asked: number, qd: number) => 2 * tanh(asked / 2) - 0.1 * qd;
  const train = [logged(1, law), logged(2, law)];
  const network = fitActuator(train, { input: 'effort', key: keyOf(1), hidden: [16, 16] });
  const test = rowsOf([logged(9, law)], 3, DT);

  it('is learned far better than a linear law or a motor can say', async () => {
    const error = torqueError(networkModel(network), test);
    const rows = rowsOf(train, 3, DT);
    expect(error).toBeLessThan(0.25 * torqueError(linearModel(rows, 3), test));
    expect(error).toBeLessThan(0.25 * torqueError(await motorModel(rows, 3, keyOf(1)), test));
  });

  it('gives the same torques as a drive of the simulator', () => {
    const drives = drivesOf({ kind: 'network', network }, DT, commandOf({ effort: 1.5 }));
    const out = new Float64Array(1);
    let last = 0;
    for (let k = 0; k < 6; k++) {
      drives.torques(at(jointState(0, 0.4), k * DT), out);
      last = out[0]!;
    }
    const row = Float64Array.of(1.5, 1.5, 1.5, 0.4, 0.4, 0.4);
    expect(last).toBeCloseTo(networkModel(network).torque(row), 9);
    expect(Math.abs(last - law(1.5, 0.4))).toBeLessThan(0.1);
  });
});

describe('the laws to beat', () => {
  it('a linear drive is found as it is', () => {
    const rows = rowsOf([logged(3, (asked, qd) => 0.7 * asked - 0.2 * qd + 0.1, 0)], 3, DT);
    expect(torqueError(linearModel(rows, 3), rows)).toBeLessThan(1e-4);
  });

  it("a motor's torque-speed line is found where a linear law fails", async () => {
    // Stall torque 2 N m, 4 rad/s without load.
    const law = (asked: number, qd: number) =>
      Math.min(Math.max(0, 2 * (1 - qd / 4)), Math.max(Math.min(0, 2 * (-1 - qd / 4)), asked));
    const rows = rowsOf([logged(4, law, 0)], 3, DT);
    expect(torqueError(await motorModel(rows, 3, keyOf(2)), rows)).toBeLessThan(
      0.9 * torqueError(linearModel(rows, 3), rows),
    );
  });
});
