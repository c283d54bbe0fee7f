/** Whole deployments over real sockets on the served twin: the usual way, and each refusal before arming. */

import { afterEach, describe, expect, it } from 'vitest';
import { type DeployOptions, deployPolicy } from '../../bridge/deploy.ts';
import type { Finding } from '../../bridge/preflight-checks.ts';
import type { Misbehaviour } from '../../bridge/server/misbehaviour.ts';
import { Actuation } from '../../core/action.ts';
import { InputError, MismatchError } from '../../core/errors.ts';
import { Observer } from '../../core/observation.ts';
import { makeCommand, makeState } from '../../core/robot.ts';
import { pendulumContract, pump } from './contract.ts';
import { land, recordedEpisodes, removeDirectories } from './landing.ts';
import { ARRAY_COMMAND, closeAll, RawClient, serve } from './server/served-robot.ts';

afterEach(async () => {
  await closeAll();
  removeDirectories();
});

const base = pendulumContract();

describe('a deployment', () => {
  it.each([1, 2] as const)('runs, records and damps on ROS %d', async (ros) => {
    const server = await serve({ ros });
    const landing = land(server.url, {
      episodes: 2,
      seconds: 0.5,
      score: (state) => ({ reward: state.q[0]!, terms: {} }),
    });
    const { report, error } = await landing.outcome;
    expect(error).toBeNull();
    expect(report).toMatchObject({ episodes: 2, shadow: false, fault: null, stopped: false, rateHz: 50 });
    expect(report?.damping).toMatch(/^damping sent: \d+ commands$/);
    expect(landing.way.at(-1)).toBe('disarmed');
    const episodes = await recordedEpisodes(landing.directory);
    expect(episodes.map(({ steps, outcome }) => [steps.length, outcome])).toEqual([
      [25, { reason: 'completed', completed: true }],
      [25, { reason: 'completed', completed: true }],
    ]);
    expect(episodes[0]!.meta).toMatchObject({ source: 'twin', robot: 'pendulum', rateHz: 50, shadow: false });
    expect(report?.results.map((result) => result.return)).toEqual(
      episodes.map(({ steps }) => steps.reduce((sum, step) => sum + step.reward, 0)),
    );
    // What the policy wanted is what the robot was given.
    const steps = episodes.flatMap((episode) => episode.steps);
    const efforts = server.commands.records.map(({ effort }) => effort?.[0]);
    for (const step of steps) expect(efforts).toContain(step.command[0]);
    expect(server.commands.counts.refused).toBe(0);
    expect(server.clients).toBe(0);
  });

  it('gives the policy the bytes that the trainer would make of the same states', async () => {
    const server = await serve();
    const [angle, velocity] = base.observations;
    const common = { frame: 'joint', unit: '1', joints: ['shoulder'], delay: 0 };
    const contract = pendulumContract({
      observations: [
        { ...common, name: 'sides', term: 'joint_sin_cos', size: 2, scale: 1, clip: null, history: 1 },
        { ...velocity!, scale: 0.1, clip: [-0.02, 0.02], history: 2, size: 2 },
        { ...common, name: 'before', term: 'last_action', size: 3, scale: 1, clip: null, history: 3 },
        { ...angle!, delay: 2 },
      ],
    });
    let calls = 0;
    const actor = {
      act(obs: Float32Array, out: Float32Array) {
        out[0] = 3 * Math.sin(0.7 * calls++) + obs[2]!;
      },
    };
    const landing = land(server.url, { contract, actor, seconds: 0.6 });
    expect((await landing.outcome).error).toBeNull();
    const [episode] = await recordedEpisodes(landing.directory);
    const observer = new Observer(contract.observations, contract);
    const actuation = new Actuation(contract);
    const command = makeCommand(1);
    for (const { q, qd, effort, sensorTime, obs, action, command: sent } of episode!.steps) {
      const expected = new Float32Array(observer.size);
      observer.observe({ ...makeState(1), time: sensorTime, q, qd, effort }, actuation.lastAction, expected);
      expect(obs).toEqual(expected);
      actuation.apply(action, 0, command);
      expect(sent).toEqual(command.effort);
    }
    expect(episode!.steps).toHaveLength(30);
  });

  it('drives a controller that takes bare arrays', async () => {
    const server = await serve({ topics: { state: base.ros.state, command: ARRAY_COMMAND } });
    const contract = pendulumContract({ ros: { ...base.ros, command: { ...ARRAY_COMMAND, mapping: 'effort-array' } } });
    const landing = land(server.url, { contract, seconds: 0.3 });
    expect((await landing.outcome).error).toBeNull();
    expect(server.commands.counts.taken).toBeGreaterThan(20);
  });

  it('sends nothing in shadow, not even an advertisement', async () => {
    const server = await serve();
    const watcher = await RawClient.open(server.url);
    const landing = land(server.url, {
      shadow: true,
      seconds: 0.4,
      confirmArm: () => Promise.reject(new Error('asked')),
    });
    await landing.recorded(5);
    const publishers = await watcher.call('/rosapi/publishers', { topic: '/effort_command' });
    const { report, error } = await landing.outcome;
    expect(error).toBeNull();
    expect(publishers).toMatchObject({ values: { publishers: [] } });
    expect(server.commands.records).toEqual([]);
    expect(report).toMatchObject({ shadow: true, damping: null });
    const [episode] = await recordedEpisodes(landing.directory);
    expect(episode!.meta.shadow).toBe(true);
    expect(episode!.steps.some(({ command }) => command[0] !== 0)).toBe(true);
  });

  it('damps and ends when the operator says so', async () => {
    const server = await serve();
    const landing = land(server.url);
    await landing.recorded(10);
    landing.stop();
    landing.stop();
    const { report, error } = await landing.outcome;
    expect(error).toBeNull();
    expect(report).toMatchObject({ stopped: true, episodes: 0 });
    expect(landing.way.slice(-2)).toEqual(['final-damping', 'disarmed']);
    expect(report?.damping).toMatch(/^damping sent/);
    const [episode] = await recordedEpisodes(landing.directory);
    expect(episode!.outcome).toEqual({ reason: 'stopped by the operator', completed: false });
    expect(episode!.steps.length).toBeGreaterThanOrEqual(10);
  });

  it('damps when a listener throws, and says what was thrown', async () => {
    const server = await serve();
    let calls = 0;
    const landing = land(server.url, {
      onStep: () => {
        if (++calls === 5) throw new Error('a broken plot');
      },
    });
    const { report, error } = await landing.outcome;
    expect(error?.message).toBe('defect: a broken plot');
    expect(report?.damping).toMatch(/^damping sent/);
    expect((await recordedEpisodes(landing.directory))[0]!.outcome?.completed).toBe(false);
  });

  it('stops when the recording cannot be made', async () => {
    const server = await serve();
    const landing = land(server.url, { recordTo: '/dev/null/nowhere' });
    const { report, error } = await landing.outcome;
    expect(error?.message).toMatch(/^recording: cannot record/);
    expect(report?.damping).toMatch(/^damping sent/);
    expect(report?.results[0]?.path).toBeNull();
  });
});

