/**
 * The robot's server as a process of its own, killed and stopped in the middle of an episode. What arrives there is in
 * its own log, so that a command which comes late cannot hide.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DeployReport } from '../../bridge/deploy-report.ts';
import type { CommandRecord } from '../../bridge/server/command-log.ts';
import type { LoopState } from '../../bridge/states.ts';
import { systemClock } from '../../core/clock.ts';
import type { Episode } from '../../core/episode.ts';
import { land, recordedEpisodes, removeDirectories, temporaryDirectory } from './landing.ts';

interface RobotProcess {
  readonly child: ChildProcess;
  readonly url: string;
  readonly commands: () => CommandRecord[];
}

const children: ChildProcess[] = [];

async function startRobot(port: number): Promise<RobotProcess> {
  const log = join(temporaryDirectory(), 'commands.ndjson');
  const args = ['robot', 'pendulum', '--port', String(port), '--log-commands', log, '--watchdog', '0.2', '--json'];
  const child = spawn(process.execPath, ['--import', 'tsx', 'cli/main.ts', ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  const [line] = (await once(createInterface({ input: child.stdout! }), 'line')) as [string];
  const { url } = JSON.parse(line) as { url: string };
  const commands = () =>
    existsSync(log)
      ? readFileSync(log, 'utf8')
          .split('\n')
          .filter((entry) => entry !== '')
          .map((entry) => JSON.parse(entry) as CommandRecord)
      : [];
  return { child, url, commands };
}

function sleep(seconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, seconds * 1000));
}

interface Loss {
  readonly report: DeployReport | null;
  readonly error: Error | null;
  readonly way: readonly LoopState[];
  readonly episode: Episode | undefined;
  /** Commands that reached the robot until the loss, and after it was back. */
  readonly before: readonly CommandRecord[];
  readonly after: readonly CommandRecord[];
  /** From the loss to the end of the deployment, s. */
  readonly took: number;
}

/** kill -9, and another server on the same port. */
async function kill(): Promise<Loss> {
  const robot = await startRobot(0);
  const landing = land(robot.url);
  await landing.recorded(25);
  robot.child.kill('SIGKILL');
  const lostAt = systemClock.now();
  const again = await startRobot(Number(new URL(robot.url).port));
  const { report, error } = await landing.outcome;
  const took = systemClock.now() - lostAt;
  await sleep(1);
  const [episode] = await recordedEpisodes(landing.directory);
  return { report, error, way: landing.way, episode, before: robot.commands(), after: again.commands(), took };
}

/** SIGSTOP for 5 s, then SIGCONT: the socket stays open all the time. */
async function freeze(): Promise<Loss> {
  const robot = await startRobot(0);
  const landing = land(robot.url);
  await landing.recorded(25);
  robot.child.kill('SIGSTOP');
  const lostAt = systemClock.now();
  const ended = landing.outcome.then((outcome) => ({ ...outcome, took: systemClock.now() - lostAt }));
  await sleep(5);
  const resumedAt = systemClock.now();
  robot.child.kill('SIGCONT');
  const { report, error, took } = await ended;
  await sleep(1);
  const [episode] = await recordedEpisodes(landing.directory);
  const records = robot.commands();
  const before = records.filter(({ arrival }) => arrival < resumedAt);
  const after = records.filter(({ arrival }) => arrival >= resumedAt);
  return { report, error, way: landing.way, episode, before, after, took };
}

let losses: { killed: Loss; stopped: Loss };

beforeAll(async () => {
  const [killed, stopped] = await Promise.all([kill(), freeze()]);
  losses = { killed, stopped };
}, 120_000);

afterAll(async () => {
  for (const child of children) {
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  }
  removeDirectories();
});

describe.each(['killed', 'stopped'] as const)('a robot that is %s', (how) => {
  it('ends the deployment with an error that names the cause', () => {
    const { report, error, way } = losses[how];
    expect(error?.name).toBe('DeployFault');
    expect(report?.fault?.name).toBe(how === 'killed' ? 'link-closed' : 'silence');
    expect(way.slice(-2)).toEqual(['final-damping', 'disarmed']);
    expect(report?.damping).toMatch(/^damping not sent: .*the test server stops the robot after 0.2 s/);
  });

  it('leaves the episode so far on disk', () => {
    const { episode, error } = losses[how];
    expect(episode!.steps.length).toBeGreaterThanOrEqual(25);
    expect(episode!.outcome).toEqual({ reason: error!.message, completed: false });
  });

  it('was given fresh commands before', () => {
    const taken = losses[how].before.filter(({ verdict }) => verdict === 'taken');
    expect(taken.length).toBeGreaterThan(25);
    for (const { arrival, stamp } of taken) expect(arrival - stamp!).toBeLessThanOrEqual(0.2);
  });
});

it('a new server on the port of a killed one hears nothing', () => {
  expect(losses.killed.after).toEqual([]);
});

it('a server that was stopped for 5 s takes nothing that was sent meanwhile', () => {
  const { after, took } = losses.stopped;
  expect(after.filter(({ verdict }) => verdict === 'taken')).toEqual([]);
  // What the kernel had before the silence was noticed cannot be called back; the stamp has it refused.
  expect(after.length).toBeLessThanOrEqual(2);
  for (const { verdict } of after) expect(verdict).toBe('stale');
  // The bridge did not wait for it.
  expect(took).toBeLessThan(5);
});
