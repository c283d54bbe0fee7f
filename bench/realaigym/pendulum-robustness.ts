/**
 * The robustness leaderboard of the simple pendulum: random starts, random hits, random bodies, and the least torque limit. A run
 * succeeds once it comes within 0.1 rad and 0.1 rad/s of standing. Knows no controller.
 */

import { clamp, wrapAngle } from '../../core/math.ts';
import { foldIn, keyOf, RandomStream } from '../../core/rng.ts';
import { RungeKutta } from './plant.ts';
import { type SimplePendulumParameters, simplePendulum } from './simple-pendulum.ts';
import type { Controller } from './simulate.ts';

export interface PendulumRobustness {
  /** Mean of the three shares and (10 - least torque) / 10; the last is 0 where no limit will do. */
  readonly score: number;
  readonly shares: { readonly starts: number; readonly hits: number; readonly bodies: number };
  /** N m; null where even the motor's own limit is not enough. */
  readonly leastTorque: number | null;
}

const DT = 0.01;
const SECONDS = 10;
const ITERATIONS = 100;
const NEAR = 0.1;
const LIMITS = [10, 5, 2.5, 2, 1.5, 1, 0.5, 0.25, 0.1] as const;
/** A hit: N m at most, and for how many steps. */
const HIT = 2;
const HIT_STEPS = 100;
const HITS = 4;

interface Attempt {
  readonly start?: readonly [number, number];
  /** Of each hit, N m. */
  readonly hits?: readonly number[];
  /** N m, on what the controller asks for. */
  readonly limit?: number;
  readonly seconds?: number;
}

function reaches(model: SimplePendulumParameters, controller: Controller, attempt: Attempt): boolean {
  const { start = [0, 0], hits = [], limit = Number.POSITIVE_INFINITY, seconds = SECONDS } = attempt;
  const plant = simplePendulum(model);
  const integrator = new RungeKutta(plant);
  const x = Float64Array.from(start);
  const measured = new Float64Array(2);
  const tau = new Float64Array(1);
  let hit = 0;
  let lasted = 0;
  controller.reset();
  for (let t = 0; t < seconds; ) {
    measured.set(x);
    let torque = controller.torque(measured, t);
    // Hits begin at 0, 0.8/3, 1.6/3 and 0.8 of the run.
    if (hit < hits.length && (lasted > 0 || t > (hit * 0.8 * seconds) / (HITS - 1))) {
      torque += hits[hit]!;
      if (++lasted >= HIT_STEPS) {
        hit++;
        lasted = 0;
      }
    }
    tau[0] = clamp(torque, -limit, limit);
    integrator.step(x, tau, DT);
    t += DT;
    if (Math.abs(wrapAngle(x[0]! - Math.PI)) < NEAR && Math.abs(x[1]!) < NEAR) return true;
  }
  return false;
}

/** @param seed of everything random */
export function pendulumRobustness(
  model: SimplePendulumParameters,
  controller: Controller,
  seed: number,
): PendulumRobustness {
  const key = foldIn(keyOf(seed), 3);
  const share = (purpose: number, attempt: (random: RandomStream) => boolean) => {
    let successes = 0;
    for (let i = 0; i < ITERATIONS; i++) {
      if (attempt(new RandomStream(foldIn(foldIn(key, purpose), i)))) successes++;
    }
    return successes / ITERATIONS;
  };
  const starts = share(0, (random) =>
    reaches(model, controller, {
      start: [random.between(-Math.PI, Math.PI), random.between(-3 * Math.PI, 3 * Math.PI)],
    }),
  );
  const hits = share(1, (random) =>
    reaches(model, controller, { hits: Array.from({ length: HITS }, () => random.between(-HIT, HIT)) }),
  );
  const bodies = share(2, (random) => {
    // p' = (p + U(0, 0.1)) U(0.5, 1.5)
    const changed = (value: number) => (value + random.between(0, 0.1)) * random.between(0.5, 1.5);
    const mass = changed(model.mass);
    const length = changed(model.length);
    const damping = changed(model.damping);
    const coulomb = changed(model.coulomb);
    const inertia = changed(model.inertia);
    return reaches({ ...model, mass, length, damping, coulomb, inertia }, controller, {});
  });
  let leastTorque: number | null = null;
  for (const limit of LIMITS) {
    if (!reaches(model, controller, { limit, seconds: 10 * SECONDS })) break;
    leastTorque = limit;
  }
  const last = leastTorque === null ? 0 : (10 - leastTorque) / 10;
  return { score: (starts + hits + bodies + last) / 4, shares: { starts, hits, bodies }, leastTorque };
}
