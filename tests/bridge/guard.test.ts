/** The guard in the control loop, on a manual clock and on a served twin: it stops what goes wrong, by damping, and nothing else. */

import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ControlLoop } from '../../bridge/control-loop.ts';
import { guardFault } from '../../bridge/guard-fault.ts';
import type { LoopState } from '../../bridge/states.ts';
import { keyOf } from '../../core/rng.ts';
import { type JointCommand, makeCommand } from '../../core/robot.ts';
import { Actor } from '../../policy/actor.ts';
import { openBackend } from '../../policy/backend.ts';
import { Guard } from '../../policy/guard/guard.ts';
import type { GuardModel } from '../../policy/guard/guard-model.ts';
import { trainGuard } from '../../policy/guard/train-guard.ts';
import { nominalDynamics } from '../../sim/dynamics.ts';
import { makeTwin } from '../../sim/twin.ts';
import { contract as guarded, pendulumTraces, weights } from '../policy/guard/pendulum-traces.ts';
import { land, recordedEpisodes, removeDirectories } from './landing.ts';
import { closeAll, model as pendulum, serve } from './server/served-robot.ts';
import { SimulatedPort } from './simulated-port.ts';

let model: GuardModel;

beforeAll(async () => {
  await openBackend('wasm');
  const trained = await trainGuard({
    contract: guarded,
    policy: '',
    traces: pendulumTraces(0, 30),
    features: 12,
    alpha: 0.1,
    key: keyOf(1),
    fit: { updates: 250, batch: 64, learningRate: 3e-3 },
  });
  model = trained.model;
});

afterEach(async () => {
  await closeAll();
  removeDirectories();
});

/** A hand that pushes, N m, from some time on. */
class PushedPort extends SimulatedPort {
  push = 0;
  readonly #pushed: JointCommand = makeCommand(1);

  override send(command: JointCommand): boolean {
    for (const field of ['q', 'qd', 'effort', 'kp', 'kd'] as const) this.#pushed[field].set(command[field]);
    this.#pushed.effort[0] = command.effort[0]! + this.push;
    return super.send(this.#pushed);
  }
}

function begin(guard: Guard, shadow = false) {
  const port = new PushedPort();
  const way: LoopState[] = [];
  const ends: { reason: string; completed: boolean }[] = [];
  let steps = 0;
  const loop = new ControlLoop({
    contract: guarded,
    actor: new Actor(guarded, weights),
    anomalyGuard: guard,
    robot: port,
    clock: port.clock,
    plan: { episodes: 1, seconds: 3, holdSeconds: 0.1 },
    listener: {
      transition: (_, to) => way.push(to),
      step: () => {
        steps++;
      },
      episodeEnd: (reason, completed) => ends.push({ reason, completed }),
    },
  });
  if (shadow) loop.watch();
  else loop.arm();
  const run = (done: () => boolean) => {
    const end = port.clock.now() + 60;
    while (!loop.finished && !done() && port.clock.now() < end) {
      port.advanceTo(loop.schedule.deadline);
      while (!loop.ready && port.clock.now() < loop.schedule.latest) port.advanceTo(port.clock.now() + 0.0005);
      loop.tick();
    }
  };
  return { port, loop, way, ends, run, steps: () => steps };
}

describe('a guarded loop', () => {
  it('lets a good episode end', () => {
    const { loop, ends, run } = begin(new Guard(guarded, model));
    run(() => false);
    expect(loop.fault).toBeNull();
    expect(ends).toEqual([{ reason: 'completed', completed: true }]);
  });

  it('damps the robot when it is pushed, records why, and does not begin again', () => {
    const { port, loop, way, ends, run, steps } = begin(new Guard(guarded, model));
    run(() => steps() === 50);
    expect(loop.fault).toBeNull();
    port.push = 0.8;
    run(() => loop.fault !== null);
    // Ten steps over the limit, the first one step after the push.
    expect(steps() - 50).toBeGreaterThanOrEqual(10);
    expect(steps() - 50).toBeLessThan(30);
    const atAlarm = port.sent.length;
    expect(loop.state).toBe('final-damping');
    run(() => false);
    expect(way.slice(-2)).toEqual(['final-damping', 'disarmed']);
    expect(port.sent.length).toBeGreaterThan(atAlarm);
    expect(loop.fault?.name).toBe('guard');
    expect(loop.fault?.repair).toContain('landfall guard');
    expect(ends).toHaveLength(1);
    expect(ends[0]!.completed).toBe(false);
    expect(ends[0]!.reason).toMatch(
      /^guard: the robot does not behave as in the episodes .* score \d+\.\d, limit -?\d+\.\d, in 10 of the last 20 steps\)$/,
    );
  });

  it('in shadow ends without having sent anything', () => {
    const { port, loop, run, steps } = begin(new Guard(guarded, model), true);
    run(() => steps() === 20);
    port.q += 1.5;
    port.qd += 6;
    run(() => loop.finished);
    expect(loop.fault?.name).toBe('guard');
    expect(port.sent).toEqual([]);
  });

  it('without a limit stops nothing, and hard limits hold all the same', () => {
    const { port, loop, run, steps } = begin(new Guard(guarded, { ...model, threshold: Infinity }));
    run(() => steps() === 20);
    port.push = 0.8;
    run(() => steps() === 70);
    expect(loop.fault).toBeNull();
    port.qd = 100;
    run(() => loop.finished);
    expect(loop.fault?.name).toBe('velocity-limit');
  });
});

it('a score that is not finite is named as such', () => {
  const { message } = guardFault({ level: Infinity, part: 'novelty', model, reset() {}, step: () => true });
  expect(message).toContain('novelty a score is not finite');
});

describe('a guarded deployment', () => {
  /** Room for what a busy processor does to the rhythm: the guard was calibrated on an even one. */
  const patient = () => new Guard(guarded, { ...model, threshold: model.threshold + 2 });

  async function twin() {
    const dynamics = { ...nominalDynamics(pendulum), friction: [0] };
    const robot = await makeTwin(pendulum, dynamics);
    const server = await serve({ robot });
    return { server, robot, dynamics };
  }

  it('runs to its end when nothing is wrong', async () => {
    const { server } = await twin();
    const actor = new Actor(guarded, weights);
    const { report, error } = await land(server.url, { contract: guarded, actor, guard: patient(), seconds: 1 })
      .outcome;
    expect(error).toBeNull();
    expect(report?.episodes).toBe(1);
  });

  it('stops when the motor pulls, and says so in the recording', async () => {
    const { server, robot, dynamics } = await twin();
    const actor = new Actor(guarded, weights);
    const landing = land(server.url, { contract: guarded, actor, guard: patient() });
    await landing.recorded(20);
    robot.updateDynamics({ ...dynamics, torqueOffset: [1.5] });
    const { report, error } = await landing.outcome;
    expect(error?.message).toMatch(/^guard: the robot does not behave/);
    expect(report?.fault?.name).toBe('guard');
    expect(report?.damping).toMatch(/^damping sent: \d+ commands$/);
    expect(landing.way.slice(-2)).toEqual(['final-damping', 'disarmed']);
    const [episode] = await recordedEpisodes(landing.directory);
    expect(episode!.outcome).toMatchObject({ completed: false, reason: error?.message });
  });
});
