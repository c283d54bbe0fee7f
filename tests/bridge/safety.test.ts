/** The bridge's own limits, by hand. */

import { describe, expect, it } from 'vitest';
import { checkState, SafetyGuard } from '../../bridge/safety.ts';
import type { Contract } from '../../core/contract.ts';
import { type JointCommand, makeCommand, makeState, type RobotState } from '../../core/robot.ts';
import { pendulumContract } from './contract.ts';

const contract = pendulumContract();
const joint = contract.joints[0]!;

function stateAt(q: number, qd: number): RobotState {
  const state = makeState(1);
  state.q[0] = q;
  state.qd[0] = qd;
  return state;
}

function commandOf(parts: Partial<Record<keyof JointCommand, number>>): JointCommand {
  const command = makeCommand(1);
  for (const [key, value] of Object.entries(parts)) command[key as keyof JointCommand][0] = value;
  return command;
}

function withRateLimit(rateLimit: number): Contract {
  return pendulumContract({ actions: [{ ...contract.actions[0]!, rateLimit }] });
}

describe('checkState', () => {
  it('lets a state within limits pass, up to the limit itself', () => {
    const limited = { ...joint, position: [-1, 1] as [number, number] };
    expect(checkState(stateAt(1, 15), [limited])).toBeNull();
    expect(checkState(stateAt(-1, -15), [limited])).toBeNull();
  });

  it.each([
    ['position above', 1.001, 0, 'position-limit'],
    ['position below', -1.001, 0, 'position-limit'],
    ['too fast', 0, 15.01, 'velocity-limit'],
    ['too fast backwards', 0, -15.01, 'velocity-limit'],
    ['position NaN', NaN, 0, 'not-finite'],
    ['velocity infinite', 0, Infinity, 'not-finite'],
  ])('%s is a fault', (_, q, qd, name) => {
    const fault = checkState(stateAt(q, qd), [{ ...joint, position: [-1, 1] }]);
    expect(fault?.name).toBe(name);
    expect(fault?.message).toContain('shoulder');
    expect(fault?.repair).not.toBe('');
  });

  it('knows no limit where the contract has none', () => {
    expect(checkState(stateAt(1e6, 1e6), [{ ...joint, position: null, velocity: null }])).toBeNull();
  });
});

describe('SafetyGuard', () => {
  it('turns any command into the effort it means: kp (q* - q) + kd (qd* - qd) + effort', () => {
    const guard = new SafetyGuard(contract);
    const out = makeCommand(1);
    const command = commandOf({ q: 0.5, kp: 2, kd: 0.1, qd: 1, effort: 0.2 });
    expect(guard.limit(command, stateAt(0.3, 2), out)).toBeNull();
    // 2 (0.5 - 0.3) + 0.1 (1 - 2) + 0.2 = 0.5
    expect(out.effort[0]).toBeCloseTo(0.5, 12);
    expect([out.q[0], out.qd[0], out.kp[0], out.kd[0]]).toEqual([0, 0, 0, 0]);
    expect(guard.clamped).toBe(0);
  });

  it.each([
    [3, 1],
    [-3, -1],
    [1, 1],
  ])('clamps effort %d to %d', (wanted, sent) => {
    const guard = new SafetyGuard(contract);
    const out = makeCommand(1);
    expect(guard.limit(commandOf({ effort: wanted }), stateAt(0, 0), out)).toBeNull();
    expect(out.effort[0]).toBe(sent);
    expect(guard.clamped).toBe(wanted === sent ? 0 : 1);
  });

  it('limits the change against the last effort sent, not the last one wanted', () => {
    // 10 N m/s at 50 Hz: 0.2 N m a step.
    const guard = new SafetyGuard(withRateLimit(10));
    const out = makeCommand(1);
    const wanted = commandOf({ effort: 1 });
    guard.limit(wanted, stateAt(0, 0), out);
    expect(out.effort[0]).toBeCloseTo(0.2, 12);
    // Not sent: the next one starts from 0 again.
    guard.limit(wanted, stateAt(0, 0), out);
    expect(out.effort[0]).toBeCloseTo(0.2, 12);
    guard.sent(out);
    guard.limit(wanted, stateAt(0, 0), out);
    expect(out.effort[0]).toBeCloseTo(0.4, 12);
    guard.reset();
    guard.limit(commandOf({ effort: -1 }), stateAt(0, 0), out);
    expect(out.effort[0]).toBeCloseTo(-0.2, 12);
  });

  it.each([NaN, Infinity, -Infinity])('an effort of %d is a fault', (effort) => {
    const guard = new SafetyGuard(contract);
    expect(guard.limit(commandOf({ effort }), stateAt(0, 0), makeCommand(1))?.name).toBe('not-finite');
  });

  it('calls a joint lost that is far from its target for more than half a second', () => {
    const guard = new SafetyGuard(contract);
    const held = commandOf({ q: 0, kp: 1 });
    expect(guard.checkTracking(held, stateAt(0.6, 0), 10)).toBeNull();
    expect(guard.checkTracking(held, stateAt(0.6, 0), 10.5)).toBeNull();
    expect(guard.checkTracking(held, stateAt(0.6, 0), 10.51)?.name).toBe('tracking');
    // Near the target once: the time starts again.
    expect(guard.checkTracking(held, stateAt(0.1, 0), 10.52)).toBeNull();
    expect(guard.checkTracking(held, stateAt(0.6, 0), 10.53)).toBeNull();
    expect(guard.checkTracking(held, stateAt(0.6, 0), 11)).toBeNull();
  });

  it('does not ask a torque-controlled joint to follow a position', () => {
    const guard = new SafetyGuard(contract);
    for (const now of [0, 1, 2]) expect(guard.checkTracking(commandOf({ effort: 1 }), stateAt(3, 0), now)).toBeNull();
  });
});
