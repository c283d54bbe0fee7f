/** Regulators against their equation, the curve and the teacher, and a bundle against the network it was made of. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { doublePendulum, leaderboardModels } from '../../../bench/realaigym/double-pendulum.ts';
import { FEATURES, studentContract, writeFeatures } from '../../../bench/realaigym/imitation/student.ts';
import { curveAt, holdingTorque, searchSwing, standing } from '../../../bench/realaigym/imitation/swing.ts';
import { swingTeacher } from '../../../bench/realaigym/imitation/teacher.ts';
import { writeBundle } from '../../../bench/realaigym/imitation/train.ts';
import { judged, performanceRun } from '../../../bench/realaigym/judge.ts';
import { onnxRun } from '../../../bench/realaigym/onnx-run.ts';
import { policyController, policyLoop } from '../../../bench/realaigym/policy-controller.ts';
import { simulate } from '../../../bench/realaigym/simulate.ts';
import { experiments } from '../../../configs/index.ts';
import { wrapAngle } from '../../../core/math.ts';
import { keyOf, RandomStream } from '../../../core/rng.ts';
import { openExperiment } from '../../../loop/experiment.ts';
import { Actor } from '../../../policy/actor.ts';
import { loadBundle } from '../../../policy/checkpoint.ts';
import { Mlp, splitTensors, tensorSizes } from '../../../policy/mlp.ts';

describe('the regulator that holds', () => {
  it.each(['acrobot', 'pendubot'] as const)('holds the %s up, at the cost it predicts', (task) => {
    const regulator = standing(task);
    const { driven } = judged[task];
    const plant = doublePendulum(leaderboardModels[task]);
    // Start near standing by handing the run over with an offset angle.
    const off = [0.01, -0.005, 0, 0];
    const shifted = {
      ...plant,
      derivative: (x: Float64Array, tau: Float64Array, out: Float64Array) => {
        const turned = Float64Array.of(x[0]! + Math.PI + off[0]!, x[1]! + off[1]!, x[2]!, x[3]!);
        plant.derivative(turned, tau, out);
      },
    };
    let cost = 0;
    const controller = {
      reset() {},
      torque(x: Float64Array) {
        const at = [x[0]! + Math.PI + off[0]!, x[1]! + off[1]!, x[2]!, x[3]!];
        const u = holdingTorque(regulator, at);
        const e = [wrapAngle(at[0]! - Math.PI), at[1]!, at[2]!, at[3]!];
        cost += 0.002 * (e[0]! ** 2 + e[1]! ** 2 + 0.1 * (e[2]! ** 2 + e[3]! ** 2) + u * u);
        return u;
      },
    };
    const { states } = simulate(shifted, controller, { dt: 0.002, steps: 2000, driven });
    expect(Math.abs(states.at(-4)! + off[0]!)).toBeLessThan(1e-4);
    let predicted = 0;
    for (let i = 0; i < 4; i++) for (let j = 0; j < 4; j++) predicted += regulator.cost[4 * i + j]! * off[i]! * off[j]!;
    // x' S x of the linear model; 0.01 rad off, sines are 2e-5 from their arguments.
    expect(cost / predicted).toBeCloseTo(1, 2);
  });
});

describe('the swing-up', () => {
  it('passes its points', () => {
    const points = [1, -2, 3, 0.5];
    for (let i = 0; i < 4; i++) expect(curveAt(points, i / 3)).toBeCloseTo(points[i]!, 12);
  });

  it('of a short search gets the pendubot up, and its teacher knows the way', async () => {
    const swing = await searchSwing('pendubot', { seed: 1, tries: 2, evaluations: 4000 });
    expect(swing.score).toBeGreaterThan(0.3);
    const teacher = swingTeacher('pendubot', swing, 3);
    // On the trajectory itself the teacher says the trajectory's torque; every third point is one it compares.
    const n = 3 * Math.floor(teacher.torques.length / 9);
    expect(teacher.torque(teacher.states.subarray(4 * n, 4 * n + 4))).toBeCloseTo(teacher.torques[n]!, 6);
    expect(teacher.distance).toBeLessThan(1e-9);
    const run = simulate(
      doublePendulum(leaderboardModels.pendubot),
      { reset() {}, torque: (x) => teacher.torque(x) },
      { dt: 0.002, steps: 3000, driven: 0 },
    );
    expect(Math.abs(wrapAngle(run.states.at(-4)! - Math.PI))).toBeLessThan(0.05);
  }, 60_000);
});

describe('a bundle of a student', () => {
  it('acts as its network of features does', async () => {
    const hidden = [16, 16];
    const layers = [FEATURES, ...hidden, 1];
    const random = new RandomStream(keyOf(5));
    const sizes = tensorSizes(layers);
    const parameters = Float32Array.from({ length: sizes.reduce((a, b) => a + b) }, () => 0.2 * random.normal());
    const { contract } = await openExperiment({ ...experiments.acrobot!, seed: 1 });
    const folder = await mkdtemp(join(tmpdir(), 'landfall-'));
    try {
      const swing = { seconds: 1, points: [0, 0], score: 0 };
      const path = await writeBundle(folder, studentContract(contract, 'acrobot', hidden), parameters, swing);
      const bundle = await loadBundle(path);
      const { joints, driven, dt } = judged.acrobot;
      const policy = policyController(
        policyLoop(bundle.contract, joints, driven, dt),
        new Actor(bundle.contract, bundle.weights),
      );
      const mlp = new Mlp(layers, 'elu');
      const features = new Float32Array(FEATURES);
      const action = new Float32Array(1);
      policy.reset();
      const history: Float64Array[] = [];
      for (let k = 0; k < 20; k++) {
        const x = Float64Array.of(0.1 * k, 3 - 0.07 * k, 9, 9);
        history.push(x);
        const torque = policy.torque(x, k * dt);
        // Velocities are made from the positions: two steps back, where there are two.
        const before = history[Math.max(0, k - 2)]!;
        const made = [0, 1].map((j) => (x[j]! - before[j]!) / (2 * dt));
        writeFeatures([x[0]!, x[1]!, made[0]!, made[1]!], features, 0);
        mlp.forward(splitTensors(parameters, sizes), features, action);
        const wanted = Math.max(-6, Math.min(6, 6 * action[0]!));
        // Positions of a few rad in float32, times 25: 1e-5 in the first layer.
        expect(Math.abs(torque - wanted)).toBeLessThan(1e-3);
      }
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('moves the acrobot the same way from its ONNX file', async () => {
    const hidden = [16, 16];
    const random = new RandomStream(keyOf(7));
    const size = tensorSizes([FEATURES, ...hidden, 1]).reduce((a, b) => a + b);
    const parameters = Float32Array.from({ length: size }, () => 0.3 * random.normal());
    const { contract } = await openExperiment({ ...experiments.acrobot!, seed: 1 });
    const folder = await mkdtemp(join(tmpdir(), 'landfall-'));
    try {
      const swing = { seconds: 1, points: [0, 0], score: 0 };
      const bundle = await loadBundle(
        await writeBundle(folder, studentContract(contract, 'acrobot', hidden), parameters, swing),
      );
      const { joints, driven, dt } = judged.acrobot;
      const actor = new Actor(bundle.contract, bundle.weights);
      const expected = performanceRun(
        'acrobot',
        policyController(policyLoop(bundle.contract, joints, driven, dt), actor),
      );
      const run = (await onnxRun('acrobot', bundle))!;
      // Over the first 0.4 s rounding in the network has not grown: its torques differ by 1e-5 N m.
      expect(Math.abs(expected.states[4 * 200 + 1]!)).toBeGreaterThan(0.01);
      for (let i = 0; i < 4 * 200; i++) expect(Math.abs(run.states[i]! - expected.states[i]!)).toBeLessThan(1e-3);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('is refused for another task', async () => {
    const { contract } = await openExperiment({ ...experiments.acrobot!, seed: 1 });
    const student = studentContract(contract, 'acrobot', [8]);
    expect(() => policyLoop(student, ['shoulder', 'elbow'], 0, 0.002)).toThrow(/commands elbow/);
    expect(() => policyLoop(student, ['shoulder', 'elbow'], 1, 0.005)).toThrow(/500 Hz/);
    const odd = { ...student, control: { ...student.control, rateHz: 300 } };
    expect(() => policyLoop(odd, ['shoulder', 'elbow'], 1, 0.002)).toThrow(/300 Hz/);
  });
});
