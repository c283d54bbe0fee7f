/** The MuJoCo twin against theory: period, equation of motion, friction, latency, energy, limits, noise, bad input. */

import { existsSync, readFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { InputError, NumericError } from '../../core/errors.ts';
import { keyOf } from '../../core/rng.ts';
import { makeCommand } from '../../core/robot.ts';
import type { RobotModel } from '../../core/robot-model.ts';
import { type Dynamics, nominalDynamics } from '../../sim/dynamics.ts';
import { loadMujoco, type MujocoRobot, makeTwin, type TwinOptions } from '../../sim/twin.ts';
import { parseUrdf } from '../../sim/urdf.ts';

const model = readModel('configs/robots/pendulum.urdf');
const MASS = 0.57288;
const LENGTH = 0.5;
const BODY = 0.000366643;

const open: MujocoRobot[] = [];
afterEach(() => {
  for (const robot of open.splice(0)) robot.close();
});

function readModel(path: string): RobotModel {
  return parseUrdf(readFileSync(path, 'utf8'), { where: path });
}

/** No friction unless asked for, no effort limit that matters. */
async function twin(changes: Partial<Dynamics> = {}, options: TwinOptions = {}, of = model): Promise<MujocoRobot> {
  const none = of.dof.map(() => 0);
  const nominal = { ...nominalDynamics(of), damping: none, friction: none, torqueLimit: of.dof.map(() => 100) };
  const robot = await makeTwin(of, { ...nominal, ...changes }, options);
  open.push(robot);
  return robot;
}

function effort(...values: number[]) {
  const command = makeCommand(values.length);
  command.effort.set(values);
  return command;
}

/** Times of the upward zero crossings, interpolated, s. */
function crossings(robot: MujocoRobot, seconds: number): number[] {
  const times: number[] = [];
  let last = robot.observe().q[0]!;
  for (let i = 1; i * robot.physicsDt <= seconds; i++) {
    robot.step(robot.physicsDt);
    const q = robot.observe().q[0]!;
    if (last < 0 && q >= 0) times.push((i - q / (q - last)) * robot.physicsDt);
    last = q;
  }
  return times;
}

interface Reference {
  readonly inertia: number;
  readonly gravityTorque: number;
  readonly damping: number;
  readonly friction: number;
  /** Motor torque, constant between multiples of 1e-4 s. */
  readonly torque: (time: number) => number;
}

/** q every 10 ms: I qdd = tau - b qd - Fc sign(qd) - mgl sin q, Runge-Kutta, with stiction where qd passes zero. */
function integrate({ inertia, gravityTorque, damping, friction, torque }: Reference, q0: number, seconds: number) {
  const h = 1e-4;
  let [q, qd] = [q0, 0];
  const out = [q];
  for (let i = 0; i < Math.round(seconds / h); i++) {
    const tau = torque((i + 0.5) * h);
    const acceleration = (at: number, rate: number) => {
      const drive = tau - damping * rate - gravityTorque * Math.sin(at);
      if (Math.abs(rate) < 1e-9 && Math.abs(drive) <= friction) return 0;
      const against = Math.abs(rate) < 1e-9 ? Math.sign(drive) : Math.sign(rate);
      return (drive - friction * against) / inertia;
    };
    const [a1, v1] = [acceleration(q, qd), qd];
    const [a2, v2] = [acceleration(q + (h / 2) * v1, qd + (h / 2) * a1), qd + (h / 2) * a1];
    const [a3, v3] = [acceleration(q + (h / 2) * v2, qd + (h / 2) * a2), qd + (h / 2) * a2];
    const [a4, v4] = [acceleration(q + h * v3, qd + h * a3), qd + h * a3];
    const next = qd + (h / 6) * (a1 + 2 * a2 + 2 * a3 + a4);
    q += (h / 6) * (v1 + 2 * v2 + 2 * v3 + v4);
    qd = friction > 0 && next * qd < 0 ? 0 : next;
    if ((i + 1) % 100 === 0) out.push(q);
  }
  return out;
}

/** Largest difference in angle, rad, while `act` gives a command every 10 ms. */
function deviation(robot: MujocoRobot, reference: readonly number[], act: (step: number) => void = () => {}): number {
  robot.reset([reference[0]!], [0]);
  let worst = 0;
  for (const [i, q] of reference.entries()) {
    worst = Math.max(worst, Math.abs(robot.truth.q[0]! - q));
    act(i);
    robot.step(0.01);
  }
  return worst;
}

describe('motion', () => {
  it('swings with the period of a small pendulum', async () => {
    const robot = await twin();
    robot.reset([0.01], [0]);
    const times = crossings(robot, 15);
    const period = (times.at(-1)! - times[0]!) / (times.length - 1);
    // T = 2 pi sqrt(I / (m g l)) (1 + a^2 / 16)
    const theory = 2 * Math.PI * Math.sqrt((BODY + MASS * LENGTH ** 2) / (MASS * 9.81 * LENGTH)) * (1 + 0.01 ** 2 / 16);
    expect(times.length).toBeGreaterThan(8);
    expect(Math.abs(period / theory - 1)).toBeLessThan(1e-6);
  });

  it('follows the equation of motion from near upright, without friction', async () => {
    const inertia = BODY + MASS * LENGTH ** 2;
    const gravityTorque = MASS * 9.81 * LENGTH;
    const reference = integrate({ inertia, gravityTorque, damping: 0, friction: 0, torque: () => 0 }, 3, 6);
    expect(deviation(await twin(), reference)).toBeLessThan(1e-7);
  });

  it('follows it with both frictions, and better with a finer step', async () => {
    const [damping, friction] = [0.04707, 0.1839];
    const inertia = BODY + MASS * LENGTH ** 2;
    const gravityTorque = MASS * 9.81 * LENGTH;
    const reference = integrate({ inertia, gravityTorque, damping, friction, torque: () => 0 }, 3, 6);
    const changes = { damping: [damping], friction: [friction] };
    const coarse = deviation(await twin(changes), reference);
    expect(coarse).toBeLessThan(5e-3);
    expect(deviation(await twin(changes, { physicsDt: 0.0005 }), reference)).toBeLessThan(coarse / 2);
  });

  it('follows it with every parameter changed, driven, and late by a fraction of a step', async () => {
    const changes = {
      massScale: [1.4],
      comScale: [1.1],
      armature: [0.02],
      damping: [0.1],
      torqueScale: [0.9],
      torqueOffset: [0.05],
      torqueLimit: [0.8],
      latency: 0.0137,
      gravity: 9.7,
    };
    const drive = (step: number) => Math.sin(0.43 * step) + 0.5;
    const delivered = (command: number) => 0.9 * Math.max(-0.8, Math.min(0.8, command)) + 0.05;
    const lever = 1.1 * LENGTH;
    const reference = integrate(
      {
        inertia: 1.4 * (BODY + MASS * lever ** 2) + 0.02,
        gravityTorque: 1.4 * MASS * 9.7 * lever,
        damping: 0.1,
        friction: 0,
        torque: (time) => delivered(time < 0.0137 ? 0 : drive(Math.floor((time - 0.0137) / 0.01))),
      },
      0.5,
      4,
    );
    const robot = await twin(changes);
    const worst = deviation(robot, reference, (step) => robot.act(effort(drive(step))));
    expect(worst).toBeLessThan(2e-5);
  });

  it('keeps its energy without friction and spends it on friction', async () => {
    const free = await twin();
    free.reset([2.5], [0]);
    const before = free.energy();
    expect(before.potential).toBeCloseTo(-MASS * 9.81 * LENGTH * Math.cos(2.5), 9);
    free.step(10);
    const after = free.energy();
    expect(Math.abs(after.kinetic + after.potential - before.kinetic - before.potential)).toBeLessThan(1e-8);

    const robot = await twin({ damping: [0.05], friction: [0.1] });
    robot.reset([2.5], [0]);
    const start = robot.energy().potential;
    let spent = 0;
    for (let i = 0; i < 500; i++) {
      const rate = robot.truth.qd[0]!;
      robot.step(0.002);
      const mean = (rate + robot.truth.qd[0]!) / 2;
      // dE/dt = -(b qd^2 + Fc |qd|)
      spent += (0.05 * mean ** 2 + 0.1 * Math.abs(mean)) * 0.002;
    }
    const { kinetic, potential } = robot.energy();
    expect(spent).toBeGreaterThan(0.3);
    expect(Math.abs(start - kinetic - potential - spent)).toBeLessThan(2e-3);
  });
});

describe('motor and friction', () => {
  it('sticks below the Coulomb friction and moves above it', async () => {
    const robot = await twin({ friction: [0.2] });
    robot.act(effort(0.19));
    robot.step(10);
    expect(Math.abs(robot.truth.q[0]!)).toBeLessThan(1e-4);
    robot.reset([0], [0]);
    robot.act(effort(0.25));
    robot.step(1);
    // 0.05 N m is left over: the angle it holds against gravity is 0.05 / 2.81, passed on the way
    expect(robot.truth.q[0]!).toBeGreaterThan(0.05 / 2.81);
  });

  it('delays a step command by exactly the latency', async () => {
    const prompt = await twin({ latency: 0 });
    const late = await twin({ latency: 0.006 });
    for (const robot of [prompt, late]) robot.act(effort(0.7));
    late.step(0.006);
    expect(late.truth.q[0]).toBe(0);
    expect(late.truth.effort[0]).toBe(0);
    for (let i = 0; i < 200; i++) {
      prompt.step(0.002);
      late.step(0.002);
      expect(late.truth.q[0]).toBe(prompt.truth.q[0]);
      expect(late.truth.qd[0]).toBe(prompt.truth.qd[0]);
    }
  });

  it('delivers the exact impulse when the latency is no multiple of the step', async () => {
    for (const latency of [0.0005, 0.0031, 0.0137]) {
      const robot = await twin({ latency });
      let impulse = 0;
      robot.act(effort(0.7));
      for (let i = 0; i < 20; i++) {
        if (i === 10) robot.act(effort(-0.2));
        robot.step(0.002);
        impulse += robot.truth.effort[0]! * 0.002;
      }
      // 0.7 from the latency to 20 ms + the latency, then -0.2 to 40 ms
      expect(impulse).toBeCloseTo(0.7 * 0.02 - 0.2 * (0.02 - latency), 12);
    }
  });

  it('clamps the command, then scales it, then adds the offset', async () => {
    const robot = await twin({ torqueLimit: [1], torqueScale: [0.8], torqueOffset: [0.1] });
    for (const [command, delivered] of [
      [0.5, 0.5],
      [5, 0.9],
      [-5, -0.7],
    ] as const) {
      robot.reset([0], [0]);
      robot.act(effort(command));
      robot.step(0.002);
      expect(robot.observe().effort[0]).toBeCloseTo(delivered, 12);
    }
  });

  it('obeys position and damping gains at the physics step', async () => {
    const robot = await twin();
    const command = makeCommand(1);
    command.q[0] = 0.6;
    command.kp[0] = 20;
    command.kd[0] = 2;
    robot.act(command);
    robot.step(10);
    const q = robot.truth.q[0]!;
    // at rest: kp (q* - q) = m g l sin q
    expect(20 * (0.6 - q)).toBeCloseTo(MASS * 9.81 * LENGTH * Math.sin(q), 6);
  });

  it('holds the newest of many commands', async () => {
    const robot = await twin();
    for (let i = 0; i <= 20; i++) robot.act(effort(i / 100));
    robot.step(0.002);
    expect(robot.truth.effort[0]).toBe(0.2);
  });
});

describe('sensors and time', () => {
  it('measures the truth unless noise is asked for', async () => {
    const robot = await twin();
    robot.reset([0.3], [1]);
    robot.step(0.1);
    expect(robot.observe()).toEqual(robot.truth);
    expect(robot.observe().time).toBeCloseTo(0.1, 12);
  });

  it('adds noise of the given deviation, a function of the key', async () => {
    const readings = async (seed: number) => {
      const robot = await twin({ positionNoise: 0.01, velocityNoise: 0.1 }, { key: keyOf(seed) });
      return Array.from({ length: 2000 }, () => {
        robot.step(0.002);
        return [robot.observe().q[0]!, robot.observe().qd[0]!];
      });
    };
    const first = await readings(1);
    const deviationOf = (column: number) =>
      Math.sqrt(first.reduce((sum, reading) => sum + reading[column]! ** 2, 0) / first.length);
    // hanging at rest, so every reading is noise; the deviation's own error is 1/sqrt(2 n) = 1.6%
    expect(Math.abs(deviationOf(0) / 0.01 - 1)).toBeLessThan(0.08);
    expect(Math.abs(deviationOf(1) / 0.1 - 1)).toBeLessThan(0.08);
    expect(await readings(1)).toEqual(first);
    expect(await readings(2)).not.toEqual(first);
  });

  it('repeats itself to the bit after a reset, whatever came before', async () => {
    const run = (robot: MujocoRobot) => {
      robot.reset([0.4], [0.2]);
      robot.act(effort(0.5));
      robot.step(2);
      return [...robot.truth.q, ...robot.truth.qd, robot.truth.time];
    };
    const changes = { damping: [0.04707], friction: [0.1839], latency: 0.005 };
    const robot = await twin(changes);
    const first = run(robot);
    robot.act(effort(-0.9));
    robot.step(1);
    expect(run(robot)).toEqual(first);
    expect(run(await twin(changes))).toEqual(first);
  });

  it('takes new dynamics at the next reset', async () => {
    const robot = await twin();
    robot.setDynamics({ ...robot.dynamics, massScale: [2], gravity: 5 });
    robot.reset([1], [0]);
    expect(robot.energy().potential).toBeCloseTo(-2 * MASS * 5 * LENGTH * Math.cos(1), 9);
    robot.setDynamics({ ...robot.dynamics, massScale: [1] });
    robot.reset([1], [0]);
    expect(robot.energy().potential).toBeCloseTo(-MASS * 5 * LENGTH * Math.cos(1), 9);
  });
});

/** Two arms written child first, with a weight on a fixed joint at the end of the second. */
const twoArms = `<robot name="two_arms">
  <joint name="elbow" type="revolute">
    <parent link="upper"/><child link="fore"/><origin xyz="0 0 -0.3"/><axis xyz="0 1 0"/>
    <limit lower="-2" upper="2" effort="5" velocity="10"/>
  </joint>
  <joint name="wrist" type="fixed"><parent link="fore"/><child link="weight"/><origin xyz="0 0 -0.4"/></joint>
  <joint name="shoulder" type="continuous">
    <parent link="base"/><child link="upper"/><origin xyz="0 0 1"/><axis xyz="0 1 0"/><limit effort="5" velocity="10"/>
  </joint>
  <link name="base"><collision><geometry><mesh filename="package://none/base.stl"/></geometry></collision></link>
  <link name="upper"><inertial><origin xyz="0 0 -0.15"/><mass value="1"/><inertia ixx="0.01" iyy="0.01" izz="0.001"/></inertial></link>
  <link name="fore"><inertial><origin xyz="0 0 -0.2"/><mass value="0.5"/><inertia ixx="0.01" iyy="0.01" izz="0.001"/></inertial></link>
  <link name="weight"><inertial><mass value="0.25"/><inertia ixx="0.001" iyy="0.001" izz="0.001"/></inertial></link>
</robot>`;

describe('other robots', () => {
  it('keeps joint order and scales the moved link with what is fixed to it', async () => {
    const arms = parseUrdf(twoArms, { where: 'two arms' });
    const place = (name: string) => arms.dof.findIndex((j) => arms.joints[j]!.name === name);
    const q = [0, 0];
    [q[place('shoulder')], q[place('elbow')]] = [0.3, 0.9];
    const massScale = [1, 1];
    massScale[place('elbow')] = 3;
    const robot = await twin({ massScale }, {}, arms);
    robot.reset(q, [0, 0]);
    // heights of the three weights; the fixed one is part of the forearm
    const upper = 1 - 0.15 * Math.cos(0.3);
    const elbow = 1 - 0.3 * Math.cos(0.3);
    const fore = elbow - 0.2 * Math.cos(1.2);
    const weight = elbow - 0.4 * Math.cos(1.2);
    expect(robot.energy().potential).toBeCloseTo(9.81 * (upper + 3 * (0.5 * fore + 0.25 * weight)), 9);
  });

  it.skipIf(!existsSync('../shared/data/pendulum'))(
    'loads the CAD export of the real pendulum (needs ../shared/data/pendulum)',
    async () => {
      const real = readModel('../shared/data/pendulum/pendulum.urdf');
      const robot = await twin({}, {}, real);
      robot.reset([0.01], [0]);
      const [inertial] = real.dof.map((j) => real.links[real.joints[j]!.child]!.inertial!);
      const lever = Math.hypot(...inertial!.origin.xyz);
      const times = crossings(robot, 5);
      const period = (times.at(-1)! - times[0]!) / (times.length - 1);
      // A compound pendulum is slower than a point mass at its centre of mass, and not by more than its size allows.
      const point = 2 * Math.PI * Math.sqrt(lever / 9.81);
      expect(period).toBeGreaterThan(0.9 * point);
      expect(period).toBeLessThan(2 * point);
    },
  );
});

describe('bad input', () => {
  it('refuses a command that is not finite, naming joint and field', async () => {
    const robot = await twin();
    expect(() => robot.act(effort(Number.NaN))).toThrow(new NumericError('command effort of joint shoulder is NaN'));
  });

  it('refuses a step that is no multiple of its own', async () => {
    const robot = await twin();
    expect(() => robot.step(0.003)).toThrow(InputError);
    expect(() => robot.step(0.003)).toThrow(/0.003 s is no whole number of physics steps of 0.002 s/);
  });

  it('says that a simulation diverged instead of starting over', async () => {
    const robot = await twin();
    const command = makeCommand(1);
    command.kd[0] = 1e6;
    robot.reset([0], [1]);
    robot.act(command);
    expect(() => robot.step(1)).not.toThrow();
    const wild = await twin({ torqueLimit: [Infinity] });
    wild.reset([0], [1]);
    wild.act(command);
    expect(() => wild.step(1)).toThrow(/joint shoulder has q .*the simulation diverged/);
  });

  it('refuses a link that moves but has no mass', async () => {
    const text = readFileSync('configs/robots/pendulum.urdf', 'utf8').replace(/<inertial>.*?<\/inertial>/s, '');
    const massless = parseUrdf(text, { where: 'massless' });
    await expect(makeTwin(massless, nominalDynamics(massless))).rejects.toThrow(
      'robot pendulum: link arm moves but has no mass',
    );
  });

  it('frees what it took', async () => {
    const mujoco = await loadMujoco();
    const cycle = async () => {
      for (let i = 0; i < 40; i++) (await makeTwin(model, nominalDynamics(model))).close();
      const probe = mujoco.MjModel.from_xml_string('<mujoco/>');
      const bytes = (probe.opt.gravity as Float64Array).buffer.byteLength;
      probe.delete();
      return bytes;
    };
    const first = await cycle();
    for (let i = 0; i < 4; i++) expect(await cycle()).toBe(first);
    const robot = await makeTwin(model, nominalDynamics(model));
    robot.close();
    expect(() => robot.close()).not.toThrow();
  });
});
