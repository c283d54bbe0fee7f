/**
 * The contract against the live robot, as a table of pure checks over what was found out. Every check is made and
 * listed, each with its repair, before anything is refused. Knows no link.
 */

import type { Contract } from '../core/contract.ts';
import type { RobotState } from '../core/robot.ts';
import { type Fault, milliseconds } from './faults.ts';
import { mappingNamed } from './mappings/registry.ts';
import { sameType } from './ros-names.ts';
import { checkState, STOP_SLACK } from './safety.ts';

export type Verdict = 'ok' | 'warn' | 'fail';

export interface Finding {
  readonly check: string;
  readonly verdict: Verdict;
  /** What was found, and what was expected where that differs. */
  readonly found: string;
  /** One line: how to mend it. */
  readonly repair?: string;
}

/** What was found out about the robot. */
export interface RobotFacts {
  /** Types by topic, or why they are not known. */
  readonly topics: { readonly value: ReadonlyMap<string, string> } | { readonly error: string };
  readonly commandSubscribers: readonly string[];
  readonly commandPublishers: readonly string[];
  /** SHA-256 of the robot's description; null when it offers none. */
  readonly urdfHash: string | null;
  readonly state: {
    readonly messages: number;
    /** New states per second. */
    readonly rateHz: number;
    readonly newest: RobotState;
    /** Of the newest state, s. */
    readonly age: number;
    readonly fault: Fault | null;
  };
  /** One for each sensor the contract has a topic for. @default none */
  readonly sensors?: readonly SensorFacts[];
  /** How far the states' stamps are behind the robot's clock, s; null when the robot does not tell its time. */
  readonly stampLag: number | null;
  /** Round trips of pings while states arrived, s; at least one. */
  readonly roundTrips: readonly number[];
}

export interface SensorFacts {
  readonly name: string;
  readonly topic: string;
  readonly type: string;
  /** Numbers the contract expects. */
  readonly size: number;
  /** Whether the policy reads it. */
  readonly isNeeded: boolean;
  /** Largest age, s. */
  readonly limit: number;
  readonly messages: number;
  /** Readings per second; NaN with fewer than two. */
  readonly rateHz: number;
  /** Of the newest reading, s. */
  readonly age: number;
  readonly fault: Fault | null;
}

export interface PreflightPolicy {
  readonly shadow: boolean;
  readonly acceptNoWatchdog: boolean;
  readonly acceptOtherUrdf: boolean;
}

type Check = (contract: Contract, facts: RobotFacts, policy: PreflightPolicy) => Omit<Finding, 'check'>;

const ok = (found: string) => ({ verdict: 'ok', found }) as const;
const warn = (found: string, repair: string) => ({ verdict: 'warn', found, repair }) as const;
const fail = (found: string, repair: string) => ({ verdict: 'fail', found, repair }) as const;

/** States may come this much slower than commands. */
const RATE_TOLERANCE = 0.95;

