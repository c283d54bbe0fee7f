/** The static rig in Rapier: 1 kg at 0.2 m on a joint with a stiffness of 25 N m/rad, whatever the link's own inertia. */

import { describe, expect, it } from 'vitest';
import { makeCommand, makeState } from '../../../core/robot.ts';
import { Drives } from '../../../sim/actuators/drives.ts';
import { loadRapier } from '../../../sim/rapier-robot.ts';
import type { ActuatorKind } from '../../../sim/robot-spec.ts';
import { at, dynamicsOf } from './rig.ts';

const rapier = await loadRapier();
const [MASS, LEVER] = [1, 0.2];
/** kp s = m g l cos s */
const SAG = 0.0782;

/** How far the arm hangs below the horizontal after 4 s, rad, and how fast it still moves, rad/s. */
function settle(
  kind: ActuatorKind,
  linkInertia: number,
  dt: number,
  kp = 25,
  kd = 0.5,
): { sag: number; speed: number } {
  const world = new rapier.World({ x: 0, y: 0, z: -9.81 });
  world.timestep = dt;
  const base = world.createRigidBody(rapier.RigidBodyDesc.fixed());
  const arm = world.createRigidBody(rapier.RigidBodyDesc.dynamic().setCanSleep(false));
  const moments = { x: linkInertia, y: linkInertia, z: linkInertia };
  arm.setAdditionalMassProperties(MASS, { x: LEVER, y: 0, z: 0 }, moments, { x: 0, y: 0, z: 0, w: 1 }, true);
  const origin = { x: 0, y: 0, z: 0 };
  // About -y the arm along x rises for positive angles.
  world.createImpulseJoint(rapier.JointData.revolute(origin, origin, { x: 0, y: -1, z: 0 }), base, arm, true);
  const drives = new Drives([kind], dt);
  drives.reset(dynamicsOf(1), [linkInertia + MASS * LEVER ** 2]);
  const command = makeCommand(1);
  command.kp[0] = kp;
  command.kd[0] = kd;
  drives.push(command, 0);
  const state = makeState(1);
  const out = new Float64Array(1);
  for (let i = 0; i < Math.round(4 / dt); i++) {
    drives.torques(at(state, i * dt), out);
    arm.resetTorques(true);
    arm.addTorque({ x: 0, y: -out[0]!, z: 0 }, true);
    world.step();
    const { y, w } = arm.rotation();
    state.q[0] = -2 * Math.atan2(y, w);
    state.qd[0] = -arm.angvel().y;
  }
  world.free();
  return { sag: -state.q[0]!, speed: Math.abs(state.qd[0]!) };
}

describe.each<ActuatorKind>([{ kind: 'pd' }, { kind: 'implicit-pd' }])('a $kind drive', (kind) => {
  it.each([
    [0.005, 0.005],
    [0.0005, 0.005],
    [0.005, 0.02],
    [0.0005, 0.02],
  ])('holds 1 kg at 0.2 m where it should, link inertia %d kg m2, step %d s', (linkInertia, dt) => {
    const { sag, speed } = settle(kind, linkInertia, dt);
    // The line drawn is 2%; both are far better.
    expect(Math.abs(sag / SAG - 1)).toBeLessThan(0.02);
    expect(speed).toBeLessThan(1e-3);
  });
});

describe('gains beyond the explicit drive', () => {
  it.each([
    [1e4, 100],
    [1e6, 1e3],
  ])('are held by the implicit one: kp %d, kd %d', (kp, kd) => {
    for (const linkInertia of [0.005, 0.0005]) {
      const { sag, speed } = settle({ kind: 'implicit-pd' }, linkInertia, 0.005, kp, kd);
      // m g l / kp; the engine's angles are of single precision, 1e-7 rad
      expect(Math.abs(sag - (9.81 * MASS * LEVER) / kp)).toBeLessThan(2e-6);
      expect(speed).toBeLessThan(1e-3);
    }
  });

  it('turn the explicit one loose', () => {
    expect(settle({ kind: 'pd' }, 0.005, 0.005, 1e4, 100).speed).toBeGreaterThan(1);
  });
});
