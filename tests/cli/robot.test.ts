/** `landfall robot` as a process: its lines, its options, its end, and what it does with stale commands after a stop. */

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { systemClock } from '../../core/clock.ts';
import { closeAll, jointCommand, RawClient, until } from '../bridge/server/served-robot.ts';

const children: ChildProcess[] = [];
afterEach(async () => {
  await closeAll();
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

interface Run {
  readonly child: ChildProcess;
  readonly ended: Promise<number | null>;
  stdout: string;
  stderr: string;
}

function landfall(...args: string[]): Run {
  const child = spawn(process.execPath, ['--import', 'tsx', 'cli/main.ts', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  children.push(child);
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  const run: Run = { child, ended, stdout: '', stderr: '' };
  child.stdout!.on('data', (data) => {
    run.stdout += data;
  });
  child.stderr!.on('data', (data) => {
    run.stderr += data;
  });
  return run;
}

/** Start a robot and wait for its first line. */
async function ready(...args: string[]): Promise<{ run: Run; line: Record<string, unknown>; client: RawClient }> {
  const run = landfall('robot', 'pendulum', '--port', '0', '--json', ...args);
  let over = false;
  void run.ended.then(() => {
    over = true;
  });
  await until(() => run.stdout.includes('\n') || over);
  expect(run.stdout, run.stderr).toContain('\n');
  const line = JSON.parse(run.stdout.split('\n')[0]!) as Record<string, unknown>;
  return { run, line, client: await RawClient.open(line.url as string) };
}

const publish = (effort: number, time: number) => ({
  op: 'publish',
  topic: '/effort_command',
  msg: jointCommand(effort, time),
});

describe('landfall robot', () => {
  it('serves, logs commands, and ends in order', async () => {
    const file = join(mkdtempSync(join(tmpdir(), 'landfall-commands-')), 'commands.ndjson');
    const { run, line, client } = await ready('--log-commands', file, '--mass', '1.4', '--watchdog', '0.5');
    expect(line).toMatchObject({
      event: 'ready',
      robot: 'pendulum',
      engine: '@mujoco/mujoco',
      ros: 2,
      state: { topic: '/joint_states', type: 'sensor_msgs/msg/JointState' },
      command: { topic: '/effort_command', type: 'sensor_msgs/msg/JointState' },
      watchdogSeconds: 0.5,
      pid: run.child.pid,
    });
    const now = systemClock.now();
    client.send(publish(0.3, now));
    client.send(publish(0.4, now - 60));
    client.send({ op: 'publish', topic: '/effort_command', msg: { name: ['elbow'], effort: [1] } });
    await client.call('/rosapi/get_time');
    run.child.kill('SIGINT');
    expect(await run.ended).toBe(0);
    const last = JSON.parse(run.stdout.trim().split('\n').at(-1)!);
    expect(last).toMatchObject({ event: 'stopped', commands: { taken: 1, stale: 1, refused: 1 } });
    const records = readFileSync(file, 'utf8')
      .trim()
      .split('\n')
      .map((text) => JSON.parse(text));
    expect(records).toMatchObject([
      { effort: [0.3], verdict: 'taken' },
      { effort: [0.4], verdict: 'stale' },
      { effort: null, verdict: 'refused', reason: 'no joint named elbow' },
    ]);
    expect(records[0].arrival).toBeGreaterThanOrEqual(records[0].stamp - 0.01);
    rmSync(join(file, '..'), { recursive: true });
  });

  it('takes no command that lay in the socket while the process was stopped', async () => {
    const { run, client } = await ready('--watchdog', '0.2');
    await client.call('/rosapi/get_time');
    run.child.kill('SIGSTOP');
    for (let i = 0; i < 20; i++) {
      client.send(publish(1, systemClock.now()));
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    await new Promise((resolve) => setTimeout(resolve, 400));
    run.child.kill('SIGCONT');
    await client.call('/rosapi/get_time');
    run.child.kill('SIGTERM');
    expect(await run.ended).toBe(0);
    const { commands } = JSON.parse(run.stdout.trim().split('\n').at(-1)!);
    expect(commands).toEqual({ taken: 0, stale: 20, refused: 0 });
    expect(run.stderr).toMatch(/stopped for 0\.\d\d s/);
  });

  it('speaks ROS 1 and has no watchdog when told so', async () => {
    const { line, client } = await ready('--ros', '1', '--no-watchdog', '--engine', 'rapier');
    expect(line).toMatchObject({
      ros: 1,
      engine: '@dimforge/rapier3d-simd-compat',
      watchdogSeconds: null,
      state: { type: 'sensor_msgs/JointState' },
    });
    client.send({ op: 'subscribe', topic: '/joint_states' });
    await until(() => client.on('/joint_states').length > 0);
    expect(client.on('/joint_states')[0]).toMatchObject({ name: ['shoulder'], position: [0] });
  });

  it('shows the robot in the viewer', async () => {
    const { run, line } = await ready('--view');
    const page = new WebSocket(`${String(line.view).replace('http', 'ws')}live`);
    const texts: string[] = [];
    let frames = 0;
    page.on('message', (data, isBinary) => {
      if (isBinary) frames++;
      else texts.push(String(data));
    });
    await until(() => frames > 3);
    expect(texts.find((text) => text.includes('"type":"source"'))).toMatch(/"kind":"robot","title":"robot pendulum"/);
    run.child.kill('SIGINT');
    expect(await run.ended).toBe(0);
  });

  it('leaves nothing running when it cannot start', async () => {
    const { line } = await ready();
    const port = new URL(line.url as string).port;
    const second = landfall('robot', 'pendulum', '--port', port, '--view');
    expect(await second.ended).toBe(2);
    expect(second.stderr).toMatch(/the port is in use/);
  });

  it.each([
    [['robot', 'pendulu'], /there is no robot named pendulu\n {2}did you mean pendulum\?/],
    [['robot', 'pendulum', '--mass', '-1'], /--mass .*-1.*at least 0.001/],
    [['robot', 'pendulum', '--rate', 'fast'], /--rate .*fast.*should be a number/],
    [['robot', 'pendulum', '--port', '0', '--log-commands', '/no/such/folder/x'], /cannot write \/no\/such\/folder\/x/],
    [['robot', 'pendulum', '--port', '0', '--host', '203.0.113.1'], /cannot listen on 203\.0\.113\.1:0/],
  ])('%j ends with 2 and the repair', async (args, message) => {
    const run = landfall(...args);
    expect(await run.ended).toBe(2);
    expect(run.stderr).toMatch(message);
    expect(run.stdout).toBe('');
  });
});
