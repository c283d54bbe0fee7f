/** Actions worked out by hand: scale, offset, clip, rate limit, both kinds; and no allocation in the loop. */

import { describe, expect, it } from 'vitest';
import { Actuation } from '../../core/action.ts';
import type { ActionContract, Contract } from '../../core/contract.ts';
import { InputError } from '../../core/errors.ts';
import { makeCommand } from '../../core/robot.ts';
import { bytesPerCall } from './allocation.ts';
import { sampleContract } from './samples.ts';

const base = sampleContract();
const [shoulder] = base.joints;

function contract(actions: Partial<ActionContract>[], rateHz = 100): Pick<Contract, 'actions' | 'joints' | 'control'> {
  return {
    joints: [shoulder!, { ...shoulder!, name: 'elbow', defaultPosition: 0.25, kp: 20, kd: 0.5 }],
    control: { rateHz, physicsDt: 0.002 },
    actions: actions.map((changes) => ({ ...base.actions[0]!, ...changes })),
  };
}

/** The commands after each of a series of actions. */
function apply(actuation: Actuation, actions: readonly number[][]) {
  return actions.map((action) => {
    const command = makeCommand(2);
    actuation.apply(Float32Array.from(action), 0, command);
    return command;
  });
}

describe('effort', () => {
  it('is offset + scale * action, clipped; the action itself is clipped to [-1, 1] first', () => {
    const actuation = new Actuation(contract([{ scale: 2, offset: 0.5, clip: [-1, 2], joints: ['elbow'] }]));
    const commands = apply(actuation, [[0.5], [5], [-5]]);
    expect(commands.map((c) => [...c.effort])).toEqual([
      [0, 1.5],
      [0, 2],
      [0, -1],
    ]);
    expect(actuation.lastAction).toEqual(Float32Array.of(-1));
    for (const c of commands) expect([...c.q, ...c.qd, ...c.kp, ...c.kd]).toEqual(new Array(8).fill(0));
  });

  it('moves at most rateLimit a second, from the last command', () => {
    // 50 N m/s at 100 Hz: 0.5 N m a step.
    const actuation = new Actuation(contract([{ scale: 1, rateLimit: 50 }]));
    const efforts = (...actions: number[]) =>
      apply(
        actuation,
        actions.map((a) => [a]),
      ).map((c) => c.effort[0]);
    expect(efforts(1, 1, 1, -1)).toEqual([0.5, 1, 1, 0.5]);
    actuation.reset();
    expect(efforts(-1)).toEqual([-0.5]);
  });

  it('starts its rate limit from the offset', () => {
    const actuation = new Actuation(contract([{ offset: 0.3, rateLimit: 10 }]));
    expect(apply(actuation, [[1]])[0]?.effort[0]).toBeCloseTo(0.4, 12);
  });
});

describe('position', () => {
  it('is measured from the default position and carries the gains', () => {
    const actuation = new Actuation(contract([{ kind: 'position', scale: 0.5, joints: ['elbow', 'shoulder'] }]));
    const [command] = apply(actuation, [[1, -1]]);
    expect([...command!.q]).toEqual([-0.5, 0.75]);
    expect([...command!.kp]).toEqual([2, 20]);
    expect([...command!.kd]).toEqual([0.1, 0.5]);
    expect([...command!.effort]).toEqual([0, 0]);
  });
});

describe('actuation', () => {
  it('takes several terms from one action, in order', () => {
    const actuation = new Actuation(
      contract([
        { name: 'a', joints: ['elbow'] },
        { name: 'b', kind: 'position', joints: ['shoulder'] },
      ]),
    );
    expect(actuation.size).toBe(2);
    const command = makeCommand(2);
    actuation.apply(Float32Array.of(9, 9, 0.5, -0.25), 2, command);
    expect([...command.effort]).toEqual([0, 0.5]);
    expect([...command.q]).toEqual([-0.25, 0]);
    expect([...actuation.lastAction]).toEqual([0.5, -0.25]);
  });

  it('forgets on reset', () => {
    const actuation = new Actuation(contract([{}]));
    apply(actuation, [[1]]);
    actuation.reset();
    expect([...actuation.lastAction]).toEqual([0]);
  });

  it('overwrites the whole command', () => {
    const command = makeCommand(2);
    for (const array of Object.values(command)) array.fill(7);
    new Actuation(contract([{}])).apply(Float32Array.of(0), 0, command);
    expect(Object.values(command).flatMap((array) => [...array])).toEqual(new Array(10).fill(0));
  });

  it('keeps its buffers and allocates nothing', () => {
    const actuation = new Actuation(contract([{ rateLimit: 10 }]));
    const action = Float32Array.of(0.3);
    const command = makeCommand(2);
    const { lastAction } = actuation;
    expect(bytesPerCall(() => actuation.apply(action, 0, command))).toBeLessThan(1);
    expect(actuation.lastAction).toBe(lastAction);
  });

  it('refuses a joint the robot does not have', () => {
    const make = () => new Actuation(contract([{ joints: ['wrist'] }]));
    expect(make).toThrow(InputError);
    expect(make).toThrow('action torque: the robot has no joint named wrist');
  });
});
