/** The judge's equations of motion: energy, MuJoCo of the same bodies, and the public Python implementation run on the same torques. */

import { describe, expect, it } from 'vitest';
import { doublePendulum, energyOf, leaderboardModels } from '../../../bench/realaigym/double-pendulum.ts';
import { RungeKutta } from '../../../bench/realaigym/plant.ts';
import { leaderboardPendulum, simplePendulum } from '../../../bench/realaigym/simple-pendulum.ts';
import { type Controller, simulate } from '../../../bench/realaigym/simulate.ts';
import { cos, exp, sin } from '../../../core/math.ts';
import { loadMujoco } from '../../../sim/mujoco.ts';

// What the pinned values come from, in a folder with double_pendulum of dfki-ric-underactuated-lab (commit 1e8544e) on the path,
// p = DoublePendulumPlant(the parameters of design C.1, torque_limit=[0., 6.]), s = Simulator(p), and for each block its settings:
//   s.simulate(0., [0., 0., 0., 0.], 10., 0.002, controller)     with u[driven] = 3 sin(7 t) + 0.5 cos(x[1])
// Sums of products are taken in another order there: 1e-9 over a second is a thousand times what is seen.
const controller: Controller = {
  reset() {},
  torque: (x, t) => 3 * sin(7 * t) + 0.5 * cos(x[1]!),
};
const bell = (amplitude: number, centre: number, width: number) =>
  Float64Array.from({ length: 5000 }, (_, k) => amplitude * exp(-((k * 0.002 - centre) ** 2) / (2 * width * width)));

