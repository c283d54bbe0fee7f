/** The Rapier robot against theory: period, equation of motion, frictions, motor, latency, resets, two links, bad input. */

import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { InputError, NumericError } from '../../core/errors.ts';
import { keyOf, RandomStream } from '../../core/rng.ts';
import { makeCommand } from '../../core/robot.ts';
import type { RobotModel } from '../../core/robot-model.ts';
import { type Dynamics, nominalDynamics } from '../../sim/dynamics.ts';
import { loadRapier, type PhysicsSettings, RapierRobot } from '../../sim/rapier-robot.ts';
import { type MujocoRobot, makeTwin } from '../../sim/twin.ts';
import { parseUrdf } from '../../sim/urdf.ts';

const rapier = await loadRapier();
const model = parseUrdf(readFileSync('configs/robots/pendulum.urdf', 'utf8'), { where: 'pendulum.urdf' });
const PHYSICS: PhysicsSettings = { physicsDt: 0.005, solverIterations: 4 };
/** kg m2 about the joint, and N m at the horizontal. */
const INERTIA = 0.57288 * 0.5 ** 2 + 0.000366643;
const GRAVITY_TORQUE = 0.57288 * 9.81 * 0.5;

const open: (RapierRobot | MujocoRobot)[] = [];
afterEach(() => {
  for (const robot of open.splice(0)) robot.close();
});

/** No friction and no torque limit that matters unless asked for. */
function frictionless(of: RobotModel, changes: Partial<Dynamics> = {}): Dynamics {
  const none = of.dof.map(() => 0);
  return { ...nominalDynamics(of), damping: none, friction: none, torqueLimit: of.dof.map(() => 100), ...changes };
}

function make(changes: Partial<Dynamics> = {}, physics = PHYSICS, of = model): RapierRobot {
  const robot = new RapierRobot(rapier, of, frictionless(of, changes), physics);
  open.push(robot);
  return robot;
}

function effort(...values: number[]) {
  const command = makeCommand(values.length);
  command.effort.set(values);
  return command;
}

/** q and qd after every step, [steps, 2]. */
function record(robot: RapierRobot, seconds: number, dt = PHYSICS.physicsDt): number[][] {
  return Array.from({ length: Math.round(seconds / dt) }, () => {
    robot.step(dt);
    return [robot.truth.q[0]!, robot.truth.qd[0]!];
  });
}

/** q every 5 ms of J qdd = -b qd - Fc sign(qd) - mgl sin q, Runge-Kutta at 50 us; sticks where it must. */
function integrate(q0: number, seconds: number, damping: number, friction: number): number[] {
  const h = 5e-5;
  let [q, qd] = [q0, 0];
  const out: number[] = [];
  const acceleration = (at: number, rate: number) => {
    const drive = -damping * rate - GRAVITY_TORQUE * Math.sin(at);
    if (rate === 0 && Math.abs(drive) <= friction) return 0;
    return (drive - friction * Math.sign(rate === 0 ? drive : rate)) / INERTIA;
  };
  for (let i = 1; i <= Math.round(seconds / h); i++) {
    const [a1, v1] = [acceleration(q, qd), qd];
    const [a2, v2] = [acceleration(q + (h / 2) * v1, qd + (h / 2) * a1), qd + (h / 2) * a1];
    const [a3, v3] = [acceleration(q + (h / 2) * v2, qd + (h / 2) * a2), qd + (h / 2) * a2];
    const [a4, v4] = [acceleration(q + h * v3, qd + h * a3), qd + h * a3];
    const next = qd + (h / 6) * (a1 + 2 * a2 + 2 * a3 + a4);
    q += (h / 6) * (v1 + 2 * v2 + 2 * v3 + v4);
    qd = friction > 0 && next * qd < 0 ? 0 : next;
    if (i % 100 === 0) out.push(q);
  }
  return out;
}

/** Largest difference in angle from the equation of motion, released at rest at 90 degrees, rad. */
function deviation(changes: Partial<Dynamics>, physics: PhysicsSettings, seconds = 2): number {
  const reference = integrate(Math.PI / 2, seconds, changes.damping?.[0] ?? 0, changes.friction?.[0] ?? 0);
  const robot = make(changes, physics);
  robot.reset([Math.PI / 2], [0]);
  return Math.max(
    ...reference.map((q) => {
      robot.step(0.005);
      return Math.abs(robot.truth.q[0]! - q);
    }),
  );
}