describe('before arming', () => {
  /** Check a robot; a refusal must leave it untouched and the operator unasked. */
  async function check(url: string, contract = base, flags: Partial<DeployOptions> = {}) {
    let findings: readonly Finding[] = [];
    let asked = false;
    const error = await deployPolicy({
      contract,
      actor: pump,
      url,
      episodes: 1,
      seconds: 0.1,
      confirmArm: () => {
        asked = true;
        return Promise.resolve(false);
      },
      onPreflight: (found) => {
        findings = found.findings;
      },
      ...flags,
    }).then(
      () => null,
      (thrown: Error) => thrown,
    );
    return { error, asked, findings, failed: findings.filter(({ verdict }) => verdict === 'fail') };
  }

  it('lists every finding with its repair, and refuses', async () => {
    const server = await serve();
    const contract = pendulumContract({
      robot: { name: 'pendulum', urdfHash: 'f'.repeat(64) },
      joints: [{ ...base.joints[0]!, name: 'elbow' }],
      actions: [{ ...base.actions[0]!, joints: ['elbow'] }],
      observations: base.observations.map((term) => ({ ...term, joints: ['elbow'] })),
      ros: { ...base.ros, command: { ...base.ros.command, topic: '/nobody' }, watchdog: null },
    });
    const { error, asked, failed } = await check(server.url, contract);
    expect(error).toBeInstanceOf(MismatchError);
    expect(asked).toBe(false);
    const names = failed.map((finding) => finding.check);
    expect(names).toEqual(
      expect.arrayContaining(['joints', 'command topic', 'command listener', 'robot description', 'watchdog']),
    );
    expect(failed.every(({ repair }) => repair !== undefined && repair !== '')).toBe(true);
    for (const name of names) expect(error?.message).toContain(`${name}: `);
    expect(error?.message).toContain('lacks elbow; it has shoulder');
    expect(server.commands.records).toEqual([]);
  });

  it('refuses robots that misbehave from the start', async () => {
    const expected: [Misbehaviour, string, RegExp][] = [
      ['nan', 'joints', /position is null/],
      ['names', 'joints', /lacks shoulder; it has shoulder_of_another_robot/],
      ['drop', 'joints', /lacks shoulder/],
      ['bad-json', 'joints', /not JSON/],
      ['stale', 'state age', /behind the robot's clock/],
      ['freeze', 'state rate', /no state in a second/],
      ['hang', 'state topic', /rosapi does not answer/],
    ];
    const found = await Promise.all(
      expected.map(async ([misbehaviour]) => {
        const server = await serve({ misbehaviours: [misbehaviour] });
        return { server, ...(await check(server.url)) };
      }),
    );
    for (const [i, [misbehaviour, name, text]] of expected.entries()) {
      const { server, error, asked, failed } = found[i]!;
      expect(failed.find((finding) => finding.check === name)?.found, misbehaviour).toMatch(text);
      expect(error).toBeInstanceOf(MismatchError);
      expect(asked).toBe(false);
      expect(server.commands.records).toEqual([]);
    }
  });

  it('passes robots that are odd but right: order of joints, fragments, no watchdog that the operator accepts', async () => {
    const noWatchdog = pendulumContract({ ros: { ...base.ros, watchdog: null } });
    const [reordered, fragmented, unguarded] = await Promise.all([
      serve({ misbehaviours: ['reorder'] }).then(({ url }) => land(url, { seconds: 0.2 }).outcome),
      serve({ misbehaviours: ['fragment'] }).then(({ url }) => land(url, { seconds: 0.2 }).outcome),
      serve().then(({ url }) => land(url, { seconds: 0.2, contract: noWatchdog, acceptNoWatchdog: true }).outcome),
    ]);
    for (const { error, report } of [reordered, fragmented, unguarded]) {
      expect(error).toBeNull();
      expect(report?.episodes).toBe(1);
    }
  });

  it('does not command beside another publisher', async () => {
    const server = await serve();
    const rival = await RawClient.open(server.url);
    rival.send({ op: 'advertise', topic: '/effort_command', type: 'sensor_msgs/msg/JointState' });
    const { error, asked } = await check(server.url);
    expect(error).toBeInstanceOf(MismatchError);
    expect(error?.message).toContain('commands are also published by');
    expect(asked).toBe(false);
  });

  it('does not command beside a publisher that came while the operator thought', async () => {
    const server = await serve();
    const { error } = await check(server.url, base, {
      confirmArm: async () => {
        const rival = await RawClient.open(server.url);
        rival.send({ op: 'advertise', topic: '/effort_command', type: 'sensor_msgs/msg/JointState' });
        await rival.call('/rosapi/get_time');
        return true;
      },
    });
    expect(error?.message).toContain('/effort_command is now also published by');
    expect(server.commands.records).toEqual([]);
  });

  it('sends nothing when the operator does not arm', async () => {
    const server = await serve();
    const { error, asked } = await check(server.url);
    expect(asked).toBe(true);
    expect(error).toBeInstanceOf(InputError);
    expect(error?.message).toContain('not armed');
    expect(server.commands.records).toEqual([]);
  });

  it('sends nothing when the robot dies while the operator thinks', async () => {
    const server = await serve();
    const { error } = await check(server.url, base, {
      confirmArm: async () => {
        await server.close();
        await new Promise((resolve) => setTimeout(resolve, 100));
        return true;
      },
    });
    expect(error?.message).toMatch(/^link-closed/);
    expect(server.commands.records).toEqual([]);
  });

  it('says when nobody is there', async () => {
    const server = await serve();
    await server.close();
    const { error } = await check(server.url);
    expect(error).toBeInstanceOf(InputError);
    expect(error?.message).toContain('no rosbridge server at');
  });
});
