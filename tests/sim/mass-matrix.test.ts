/** The mass matrix by hand for one and two links, and by pushing the quadruped in Rapier. */

import { describe, expect, it } from 'vitest';
import { makeCommand } from '../../core/robot.ts';
import type { Quat } from '../../core/robot-model.ts';
import { loadRobot, robotDynamics } from '../../loop/experiment.ts';
import { nominalDynamics } from '../../sim/dynamics.ts';
import { rigRobot, zeroRotation } from '../../sim/joint-rig.ts';
import { feltInertias, freeInertias, MassMatrix } from '../../sim/mass-matrix.ts';
import { baseMassProperties, massProperties } from '../../sim/mass-properties.ts';
import { loadRapier, RapierRobot } from '../../sim/rapier-robot.ts';
import { parseUrdf } from '../../sim/urdf.ts';

const UPRIGHT: Quat = [0, 0, 0, 1];

/** Two links hanging along -z, hinges about y: masses 2 and 3 kg, lengths 0.4 and 0.6 m, points at the ends, inertias 0.1. */
const CHAIN = `<robot name="chain">
  <link name="base"/>
  <link name="upper"><inertial><origin xyz="0 0 -0.4"/><mass value="2"/>
    <inertia ixx="0.1" iyy="0.1" izz="0.1" ixy="0" ixz="0" iyz="0"/></inertial></link>
  <link name="lower"><inertial><origin xyz="0 0 -0.6"/><mass value="3"/>
    <inertia ixx="0.1" iyy="0.1" izz="0.1" ixy="0" ixz="0" iyz="0"/></inertial></link>
  <joint name="hip" type="continuous"><parent link="base"/><child link="upper"/><axis xyz="0 1 0"/></joint>
  <joint name="knee" type="continuous"><parent link="upper"/><child link="lower"/>
    <origin xyz="0 0 -0.4"/><axis xyz="0 1 0"/></joint>
</robot>`;

function massOf(text: string, base: 'fixed' | 'floating'): MassMatrix {
  const model = parseUrdf(text, { where: 'test', base });
  const rig = rigRobot(model);
  const dynamics = nominalDynamics(model);
  const masses = rig.bodies.map((body, b) => {
    const joint = rig.joints.find(({ child }) => child === b);
    const rotation = zeroRotation(rig.zeroPoses, body.root);
    return joint === undefined
      ? baseMassProperties(body, rotation, dynamics)
      : massProperties(body, rotation, joint.axis, dynamics, joint.dof);
  });
  const mass = new MassMatrix(rig, base);
  mass.weigh(masses);
  return mass;
}

function matrixOf(text: string, base: 'fixed' | 'floating', q: readonly number[] = [0, 0]) {
  const mass = massOf(text, base);
  mass.look({ q: Float64Array.from(q), base: Float64Array.of(0, 0, 0, ...UPRIGHT) });
  return mass.matrix;
}

const FREE_CHAIN = CHAIN.replace(
  '<link name="base"/>',
  '<link name="base"><inertial><mass value="5"/><inertia ixx="1" iyy="2" izz="3" ixy="0" ixz="0" iyz="0"/></inertial></link>',
);

