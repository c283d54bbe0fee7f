/** The control loop on a manual clock: what is sent, when, and what stops it. */

import { describe, expect, it } from 'vitest';
import { ControlLoop, type LoopListener } from '../../bridge/control-loop.ts';
import { makeFault } from '../../bridge/faults.ts';
import type { ActorLike } from '../../bridge/policy-step.ts';
import type { LoopState } from '../../bridge/states.ts';
import type { Contract } from '../../core/contract.ts';
import type { EpisodeStep } from '../../core/episode.ts';
import { actorWith, pendulumContract, pump } from './contract.ts';
import { SimulatedPort } from './simulated-port.ts';

interface RigOptions {
  readonly contract?: Contract;
  readonly actor?: ActorLike;
  readonly episodes?: number;
  readonly seconds?: number;
  readonly listener?: LoopListener;
  readonly shadow?: boolean;
  readonly port?: SimulatedPort;
}

class Rig {
  readonly port: SimulatedPort;
  readonly loop: ControlLoop;
  readonly way: LoopState[] = [];
  readonly steps: EpisodeStep[] = [];
  readonly ends: { reason: string; completed: boolean; steps: number }[] = [];
  readonly contract: Contract;

  constructor(options: RigOptions = {}) {
    const { contract = pendulumContract({ safety: { stateAge: 0.1, roundTrip: 0.1, damping: 0.2 } }) } = options;
    this.contract = contract;
    this.port = options.port ?? new SimulatedPort();
    this.loop = new ControlLoop({
      contract,
      actor: options.actor ?? pump,
      robot: this.port,
      clock: this.port.clock,
      plan: { episodes: options.episodes ?? 1, seconds: options.seconds ?? 1, holdSeconds: 0.2 },
      score: (state, action, lastAction) => ({
        reward: state.time,
        terms: { action: action[0]!, lastAction: lastAction[0]! },
      }),
      listener: {
        ...options.listener,
        transition: (_, to) => this.way.push(to),
        step: (step) => {
          this.steps.push(structuredClone(step));
          options.listener?.step?.(step);
        },
        episodeEnd: (reason, completed) => this.ends.push({ reason, completed, steps: this.steps.length }),
      },
    });
    if (options.shadow === true) this.loop.watch();
    else this.loop.arm();
  }

  /** Tick as a pacer would, until `done` or 60 s have passed. */
  run(done: () => boolean = () => false): void {
    const end = this.port.clock.now() + 60;
    while (!this.loop.finished && !done() && this.port.clock.now() < end) {
      this.port.advanceTo(this.loop.schedule.deadline);
      while (!this.loop.ready && this.port.clock.now() < this.loop.schedule.latest) {
        this.port.advanceTo(this.port.clock.now() + 0.0005);
      }
      this.loop.tick();
    }
  }

  runUntil(state: LoopState): void {
    this.run(() => this.loop.state === state);
    expect(this.loop.state).toBe(state);
  }

  /** Run for some more seconds. */
  runFor(seconds: number): void {
    const end = this.port.clock.now() + seconds;
    this.run(() => this.port.clock.now() >= end);
  }
}