describe('motion', () => {
  it('swings with the period of a small pendulum', () => {
    const robot = make();
    robot.reset([0.02], [0]);
    const times: number[] = [];
    let last = 0.02;
    for (const [i, [q]] of record(robot, 12).entries()) {
      if (last < 0 && q! >= 0) times.push((i + 1 - q! / (q! - last)) * 0.005);
      last = q!;
    }
    const period = (times.at(-1)! - times[0]!) / (times.length - 1);
    const theory = 2 * Math.PI * Math.sqrt(INERTIA / GRAVITY_TORQUE);
    expect(times.length).toBeGreaterThan(6);
    // The engine's numerical damping (zeta about 0.002) moves the period by far less than its Float32 and its
    // first-order sub-steps do; 0.05% is 0.7 ms.
    expect(Math.abs(period / theory - 1)).toBeLessThan(5e-4);
  });

  it('follows the equation of motion at a large amplitude', () => {
    // Without friction the engine's own loss shows: 0.054 rad in 2 s at 5 ms, 4 sub-steps (measured; the integrator is
    // first order). With the real pendulum's frictions, which dwarf it, 0.015.
    expect(deviation({}, PHYSICS)).toBeLessThan(0.065);
    expect(deviation({ damping: [0.04707], friction: [0.1839] }, PHYSICS)).toBeLessThan(0.02);
  });

  it('is first order in the sub-step', () => {
    const errors = [4, 8, 16].map((solverIterations) => deviation({}, { physicsDt: 0.005, solverIterations }));
    // Half the sub-step, half the error; next orders and Float32 leave some play.
    expect(errors[0]! / errors[1]!).toBeGreaterThan(1.7);
    expect(errors[0]! / errors[1]!).toBeLessThan(2.3);
    expect(errors[1]! / errors[2]!).toBeGreaterThan(1.6);
    expect(errors[1]! / errors[2]!).toBeLessThan(2.4);
  });

  it('counts turns: the angle is not wrapped', () => {
    const robot = make({ gravity: 0 });
    robot.reset([0], [10]);
    const path = record(robot, 2);
    // 20 rad, less what the first-order integrator loses: about omega^2 h / 2 = 6% of the speed a second.
    expect(path.at(-1)![0]!).toBeGreaterThan(18.5);
    expect(path.at(-1)![0]!).toBeLessThan(20.05);
    const jump = Math.max(...path.slice(1).map(([q], i) => q! - path[i]![0]!));
    expect(jump).toBeLessThan(0.051);
  });

  it.each([
    [0.3, -2],
    [2.5, 4],
    [-7, 1],
    [Math.PI, 0],
  ])('starts where it is put: q %f, qd %f', (q, qd) => {
    const robot = make({ gravity: 0 });
    robot.reset([q], [qd]);
    expect(robot.observe().q[0]).toBe(q);
    expect(robot.observe().qd[0]).toBe(qd);
    robot.step(0.005);
    // Float32 bodies.
    expect(robot.truth.q[0]!).toBeCloseTo(q + 0.005 * qd, 4);
    expect(robot.truth.qd[0]!).toBeCloseTo(qd, 2);
    expect(robot.truth.time).toBe(0.005);
  });
});

describe('friction', () => {
  it('viscous friction slows exponentially', () => {
    const robot = make({ gravity: 0, damping: [0.1] });
    robot.reset([0], [5]);
    record(robot, 1);
    // qd = qd0 exp(-b t / J). Explicit Euler at 5 ms loses b^2 dt / 2 J^2 = 0.12% a second; turning costs the engine
    // omega^2 h / 2, 1.6% a second at 5 rad/s and less as it slows.
    const ratio = robot.truth.qd[0]! / (5 * Math.exp(-0.1 / INERTIA));
    expect(ratio).toBeGreaterThan(0.98);
    expect(ratio).toBeLessThan(1.001);
  });

  it('Coulomb friction slows linearly and then holds', () => {
    const robot = make({ gravity: 0, friction: [0.3] });
    robot.reset([0], [4]);
    const path = record(robot, 4);
    // qd = qd0 - Fc t / J until it stands, after J qd0 / Fc = 1.91 s, at J qd0^2 / 2 Fc = 3.83 rad
    expect(path[199]![1]!).toBeCloseTo(4 - 0.3 / INERTIA, 1);
    // 0.02 of that is the engine's: turning costs it omega^2 h / 2.
    expect(Math.abs(path.at(-1)![0]! - (INERTIA * 16) / 0.6)).toBeLessThan(0.05);
    const stop = path.findIndex(([, qd]) => Math.abs(qd!) < 1e-3) * PHYSICS.physicsDt;
    expect(Math.abs(stop - (INERTIA * 4) / 0.3)).toBeLessThan(0.03);
    expect(Math.abs(path.at(-1)![1]!)).toBeLessThan(1e-9);
  });

  it('holds a torque below the Coulomb limit and slips above it', () => {
    const robot = make({ gravity: 0, friction: [0.2] });
    robot.act(effort(0.19));
    record(robot, 1);
    // The step of torque overshoots the limit for 0.1 s; then the spring holds, and nothing creeps.
    const held = robot.truth.q[0]!;
    expect(held).toBeLessThan(1e-3);
    record(robot, 10);
    expect(robot.truth.q[0]!).toBeCloseTo(held, 12);
    robot.act(effort(0.25));
    record(robot, 1);
    // (0.25 - 0.2) / J for 1 s
    expect(robot.truth.qd[0]! / (0.05 / INERTIA)).toBeCloseTo(1, 1);
  });
});