describe('double pendulum', () => {
  it.each([
    ['acrobot', 1, [4.4856857766467755, 0.9586226637558277, 21.375344036898056, -33.28043837189538]],
    ['pendubot', 0, [-0.8668002270735538, -0.5256614302637711, 10.23220555201313, -34.5803703216378]],
  ] as const)('%s moves as the public implementation does', (name, driven, expected) => {
    const { states } = simulate(doublePendulum(leaderboardModels[name]), controller, { dt: 0.002, steps: 500, driven });
    for (let i = 0; i < 4; i++) expect(states[2000 + i]).toBeCloseTo(expected[i]!, 9);
  });

  it('has the friction and the rotors of the public implementation', () => {
    // damping=[0.05, -0.03], coulomb_fric=[-0.1, 0.12], motor_inertia=6e-5
    const rough = { ...leaderboardModels.acrobot, damping: [0.05, -0.03], coulomb: [-0.1, 0.12], rotor: 6e-5 } as const;
    const { states } = simulate(doublePendulum(rough), controller, { dt: 0.002, steps: 500, driven: 1 });
    const expected = [2.886920399024174, 3.618657756548705, 6.4737057471948445, -17.310861320941903];
    for (let i = 0; i < 4; i++) expect(states[2000 + i]).toBeCloseTo(expected[i]!, 9);
  });

  it('is late, slow and hit as the public simulator is', () => {
    // s.set_measurement_parameters(delay=0.012, delay_mode='posvel'); s.set_motor_parameters(u_responsiveness=0.3)
    // s.set_disturbances([2 exp(-(t - 0.5)^2 / (2 0.07^2)), -3 exp(-(t - 0.8)^2 / (2 0.06^2))])
    const imperfections = { delay: 0.012, response: 0.3, perturbation: [bell(2, 0.5, 0.07), bell(-3, 0.8, 0.06)] };
    const options = { dt: 0.002, steps: 500, driven: 1, imperfections };
    const { states, torques } = simulate(doublePendulum(leaderboardModels.acrobot), controller, options);
    const expected = [8.47898644836689, -7.711944865066642, 40.68552331015479, -75.18022947308964];
    for (let i = 0; i < 4; i++) expect(states[2000 + i]).toBeCloseTo(expected[i]!, 9);
    // At 0.8 s: the motor's limit and the hit beyond it; on the joint without a motor the hit is recorded and does nothing.
    expect(torques[801]).toBe(-9);
    expect(torques[800]).toBeCloseTo(0.00020540512923931045, 15);
  });

  it('keeps its energy without friction and torque', () => {
    const model = leaderboardModels.acrobot;
    const rungeKutta = new RungeKutta(doublePendulum(model));
    const x = Float64Array.of(2, -1, 1, 3);
    const before = energyOf(model, x);
    for (let k = 0; k < 5000; k++) rungeKutta.step(x, new Float64Array(2), 0.002);
    // The method's error is of fourth order: 2e-8 J were seen after 10 s, of 8 J between hanging and standing.
    expect(Math.abs(energyOf(model, x) - before)).toBeLessThan(1e-6);
  });

  it('gains as much energy as its motor gives', () => {
    const model = leaderboardModels.pendubot;
    const { states, torques } = simulate(doublePendulum(model), controller, { dt: 0.0005, steps: 2000, driven: 0 });
    // W = sum of tau dq, exact for torques held over a step
    let work = 0;
    for (let k = 0; k < 2000; k++) work += torques[2 * k]! * (states[4 * (k + 1)]! - states[4 * k]!);
    const gained = energyOf(model, states.subarray(-4)) - energyOf(model, states.subarray(0, 4));
    expect(gained).toBeCloseTo(work, 6);
  });

  it('moves as MuJoCo moves these bodies', async () => {
    const { mass, length, com, inertia } = leaderboardModels.acrobot;
    const about = [inertia[0] - mass[0] * com[0] ** 2, inertia[1] - mass[1] * com[1] ** 2];
    const mujoco = await loadMujoco();
    const link = (i: 0 | 1) =>
      `<joint type="hinge" axis="0 1 0"/><inertial pos="0 0 ${-com[i]}" mass="${mass[i]}" diaginertia="${about[i]} ${about[i]} ${about[i]! / 2}"/>`;
    const model = mujoco.MjModel.from_xml_string(
      `<mujoco><option timestep="0.001" integrator="RK4"/><worldbody><body>${link(0)}<body pos="0 0 ${-length[0]}">${link(1)}</body></body></worldbody></mujoco>`,
    )!;
    const data = new mujoco.MjData(model);
    try {
      data.qpos.set([2, -1]);
      data.qvel.set([1, 3]);
      const x = Float64Array.of(2, -1, 1, 3);
      const rungeKutta = new RungeKutta(doublePendulum(leaderboardModels.acrobot));
      for (let k = 0; k < 1000; k++) {
        mujoco.mj_step(model, data);
        rungeKutta.step(x, new Float64Array(2), 0.001);
      }
      // The same method on the same bodies: what differs is rounding, grown over a second of swinging.
      for (let j = 0; j < 2; j++) {
        expect(data.qpos[j]).toBeCloseTo(x[j]!, 7);
        expect(data.qvel[j]).toBeCloseTo(x[2 + j]!, 6);
      }
    } finally {
      data.delete();
      model.delete();
    }
  });
});

describe('simple pendulum', () => {
  it('moves as the public implementation does', () => {
    // torque_limited_simple_pendulum (commit ed17ea2): PendulumPlant(mass=0.57288, length=0.5, damping=0.1, gravity=9.81,
    // coulomb_fric=0.093, inertia=0.57288 * 0.25, torque_limit=2.0), Simulator.simulate(0., [0., 0.], 10., 0.01, 2.5 sin(4 t))
    const plant = simplePendulum({ ...leaderboardPendulum });
    const wave: Controller = { reset() {}, torque: (_, t) => 2.5 * sin(4 * t) };
    const unclipped = { ...plant, torqueLimit: [Number.POSITIVE_INFINITY] };
    const { states } = simulate(unclipped, wave, { dt: 0.01, steps: 1000, driven: 0 });
    const expected = [
      [100, 0.7107435002156318, -4.607171930558288],
      [1000, -0.8905051818736714, 8.326875978832648],
    ] as const;
    for (const [k, q, qd] of expected) {
      expect(states[2 * k]).toBeCloseTo(q, 9);
      expect(states[2 * k + 1]).toBeCloseTo(qd, 9);
    }
  });
});
