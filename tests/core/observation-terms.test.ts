/** Terms for scans and for critics, by hand. */

import { describe, expect, it } from 'vitest';
import { observationTerms, type Picked } from '../../core/observation-terms.ts';
import { makeState } from '../../core/robot.ts';

const picked = (sensorSize: number): Picked => ({
  joints: new Int32Array(0),
  defaults: new Float64Array(0),
  actions: new Int32Array(0),
  sensor: 'scan',
  sensorSize,
  command: new Int32Array(0),
  names: [],
});

function pool(reading: readonly number[]): number[] {
  const term = observationTerms.nearest_by_sector!;
  const state = makeState(0, { scan: reading.length });
  state.sensors.scan!.set(reading);
  const out = new Float64Array(term.size(picked(reading.length)));
  const input = {
    state,
    lastAction: new Float32Array(0),
    command: new Float64Array(0),
    objects: new Float64Array(0),
    parameters: {},
  };
  term.write(input, picked(reading.length), out);
  return [...out];
}

describe('nearest_by_sector', () => {
  it('keeps the nearest of every six of 360 beams', () => {
    const beams = Array.from({ length: 360 }, (_, k) => 3 - (k % 6) * 0.1);
    beams[0] = 0.2;
    beams[359] = 0.3;
    const out = pool(beams);
    expect(out).toHaveLength(60);
    expect([out[0], out[1], out[59]]).toEqual([0.2, 2.5, 0.3]);
  });

  it('loses no beam where they do not divide evenly, and copies fewer than 60', () => {
    for (let k = 0; k < 100; k++) {
      const beams = new Array<number>(100).fill(1);
      beams[k] = 0.5;
      expect(pool(beams).filter((x) => x === 0.5)).toHaveLength(1);
    }
    expect(pool([3, 1, 2])).toEqual([3, 1, 2]);
  });
});

describe('object terms', () => {
  it('read pose and velocity of the first object, and are for critics alone', () => {
    const objects = Float64Array.from({ length: 26 }, (_, k) => k);
    const input = {
      state: makeState(0),
      lastAction: new Float32Array(0),
      command: new Float64Array(0),
      objects,
      parameters: {},
    };
    const out = new Float64Array(3);
    observationTerms.object_position!.write(input, picked(0), out);
    expect([...out]).toEqual([0, 1, 2]);
    observationTerms.object_velocity!.write(input, picked(0), out);
    expect([...out]).toEqual([7, 8, 9]);
    expect(observationTerms.object_position!.privileged).toBe(true);
    expect(observationTerms.object_velocity!.privileged).toBe(true);
  });
});
