/** The faults of the guard's benchmark by hand, and that one injected in the twin changes what comes after it and nothing before. */

import { expect, it } from 'vitest';
import { type FaultyRobot, injectedFaults } from '../../bench/transfer/guard-faults.ts';
import { onsetOf, runTrials } from '../../bench/transfer/guard-trials.ts';
import { experimentNamed } from '../../configs/index.ts';
import { evaluationRecipe, openExperiment } from '../../loop/experiment.ts';
import { nominalDynamics } from '../../sim/dynamics.ts';
import { model } from '../bridge/server/served-robot.ts';

const robot: FaultyRobot = { driven: [0], rateHz: 50, spread: [0.5], floats: false };
const nominal = { ...nominalDynamics(model), positionNoise: 0.002, latency: 0.01 };
const changed = (name: string) => injectedFaults[name]!.apply(nominal, 3, robot);

it('are what they say', () => {
  expect(changed('gain')).toEqual({ ...nominal, torqueScale: [0.5] });
  expect(changed('dead-joint')).toEqual({ ...nominal, torqueScale: [0] });
  expect(changed('latency')?.latency).toBeCloseTo(0.01 + 3 / 50, 12);
  expect(changed('bias')?.encoderBias[0]).toBeCloseTo(1.5, 12);
  expect(changed('small-bias')?.encoderBias[0]).toBeCloseTo(0.006, 12);
  expect(changed('payload')).toEqual({ ...nominal, massScale: [1.5] });
  expect(changed('friction')?.friction[0]).toBeCloseTo(0.1 * nominal.friction[0]!, 12);
  // Where there is none of it, there is no such fault.
  const still = { ...nominal, damping: [0], friction: [0], positionNoise: 0 };
  expect(injectedFaults.friction!.apply(still, 0, robot)).toBeNull();
  expect(injectedFaults['small-bias']!.apply(still, 0, robot)).toBeNull();
  const two = { ...nominal, torqueScale: [1, 1] };
  expect(injectedFaults['dead-joint']!.apply(two, 3, { ...robot, driven: [0, 1] })?.torqueScale).toEqual([1, 0]);
});

it.each(['gain', 'payload'])('%s changes an episode from its onset on', async (name) => {
  const experiment = await openExperiment(experimentNamed('pendulum'));
  const { task, dynamics } = experiment;
  const recipe = { ...evaluationRecipe(experiment, experiment.contract, 'mujoco', 1), dynamics, randomization: 0 };
  const plan = { recipe, task, bundle: null, first: 7, count: 1 };
  const [good] = await runTrials(plan);
  const [bad] = await runTrials({ ...plan, fault: { fault: injectedFaults[name]!, robot } });
  const onset = onsetOf(recipe.key, task, 7);
  expect(good!.onset).toBe(Infinity);
  expect(bad!.onset).toBe(onset);
  // Between 5% and 25% of 500 steps.
  expect(onset).toBeGreaterThanOrEqual(25);
  expect(onset).toBeLessThanOrEqual(125);
  // The reading at the onset is still the good one; the next is not. A reset to the same state may round the last bit.
  for (let t = 0; t <= onset; t++) expect(bad!.q[t]).toBeCloseTo(good!.q[t]!, 9);
  expect(Math.abs(bad!.q[onset + 10]! - good!.q[onset + 10]!)).toBeGreaterThan(1e-4);
});
