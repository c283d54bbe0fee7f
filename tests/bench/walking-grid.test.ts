/** The grid of commands on a robot that only stands: its errors are the commands themselves. */

import { expect, it } from 'vitest';
import { gridCommands, walkingGrid } from '../../bench/walking-grid.ts';
import { experimentNamed } from '../../configs/index.ts';
import { openExperiment } from '../../loop/experiment.ts';
import type { Bundle } from '../../policy/checkpoint.ts';
import { tensorSizes } from '../../policy/mlp.ts';

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

it('asks 35 different things, standing among them', () => {
  expect(new Set(gridCommands.map((asked) => asked.join()))).toHaveProperty('size', 35);
  expect(gridCommands).toContainEqual([0, 0, 0, 0]);
  expect(gridCommands.filter(([vx, vy, wz]) => vx !== 0 || vy !== 0 || wz !== 0).every((asked) => asked[3] === 2)).toBe(
    true,
  );
});

it('scores a robot that stands by what it was asked', async () => {
  const experiment = await openExperiment(experimentNamed('quadruped-velocity'));
  const { contract } = experiment;
  const weights = tensorSizes(contract.network.layers).map((size) => new Float32Array(size));
  const bundle: Bundle = { contract, weights, logStd: new Float32Array(12), path: 'zeros' };
  const score = await walkingGrid(experiment, bundle, 'rapier');
  expect(score.falls).toBe(0);
  // It sways by less than this, m/s and rad/s.
  const sway = 0.01;
  const speeds = gridCommands.map(([vx, vy]) => Math.hypot(vx!, vy!));
  const turns = gridCommands.map(([, , wz]) => Math.abs(wz!));
  expect(Math.abs(score.linearError - mean(speeds))).toBeLessThan(sway);
  expect(Math.abs(score.angularError - mean(turns))).toBeLessThan(sway);
  expect(Math.abs(score.linear - mean(speeds.map((v) => Math.exp(-(v * v) / 0.25))))).toBeLessThan(sway);
  expect(Math.abs(score.angular - mean(turns.map((w) => Math.exp(-(w * w) / 0.25))))).toBeLessThan(sway);
}, 60_000);
