/** End stops and followers: by hand, and in Rapier. */

import { describe, expect, it } from 'vitest';
import { makeCommand } from '../../core/robot.ts';
import { nominalDynamics } from '../../sim/dynamics.ts';
import { couplingTorque, stopTorque } from '../../sim/joint-stops.ts';
import { loadRapier, RapierRobot } from '../../sim/rapier-robot.ts';
import { parseUrdf } from '../../sim/urdf.ts';

const DT = 0.01;
/** I / dt^2 = 200 N m/rad, a tenth of it is the spring; I / dt = 2 N m s/rad, half of it the damper. */
const INERTIA = 0.02;

describe('stopTorque', () => {
  it('is nothing within the stops, at them too', () => {
    for (const q of [-1, 0, 1]) expect(stopTorque(5, q, 3, -1, 1, INERTIA, DT)).toBe(0);
  });

  it('is spring and damper beyond, and bears what pushes in', () => {
    // -20 * 0.1 - 1 * 0.5 - 3
    expect(stopTorque(3, 1.1, 0.5, -1, 1, INERTIA, DT)).toBeCloseTo(-2 - 0.5 - 3, 12);
    expect(stopTorque(-3, 1.1, 0.5, -1, 1, INERTIA, DT)).toBeCloseTo(-2.5, 12);
    expect(stopTorque(-3, -1.1, -0.5, -1, 1, INERTIA, DT)).toBeCloseTo(2.5 + 3, 12);
  });

  it('never pulls back to the stop', () => {
    expect(Math.abs(stopTorque(0, 1.01, -4, -1, 1, INERTIA, DT))).toBe(0);
    expect(stopTorque(0, -1.01, 4, -1, 1, INERTIA, DT)).toBe(0);
  });
});

it('couplingTorque is spring and damper towards the leader, and what speeds that up', () => {
  // 0.02 * 50 + 20 * 0.1 + 1 * 0.5
  expect(couplingTorque(50, 0.1, 0.5, INERTIA, DT)).toBeCloseTo(3.5, 12);
});

describe('in Rapier', () => {
  const link = (name: string, mass: number) =>
    `<link name="${name}"><inertial><origin xyz="0.1 0 0"/><mass value="${mass}"/>
     <inertia ixx="0.001" iyy="0.001" izz="0.001" ixy="0" ixz="0" iyz="0"/></inertial></link>`;
  const GRIPPER = `<robot name="gripper"><link name="base"/>${link('left', 0.2)}${link('right', 0.3)}
    <joint name="lead" type="revolute"><parent link="base"/><child link="left"/><axis xyz="0 0 1"/>
      <limit lower="-0.5" upper="0.5" effort="2" velocity="10"/></joint>
    <joint name="follow" type="revolute"><parent link="base"/><child link="right"/><axis xyz="0 0 1"/>
      <limit lower="-3" upper="3" effort="2" velocity="10"/><mimic joint="lead" multiplier="-2" offset="0.3"/></joint>
    </robot>`;

  it('a joint pushed into its stop with all its torque goes no further than a step of that torque takes it', async () => {
    const model = parseUrdf(GRIPPER, { where: 'gripper' });
    const robot = new RapierRobot(await loadRapier(), model, nominalDynamics(model), {
      physicsDt: 0.005,
      solverIterations: 4,
    });
    const command = makeCommand(1);
    for (const [torque, stop] of [
      [2, 0.5],
      [-2, -0.5],
    ] as const) {
      command.effort[0] = torque;
      robot.act(command);
      robot.step(2);
      // tau dt^2 / I = 2 * 0.005^2 / 0.003, as much again for the spring, and what follows pushes too: 0.042 rad measured
      expect(Math.abs(robot.truth.q[0]! - stop)).toBeLessThan(3 * 0.0167);
    }
    robot.close();
  });

  it('a follower goes where its leader says, offset and gear included', async () => {
    const model = parseUrdf(GRIPPER, { where: 'gripper' });
    expect(model.dof).toHaveLength(1);
    const robot = new RapierRobot(await loadRapier(), model, nominalDynamics(model), {
      physicsDt: 0.005,
      solverIterations: 4,
    });
    const command = makeCommand(1);
    const pose = new Float64Array(7);
    for (let k = 0; k < 100; k++) {
      command.effort[0] = 0.3 * Math.sin(0.1 * k);
      robot.act(command);
      robot.step(0.02);
      robot.world.linkPose(2, pose);
      // Rotation about z by -2 q + 0.3, through 100 rad/s2 and hard landings on both stops. 1e-4 measured.
      const angle = 2 * Math.atan2(pose[5]!, pose[6]!);
      expect(Math.abs(angle - (-2 * robot.truth.q[0]! + 0.3))).toBeLessThan(1e-3);
    }
    robot.close();
  });
});