describe('the usual way', () => {
  const rig = new Rig({ episodes: 2 });
  rig.run();

  it('goes through every state, damped between and at the end', () => {
    expect(rig.way).toEqual([
      'damping',
      'to-default',
      'holding',
      'running',
      'damping',
      'to-default',
      'holding',
      'running',
      'final-damping',
      'disarmed',
    ]);
    expect(rig.loop.fault).toBeNull();
    expect(rig.ends).toEqual([
      { reason: 'completed', completed: true, steps: 50 },
      { reason: 'completed', completed: true, steps: 100 },
    ]);
  });

  it('never answers a state twice', () => {
    const counts = rig.port.sent.map(({ stateCount }) => stateCount);
    expect(new Set(counts).size).toBe(counts.length);
  });

  it('stays within the effort limit', () => {
    expect(Math.max(...rig.port.sent.map(({ effort }) => Math.abs(effort)))).toBeLessThanOrEqual(1);
  });

  it('is punctual on a clock that is', () => {
    expect(rig.loop.metrics.ticks).toBe(2 * 50);
    // Only the phase lock moves deadlines: by a hundredth of a period at most, and while waiting for states by 2 ms.
    expect(rig.loop.metrics.periodP99Ms).toBeLessThanOrEqual(2.2);
    expect(rig.loop.metrics.missedDeadlines).toBe(0);
  });

  it('rewards a step by the state that came of it, with clipped actions', () => {
    for (let k = 1; k < 50; k++) {
      const [before, step] = [rig.steps[k - 1]!, rig.steps[k]!];
      expect(before.reward).toBeCloseTo(step.sensorTime, 9);
      expect(step.rewardTerms.lastAction).toBe(before.rewardTerms.action);
    }
    expect(rig.steps.map(({ truncated }) => truncated).filter(Boolean)).toHaveLength(2);
    expect(rig.steps[49]!.truncated).toBe(true);
    expect(rig.steps.every(({ terminated }) => !terminated)).toBe(true);
  });

  it('records the effort that was sent, and when', () => {
    const sent = new Map(rig.port.sent.map(({ time, effort }) => [time, effort]));
    for (const step of rig.steps) expect(sent.get(step.commandTime)).toBe(step.command[0]);
  });
});

describe('every state', () => {
  const armed = ['damping', 'to-default', 'holding', 'running'] as const;

  it.each(armed)('%s: stop damps for the stated time, once for each state', (state) => {
    const rig = new Rig();
    rig.runUntil(state);
    rig.loop.stop('enough');
    const begun = rig.port.clock.now();
    const before = rig.port.sent.length;
    rig.run();
    expect(rig.way.slice(-2)).toEqual(['final-damping', 'disarmed']);
    const damping = rig.port.sent.slice(before);
    expect(damping.length).toBeGreaterThanOrEqual(8);
    expect(rig.port.clock.now() - begun).toBeCloseTo(0.2, 1);
    expect(rig.loop.dampingReport).toBe(`damping sent: ${damping.length} commands`);
  });

  it.each(armed)('%s: a fault damps, and says what it was', (state) => {
    const rig = new Rig();
    rig.runUntil(state);
    rig.port.fault = makeFault('bad-message', 'not JSON', 'mend it');
    rig.run();
    expect(rig.way.slice(-2)).toEqual(['final-damping', 'disarmed']);
    expect(rig.loop.fault?.name).toBe('bad-message');
    expect(rig.loop.dampingReport).toMatch(/^damping sent: \d+ commands/);
    if (state === 'running')
      expect(rig.ends.at(-1)).toMatchObject({ reason: 'bad-message: not JSON', completed: false });
  });

  it.each(armed)('%s: silence stops sending at the first state that is missing', (state) => {
    const rig = new Rig();
    rig.runUntil(state);
    rig.runFor(0.1);
    rig.port.frozen = true;
    const [before, frozenAt] = [rig.port.sent.length, rig.port.clock.now()];
    rig.run();
    // At most the command for the state that was there already.
    expect(rig.port.sent.length - before).toBeLessThanOrEqual(1);
    expect(rig.loop.fault?.name).toBe('silence');
    expect(rig.loop.state).toBe('disarmed');
    expect(rig.port.clock.now() - frozenAt).toBeLessThan(0.1 + 1 + 0.1);
    expect(rig.loop.dampingReport).toContain('damping not sent: the robot is silent');
    expect(rig.loop.dampingReport).toContain('the test server stops the robot after 0.2 s');
  });

  it.each(armed)('%s: a dead link disarms at once, and says that damping was not sent', (state) => {
    const rig = new Rig();
    rig.runUntil(state);
    rig.port.isOpen = false;
    rig.port.fault = makeFault('link-closed', 'closed', 'start it');
    const before = rig.port.sent.length;
    rig.runFor(0.1);
    expect(rig.loop.state).toBe('disarmed');
    expect(rig.port.sent.length).toBe(before);
    expect(rig.way).toContain('final-damping');
    expect(rig.loop.dampingReport).toContain('damping not sent: the link is dead');
  });
});

