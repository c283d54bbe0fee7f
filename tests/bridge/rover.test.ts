/** A floating robot with sensors landed over real sockets: frames, bytes, commands, and a sensor that falls silent. */

import { afterEach, describe, expect, it } from 'vitest';
import type { Finding } from '../../bridge/preflight-checks.ts';
import { InputError, MismatchError } from '../../core/errors.ts';
import { Observer } from '../../core/observation.ts';
import { makeState } from '../../core/robot.ts';
import { quatConjugate, quatRotate } from '../../core/rotation.ts';
import { taskCommandOf } from '../../core/task-command.ts';
import { land, recordedEpisodes, removeDirectories } from './landing.ts';
import { closeRovers, obedient, roverContract, serveRover } from './rover.ts';

afterEach(async () => {
  await closeRovers();
  removeDirectories();
});

const landRover = (url: string, options: Parameters<typeof land>[1] = {}) =>
  land(url, { contract: roverContract(), actor: obedient, taskCommand: { vx: 0.3, wz: 0.5 }, ...options });

describe('a rover with IMU, scan and odometry', () => {
  it.each([1, 2] as const)('drives as it is asked and stops, on ROS %d', async (ros) => {
    const server = await serveRover({ ros });
    const findings: Finding[] = [];
    const landing = landRover(server.url, {
      seconds: 2,
      onPreflight: (preflight) => findings.push(...preflight.findings),
    });
    const { report, error } = await landing.outcome;
    expect(error).toBeNull();
    expect(report?.damping).toMatch(/^velocity 0 sent: \d+ commands$/);
    const checks = Object.fromEntries(findings.map(({ check, verdict, found }) => [check, `${verdict} ${found}`]));
    expect(checks['sensor imu']).toMatch(/^ok \/imu sensor_msgs\/(msg\/)?Imu, 10 numbers at \d+ Hz/);
    expect(checks['sensor scan']).toMatch(/^ok .*8 numbers at \d+ Hz/);
    expect(checks['sensor odometry']).toMatch(/^ok .*13 numbers/);
    expect(checks.posture).toBe('ok no default position to move to: left_wheel, right_wheel');
    expect(checks.stop).toBe('ok velocity 0');

    // v = 0.3, w = 0.5: wheels at (0.3 -+ 0.5 * 0.2 / 2) / 0.05 = 5 and 7 rad/s
    const taken = server.commands.records.filter(({ qd }) => Math.abs(qd?.[0] ?? 0) > 1);
    expect(taken.length).toBeGreaterThan(50);
    expect(taken[0]!.qd![0]).toBeCloseTo(5, 5);
    expect(taken[0]!.qd![1]).toBeCloseTo(7, 5);
    expect(server.commands.records.at(-1)!.qd).toEqual([0, 0]);
    const [episode] = await recordedEpisodes(landing.directory);
    expect(episode!.meta.parameters).toEqual({ 'command.vx': 0.3, 'command.wz': 0.5 });
    expect(episode!.meta.scans).toEqual({ scan: { from: -1, to: 1, minRange: 0.1, maxRange: 3.5 } });
    const { steps } = episode!;
    expect(steps).toHaveLength(100);
    // Once it rolls it is as fast as it is asked along its own x, whichever way it looks; slip is a few per cent.
    const late = steps.at(-1)!;
    const forward = quatRotate(
      quatConjugate(late.base.subarray(3), new Float64Array(4)),
      late.twist,
      new Float64Array(3),
    );
    expect(forward[0]).toBeGreaterThan(0.24);
    expect(forward[0]).toBeLessThan(0.33);
    expect(Math.abs(forward[1]!)).toBeLessThan(0.05);
    expect(late.twist[5]).toBeGreaterThan(0.3);
    expect(late.twist[5]).toBeLessThan(0.6);
    expect(late.command.every(Number.isNaN)).toBe(true);
    expect([...late.qdTarget].map((w) => Math.round(w * 1e4) / 1e4)).toEqual([5, 7]);
    // It looks 1 rad to the left at first, past the wall: beams that meet nothing are at the range's end.
    expect(Math.max(...steps[0]!.sensors.scan!)).toBe(3.5);
    expect(Math.min(...steps[0]!.sensors.scan!)).toBeLessThan(3.5);
  });

  it('observes what the trainer would of the recorded states, byte for byte', async () => {
    const server = await serveRover();
    const contract = roverContract();
    const landing = landRover(server.url, { contract, seconds: 1 });
    expect((await landing.outcome).error).toBeNull();
    const [episode] = await recordedEpisodes(landing.directory);
    const observer = new Observer(contract.observations, contract);
    for (const { q, qd, effort, base, twist, sensors, taskCommand, sensorTime, obs } of episode!.steps) {
      const state = { ...makeState(2), time: sensorTime, q, qd, effort, base, twist, sensors };
      const expected = new Float32Array(observer.size);
      observer.observe(state, new Float32Array(2), expected, 0, taskCommand);
      expect(obs).toEqual(expected);
    }
    expect(episode!.steps).toHaveLength(50);
  });

  it.each([
    ['imu', '/imu'],
    ['scan', '/scan'],
    ['odometry', '/odom'],
  ])('stops when %s falls silent, and says so', async (name, topic) => {
    const server = await serveRover();
    const landing = landRover(server.url);
    await landing.recorded(10);
    server.mute([topic]);
    const { report, error } = await landing.outcome;
    expect(report?.fault?.name, error?.message).toBe('stale-sensor');
    expect(report?.fault?.message).toMatch(new RegExp(`^sensor ${name}: the newest reading is .* old on ${topic}`));
    expect(landing.way.slice(-2)).toEqual(['final-damping', 'disarmed']);
    expect(report?.damping).toMatch(/^velocity 0 sent/);
    expect(server.commands.records.at(-1)!.qd).toEqual([0, 0]);
  });

  it('is not armed without a sensor that the policy reads, and does without one that it does not', async () => {
    const server = await serveRover();
    server.mute(['/imu']);
    const refused = await landRover(server.url).outcome;
    expect(refused.error).toBeInstanceOf(MismatchError);
    expect(refused.error?.message).toMatch(/sensor imu: nothing came on \/imu/);
    const contract = roverContract();
    const blind = { ...contract, observations: contract.observations.filter(({ sensor }) => sensor !== 'imu') };
    const actor = { act: (_obs: Float32Array, out: Float32Array) => out.fill(0.1) };
    const landing = landRover(server.url, { contract: blind, actor, seconds: 0.3 });
    expect((await landing.outcome).error).toBeNull();
    const [episode] = await recordedEpisodes(landing.directory);
    expect(episode!.steps[0]!.sensors.imu!.every(Number.isNaN)).toBe(true);
    expect(server.commands.counts.taken).toBeGreaterThan(0);
  });

  it('refuses a contract that cannot be deployed before it sends anything', async () => {
    const server = await serveRover();
    const { ros } = roverContract();
    const { odometry: _, ...withoutOdometry } = ros;
    const cases: [Partial<typeof ros>, RegExp][] = [
      [{ sensors: {} }, /reads sensor imu, but the contract names no topic/],
      [{ odometry: { topic: '/odom', type: 'a/B' } }, /odometry comes as a\/B, which this bridge cannot read/],
      [{ command: { ...ros.command, options: { radius: 0.05 } } }, /needs the option separation/],
      [{ command: { ...ros.command, mapping: 'position-array' } }, /action drive is a twist/],
    ];
    for (const [changes, message] of cases) {
      const { error } = await landRover(server.url, { contract: roverContract({ ros: { ...ros, ...changes } }) })
        .outcome;
      expect(error).toBeInstanceOf(InputError);
      expect(error?.message).toMatch(message);
    }
    const unmeasured = await landRover(server.url, { contract: roverContract({ ros: withoutOdometry }) }).outcome;
    expect(unmeasured.error?.message).toMatch(/reads pose or velocity of the base/);
    const asked = await landRover(server.url, { taskCommand: { vy: 1 } }).outcome;
    expect(asked.error?.message).toMatch(/takes no command named vy/);
    expect(server.commands.records).toEqual([]);
  });
});

describe('the task command', () => {
  it('is 0 or the nearest allowed, and what is asked for within the ranges', () => {
    const contract = roverContract();
    expect([...taskCommandOf(contract, {})]).toEqual([0.1, 0]);
    expect([...taskCommandOf(contract, { vx: 3, wz: -0.5 })]).toEqual([0.4, -0.5]);
    expect(() => taskCommandOf(contract, { vz: 1 })).toThrow(/no command named vz/);
    expect(() => taskCommandOf(contract, { vx: Number.NaN })).toThrow(/should be a number/);
  });
});
