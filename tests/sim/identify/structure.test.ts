/** The structure check on a linear problem without a simulator, whose residuals are known to the last number. */

import { describe, expect, it } from 'vitest';
import { foldIn, keyOf, RandomStream } from '../../../core/rng.ts';
import { nominalDynamics } from '../../../sim/dynamics.ts';
import type { Estimation } from '../../../sim/identify/estimate.ts';
import { fitParameters } from '../../../sim/identify/parameters.ts';
import type { Recording } from '../../../sim/identify/recording.ts';
import { RobustLoss } from '../../../sim/identify/robust-loss.ts';
import { checkStructure, noiseVariances } from '../../../sim/identify/structure.ts';
import { cutWindows } from '../../../sim/identify/windows.ts';
import { model } from './planted.ts';

const KEY = keyOf(21);
const NOISE = 0.02;
const COUNT = 4001;

/** Readings that are noise of deviation NOISE around nothing, in units of 1. */
function noisy(): Recording {
  const random = new RandomStream(KEY);
  const noise = () => Float64Array.from({ length: COUNT }, () => NOISE * random.normal());
  const times = Float64Array.from({ length: COUNT }, (_, k) => k / 100);
  const [q, qd, torque] = [noise(), noise(), new Float64Array(COUNT)];
  return {
    name: 'noise',
    joints: ['shoulder'],
    times,
    q,
    qd,
    qdSmooth: qd,
    wild: new Uint8Array(COUNT),
    torque,
    torqueRepaired: torque,
    torqueTimes: times,
    measured: false,
    qScale: [1],
    qdScale: [1],
    wildVelocities: 0,
    wildTorques: 0,
  };
}

/** Two parameters that act on a window as two waves; `wanted` is where each window's own optimum lies. */
async function checked(wanted: (window: number, parameter: number) => number) {
  const recording = noisy();
  const windows = cutWindows(recording, { seconds: 0.5, stride: 0.5, begin: 0, end: 1, soundStarts: true }).map(
    (window) => ({ ...window, recording: 0 }),
  );
  const parameters = fitParameters(['massScale', 'comScale'], [{ torque: 1, velocity: 1 }], false);
  const residuals = (u: readonly number[]) =>
    windows.map(({ from, to }, w) =>
      Float64Array.from({ length: 2 * (to - from) }, (_, i) => {
        const k = i >> 1;
        const wave = (p: number) => Math.sin(0.4 * (p + 1) * k + w);
        const noise = i % 2 === 0 ? recording.q[from + 1 + k]! : recording.qd[from + 1 + k]!;
        return noise + [0, 1].reduce((sum, p) => sum + wave(p) * (u[p]! - wanted(w, p)), 0);
      }),
    );
  const u = [0, 0];
  const loss = new RobustLoss([recording], windows, residuals(u));
  const dynamics = nominalDynamics(model);
  const estimates = parameters.map((parameter) => ({
    parameter,
    value: 1,
    nominal: 1,
    sd: 0.01,
    relativeSd: 0.01,
    identifiable: true,
    confoundedWith: null,
    atEdge: false,
  }));
  const estimation: Estimation = {
    dynamics,
    estimates,
    fit: {
      dynamics,
      point: { u, residuals: residuals(u), value: loss.value(residuals(u)) },
      problem: { residuals: async (points) => points.map(residuals), loss, lower: [-2, -2], upper: [2, 2] },
      windows,
    },
  };
  return checkStructure(estimation, [recording], 2, foldIn(KEY, 1));
}

describe('checkStructure', () => {
  it('finds the noise of the sensors', () => {
    for (const variance of noiseVariances(noisy())) expect(Math.abs(variance / NOISE ** 2 - 1)).toBeLessThan(0.1);
  });

  it('of the right structure: both deviations agree, and only noise is left', async () => {
    const { ratio, ratios, misfit, suspect } = await checked(() => 0);
    expect(ratios.map((r) => r.parameter.name)).toEqual(['massScale', 'comScale']);
    // 80 windows in blocks of two: a deviation is known to a tenth or so.
    expect(Math.abs(ratio - 1)).toBeLessThan(0.4);
    expect(Math.abs(misfit - 1)).toBeLessThan(0.1);
    expect(suspect).toBe(false);
  });

  it('of a structure that asks for other parameters in other windows: the fit is suspect', async () => {
    const random = new RandomStream(foldIn(KEY, 2));
    const own = Array.from({ length: 200 }, () => 0.05 * random.normal());
    const { ratio, suspect } = await checked((w, p) => own[2 * w + p]!);
    expect(ratio).toBeGreaterThan(5);
    expect(suspect).toBe(true);
  });
});