describe('final damping', () => {
  it('opposes the motion with the gain of the contract, within limits', () => {
    const rig = new Rig();
    rig.runUntil('running');
    rig.runFor(0.5);
    rig.loop.stop('enough');
    const before = rig.port.sent.length;
    rig.port.advanceTo(rig.loop.schedule.deadline);
    rig.loop.tick();
    const { effort } = rig.port.sent[before]!;
    // tau = -kd qd
    expect(effort).toBeCloseTo(Math.max(-1, Math.min(1, -0.3 * rig.port.state.qd[0]!)), 9);
    expect(effort).not.toBe(0);
  });

  it('sends no effort to a robot that answers but sends no valid states', () => {
    const rig = new Rig();
    rig.runUntil('running');
    rig.runFor(0.3);
    rig.port.mute = true;
    const before = rig.port.sent.length;
    rig.run();
    expect(rig.loop.fault?.name).toBe('silence');
    const after = rig.port.sent.slice(before).filter(({ effort }) => effort === 0);
    expect(after.length).toBeGreaterThan(5);
    expect(rig.loop.dampingReport).toContain('commands of no effort, for want of a valid state');
    expect(rig.port.sent.at(-1)!.effort).toBe(0);
  });

  it('goes on as it began when more goes wrong or Ctrl-C is pressed again', () => {
    const rig = new Rig();
    rig.runUntil('running');
    rig.loop.stop('stopped by the operator');
    // The contract's time from the first command of it, which waits for the next state.
    const end = rig.port.clock.now() + 0.2 + 0.02;
    rig.loop.stop('again');
    rig.loop.raise(makeFault('overrun', 'late', 'wait'));
    rig.run();
    expect(rig.port.clock.now()).toBeLessThan(end + 0.03);
    expect(rig.loop.fault).toBeNull();
    expect(rig.ends).toEqual([{ reason: 'stopped by the operator', completed: false, steps: rig.steps.length }]);
  });
});