describe('a mass matrix', () => {
  it('is that of the double pendulum, hanging', () => {
    // M22 = I2 + m2 r2^2; M12 = M22 + m2 l1 r2; M11 = I1 + m1 r1^2 + I2 + m2 (l1 + r2)^2
    const m22 = 0.1 + 3 * 0.36;
    const m12 = m22 + 3 * 0.4 * 0.6;
    const m11 = 0.1 + 2 * 0.16 + 0.1 + 3 * 1;
    const matrix = matrixOf(CHAIN, 'fixed');
    for (const [k, value] of [m11, m12, m12, m22].entries()) expect(matrix[k]!).toBeCloseTo(value, 12);
    const det = m11 * m22 - m12 * m12;
    const felt = freeInertias(matrix, 2);
    // 1 / (M^-1)_jj = det / (the other diagonal entry)
    expect(felt[0]!).toBeCloseTo(det / m22, 10);
    expect(felt[1]!).toBeCloseTo(det / m11, 10);
  });

  it('begins with the whole mass where the base floats', () => {
    const n = 8;
    const matrix = matrixOf(FREE_CHAIN, 'floating');
    for (let k = 0; k < 3; k++) expect(matrix[k * n + k]!).toBeCloseTo(10, 12);
    // About z nothing is off the axis: 3 + 0.1 + 0.1. The hip turns about y: no part about z.
    expect(matrix[5 * n + 5]!).toBeCloseTo(3.2, 12);
    expect(matrix[5 * n + 6]!).toBeCloseTo(0, 12);
    // Turning the base about y moves the legs as the hip does.
    expect(matrix[4 * n + 4]!).toBeCloseTo(2 + matrix[6 * n + 6]!, 12);
  });

  it('is that of the double pendulum, bent, whatever the first joint', () => {
    const c = Math.cos(0.8);
    const m22 = 0.1 + 3 * 0.36;
    const m12 = m22 + 3 * 0.4 * 0.6 * c;
    const m11 = 0.1 + 2 * 0.16 + m22 + 3 * (0.16 + 2 * 0.4 * 0.6 * c);
    const matrix = matrixOf(CHAIN, 'fixed', [-0.5, 0.8]);
    for (const [k, value] of [m11, m12, m12, m22].entries()) expect(matrix[k]!).toBeCloseTo(value, 12);
  });

  it('does not depend on where a floating base is nor how it is turned', () => {
    const mass = massOf(FREE_CHAIN, 'floating');
    const q = Float64Array.of(0.4, -0.9);
    const joints = (base: readonly number[]) => {
      mass.look({ q, base: Float64Array.from(base) });
      return [54, 55, 62, 63].map((k) => mass.matrix[k]!);
    };
    const turned = joints([3, -2, 1, 0.5, -0.5, 0.5, 0.5]);
    for (const [k, value] of joints([0, 0, 0, ...UPRIGHT]).entries()) expect(turned[k]!).toBeCloseTo(value, 10);
  });

  it('tells what joints feel together while the rest is free', () => {
    const mass = massOf(FREE_CHAIN, 'floating');
    const state = { q: Float64Array.of(0.4, -0.9), base: Float64Array.of(3, -2, 1, 0.5, -0.5, 0.5, 0.5) };
    mass.look(state);
    const felt = freeInertias(mass.matrix, 8);
    const one = new Float64Array(1);
    for (const j of [0, 1]) {
      mass.among([j], state, one);
      expect(one[0]!).toBeCloseTo(felt[6 + j]!, 10);
    }
    // Both, in the other order: what each feels while the other is free follows from it.
    const both = new Float64Array(4);
    mass.among([1, 0], state, both);
    expect(both[1]!).toBeCloseTo(both[2]!, 12);
    const alone = freeInertias(both, 2);
    expect(alone[0]!).toBeCloseTo(felt[7]!, 10);
    expect(alone[1]!).toBeCloseTo(felt[6]!, 10);
  });

  it('feels sliders where they are, with all they carry and the rotors behind them', () => {
    const link = (name: string, mass: number, izz: number) =>
      `<link name="${name}"><inertial><mass value="${mass}"/><inertia ixx="${izz}" iyy="${izz}" izz="${izz}"/></inertial></link>`;
    const joint = (name: string, type: string, parent: string, child: string, axis: string) =>
      `<joint name="${name}" type="${type}"><parent link="${parent}"/><child link="${child}"/><axis xyz="${axis}"/>
       <limit lower="-2" upper="2" effort="10" velocity="10"/></joint>`;
    // A turntable with a slider on it, and on that slider another, the same way.
    const model = parseUrdf(
      `<robot name="crane"><link name="base"/>${link('table', 1, 0.05)}${link('first', 2, 0.01)}${link('second', 3, 0.02)}
        ${joint('turn', 'revolute', 'base', 'table', '0 0 1')}${joint('out', 'prismatic', 'table', 'first', '1 0 0')}
        ${joint('further', 'prismatic', 'first', 'second', '1 0 0')}</robot>`,
      { where: 'the test' },
    );
    const rig = rigRobot(model);
    const dynamics = nominalDynamics(model);
    const masses = rig.bodies.map((body, b) =>
      b === 0
        ? baseMassProperties(body, UPRIGHT, dynamics)
        : massProperties(body, UPRIGHT, rig.joints[b - 1]!.axis, dynamics, b - 1),
    );
    const state = { q: Float64Array.of(0.7, 0.5, 0.3), base: new Float64Array(7) };
    const mass = new MassMatrix(rig, 'fixed');
    mass.weigh(masses, [0.4, 0, 1.5]);
    const felt = feltInertias(mass, rig, state);
    // turn: armature, each link's own, m r^2. out and further: M = [[m1 + m2, m2], [m2, m2 + a]], 1 / (M^-1)_ii = det / M_other
    const det = 5 * 4.5 - 9;
    const expected = [0.4 + 0.05 + 0.01 + 0.02 + 2 * 0.5 ** 2 + 3 * 0.8 ** 2, det / 4.5, det / 5];
    for (const [j, value] of expected.entries()) expect(felt[j]!).toBeCloseTo(value, 10);
  });

  it('says how a joint of the quadruped answers to a push in Rapier', async () => {
    const loaded = await loadRobot('quadruped');
    const { model, config } = loaded;
    const plain = { ...config.spec, actuators: {}, sensors: [], quality: {} };
    const dynamics = { ...robotDynamics(loaded), gravity: 0 };
    // A step short enough that nothing turns noticeably, of many sub-steps so that the joints hold.
    const physics = { physicsDt: 0.0005, solverIterations: 16 };
    const robot = new RapierRobot(await loadRapier(), model, dynamics, physics, plain);
    const q = Float64Array.from(model.dof, (j) => config.defaultPose[model.joints[j]!.name]!);
    const still = new Float64Array(q.length);
    for (const j of [0, 1, 2, 7]) {
      robot.reset(q, still);
      const command = makeCommand(q.length);
      command.effort[j] = 0.5;
      robot.act(command);
      robot.step(0.0005);
      const felt = robot.feltInertia(j);
      // qdd_j = (M^-1)_jj tau; the joints of Rapier give a little: 3%
      expect((robot.truth.qd[j]! / 0.0005) * (felt / 0.5)).toBeGreaterThan(0.97);
      expect((robot.truth.qd[j]! / 0.0005) * (felt / 0.5)).toBeLessThan(1.03);
    }
    robot.close();
  });
});
