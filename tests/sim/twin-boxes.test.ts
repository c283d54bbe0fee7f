/** MuJoCo's boxes around shapes hold them wherever the centre of mass and the principal axes are. */

import { describe, expect, it } from 'vitest';
import { RandomStream } from '../../core/rng.ts';
import type { Quat, Vec3 } from '../../core/robot-model.ts';
import { quatConjugate, quatNormalize, quatRotate } from '../../core/rotation.ts';
import { nominalDynamics } from '../../sim/dynamics.ts';
import { compileMjcf, loadMujoco } from '../../sim/mujoco.ts';
import { PLAIN_ROBOT } from '../../sim/robot-spec.ts';
import type { Scene } from '../../sim/scene.ts';
import { makeTwin } from '../../sim/twin.ts';
import { TwinBoxes } from '../../sim/twin-boxes.ts';
import { parseUrdf } from '../../sim/urdf.ts';

/** Half sizes and where the one shape is in its body, m. */
const HALF = [0.3, 0.1, 0.05] as const;
const AT = [0.4, -0.2, 0.1] as const;

const BODY = `<mujoco><worldbody><body name="body"><freejoint/>
  <inertial pos="0.1 0.2 0.3" quat="0.8 0.4 0.4 0.2" mass="1" diaginertia="1 1 1"/>
  <geom type="box" size="${HALF.join(' ')}" pos="${AT.join(' ')}"/></body></worldbody></mujoco>`;

describe('boxes', () => {
  it('hold the shape in every inertial frame, and are no larger than turning makes them', async () => {
    const mj = compileMjcf(await loadMujoco(), BODY, 'the test');
    const boxes = new TwinBoxes(mj);
    const random = new RandomStream([7, 0]);
    for (let trial = 0; trial < 20; trial++) {
      const com = [0, 1, 2].map(() => random.between(-1, 1)) as unknown as Vec3;
      const turn = quatNormalize(
        [0, 1, 2, 3].map(() => random.between(-1, 1)),
        [0, 0, 0, 1],
      ) as Quat;
      (mj.body_ipos as Float64Array).set(com, 3);
      (mj.body_iquat as Float64Array).set([turn[3], turn[0], turn[1], turn[2]], 4);
      boxes.fit(mj, 1);
      const box = (mj.bvh_aabb as Float64Array).subarray(6 * mj.body_bvhadr[1], 6 * mj.body_bvhadr[1] + 6);
      const inverse = quatConjugate(turn, [0, 0, 0, 1]);
      for (let corner = 0; corner < 8; corner++) {
        const inBody = AT.map((x, k) => x + HALF[k]! * ((corner >> k) & 1 ? 1 : -1) - com[k]!);
        const inFrame = quatRotate(inverse, inBody, [0, 0, 0]);
        // Rounding of the compiler's own frames.
        for (let k = 0; k < 3; k++) expect(Math.abs(inFrame[k]! - box[k]!)).toBeLessThan(box[3 + k]! + 1e-9);
      }
      // A box around a turned box is at most sqrt 3 larger, and there are two of them.
      expect(Math.hypot(box[3]!, box[4]!, box[5]!)).toBeLessThan(3 * Math.hypot(...HALF));
    }
    mj.delete();
  });

  it('let an arm push an object, wherever its own mass is', async () => {
    // A disc at the end of a rod that pans over a table, against a block in its way; a second shape, as tools have.
    const scene: Scene = {
      ground: 'plane',
      statics: [],
      objects: [
        {
          name: 'block',
          mass: 0.2,
          geometry: { kind: 'cylinder', radius: 0.04, length: 0.06 },
          pose: { xyz: [0.48, 0.14, 0.03], quat: [0, 0, 0, 1] },
          friction: 0.2,
        },
      ],
    };
    for (const com of ['0 0 0.3', '0.25 0 0', '-0.4 0.5 0.1']) {
      const model = parseUrdf(
        `<robot name="pan"><link name="base"/><link name="rod">
          <inertial><origin xyz="${com}" rpy="0.4 0.2 0.9"/><mass value="2"/><inertia ixx="0.1" iyy="0.08" izz="0.05"/></inertial>
          <collision><origin xyz="0.5 0 0.04"/><geometry><sphere radius="0.02"/></geometry></collision>
          <collision><origin xyz="0.5 0 0.3"/><geometry><box size="0.02 0.02 0.1"/></geometry></collision></link>
          <joint name="pan" type="continuous"><parent link="base"/><child link="rod"/><axis xyz="0 0 1"/></joint></robot>`,
        { where: 'the test' },
      );
      const robot = await makeTwin(
        model,
        { ...nominalDynamics(model), damping: [0], friction: [0] },
        { spec: PLAIN_ROBOT },
      );
      robot.setScene(scene);
      robot.reset([0], [2]);
      robot.step(1);
      // It hits with 1 m/s and at least 0.24 kg at its end: a plastic blow sends the block off with 0.54, v^2 / (2 mu g) = 74 mm far.
      // Where the engine sees no contact the block stays where it is.
      expect(Math.hypot(robot.objects[0]! - 0.48, robot.objects[1]! - 0.14)).toBeGreaterThan(0.03);
      robot.close();
    }
  });
});
