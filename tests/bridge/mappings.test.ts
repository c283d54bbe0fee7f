/** Command mappings: every one makes a message of its type, signs applied, and no number that JSON would lose. */

import { describe, expect, it } from 'vitest';
import type { CommandContext } from '../../bridge/mappings/mapping.ts';
import { mappingNamed, mappings } from '../../bridge/mappings/registry.ts';
import { notFinitePlace } from '../../bridge/ros-robot.ts';
import { conform } from '../../bridge/server/message-types.ts';
import { makeCommand, makeState } from '../../core/robot.ts';
import { pendulumContract } from './contract.ts';

const base = pendulumContract().joints[0]!;
const joints = [
  { ...base, name: 'hip' },
  { ...base, name: 'knee', sign: -1 as const },
];

function encode(name: string, changes: Partial<CommandContext> = {}) {
  const command = makeCommand(2);
  command.effort.set([0.5, 0.25]);
  command.kp[1] = 2;
  const state = makeState(2);
  state.q[1] = -0.1;
  return mappingNamed(name).encode(command, state, { joints, robotTime: 12.25, ros: 2, ...changes });
}

describe('mappings', () => {
  it.each(Object.keys(mappings))('%s makes what the strict server takes, in both ROS', (name) => {
    for (const ros of [1, 2] as const) {
      const message = JSON.parse(JSON.stringify(encode(name, { ros })));
      expect(() => conform(mappingNamed(name).type, message, { ros, now: 0 })).not.toThrow();
      expect(notFinitePlace(message, '')).toBeNull();
    }
  });

  it('joint-state-effort is named, stamped and signed', () => {
    // knee: -(2 (0 - -0.1) + 0.25) = -0.45
    expect(encode('joint-state-effort')).toMatchObject({
      header: { stamp: { sec: 12, nanosec: 250_000_000 } },
      name: ['hip', 'knee'],
      effort: [0.5, -0.45],
    });
    expect(encode('joint-state-effort', { ros: 1 })).toMatchObject({
      header: { stamp: { secs: 12, nsecs: 250_000_000 } },
    });
  });

  it('effort-array is in the order of the contract', () => {
    expect(encode('effort-array')).toMatchObject({ data: [0.5, -0.45] });
  });

  it('carries a stamp of a whole second over', () => {
    expect(encode('joint-state-effort', { robotTime: 12.9999999999 })).toMatchObject({
      header: { stamp: { sec: 13, nanosec: 0 } },
    });
  });

  it('finds a number that is not finite wherever it is', () => {
    expect(notFinitePlace({ a: { b: [1, NaN] } }, '')).toBe('a.b.1');
    expect(notFinitePlace({ a: Infinity, b: 'x', c: null }, '')).toBe('a');
  });

  it('names the mappings there are', () => {
    expect(() => mappingNamed('effort-aray')).toThrow(/no command mapping named effort-aray/);
    expect(() => mappingNamed('toString')).toThrow(/no command mapping/);
  });
});
