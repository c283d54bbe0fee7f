/** `landfall bench sim` prints what it promises; how fast is for the full measurement to say. */

import { spawnSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { simBench } from '../../bench/sim.ts';

it('prints one JSON object, a task an entry', { timeout: 60_000 }, () => {
  const args = ['--import', 'tsx', 'cli/main.ts', 'bench', 'sim', 'pendulum', '--seconds', '1', '--json'];
  const { stdout, status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8', timeout: 60_000 });
  expect(status, stderr).toBe(0);
  const { tasks } = JSON.parse(stdout) as Awaited<ReturnType<typeof simBench>>;
  expect(Object.keys(tasks)).toEqual(['pendulum']);
  const { share, ...figures } = tasks.pendulum!;
  expect(Object.keys(share)).toEqual(['physics', 'observation', 'actor', 'other']);
  const parts = Object.values(share);
  // Rounding of four numbers.
  expect(parts.reduce((sum, part) => sum + part)).toBeCloseTo(1, 9);
  expect(Math.min(...parts)).toBeGreaterThan(0);
  expect(figures.stepsPerSecondPerCore).toBeGreaterThan(0);
  expect(figures.scaling2).toBeGreaterThan(0);
  expect(figures.processorShare).toBeGreaterThan(0);
  expect(figures.mujocoWasmStepsPerSecond).toBeGreaterThan(0);
  expect(figures.mujocoRatio).toBeGreaterThan(0);
  expect(figures.mujocoMissing).toBeUndefined();
  expect(figures.allocatedBytesPerStep).toBeGreaterThanOrEqual(0);
});

it('refuses a task that is not there', async () => {
  await expect(simBench({ tasks: ['pendulun'], seconds: 1, environments: 1 })).rejects.toThrow('pendulun');
});
