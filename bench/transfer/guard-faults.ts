/**
 * What happens to a robot while its policy runs: the faults that a guard is to notice, as changes of its dynamics. Which count as
 * hard was fixed before any was measured. Knows no guard.
 */

import type { Dynamics } from '../../sim/dynamics.ts';

export interface InjectedFault {
  readonly doc: string;
  /** Counts for the acceptance line. */
  readonly isHard: boolean;
  /** Masses change only with a reset: the robot goes on from the state it is in. */
  readonly needsReset?: true;
  /** @param episode chooses the joint, where one is hit @param robot what must be known of it; null where it has no such fault */
  apply(nominal: Dynamics, episode: number, robot: FaultyRobot): Dynamics | null;
}

export interface FaultyRobot {
  /** Joints that take actions. */
  readonly driven: readonly number[];
  /** Control steps per second. */
  readonly rateHz: number;
  /** Deviation of each joint's reading over nominal episodes, rad or m. */
  readonly spread: readonly number[];
  readonly floats: boolean;
}

const times = (scale: number) => (value: number) => scale * value;

/** One joint of a list changed. */
function withJoint(values: readonly number[], joint: number, change: (value: number) => number): number[] {
  return values.map((value, j) => (j === joint ? change(value) : value));
}

export const injectedFaults: Readonly<Record<string, InjectedFault>> = {
  gain: {
    doc: 'every motor gives half of what it is asked for',
    isHard: true,
    apply: (nominal) => ({ ...nominal, torqueScale: nominal.torqueScale.map(times(0.5)) }),
  },
  'dead-joint': {
    doc: 'one motor gives nothing, episode by episode another one',
    isHard: true,
    apply: (nominal, episode, { driven }) => ({
      ...nominal,
      torqueScale: withJoint(nominal.torqueScale, driven[episode % driven.length]!, () => 0),
    }),
  },
  latency: {
    doc: 'commands act 3 control steps later',
    isHard: true,
    apply: (nominal, _, { rateHz }) => ({ ...nominal, latency: nominal.latency + 3 / rateHz }),
  },
  bias: {
    doc: "one joint's reading is off by 3 deviations of that reading over nominal episodes",
    isHard: true,
    apply: (nominal, episode, { spread }) => biased(nominal, episode, spread.map(times(3))),
  },
  'small-bias': {
    doc: "one joint's reading is off by 3 deviations of its noise",
    isHard: false,
    apply: (nominal, episode, { spread }) =>
      biased(
        nominal,
        episode,
        spread.map(() => 3 * nominal.positionNoise),
      ),
  },
  payload: {
    doc: 'the moved links, of a floating robot its base, weigh half as much again',
    isHard: false,
    needsReset: true,
    apply: (nominal, _, { floats }) =>
      floats
        ? { ...nominal, baseMassScale: 1.5 * nominal.baseMassScale }
        : { ...nominal, massScale: nominal.massScale.map(times(1.5)) },
  },
  friction: {
    doc: 'a tenth of the friction, in the joints or under the feet',
    isHard: false,
    apply: (nominal, _, { floats }) => {
      const { damping, friction, contactFriction } = nominal;
      if (!floats && damping.every((x) => x === 0) && friction.every((x) => x === 0)) return null;
      return {
        ...nominal,
        damping: damping.map(times(0.1)),
        friction: friction.map(times(0.1)),
        ...(floats ? { contactFriction: 0.1 * contactFriction } : {}),
      };
    },
  },
};

function biased(nominal: Dynamics, episode: number, biases: readonly number[]): Dynamics | null {
  const joint = episode % biases.length;
  if (biases[joint] === 0) return null;
  return { ...nominal, encoderBias: withJoint(nominal.encoderBias, joint, (value) => value + biases[joint]!) };
}