describe('faults', () => {
  it.each([
    ['NaN', NaN],
    ['infinity', Infinity],
  ])('an action of %s is never sent', (_, value) => {
    const rig = new Rig({ actor: actorWith(value, 10) });
    rig.run();
    expect(rig.loop.fault).toMatchObject({ name: 'not-finite', message: expect.stringContaining('action[0]') });
    expect(rig.port.sent.every(({ effort }) => Number.isFinite(effort))).toBe(true);
    expect(rig.steps).toHaveLength(10);
    expect(rig.way.slice(-2)).toEqual(['final-damping', 'disarmed']);
  });

  it('a joint that is too fast stops the robot', () => {
    const rig = new Rig();
    rig.runUntil('running');
    rig.port.qd = 15.5;
    rig.run();
    expect(rig.loop.fault?.name).toBe('velocity-limit');
  });

  it('states that were long on the way stop it, though they keep coming', () => {
    const rig = new Rig();
    rig.runUntil('running');
    rig.port.extraAge = 0.15;
    rig.run();
    expect(rig.loop.fault).toMatchObject({ name: 'stale-state', message: expect.stringContaining('limit 100 ms') });
    // The states cannot be trusted for damping either, but the link is alive.
    expect(rig.loop.dampingReport).toContain('no effort');
  });

  it('a loop that was held up longer than a state may be old stops itself', () => {
    const rig = new Rig();
    rig.runUntil('running');
    rig.runFor(0.1);
    rig.port.advanceTo(rig.loop.schedule.deadline + 0.15);
    rig.loop.tick();
    expect(rig.loop.fault?.name).toBe('overrun');
    expect(rig.loop.metrics.missedDeadlines).toBe(7);
    rig.run();
    expect(rig.way.slice(-2)).toEqual(['final-damping', 'disarmed']);
  });

  it('a robot that does not reach its default pose stops it', () => {
    const rig = new Rig();
    rig.runUntil('to-default');
    // Somebody holds it.
    while (rig.loop.state === 'to-default') {
      rig.port.advanceTo(rig.loop.schedule.deadline);
      rig.port.q = 0.5;
      rig.port.qd = 0;
      rig.loop.tick();
    }
    expect(rig.loop.fault).toMatchObject({ name: 'tracking', message: expect.stringContaining('shoulder') });
  });

  it('commands that the link does not take are dropped, not kept', () => {
    const rig = new Rig();
    rig.runUntil('running');
    rig.port.busy = true;
    rig.runFor(0.2);
    const before = rig.port.sent.length;
    const dropped = rig.loop.commander.refused;
    expect(dropped).toBeGreaterThan(5);
    rig.port.busy = false;
    rig.runFor(0.06);
    expect(rig.port.sent.length - before).toBeLessThanOrEqual(4);
    expect(rig.loop.commander.refused).toBe(dropped);
  });

  it('an exception of a listener leaves the loop in final damping', () => {
    const rig = new Rig({
      listener: {
        step: () => {
          throw new Error('broken');
        },
      },
    });
    rig.runUntil('running');
    expect(() => rig.runFor(0.2)).toThrow('broken');
    rig.loop.raise(makeFault('defect', 'broken', 'report it'));
    rig.run();
    expect(rig.way.slice(-2)).toEqual(['final-damping', 'disarmed']);
  });
});

describe('states that come at another rate', () => {
  it('are not answered twice when they are slower', () => {
    const rig = new Rig({ port: new SimulatedPort(0.04) });
    rig.run();
    const counts = rig.port.sent.map(({ stateCount }) => stateCount);
    expect(new Set(counts).size).toBe(counts.length);
    expect(rig.loop.metrics.missedStates).toBeGreaterThan(20);
  });

  it('are answered by the newest when they are faster', () => {
    const rig = new Rig({ port: new SimulatedPort(0.005) });
    rig.run();
    const counts = rig.port.sent.map(({ stateCount }) => stateCount);
    expect(rig.loop.metrics.missedStates).toBe(0);
    expect(counts.at(-1)! - counts[0]!).toBeGreaterThan(3.9 * (counts.length - 1));
  });
});

describe('shadow', () => {
  it('computes, records and sends nothing', () => {
    const rig = new Rig({ shadow: true, episodes: 2 });
    rig.run();
    expect(rig.port.sent).toEqual([]);
    expect(rig.way).toEqual(['shadow', 'shadow', 'disarmed']);
    expect(rig.steps).toHaveLength(100);
    expect(rig.steps.some(({ command }) => command[0] !== 0)).toBe(true);
    expect(rig.ends.every(({ completed }) => completed)).toBe(true);
    expect(rig.loop.dampingReport).toBeNull();
  });

  it('ends on a fault without a word to the robot', () => {
    const rig = new Rig({ shadow: true });
    rig.runFor(0.3);
    rig.port.frozen = true;
    rig.run();
    expect(rig.port.sent).toEqual([]);
    expect(rig.loop.fault?.name).toBe('silence');
    expect(rig.ends.at(-1)?.completed).toBe(false);
  });
});

describe('a joint without position limits', () => {
  it('is at its default pose after any number of turns', () => {
    const port = new SimulatedPort();
    port.q = 4 * Math.PI + 0.4;
    const rig = new Rig({ port });
    rig.runUntil('running');
    expect(port.q).toBeGreaterThan(4 * Math.PI - 0.3);
  });
});
