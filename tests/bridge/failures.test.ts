/**
 * What real robots and bridges have been seen doing wrong, in the middle of an episode, over real sockets: the bridge
 * stops, says why, and leaves the episode on disk; and no command arrives that is older than its moment.
 */

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { DeployReport } from '../../bridge/deploy-report.ts';
import type { FaultName } from '../../bridge/faults.ts';
import type { CommandRecord } from '../../bridge/server/command-log.ts';
import type { Misbehaviour } from '../../bridge/server/misbehaviour.ts';
import type { LoopState } from '../../bridge/states.ts';
import { systemClock } from '../../core/clock.ts';
import type { Episode } from '../../core/episode.ts';
import { land, recordedEpisodes, removeDirectories } from './landing.ts';
import { closeAll, serve } from './server/served-robot.ts';

interface Failure {
  readonly misbehaviour: Misbehaviour;
  readonly fault: FaultName;
  readonly message: RegExp;
  readonly damping: RegExp;
}

const failures: readonly Failure[] = [
  { misbehaviour: 'nan', fault: 'not-finite', message: /shoulder: position is null/, damping: /^damping sent/ },
  {
    misbehaviour: 'names',
    fault: 'joint-names',
    message: /lacks shoulder; it has shoulder_of/,
    damping: /^damping sent/,
  },
  { misbehaviour: 'drop', fault: 'joint-names', message: /lacks shoulder; it has no joints/, damping: /^damping sent/ },
  { misbehaviour: 'stale', fault: 'bad-stamp', message: /stamp went back by 1\.\d+ s/, damping: /^damping sent/ },
  { misbehaviour: 'bad-json', fault: 'bad-message', message: /not JSON/, damping: /^damping sent/ },
  {
    misbehaviour: 'large',
    fault: 'large-message',
    message: /message of .*9\.5 MB|more than/,
    damping: /^damping sent/,
  },
  {
    misbehaviour: 'freeze',
    fault: 'silence',
    message: /no new state for|no answer to a ping/,
    damping: /^damping not sent: the robot is silent/,
  },
];

interface Outcome {
  readonly report: DeployReport | null;
  readonly error: Error | null;
  readonly way: readonly LoopState[];
  readonly episode: Episode | undefined;
  readonly records: readonly CommandRecord[];
  readonly misbehavedAt: number;
  readonly normalAt: number;
}

/** How long a server that was stopped stays so; the other failures last until the bridge has given up. */
const FREEZE_SECONDS = 5;

async function fail(misbehaviour: Misbehaviour): Promise<Outcome> {
  const server = await serve();
  const landing = land(server.url);
  await landing.recorded(15);
  const misbehavedAt = systemClock.now();
  server.misbehave([misbehaviour]);
  if (misbehaviour === 'freeze') await sleep(FREEZE_SECONDS);
  const { report, error } = await landing.outcome;
  await sleep(0.1);
  const normalAt = systemClock.now();
  server.misbehave([]);
  await sleep(0.3);
  const [episode] = await recordedEpisodes(landing.directory);
  const { records } = server.commands;
  await server.close();
  return { report, error, way: landing.way, episode, records, misbehavedAt, normalAt };
}

function sleep(seconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, seconds * 1000));
}

const outcomes = new Map<Misbehaviour, Outcome>();

beforeAll(async () => {
  // Two at a time: they share this process, and a robot that is starved is another failure than the one under test.
  for (const pair of [['freeze', 'nan'], ['names', 'drop'], ['stale', 'bad-json'], ['large']] as const) {
    await Promise.all(pair.map(async (misbehaviour) => outcomes.set(misbehaviour, await fail(misbehaviour))));
  }
});

afterEach(closeAll);
afterAll(removeDirectories);

describe.each(failures)('$misbehaviour in the middle of an episode', ({ misbehaviour, fault, message, damping }) => {
  it('ends in damping with an error that names the cause', () => {
    const { report, error, way } = outcomes.get(misbehaviour)!;
    expect(error?.name).toBe('DeployFault');
    expect(report?.fault?.name).toBe(fault);
    expect(error?.message).toMatch(message);
    expect(report?.fault?.repair).toBeTruthy();
    expect(way.slice(-2)).toEqual(['final-damping', 'disarmed']);
    expect(report?.damping).toMatch(damping);
  });

  it('leaves the episode so far on disk, readable, with its end', () => {
    const { episode, error } = outcomes.get(misbehaviour)!;
    expect(episode!.steps.length).toBeGreaterThanOrEqual(15);
    expect(episode!.outcome).toEqual({ reason: error!.message, completed: false });
    expect(episode!.steps.every((step) => Number.isFinite(step.q[0]) && Number.isFinite(step.command[0]))).toBe(true);
  });

  it('delivers no stale command, and none after the end', () => {
    const { records, episode, normalAt } = outcomes.get(misbehaviour)!;
    const taken = records.filter(({ verdict }) => verdict === 'taken');
    expect(taken.length).toBeGreaterThan(15);
    for (const { effort } of taken) expect(Math.abs(effort![0]!)).toBeLessThanOrEqual(1);
    expect(records.filter(({ verdict }) => verdict === 'refused')).toEqual([]);
    // Damping is over long before the robot is well again: only what the kernel had taken may come late, and is refused.
    const late = records.filter(({ arrival }) => arrival >= normalAt);
    expect(late.filter(({ verdict }) => verdict === 'taken')).toEqual([]);
    expect(late.length).toBeLessThanOrEqual(misbehaviour === 'freeze' ? 2 : 0);
    expect(episode!.steps.at(-1)!.commandTime).toBeLessThan(normalAt);
  });
});

it.each(['nagle', 'hang'] as const)('%s does not stop an episode', async (misbehaviour) => {
  const server = await serve();
  const landing = land(server.url, { seconds: 1 });
  await landing.recorded(10);
  server.misbehave([misbehaviour]);
  const { report, error } = await landing.outcome;
  expect(error).toBeNull();
  expect(report).toMatchObject({ episodes: 1, fault: null });
  expect(server.commands.counts.stale).toBe(0);
});
