/**
 * Finds out about the live robot what the contract must be checked against, before anything moves: through rosapi on
 * its own connection, and by listening for a second on the command connection. Sends nothing to the robot.
 */

import { createHash } from 'node:crypto';
import type { Clock } from '../core/clock.ts';
import type { Contract } from '../core/contract.ts';
import { MismatchError } from '../core/errors.ts';
import type { RosLink } from './link.ts';
import { type Finding, type PreflightPolicy, type RobotFacts, runChecks } from './preflight-checks.ts';
import { baseType } from './ros-names.ts';
import type { RosRobot } from './ros-robot.ts';
import { attempt, RosApi } from './rosapi.ts';

export interface PreflightSettings extends PreflightPolicy {
  readonly contract: Contract;
  readonly link: RosLink;
  /** For rosapi. */
  readonly services: RosLink;
  /** On `link`; it is subscribed here. */
  readonly robot: RosRobot;
  readonly clock: Clock;
}

export interface Preflight {
  readonly findings: readonly Finding[];
  readonly roundTripMs: number;
  /** As this robot's ROS writes it. */
  readonly commandType: string;
}

/** How long states are listened to, s. */
const LISTEN = 1;
const PINGS = 20;
/** The longest that sensors are waited for, s. */
const PATIENCE = 3;

export async function preflight(settings: PreflightSettings): Promise<Preflight> {
  const { contract, robot } = settings;
  const api = new RosApi(settings.services);
  const topics = await attempt(api.topics());
  const known = 'value' in topics ? topics.value : new Map<string, string>();
  const { command } = contract.ros;

  robot.subscribe(known);
  const heard = await listen(settings);
  const ask = async <T>(question: () => Promise<T>, otherwise: T): Promise<T> => {
    if ('error' in topics) return otherwise;
    const answer = await attempt(question());
    return 'value' in answer ? answer.value : otherwise;
  };
  const urdf = await ask(() => api.robotDescription(known), null);
  const facts: RobotFacts = {
    topics,
    commandSubscribers: await ask(() => api.subscribers(command.topic), []),
    commandPublishers: await ask(() => api.publishers(command.topic), []),
    urdfHash: urdf === null ? null : createHash('sha256').update(urdf).digest('hex'),
    stampLag: await ask(() => stampLag(api, settings), null),
    ...heard,
  };
  const commandType = known.get(command.topic) ?? spelledLike(command.type, [...known.values()]);
  return {
    findings: runChecks(contract, facts, settings),
    roundTripMs: 1000 * Math.min(...facts.roundTrips),
    commandType,
  };
}

/** @throws MismatchError listing every failed check with its repair */
export function refuseFailed({ findings }: Preflight): void {
  const failed = findings.filter(({ verdict }) => verdict === 'fail');
  if (failed.length === 0) return;
  const [first, ...rest] = failed.map(({ check, found }) => `${check}: ${found}`);
  const more = rest.length === 0 ? '' : ` (and ${rest.length} more: ${rest.join('; ')})`;
  const repairs = [...new Set(failed.map(({ repair }) => repair ?? ''))].filter((repair) => repair !== '');
  throw new MismatchError(`the robot does not fit the policy: ${first}${more}`, { repair: repairs.join('; ') });
}

/**
 * Ask once more, when the operator has armed: another program may have begun to command the robot meanwhile.
 * @throws MismatchError when one has
 */
export async function requireNoRivals(services: RosLink, { ros }: Contract): Promise<void> {
  const rivals = await new RosApi(services).publishers(ros.command.topic);
  if (rivals.length === 0) return;
  throw new MismatchError(`${ros.command.topic} is now also published by ${rivals.join(', ')}, nothing was sent`, {
    repair: 'stop it, and deploy again',
  });
}

/** Listen to states and measure round trips meanwhile, since it is beside them that pings are slow. */
async function listen({
  link,
  robot,
  clock,
  contract,
}: PreflightSettings): Promise<Pick<RobotFacts, 'state' | 'sensors' | 'roundTrips'>> {
  const waitedFrom = clock.now();
  while (robot.stateCount === 0 && robot.messageCount === 0 && clock.now() - waitedFrom < LISTEN) await sleep(0.01);
  const from = clock.now();
  const states = robot.stateCount;
  const roundTrips: number[] = [];
  for (let i = 0; i < PINGS; i++) {
    const took = await link.roundTrip(Math.max(LISTEN, contract.safety.roundTrip));
    roundTrips.push(took);
    if (!Number.isFinite(took)) break;
    await sleep(Math.max(0, from + ((i + 1) * LISTEN) / PINGS - clock.now()));
    if (!link.isOpen) break;
  }
  // A slow sensor is given the time for three readings.
  const slow = () => robot.feeds.some(({ isNeeded, messages, fault }) => isNeeded && messages < 3 && fault === null);
  while (slow() && link.isOpen && clock.now() - from < PATIENCE) await sleep(0.01);
  const quickest = Math.min(...roundTrips);
  if (Number.isFinite(quickest)) robot.oneWay = quickest / 2;
  const now = clock.now();
  return {
    state: {
      messages: robot.messageCount,
      rateHz: (robot.stateCount - states) / (now - from),
      newest: robot.state,
      age: robot.age(now),
      fault: robot.fault,
    },
    sensors: robot.feeds.map((feed) => ({
      name: feed.source.name,
      topic: feed.source.topic,
      type: feed.source.type,
      size: feed.source.needed.length,
      isNeeded: feed.isNeeded,
      limit: feed.source.limit,
      messages: feed.messages,
      rateHz: 1 / feed.interval,
      age: feed.age(now, robot.robotTime(now)),
      fault: feed.fault,
    })),
    roundTrips,
  };
}

/** How far behind the robot's own clock its states are stamped, s; what the way takes is not counted. */
async function stampLag(api: RosApi, { robot, clock }: PreflightSettings): Promise<number | null> {
  const asked = clock.now();
  const time = await api.time();
  const middle = (asked + clock.now()) / 2;
  return time === null || robot.stateCount === 0 ? null : time - robot.robotTime(middle);
}

/** `type` in the spelling (`pkg/msg/Type` or `pkg/Type`) of the robot's other types. */
function spelledLike(type: string, others: readonly string[]): string {
  const ros1 = others.length > 0 && others.every((other) => !other.includes('/msg/'));
  return ros1 ? baseType(type) : type;
}

function sleep(seconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, seconds * 1000));
}