describe('motor', () => {
  it('turns torque into acceleration through scale, limit and offset', () => {
    const robot = make({ gravity: 0, torqueScale: [0.8], torqueOffset: [0.05], torqueLimit: [0.5] });
    const delivered = (asked: number) => {
      robot.reset([0], [0]);
      robot.act(effort(asked));
      robot.step(0.1);
      // The reported effort is what the motor delivered.
      expect(robot.truth.qd[0]! * INERTIA).toBeCloseTo(robot.truth.effort[0]! * 0.1, 4);
      return robot.truth.effort[0]!;
    };
    expect(delivered(0)).toBeCloseTo(0.05, 12);
    expect(delivered(0.3)).toBeCloseTo(0.8 * 0.3 + 0.05, 12);
    expect(delivered(9)).toBeCloseTo(0.8 * 0.5 + 0.05, 12);
    expect(delivered(-9)).toBeCloseTo(-0.8 * 0.5 + 0.05, 12);
    expect(delivered(Infinity)).toBeCloseTo(0.8 * 0.5 + 0.05, 12);
  });

  it('adds armature to the inertia, and scales mass and lever arm', () => {
    const acceleration = (changes: Partial<Dynamics>) => {
      const robot = make({ gravity: 0, ...changes });
      robot.act(effort(1));
      robot.step(0.05);
      return robot.truth.qd[0]! / 0.05;
    };
    expect(acceleration({ armature: [0.1] }) * (INERTIA + 0.1)).toBeCloseTo(1, 3);
    expect(acceleration({ massScale: [2] }) * 2 * INERTIA).toBeCloseTo(1, 3);
    const far = 0.57288 * 0.75 ** 2 + 0.000366643;
    expect(acceleration({ comScale: [1.5] }) * far).toBeCloseTo(1, 3);
  });

  it('feels gravity and no more', () => {
    const robot = make({ gravity: 3 });
    robot.reset([Math.PI / 2], [0]);
    robot.step(0.005);
    expect(robot.truth.qd[0]!).toBeCloseTo((-0.57288 * 3 * 0.5 * 0.005) / INERTIA, 4);
  });

  it('shifts a step command by the latency: whole steps exactly, a fraction by its impulse', () => {
    const speeds = (latency: number) => {
      const robot = make({ gravity: 0, latency });
      robot.act(effort(1));
      return record(robot, 0.1).map(([, qd]) => qd!);
    };
    const now = speeds(0);
    const late = speeds(0.015);
    expect(late.slice(0, 3)).toEqual([0, 0, 0]);
    // The same torque on a body at rest in the same place: the same bytes, three steps later.
    expect(late.slice(3)).toEqual(now.slice(0, -3));
    const between = speeds(0.012);
    expect(between.slice(0, 2)).toEqual([0, 0]);
    // 3 of the 5 ms of the third step.
    expect(between[2]! / now[0]!).toBeCloseTo(0.6, 4);
    expect(between.at(-1)! * INERTIA).toBeCloseTo(0.1 - 0.012, 4);
  });

  it('a NaN command is an error that names the joint and the time', () => {
    const robot = make();
    robot.step(0.01);
    robot.act(effort(Number.NaN));
    expect(() => robot.step(0.01)).toThrow(NumericError);
    expect(() => robot.step(0.01)).toThrow(/torque of joint shoulder is NaN at 0\.0100 s/);
    // The world was not poisoned: it can be used again.
    robot.reset([0.1], [0]);
    robot.step(0.01);
    expect(Number.isFinite(robot.truth.q[0])).toBe(true);
  });
});

