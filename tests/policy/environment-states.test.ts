/** Environments in a checkpoint: bit-exact through the file, and every way the file can be wrong. */

import { describe, expect, it } from 'vitest';
import { InputError } from '../../core/errors.ts';
import {
  decodeEnvironments,
  type EnvironmentStates,
  encodeEnvironments,
  stepsToLive,
} from '../../policy/environment-states.ts';
import { decodeTensors, encodeTensors } from '../../policy/safetensors.ts';

const states: EnvironmentStates = {
  begun: 7,
  snapshots: [
    { episode: 3, level: -1, bounds: Float64Array.of(0.1, 1 / 3), actions: Float32Array.of(1, -2, 3.5, 0.1) },
    { episode: 0, level: 4, bounds: Float64Array.of(0.1, 0.7), actions: new Float32Array(0) },
    { episode: 12, level: 0, bounds: Float64Array.of(0, 1), actions: Float32Array.of(-0, 1e-30) },
  ],
};

describe('environments of a checkpoint', () => {
  it('come back bit for bit', () => {
    expect(decodeEnvironments(encodeEnvironments(states, 2), 'x')).toEqual(states);
    const plain = { begun: 0, snapshots: [{ episode: 1, level: -1, actions: Float32Array.of(1, 2, 3) }] };
    expect(decodeEnvironments(encodeEnvironments(plain, 3), 'x')).toEqual(plain);
  });

  it('say how many steps it takes to be there again', () => {
    expect(stepsToLive(states, 2)).toBe(3);
  });

  it('are as large as their actions, four bytes each, however many they are', () => {
    const many = Array.from({ length: 20_000 }, (_, i) => ({ ...states.snapshots[i % 3]!, episode: i }));
    const bytes = encodeEnvironments({ begun: 0, snapshots: many }, 2);
    expect(decodeEnvironments(bytes, 'x').snapshots).toEqual(many);
  });

  it('are refused when they do not belong together', () => {
    const { tensors, metadata } = decodeTensors(encodeEnvironments(states, 2), 'x');
    const refused = (change: object, message: string) => {
      const bytes = encodeTensors({ tensors, metadata, ...change });
      expect(() => decodeEnvironments(bytes, 'RUN/x')).toThrow(InputError);
      expect(() => decodeEnvironments(bytes, 'RUN/x')).toThrow(message);
    };
    const state = JSON.parse(metadata.state!) as Record<string, unknown>;
    const withState = (other: object) => ({ metadata: { ...metadata, state: JSON.stringify({ ...state, ...other }) } });
    refused({ tensors: [] }, 'RUN/x: holds no environments');
    refused({ metadata: { ...metadata, format: 'other' } }, 'RUN/x: holds no environments');
    refused({ metadata: { ...metadata, state: '{' } }, 'RUN/x: its state is not JSON');
    refused(withState({ steps: [2, 0, 2] }), 'RUN/x: its 3 steps are not those of its episodes');
    refused(withState({ level: [0] }), 'RUN/x: its 3 steps are not those of its episodes');
    refused(withState({ episode: [-1, 0, 0] }), 'RUN/x');
  });
});
