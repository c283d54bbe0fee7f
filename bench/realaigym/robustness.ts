/**
 * The robustness leaderboard of the double pendulum: six kinds of trouble, each a share of successes, and their mean. A run succeeds
 * when it ends within 0.35 rad and 1 rad/s of standing. Knows no controller.
 */

import { wrapAngle } from '../../core/math.ts';
import { foldIn, keyOf, RandomStream } from '../../core/rng.ts';
import { type DoublePendulumParameters, doublePendulum } from './double-pendulum.ts';
import { perturbationProfile } from './perturbation.ts';
import { type Controller, type Imperfections, simulate } from './simulate.ts';

export const troubles = ['model', 'velocityNoise', 'torqueNoise', 'torqueResponse', 'delay', 'perturbations'] as const;

export type Trouble = (typeof troubles)[number];

/** One value of one trouble. A value with several runs counts as one success when more than half of them succeed. */
export interface Trial {
  readonly trouble: Trouble;
  readonly model: DoublePendulumParameters;
  readonly imperfections: Imperfections;
  readonly runs: number;
}

export interface Robustness {
  /** Mean of the shares. */
  readonly score: number;
  readonly shares: Readonly<Record<Trouble, number>>;
}

const SECONDS = 10;
const DT = 0.002;
const STEPS = 5000;
const VALUES = 21;
/** Runs of each noise. */
const REPETITIONS = 10;
const PERTURBATIONS = 50;
/** rad and rad/s from standing. */
const ANGLE = 0.35;
const SPEED = 1;

function spread(lower: number, upper: number): number[] {
  return Array.from({ length: VALUES }, (_, i) => lower + (i * (upper - lower)) / (VALUES - 1));
}

/** The ten model parameters, each over 21 values, the others nominal. */
function modelVariations(p: DoublePendulumParameters): DoublePendulumParameters[] {
  const share = spread(0.75, 1.25);
  const damping = spread(-0.1, 0.1);
  const coulomb = spread(-0.2, 0.2);
  return [
    ...spread(0, 1e-4).map((rotor) => ({ ...p, rotor })),
    // Mass times distance of a link, by its distance.
    ...share.map((s) => ({ ...p, com: [s * p.com[0], p.com[1]] as const })),
    ...share.map((s) => ({ ...p, inertia: [s * p.inertia[0], p.inertia[1]] as const })),
    ...damping.map((b) => ({ ...p, damping: [b, p.damping[1]] as const })),
    ...coulomb.map((c) => ({ ...p, coulomb: [c, p.coulomb[1]] as const })),
    ...share.map((s) => ({ ...p, com: [p.com[0], s * p.com[1]] as const })),
    ...share.map((s) => ({ ...p, mass: [p.mass[0], s * p.mass[1]] as const })),
    ...share.map((s) => ({ ...p, inertia: [p.inertia[0], s * p.inertia[1]] as const })),
    ...damping.map((b) => ({ ...p, damping: [p.damping[0], b] as const })),
    ...coulomb.map((c) => ({ ...p, coulomb: [p.coulomb[0], c] as const })),
  ];
}

/** Everything the leaderboard tries. @param seed of the perturbations */
export function robustnessTrials(model: DoublePendulumParameters, seed: number): Trial[] {
  const key = foldIn(keyOf(seed), 1);
  const trial = (trouble: Trouble, imperfections: Imperfections, runs = 1): Trial => ({
    trouble,
    model,
    imperfections,
    runs,
  });
  return [
    ...modelVariations(model).map((varied): Trial => ({ ...trial('model', {}), model: varied })),
    ...spread(0, 0.5).map((velocityNoise) => trial('velocityNoise', { velocityNoise }, REPETITIONS)),
    ...spread(0, 1.1).map((torqueNoise) => trial('torqueNoise', { torqueNoise }, REPETITIONS)),
    ...spread(0.1, 2).map((response) => trial('torqueResponse', { response })),
    ...spread(0, 0.04).map((delay) => trial('delay', { delay })),
    ...Array.from({ length: PERTURBATIONS }, (_, i) =>
      trial('perturbations', { perturbation: perturbationProfile(new RandomStream(foldIn(key, i)), SECONDS, DT) }),
    ),
  ];
}

/** Whether a state stands. @param x [4] */
export function stands(x: ArrayLike<number>): boolean {
  return (
    Math.abs(wrapAngle(x[0]! - Math.PI)) < ANGLE &&
    Math.abs(wrapAngle(x[1]!)) < ANGLE &&
    Math.abs(x[2]!) < SPEED &&
    Math.abs(x[3]!) < SPEED
  );
}

/** @param driven the joint the controller commands @param seed of the noise */
export function runTrial(trial: Trial, controller: Controller, driven: number, seed: number, index: number): boolean {
  const plant = doublePendulum(trial.model);
  const key = foldIn(foldIn(keyOf(seed), 2), index);
  let successes = 0;
  for (let run = 0; run < trial.runs; run++) {
    const random = new RandomStream(foldIn(key, run));
    const { imperfections } = trial;
    const { states } = simulate(plant, controller, { dt: DT, steps: STEPS, driven, imperfections, random });
    if (stands(states.subarray(-4))) successes++;
  }
  return successes > trial.runs / 2;
}

/** @param passed by trial */
export function robustnessOf(trials: readonly Trial[], passed: readonly boolean[]): Robustness {
  const share = (trouble: Trouble) => {
    const mine = passed.filter((_, i) => trials[i]!.trouble === trouble);
    return mine.filter(Boolean).length / mine.length;
  };
  const shares = Object.fromEntries(troubles.map((trouble) => [trouble, share(trouble)])) as Record<Trouble, number>;
  return { score: troubles.reduce((sum, trouble) => sum + shares[trouble], 0) / troubles.length, shares };
}
