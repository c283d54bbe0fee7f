/** The arm's drives at the physics its tasks use: sag, steps and stability against statics and theory. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { forwardKinematics } from '../../../core/kinematics.ts';
import { keyOf, RandomStream } from '../../../core/rng.ts';
import { makeCommand } from '../../../core/robot.ts';
import { jointNames, type RobotModel } from '../../../core/robot-model.ts';
import { quatRotate } from '../../../core/rotation.ts';
import { type LoadedRobot, loadRobot, robotDynamics } from '../../../loop/experiment.ts';
import { loadRapier, RapierRobot } from '../../../sim/rapier-robot.ts';
import { FLOOR } from '../../../sim/scene.ts';
import { ARM_PHYSICS } from '../../../sim/tasks/arm-terms.ts';

const rapier = await loadRapier();
const PERIOD = 0.04;

/** Torque of gravity about each joint at q, N m: a_j . sum of (c - p_j) x m g over the links beyond it. */
function gravityTorques(model: RobotModel, q: ArrayLike<number>): number[] {
  const poses = new Float64Array(model.links.length * 7);
  forwardKinematics(model, q, poses);
  const at = (link: number) => [...poses.subarray(link * 7, link * 7 + 3)];
  const turn = (link: number) => poses.subarray(link * 7 + 3, link * 7 + 7);
  const beyond = (link: number): number[] => [
    link,
    ...model.joints.flatMap(({ parent, child }) => (parent === link ? beyond(child) : [])),
  ];
  return model.dof.map((index) => {
    const { child, axis } = model.joints[index]!;
    const a = quatRotate(turn(child), axis, [0, 0, 0]);
    const p = at(child);
    let torque = 0;
    for (const link of beyond(child)) {
      const { inertial } = model.links[link]!;
      if (inertial === null) continue;
      const c = quatRotate(turn(link), inertial.origin.xyz, [0, 0, 0]);
      const [x, y] = [0, 1].map((k) => at(link)[k]! + c[k]! - p[k]!) as [number, number];
      // (r x (0, 0, -m g)) . a
      torque += -inertial.mass * 9.81 * (y * a[0]! - x * a[1]!);
    }
    return torque;
  });
}

describe('the arm', () => {
  let arm: LoadedRobot;
  let robot: RapierRobot;
  let home: number[];
  const command = makeCommand(6);
  beforeAll(async () => {
    arm = await loadRobot('arm');
    const names = jointNames(arm.model);
    home = names.map((name) => arm.config.defaultPose[name]!);
    robot = new RapierRobot(rapier, arm.model, robotDynamics(arm), ARM_PHYSICS, arm.config.spec);
    robot.setScene(FLOOR);
    for (const [j, name] of names.entries()) {
      command.kp[j] = arm.config.gains[name]!.kp;
      command.kd[j] = arm.config.gains[name]!.kd;
    }
  });
  afterAll(() => robot.close());

  function settle(q: readonly number[], seconds: number): void {
    robot.reset(q, new Float64Array(6));
    command.q.set(q);
    for (let i = 0; i < seconds / PERIOD; i++) {
      robot.act(command);
      robot.step(PERIOD);
    }
  }

  it('sags by the weight over the stiffness at its default pose', () => {
    settle(home, 4);
    const weight = gravityTorques(arm.model, robot.truth.q);
    // shoulder 19 N m, elbow 16 N m: the line drawn is 2%; the rig is within 0.2%
    expect(weight[1]).toBeGreaterThan(15);
    for (let j = 0; j < 6; j++) {
      const sag = home[j]! - robot.truth.q[j]!;
      const expected = -weight[j]! / command.kp[j]!;
      expect(Math.abs(sag - expected)).toBeLessThan(0.002 * Math.abs(expected) + 1e-5);
    }
    expect(Math.max(...robot.truth.qd.map(Math.abs))).toBeLessThan(1e-3);
    expect(robot.jointSeparation).toBeLessThan(2e-4);
  });

  it('follows a step of each joint without ringing', () => {
    const size = 0.1;
    const { physicsDt } = ARM_PHYSICS;
    for (let j = 0; j < 6; j++) {
      settle(home, 2);
      const from = robot.truth.q[j]!;
      command.q[j] = home[j]! + size;
      let peak = 0;
      let rise = 0;
      let turns = 0;
      let rate = 0;
      for (let i = 1; i <= 1 / physicsDt; i++) {
        robot.act(command);
        robot.step(physicsDt);
        const share = (robot.truth.q[j]! - from) / size;
        peak = Math.max(peak, share);
        if (rise === 0 && share > 1 - Math.exp(-1)) rise = i * physicsDt;
        // 1% of a critically damped step's fastest speed, kp size / kd e
        if (Math.abs(robot.truth.qd[j]!) > (0.01 * command.kp[j]! * size) / command.kd[j]!) {
          if (robot.truth.qd[j]! * rate < 0) turns++;
          rate = robot.truth.qd[j]!;
        }
      }
      // An overdamped joint takes kd / kp, a critically damped one 2.15 / w; the others' motion adds a little.
      const slowest = command.kd[j]! / command.kp[j]!;
      expect(rise).toBeGreaterThan(0.5 * slowest);
      expect(rise).toBeLessThan(1.6 * slowest);
      // The joint's share of the weight changes on the way: 1.4% of the step.
      expect(peak).toBeLessThan(1.02);
      expect(turns, `joint ${j}`).toBeLessThanOrEqual(1);
    }
  });

  it('comes to rest wherever it is put, with drives damped half as much again', () => {
    const random = new RandomStream(keyOf(3));
    for (let trial = 0; trial < 20; trial++) {
      const q = home.map((x) => x + random.between(-0.8, 0.8));
      const stronger = { ...robotDynamics(arm), kpScale: new Array(6).fill(1.1), kdScale: new Array(6).fill(1.5) };
      robot.setDynamics(stronger);
      robot.setScene({ ground: 'none', statics: [], objects: [] });
      settle(q, 1);
      expect(Math.max(...robot.truth.qd.map(Math.abs))).toBeLessThan(0.01);
    }
  });
});
