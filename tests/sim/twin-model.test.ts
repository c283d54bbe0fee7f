/** What joints feel of inertia in the twin, by hand. */

import { expect, it } from 'vitest';
import { nominalDynamics } from '../../sim/dynamics.ts';
import { rigRobot } from '../../sim/joint-rig.ts';
import { loadMujoco } from '../../sim/mujoco.ts';
import { EMPTY_SCENE } from '../../sim/scene.ts';
import { TwinModel } from '../../sim/twin-model.ts';
import { parseUrdf } from '../../sim/urdf.ts';

it('finds what each joint moves while the others are free: where it is, with all it carries', async () => {
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
  const plan = { model, rig: rigRobot(model, []), selfCollision: false };
  const twin = new TwinModel(await loadMujoco(), plan, EMPTY_SCENE, 0.002);
  twin.apply({ ...nominalDynamics(model), armature: [0.4, 0, 1.5] });
  twin.place({
    q: Float64Array.of(0.7, 0.5, 0.3),
    qd: new Float64Array(3),
    base: new Float64Array(7),
    twist: new Float64Array(6),
  });
  const felt = new Float64Array(3);
  twin.readInertias(felt);
  twin.close();
  // turn: armature, each link's own, m r^2. out and further: M = [[m1 + m2, m2], [m2, m2 + a]], 1 / (M^-1)_ii = det / M_other
  const det = 5 * 4.5 - 9;
  const expected = [0.4 + 0.05 + 0.01 + 0.02 + 2 * 0.5 ** 2 + 3 * 0.8 ** 2, det / 4.5, det / 5];
  for (const [j, value] of expected.entries()) expect(felt[j]!).toBeCloseTo(value, 10);
});
