/** The MJCF that the twin writes against MuJoCo's own reading of the same URDF files, and the shortcuts it must not take. */

import { existsSync, readFileSync } from 'node:fs';
import type { MjData, MjModel } from '@mujoco/mujoco';
import { describe, expect, it } from 'vitest';
import type { RobotModel } from '../../core/robot-model.ts';
import { nominalDynamics } from '../../sim/dynamics.ts';
import { rigRobot } from '../../sim/joint-rig.ts';
import { mjcfName } from '../../sim/mjcf.ts';
import { EMPTY_SCENE } from '../../sim/scene.ts';
import { loadMujoco } from '../../sim/twin.ts';
import { TwinModel } from '../../sim/twin-model.ts';
import { parseUrdf } from '../../sim/urdf.ts';

const mujoco = await loadMujoco();

const FILES = [
  'configs/robots/pendulum.urdf',
  '../shared/data/pendulum/pendulum.urdf',
  '../shared/data/robots/a1_description/urdf/a1.urdf',
];

/** Mass, centre of mass and inertia tensor along the world's axes at the zero pose: no frame of the body's own is in them. */
function inWorld(mj: MjModel, data: MjData, body: number): number[] {
  const [mass, moments] = [mj.body_mass[body] as number, (mj.body_inertia as Float64Array).subarray(3 * body)];
  const com = Array.from((data.xipos as Float64Array).subarray(3 * body, 3 * body + 3));
  const axes = (data.ximat as Float64Array).subarray(9 * body);
  const tensor: number[] = [];
  for (let r = 0; r < 3; r++) {
    for (let c = r; c < 3; c++) {
      // I = R diag(moments) R^T
      tensor.push([0, 1, 2].reduce((sum, k) => sum + axes[3 * r + k]! * moments[k]! * axes[3 * c + k]!, 0));
    }
  }
  return [mass, ...com, ...tensor];
}

/** By MuJoCo's own loader, without shapes, links on fixed joints made one with what carries them. */
function native(text: string): { mj: MjModel; data: MjData } {
  const bare = text
    .replace(/<(visual|collision|mujoco|gazebo|transmission)\b[^>]*?>[\s\S]*?<\/\1>/g, '')
    .replace(/<\/robot>/, '<mujoco><compiler fusestatic="true" balanceinertia="false"/></mujoco></robot>');
  const mj = mujoco.MjModel.from_xml_string(bare);
  const data = new mujoco.MjData(mj);
  mujoco.mj_forward(mj, data);
  return { mj, data };
}

describe('masses', () => {
  for (const file of FILES) {
    it.skipIf(!existsSync(file))(`of ${file} are those of MuJoCo's own URDF loader`, () => {
      const text = readFileSync(file, 'utf8');
      const model = parseUrdf(text, { where: file });
      const rig = rigRobot(model);
      const twin = new TwinModel(mujoco, { model, rig, selfCollision: false }, EMPTY_SCENE, 0.002);
      twin.apply(nominalDynamics(model));
      mujoco.mj_forward(twin.mj, twin.data);
      const { mj, data } = native(text);
      expect(rig.joints.length).toBeGreaterThan(0);
      expect(rig.joints.length).toBe(mj.njnt);
      let total = 0;
      for (const { name, child } of rig.joints) {
        const joint = mj.jnt(name);
        const expected = inWorld(mj, data, mj.jnt_bodyid[joint.id]);
        joint.delete();
        const found = inWorld(twin.mj, twin.data, twin.bodyOf[child]!);
        total += expected[0]!;
        // Both work in double precision; positions pass through a chain of a few rotations.
        for (const [k, value] of found.entries()) expect(Math.abs(value - expected[k]!)).toBeLessThan(1e-9);
      }
      const moving = rig.joints.reduce((sum, { child }) => sum + twin.mj.body_mass[twin.bodyOf[child]!], 0);
      expect(moving).toBeCloseTo(total, 9);
      for (const made of [mj, data]) made.delete();
      twin.close();
    });
  }
});

const BALL = `<robot name="ball"><link name="ball"><inertial><mass value="2"/>
  <inertia ixx="0.01" iyy="0.01" izz="0.01"/></inertial></link></robot>`;

describe('the compiled model', () => {
  it('lets a centre of mass that stood at the origin be moved', () => {
    const model: RobotModel = { ...parseUrdf(BALL, { where: 'ball' }), base: 'floating' };
    const plan = { model, rig: rigRobot(model), selfCollision: false };
    const twin = new TwinModel(mujoco, plan, EMPTY_SCENE, 0.002);
    twin.apply({ ...nominalDynamics(model), comX: 0.03, payload: 1, baseMassScale: 2 });
    mujoco.mj_forward(twin.mj, twin.data);
    const id = twin.bodyOf[0]!;
    expect(twin.data.xipos[3 * id]).toBeCloseTo(0.03, 12);
    expect(twin.mj.body_mass[id]).toBeCloseTo(2 * 2 + 1, 12);
    // Dynamics see it too: pulled at its origin along y, it turns.
    twin.data.qfrc_applied[1] = 1;
    twin.mj.opt.gravity[2] = 0;
    mujoco.mj_forward(twin.mj, twin.data);
    // alpha = -c F / I about the centre of mass
    expect(twin.data.qacc[5]).toBeCloseTo((-0.03 * 1) / (2 * 0.01), 9);
    twin.close();
  });

  it('names bodies and joints by their place in the rig', () => {
    const text = readFileSync('configs/robots/pendulum.urdf', 'utf8');
    const model = parseUrdf(text, { where: 'pendulum' });
    const twin = new TwinModel(mujoco, { model, rig: rigRobot(model), selfCollision: false }, EMPTY_SCENE, 0.002);
    const joint = twin.mj.jnt(mjcfName.joint(0));
    expect(twin.mj.jnt_bodyid[joint.id]).toBe(twin.bodyOf[1]);
    joint.delete();
    twin.close();
  });
});
