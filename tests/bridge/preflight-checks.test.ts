/** The checks before arming, one by one, over facts made by hand. */

import { describe, expect, it } from 'vitest';
import { makeFault } from '../../bridge/faults.ts';
import { type PreflightPolicy, type RobotFacts, runChecks, type Verdict } from '../../bridge/preflight-checks.ts';
import type { Contract } from '../../core/contract.ts';
import { makeState } from '../../core/robot.ts';
import { pendulumContract } from './contract.ts';

const base = pendulumContract();

const goodState = { messages: 100, rateHz: 100, newest: makeState(1), age: 0.002, fault: null };
const good: RobotFacts = {
  topics: {
    value: new Map([
      ['/joint_states', 'sensor_msgs/msg/JointState'],
      ['/effort_command', 'sensor_msgs/msg/JointState'],
    ]),
  },
  commandSubscribers: ['/driver'],
  commandPublishers: [],
  urdfHash: base.robot.urdfHash,
  state: goodState,
  stampLag: 0.001,
  roundTrips: [0.001, 0.002, 0.003],
};
const strict: PreflightPolicy = { shadow: false, acceptNoWatchdog: false, acceptOtherUrdf: false };

function verdictOf(
  check: string,
  facts: Partial<RobotFacts>,
  contract: Contract = base,
  policy: Partial<PreflightPolicy> = {},
) {
  const finding = runChecks(contract, { ...good, ...facts }, { ...strict, ...policy }).find(
    (one) => one.check === check,
  )!;
  if (finding.verdict !== 'ok') expect(finding.repair).toBeTruthy();
  return finding;
}

const ros1 = new Map(
  [...('value' in good.topics ? good.topics.value : [])].map(([topic, type]) => [topic, type.replace('/msg/', '/')]),
);
const ros = (changes: Partial<Contract['ros']>) => pendulumContract({ ros: { ...base.ros, ...changes } });
const array = { topic: '/effort_command', type: 'std_msgs/msg/Float64MultiArray', mapping: 'effort-array' };

describe('preflight checks', () => {
  it('all pass on a robot that fits, in either spelling of types', () => {
    for (const value of [ros1, 'value' in good.topics ? good.topics.value : ros1]) {
      const verdicts = runChecks(base, { ...good, topics: { value } }, strict).map(({ check, verdict }) => [
        check,
        verdict,
      ]);
      expect(verdicts.filter(([, verdict]) => verdict !== 'ok')).toEqual([]);
      expect(verdicts).toHaveLength(11);
    }
  });

  it.each<[string, Verdict, RegExp, Partial<RobotFacts>, Contract?]>([
    ['state topic', 'fail', /rosapi does not answer/, { topics: { error: 'no answer in 2 s' } }],
    ['state topic', 'fail', /there is no \/joint_states; there are no topics/, { topics: { value: new Map() } }],
    [
      'state topic',
      'fail',
      /is sensor_msgs\/msg\/JointState, expected a\/B/,
      {},
      ros({ state: { topic: '/joint_states', type: 'a/B' } }),
    ],
    ['state rate', 'fail', /no state in a second/, { state: { ...goodState, messages: 0, rateHz: 0 } }],
    ['state rate', 'fail', /47 Hz for a control rate of 50 Hz/, { state: { ...goodState, rateHz: 47.4 } }],
    ['state rate', 'ok', /48 Hz/, { state: { ...goodState, rateHz: 47.5 } }],
    [
      'joints',
      'fail',
      /joint-names: lacks knee/,
      { state: { ...goodState, fault: makeFault('joint-names', 'lacks knee', 'x') } },
    ],
    [
      'limits',
      'fail',
      /its range is 1 to 2/,
      {},
      pendulumContract({ joints: [{ ...base.joints[0]!, position: [1, 2] }] }),
    ],
    [
      'state age',
      'fail',
      /below two control periods/,
      {},
      pendulumContract({ safety: { ...base.safety, stateAge: 0.03 } }),
    ],
    ['state age', 'fail', /behind the robot's clock/, { stampLag: 0.5 }],
    ['state age', 'ok', /limit 400 ms/, { stampLag: null }],
    ['state age', 'fail', /500 ms/, { state: { ...goodState, age: 0.5 } }],
    [
      'command topic',
      'fail',
      /mapping effort-array makes std_msgs/,
      {},
      ros({ command: { ...base.ros.command, mapping: 'effort-array' } }),
    ],
    ['command topic', 'fail', /there is no \/other/, {}, ros({ command: { ...base.ros.command, topic: '/other' } })],
    [
      'command topic',
      'warn',
      /no joint names and no stamp/,
      { topics: { value: new Map([['/effort_command', array.type]]) } },
      ros({ command: array }),
    ],
    ['command listener', 'fail', /nobody subscribes/, { commandSubscribers: [] }],
    ['command listener', 'warn', /only clients of rosbridge/, { commandSubscribers: ['/rosbridge_websocket'] }],
    ['command rivals', 'fail', /also published by \/teleop/, { commandPublishers: ['/teleop'] }],
    ['robot description', 'warn', /offers none/, { urdfHash: null }],
    ['robot description', 'fail', /another one than/, { urdfHash: 'f'.repeat(64) }],
    ['round trip', 'fail', /500 ms, at most 900 ms/, { roundTrips: [0.9, 0.5, 0.001] }],
    ['round trip', 'warn', /at most 900 ms/, { roundTrips: [0.9, 0.005, 0.001] }],
    ['round trip', 'fail', /Infinity/, { roundTrips: [Infinity] }],
    ['watchdog', 'fail', /nobody stops the robot/, {}, ros({ watchdog: null })],
  ])('%s: %s, %s', (check, verdict, text, facts, contract) => {
    const finding = verdictOf(check, facts, contract);
    expect(finding.verdict).toBe(verdict);
    expect(finding.found).toMatch(text);
  });

  it('takes what the operator accepts', () => {
    expect(verdictOf('watchdog', {}, ros({ watchdog: null }), { acceptNoWatchdog: true }).verdict).toBe('warn');
    expect(verdictOf('robot description', { urdfHash: 'f'.repeat(64) }, base, { acceptOtherUrdf: true }).verdict).toBe(
      'warn',
    );
  });

  it('in shadow refuses for what is read, not for what would be commanded', () => {
    const shadow = { shadow: true };
    expect(verdictOf('command listener', { commandSubscribers: [] }, base, shadow).verdict).toBe('warn');
    expect(verdictOf('watchdog', {}, ros({ watchdog: null }), shadow).verdict).toBe('warn');
    expect(verdictOf('state rate', { state: { ...goodState, rateHz: 1 } }, base, shadow).verdict).toBe('fail');
  });
});