const checks: Readonly<Record<string, Check>> = {
  'state topic': ({ ros }, facts) => checkTopic(ros.state, facts, 'start the driver that publishes the joint states'),

  'state rate': ({ control }, { state }) => {
    if (state.messages === 0) return fail('no state in a second', 'start the driver that publishes the joint states');
    const found = `${state.rateHz.toFixed(0)} Hz for a control rate of ${control.rateHz} Hz`;
    if (state.rateHz >= RATE_TOLERANCE * control.rateHz) return ok(found);
    return fail(found, 'raise the rate of the joint state publisher, or train at a lower control rate');
  },

  joints: ({ joints }, { state }) => {
    if (state.fault !== null) return fail(`${state.fault.name}: ${state.fault.message}`, state.fault.repair);
    if (state.messages === 0) return fail('not known without a state', 'see state rate');
    return ok(joints.map((joint, j) => `${joint.name} ${state.newest.q[j]!.toFixed(3)} ${joint.unit}`).join(', '));
  },

  limits: ({ joints }, { state }) => {
    if (state.fault !== null || state.messages === 0) return fail('not known without a valid state', 'see joints');
    const fault = checkState(state.newest, joints, STOP_SLACK);
    return fault === null ? ok('within position and velocity limits') : fail(fault.message, fault.repair);
  },

  'state age': ({ safety, control }, { state, stampLag }) => {
    const limit = milliseconds(safety.stateAge);
    if (safety.stateAge < 2 / control.rateHz) {
      return fail(`the limit of ${limit} is below two control periods`, 'raise safety.stateAge in the contract');
    }
    if (stampLag !== null && stampLag > safety.stateAge) {
      const found = `states are stamped ${milliseconds(stampLag)} behind the robot's clock (limit ${limit})`;
      return fail(found, 'look for a queue before the server; synchronise the clocks of the robot (chrony)');
    }
    if (state.messages > 0 && state.age > safety.stateAge) {
      return fail(`${milliseconds(state.age)} (limit ${limit})`, 'look at the load of the robot and the network');
    }
    return ok(`${state.messages > 0 ? milliseconds(state.age) : 'unknown'} (limit ${limit})`);
  },

  'command topic': ({ ros }, facts) => {
    const { type, named, stamped } = mappingNamed(ros.command.mapping);
    if (!sameType(ros.command.type, type)) {
      const found = `the contract says ${ros.command.type}, but mapping ${ros.command.mapping} makes ${type}`;
      return fail(found, 'correct ros.command in the contract');
    }
    const finding = checkTopic(ros.command, facts, 'start the controller that takes the commands');
    if (finding.verdict !== 'ok' || (named && stamped)) return finding;
    const lacks = [named ? [] : 'no joint names', stamped ? [] : 'no stamp'].flat().join(' and ');
    return warn(
      `${finding.found}: messages with ${lacks}`,
      'check the joint order of the controller; it cannot tell an old command from a new one, its watchdog must',
    );
  },

  'command listener': ({ ros }, facts) => {
    if ('error' in facts.topics) return fail('not known without rosapi', 'see state topic');
    const { commandSubscribers: names } = facts;
    if (names.length === 0) {
      return fail(`nobody subscribes to ${ros.command.topic}`, 'start, or activate, the controller of the robot');
    }
    if (names.every((name) => name.includes('rosbridge'))) {
      return warn(`only clients of rosbridge: ${names.join(', ')}`, 'make sure that one of them is the controller');
    }
    return ok(names.join(', '));
  },

  'command rivals': (_contract, { commandPublishers: names }) => {
    if (names.length === 0) return ok('nobody else publishes commands');
    const repair = 'stop it; after a lost link rosbridge keeps the old publisher for 10 s: wait, and deploy again';
    return fail(`commands are also published by ${names.join(', ')}`, repair);
  },

  'robot description': ({ robot }, { urdfHash }, { acceptOtherUrdf }) => {
    const mine = robot.urdfHash.slice(0, 12);
    if (urdfHash === null) {
      return warn('the robot offers none', 'publish /robot_description to have it compared with the trained one');
    }
    if (urdfHash === robot.urdfHash) return ok(`the trained one (${mine})`);
    const found = `another one than the policy was trained for (${urdfHash.slice(0, 12)}, trained ${mine})`;
    if (acceptOtherUrdf) return warn(found, 'accepted with --accept-other-urdf');
    return fail(found, 'train with the URDF of this robot; if they mean the same robot: --accept-other-urdf');
  },

  'round trip': ({ safety }, { roundTrips }) => {
    const sorted = [...roundTrips].sort((a, b) => a - b);
    const median = sorted[Math.floor((sorted.length - 1) / 2)] ?? Infinity;
    const largest = sorted.at(-1) ?? Infinity;
    const limit = milliseconds(safety.roundTrip);
    const found = `${milliseconds(median)}, at most ${milliseconds(largest)} (limit ${limit})`;
    const repair =
      'set TCP_NODELAY on the server (the ROS 1 rosbridge leaves it off, which costs 40 ms), use a wired network';
    if (!(median <= safety.roundTrip)) return fail(found, repair);
    return largest <= safety.roundTrip ? ok(found) : warn(found, repair);
  },

  watchdog: ({ ros }, _facts, { acceptNoWatchdog }) => {
    if (ros.watchdog !== null) return ok(`${ros.watchdog.by} stops the robot after ${ros.watchdog.seconds} s`);
    const found = 'nobody stops the robot when commands stop';
    if (acceptNoWatchdog) return warn(found, 'accepted with --accept-no-watchdog: keep a hand at the emergency stop');
    return fail(found, 'give the robot one and name it in ros.watchdog, or --accept-no-watchdog');
  },
};

