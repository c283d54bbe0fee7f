/** `landfall tasks`: a line a task, and every part of one. */

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { tasks } from '../../sim/tasks/index.ts';

async function landfall(...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', 'cli/main.ts', 'tasks', ...args]);
  return stdout;
}

it('lists every task with its robot and sizes', async () => {
  const out = await landfall();
  for (const { name, robot, summary } of Object.values(tasks)) {
    expect(out).toMatch(new RegExp(`^${name} +${robot} +\\d+ +\\d+ +\\d+ +.*${summary}$`, 'm'));
  }
});

it('shows what one is made of', async () => {
  const out = await landfall('quadruped-velocity');
  const task = tasks['quadruped-velocity']!;
  const parts = [
    ...[...task.observations, ...task.criticObservations!, ...task.actions].map(({ name }) => name),
    ...Object.keys(task.rewards),
    ...Object.keys(task.terminations),
    ...Object.keys(task.randomization),
    ...task.command!.names,
    task.reference!.doc,
    '/joint_commands',
  ];
  for (const part of parts) expect(out).toContain(part);
});