describe('sensors and resets', () => {
  it('adds noise of the declared size to what is observed, never to the truth', () => {
    const robot = make({ gravity: 0, positionNoise: 0.01, velocityNoise: 0.2 });
    robot.seedNoise(keyOf(3));
    const errors = Array.from({ length: 2000 }, () => {
      robot.step(0.005);
      return [robot.observe().q[0]!, robot.observe().qd[0]!];
    });
    const deviationOf = (k: number) => Math.sqrt(errors.reduce((sum, e) => sum + e[k]! ** 2, 0) / errors.length);
    // The deviation of 2,000 draws is known to 1.6%; four times that.
    expect(deviationOf(0) / 0.01).toBeCloseTo(1, 1);
    expect(deviationOf(1) / 0.2).toBeCloseTo(1, 1);
    expect(robot.truth.q[0]).toBe(0);
  });

  it('gives the same bytes after a reset, whatever happened before it', () => {
    const changes = { damping: [0.04], friction: [0.18], latency: 0.0137, positionNoise: 0.01, velocityNoise: 0.1 };
    const episode = (robot: RapierRobot): Uint8Array => {
      robot.seedNoise(keyOf(7));
      robot.reset([0.3], [1]);
      const random = new RandomStream(keyOf(8));
      const out = Float64Array.from({ length: 400 }, (_, i) => {
        if (i % 2 !== 0) return robot.observe().qd[0]!;
        robot.act(effort(random.between(-1, 1)));
        robot.step(0.01);
        return robot.observe().q[0]!;
      });
      return new Uint8Array(out.buffer);
    };
    const fresh = episode(make(changes));
    const used = make(changes);
    const random = new RandomStream(keyOf(9));
    for (let before = 0; before < 3; before++) {
      used.reset([random.normal()], [5 * random.normal()]);
      for (let i = 0; i < 100; i++) {
        used.act(effort(20 * random.normal()));
        used.step(0.01);
      }
      expect(episode(used)).toEqual(fresh);
    }
  });

  it('takes other physics up at the next reset', () => {
    const robot = make();
    robot.setDynamics(frictionless(model, { gravity: 0 }));
    robot.reset([1], [0]);
    robot.step(0.1);
    expect(robot.truth.qd[0]).toBe(0);
  });
});

/** Two links with oblique frames, so that a wrong frame shows. */
const CHAIN = `<robot name="chain">
  <link name="base"/>
  <link name="upper"><inertial><origin xyz="0.02 0 -0.2" rpy="0.2 0.1 0"/><mass value="1.2"/>
    <inertia ixx="0.02" iyy="0.018" izz="0.006" ixy="0.001" ixz="0.0005" iyz="-0.0007"/></inertial></link>
  <link name="lower"><inertial><origin xyz="0 0.03 -0.15"/><mass value="0.7"/>
    <inertia ixx="0.01" iyy="0.01" izz="0.002"/></inertial></link>
  <joint name="hip" type="continuous"><parent link="base"/><child link="upper"/>
    <origin xyz="0 0 1" rpy="0 0 0.3"/><axis xyz="0 1 0"/></joint>
  <joint name="knee" type="continuous"><parent link="upper"/><child link="lower"/>
    <origin xyz="0 0.05 -0.4" rpy="0.1 0 0"/><axis xyz="0.2 1 0"/></joint>
</robot>`;

describe('a chain of two links', () => {
  const chain = parseUrdf(CHAIN, { where: 'chain' });

  it('moves as the MuJoCo twin does, and converges to it', async () => {
    const twin = await makeTwin(chain, frictionless(chain));
    open.push(twin);
    const apart = (physics: PhysicsSettings) => {
      const robot = make({}, physics, chain);
      const [q, qd] = [
        [1, -0.7],
        [0.5, 2],
      ];
      robot.reset(q!, qd!);
      twin.reset(q!, qd!);
      const command = effort(0.3, -0.1);
      robot.act(command);
      twin.act(command);
      let worst = 0;
      for (let i = 0; i < 100; i++) {
        robot.step(0.01);
        twin.step(0.01);
        for (let j = 0; j < 2; j++) worst = Math.max(worst, Math.abs(robot.truth.q[j]! - twin.truth.q[j]!));
      }
      return worst;
    };
    const coarse = apart({ physicsDt: 0.005, solverIterations: 4 });
    const fine = apart({ physicsDt: 0.001, solverIterations: 4 });
    // The twin integrates with RK4; Rapier is first order, so a fifth of the step leaves about a fifth of the error.
    expect(coarse).toBeLessThan(0.1);
    expect(fine).toBeLessThan(coarse / 3);
  });

  it('refuses what it cannot build, by name', () => {
    const refused = (text: string) => () => make({}, PHYSICS, parseUrdf(text, { where: 'chain' }));
    expect(refused(CHAIN.replace('<mass value="0.7"/>', '<mass value="0"/>'))).toThrow(
      /link lower moves but has no mass/,
    );
    expect(refused(CHAIN.replace('<mass value="0.7"/>', '<mass value="0"/>'))).toThrow(InputError);
  });
});