/** Checks that matter only to a robot that is going to be commanded. */
const COMMANDING = ['limits', 'command topic', 'command listener', 'command rivals', 'watchdog', 'round trip'];

/** Every finding, in the order of the table. */
export function runChecks(contract: Contract, facts: RobotFacts, policy: PreflightPolicy): Finding[] {
  const findings = Object.entries(checks).map(([check, run]) => ({ check, ...run(contract, facts, policy) }));
  for (const sensor of facts.sensors ?? [])
    findings.push({ check: `sensor ${sensor.name}`, ...checkSensor(sensor, facts) });
  findings.push(...checkStop(contract));
  return findings.map((finding) => {
    const { check } = finding;
    const lenient = policy.shadow && finding.verdict === 'fail' && COMMANDING.includes(check);
    return { ...finding, ...(lenient && { verdict: 'warn' as const }) };
  });
}

/** Readings that must come within a sensor's largest age. */
const LEAST_READINGS = 2;
/** Of a measured rate: a reading more or less in the time listened to is none. */
const RATE_SLACK = 0.9;

function checkSensor(sensor: SensorFacts, facts: RobotFacts): Omit<Finding, 'check'> {
  const { topic, size, limit, messages, rateHz, age, fault } = sensor;
  const finding = findSensor();
  if (finding.verdict !== 'fail' || sensor.isNeeded) return finding;
  return { ...finding, verdict: 'warn', found: `${finding.found}; the policy does not read it` };

  function findSensor(): Omit<Finding, 'check'> {
    const published = checkTopic(sensor, facts, 'start the driver of the sensor');
    if (published.verdict !== 'ok') return published;
    if (fault !== null) return fail(`${fault.name}: ${fault.message}`, fault.repair);
    if (messages === 0) return fail(`nothing came on ${topic}`, 'start the driver of the sensor');
    const ages = `${milliseconds(age)} old (limit ${milliseconds(limit)})`;
    const found = `${published.found}, ${size} numbers at ${rateHz.toFixed(0)} Hz, ${ages}`;
    if (!(rateHz * limit >= RATE_SLACK * LEAST_READINGS)) {
      return fail(
        found,
        `raise its rate, or the limit (age in the contract's ros): ${LEAST_READINGS} readings must fit in`,
      );
    }
    if (age > limit) return fail(found, "synchronise the clocks of the robot (chrony); look at the sensor's load");
    return ok(found);
  }
}

/** What stopping and the default pose mean to a robot that is not driven by efforts. */
function checkStop({ ros, joints }: Contract): Finding[] {
  const { takes } = mappingNamed(ros.command.mapping);
  const held = joints.filter((joint) => takes.holds(joint));
  const findings: Finding[] = [];
  if (takes.name !== 'effort') {
    const { stopping, hazard } = takes;
    const repair = 'keep it on the ground or in a net, with an emergency stop of its own';
    findings.push({ check: 'stop', ...(hazard === undefined ? ok(stopping) : warn(`${stopping}: ${hazard}`, repair)) });
  }
  if (held.length < joints.length) {
    const rest = joints.filter((joint) => !held.includes(joint)).map(({ name }) => name);
    findings.push({ check: 'posture', ...ok(`no default position to move to: ${rest.join(', ')}`) });
  }
  return findings;
}

function checkTopic(
  wanted: { readonly topic: string; readonly type: string },
  { topics }: RobotFacts,
  repair: string,
): Omit<Finding, 'check'> {
  if ('error' in topics) {
    return fail(`rosapi does not answer (${topics.error})`, 'start rosapi_node beside the rosbridge server');
  }
  const found = topics.value.get(wanted.topic);
  if (found === undefined) {
    const known = [...topics.value.keys()].join(', ');
    return fail(`there is no ${wanted.topic}; there are ${known === '' ? 'no topics' : known}`, repair);
  }
  if (sameType(found, wanted.type)) return ok(`${wanted.topic} ${found}`);
  return fail(`${wanted.topic} is ${found}, expected ${wanted.type}`, 'name the right topic in the contract');
}
