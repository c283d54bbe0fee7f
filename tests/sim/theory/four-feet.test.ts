/**
 * Friction of feet in Rapier against theory. Rapier 0.35.1 (the engine of the 0.20.0 package) bounds each contact's friction
 * impulse by a disc of radius mu N, which is right, but moves it by Newton's step before it puts it back on the disc:
 *   f <- cap(f - K^-1 v, mu N),   K = 1/m 1 - [r] I^-1 [r] in the contact's plane, of the one body that touches
 * (contact_constraint_element.rs, ContactConstraintTangentPartSlim::solve). A foot that sticks is right: v = 0, any f within
 * the disc. A foot that slides ends with f along -K^-1 v in place of -v, whatever the step, the iterations or the speed: the
 * force has its full size mu N and the wrong direction, unless K is the same in both directions, as for one ball or box under
 * the centre of mass. On a body with four feet the sideways parts cancel out and what is left falls short of mu m g; a single
 * foot at the end of a leg is pulled to the side. No setting of the engine that JavaScript has changes it. The power that a
 * sliding foot loses is mu N |v| cos(angle), with cos(angle) >= 2 sqrt(k) / (1 + k), k the ratio of K's principal values.
 */

import type RapierNamespace from '@dimforge/rapier3d';
import { describe, expect, it } from 'vitest';
import { loadRapier } from '../../../sim/rapier.ts';
import { loadMujoco } from '../../../sim/twin.ts';

const rapier = await loadRapier();
const DIRECTIONS = [0, 15, 30, 45, 60, 75, 90];
const G = 9.81;
const MU = 0.6;
const DT = 0.005;

type Vec = readonly [number, number, number];

/** Four balls under a box, as a quadruped's feet: m, kg, kg m2. */
const BODY = { mass: 12, inertia: [0.15, 0.25, 0.3] as Vec, x: 0.2, y: 0.15, below: 0.05, radius: 0.02 };
const FEET = [1, -1].flatMap((sx) => [1, -1].map((sy): Vec => [sx * BODY.x, sy * BODY.y, -BODY.below]));

interface Rig {
  readonly world: RapierNamespace.World;
  readonly body: RapierNamespace.RigidBody;
}

function newWorld(solverIterations = 4, dt = DT): RapierNamespace.World {
  const world = new rapier.World({ x: 0, y: 0, z: -G });
  world.timestep = dt;
  world.numSolverIterations = solverIterations;
  const ground = world.createRigidBody(rapier.RigidBodyDesc.fixed());
  world.createCollider(rapier.ColliderDesc.cuboid(50, 50, 0.5).setTranslation(0, 0, -0.5).setFriction(MU), ground);
  return world;
}

/** At rest on its feet. */
function fourFeet(inertia: Vec = BODY.inertia, turns = true, world = newWorld()): Rig {
  const desc = rapier.RigidBodyDesc.dynamic().setTranslation(0, 0, BODY.below + BODY.radius);
  const body = world.createRigidBody(desc.enabledRotations(turns, turns, turns).setCanSleep(false));
  const none = { x: 0, y: 0, z: 0 };
  const [x, y, z] = inertia;
  body.setAdditionalMassProperties(BODY.mass, none, { x, y, z }, { ...none, w: 1 }, true);
  for (const [fx, fy, fz] of FEET) {
    const foot = rapier.ColliderDesc.ball(BODY.radius).setTranslation(fx, fy, fz);
    world.createCollider(foot.setDensity(0).setFriction(MU), body);
  }
  for (let i = 0; i < 200; i++) world.step();
  return { world, body };
}

const unit = (degrees: number): readonly [number, number] => [
  Math.cos((degrees * Math.PI) / 180),
  Math.sin((degrees * Math.PI) / 180),
];

/** Friction along and across the direction of sliding as shares of mu m g, from the speed lost in the first 25 ms. */
function slide({ world, body }: Rig, degrees: number): { along: number; across: number } {
  const [cx, cy] = unit(degrees);
  body.setLinvel({ x: 3 * cx, y: 3 * cy, z: 0 }, true);
  // The normal forces shift to the front feet first; the body has not yet turned where it is pulled to the side.
  for (let i = 0; i < 2; i++) world.step();
  const before = body.linvel();
  for (let i = 0; i < 5; i++) world.step();
  const after = body.linvel();
  const scale = 1 / (5 * world.timestep * MU * G);
  world.free();
  const dx = (before.x - after.x) * scale;
  const dy = (before.y - after.y) * scale;
  return { along: dx * cx + dy * cy, across: dy * cx - dx * cy };
}

/** K^-1 v made a unit vector, for a body whose principal axes are the world's. @param r contact from the centre of mass */
function pulledAlong(r: Vec, mass: number, [ix, iy, iz]: Vec, [vx, vy]: readonly [number, number]): [number, number] {
  // r x e_x = (0, rz, -ry), r x e_y = (-rz, 0, rx)
  const kxx = 1 / mass + r[2] ** 2 / iy + r[1] ** 2 / iz;
  const kyy = 1 / mass + r[2] ** 2 / ix + r[0] ** 2 / iz;
  const kxy = (-r[1] * r[0]) / iz;
  const [fx, fy] = [kyy * vx - kxy * vy, kxx * vy - kxy * vx];
  const size = Math.hypot(fx, fy);
  return [fx / size, fy / size];
}

/** What `slide` should find if each foot's friction is mu N along -K^-1 v. */
function predict(degrees: number): { along: number; across: number } {
  const v = unit(degrees);
  const height = BODY.below + BODY.radius;
  let [fx, fy] = [0, 0];
  // Friction at the feet tips the body forward: N_i = m g / 4 + a x_i + b y_i holds it, and changes the friction in turn.
  for (let round = 0; round < 30; round++) {
    const a = (-height * fx) / (4 * BODY.x ** 2);
    const b = (-height * fy) / (4 * BODY.y ** 2);
    [fx, fy] = [0, 0];
    for (const [x, y] of FEET) {
      const load = 1 / 4 + a * x + b * y;
      const [dx, dy] = pulledAlong([x, y, -height], BODY.mass, BODY.inertia, v);
      fx -= MU * load * dx;
      fy -= MU * load * dy;
    }
  }
  return { along: -(fx * v[0] + fy * v[1]) / MU, across: -(fy * v[0] - fx * v[1]) / MU };
}

describe('four feet on one rigid body', () => {
  it.each(DIRECTIONS)('slides with mu N at each foot, pulled along -K^-1 v: %d degrees', (degrees) => {
    const found = slide(fourFeet(), degrees);
    const theory = predict(degrees);
    // The load shifts to the front feet over a few steps, which shows most in the small sideways sum.
    expect(Math.abs(found.along - theory.along)).toBeLessThan(0.01);
    expect(Math.abs(found.across - theory.across)).toBeLessThan(0.02);
  });

  it('falls short of mu m g by up to a fifth, depending on the direction', () => {
    const shares = DIRECTIONS.map((degrees) => slide(fourFeet(), degrees).along);
    expect(Math.min(...shares)).toBeGreaterThan(0.8);
    expect(Math.min(...shares)).toBeLessThan(0.9);
    expect(Math.max(...shares)).toBeLessThan(1.001);
  });

  it('does so whatever the step and the sub-steps', () => {
    const of = (iterations: number, dt: number) => slide(fourFeet(BODY.inertia, true, newWorld(iterations, dt)), 90);
    for (const [iterations, dt] of [
      [1, 0.005],
      [16, 0.005],
      [4, 0.001],
    ] as const) {
      expect(of(iterations, dt).along).toBeCloseTo(of(4, 0.005).along, 2);
    }
  });

  it.each(DIRECTIONS)('is exact where K has no direction: %d degrees', (degrees) => {
    // Nothing turns, or so heavy to turn that K is 1/m to 1 part in 100.
    for (const rig of [fourFeet(BODY.inertia, false), fourFeet([15, 25, 30])]) {
      const { along, across } = slide(rig, degrees);
      expect(along).toBeCloseTo(1, 2);
      expect(Math.abs(across)).toBeLessThan(0.02);
    }
  });

  it.each(DIRECTIONS)('breaks away between its sliding friction and mu m g: %d degrees', (degrees) => {
    const { world, body } = fourFeet();
    const [cx, cy] = unit(degrees);
    // Pulled harder by half of mu m g a second until it moves at 5 mm/s.
    let share = 0;
    for (let speed = 0; speed < 0.005; share += 0.5 * DT) {
      const force = share * MU * BODY.mass * G;
      body.resetForces(true);
      body.addForce({ x: force * cx, y: force * cy, z: 0 }, true);
      world.step();
      speed = Math.hypot(body.linvel().x, body.linvel().y);
    }
    world.free();
    expect(share).toBeGreaterThan(predict(degrees).along);
    // sqrt(2 * 0.5 mu g / s * 5 mm/s) / (mu g): the pull grows by 3% while the speed does.
    expect(share).toBeLessThan(1.035);
  });

  it.each(DIRECTIONS)('MuJoCo gives mu N against the motion: %d degrees', async (degrees) => {
    const mujoco = await loadMujoco();
    const feet = FEET.map((at) => `<geom type="sphere" size="${BODY.radius}" pos="${at.join(' ')}" mass="0"/>`);
    const mj = mujoco.MjModel.from_xml_string(`<mujoco>
      <option timestep="0.001" cone="elliptic" impratio="100" gravity="0 0 -${G}"/>
      <default><geom friction="${MU} 0 0" condim="3" solref="0.01 1"/></default>
      <worldbody><geom type="plane" size="50 50 1"/>
        <body pos="0 0 ${BODY.below + BODY.radius}"><freejoint/>
          <inertial pos="0 0 0" mass="${BODY.mass}" diaginertia="${BODY.inertia.join(' ')}"/>${feet.join('')}
        </body></worldbody></mujoco>`);
    const data = new mujoco.MjData(mj);
    const run = (seconds: number) => {
      for (let i = 0; i < Math.round(seconds / 0.001); i++) mujoco.mj_step(mj, data);
      return [data.qvel[0]!, data.qvel[1]!, data.qvel[2]!] as const;
    };
    run(1);
    const [cx, cy] = unit(degrees);
    data.qvel[0] = 3 * cx;
    data.qvel[1] = 3 * cy;
    const before = run(0.05);
    const after = run(0.1);
    data.delete();
    mj.delete();
    // Its contacts are springs on which the body rocks and hops: what bears on the feet is not m g, and they turn a little.
    const load = after[2] - before[2] + 0.1 * G;
    const dx = (before[0] - after[0]) / (MU * load);
    const dy = (before[1] - after[1]) / (MU * load);
    expect(Math.abs(dx * cx + dy * cy - 1)).toBeLessThan(0.02);
    expect(Math.abs(dy * cx - dx * cy)).toBeLessThan(0.04);
  });
});

describe('a foot at the end of a leg', () => {
  /** A quadruped's calf, its principal axes the link's: kg, m, kg m2. */
  const CALF = { mass: 0.226, com: 0.132, inertia: [0.003385, 0.003403, 0.00003], length: 0.2 } as const;
  const TRUNK = 3;

  /** The leg welded to a trunk that cannot turn, pitched back by `pitch`, rad. Friction over mu N as a vector. */
  function slideLeg(pitch: number, degrees: number): { share: readonly [number, number]; theory: [number, number] } {
    const world = newWorld();
    const [s, c] = [Math.sin(pitch), Math.cos(pitch)];
    const turn = { x: 0, y: Math.sin(pitch / 2), z: 0, w: Math.cos(pitch / 2) };
    const back = { ...turn, y: -turn.y };
    const none = { x: 0, y: 0, z: 0 };
    const height = CALF.length * c + BODY.radius;
    const at = () => rapier.RigidBodyDesc.dynamic().setTranslation(0, 0, height).setCanSleep(false);
    const leg = world.createRigidBody(at().setRotation(turn));
    const [x, y, z] = CALF.inertia;
    leg.setAdditionalMassProperties(CALF.mass, { ...none, z: -CALF.com }, { x, y, z }, { ...none, w: 1 }, true);
    const ball = rapier.ColliderDesc.ball(BODY.radius).setTranslation(0, 0, -CALF.length);
    world.createCollider(ball.setDensity(0).setFriction(MU), leg);
    const trunk = world.createRigidBody(at().enabledRotations(false, false, false));
    trunk.setAdditionalMassProperties(TRUNK, none, { x: 1, y: 1, z: 1 }, { ...none, w: 1 }, true);
    const weld = rapier.JointData.fixed(none, { ...none, w: 1 }, none, back);
    world.createImpulseJoint(weld, trunk, leg, true).setContactsEnabled(false);
    for (let i = 0; i < 200; i++) world.step();
    const v = unit(degrees);
    for (const body of [leg, trunk]) body.setLinvel({ x: 3 * v[0], y: 3 * v[1], z: 0 }, true);
    const momentum = (axis: 'x' | 'y' | 'z') => CALF.mass * leg.linvel()[axis] + TRUNK * trunk.linvel()[axis];
    for (let i = 0; i < 4; i++) world.step();
    const before = [momentum('x'), momentum('y'), momentum('z')] as const;
    for (let i = 0; i < 20; i++) world.step();
    const load = momentum('z') - before[2] + (CALF.mass + TRUNK) * G * 20 * DT;
    const share = [(before[0] - momentum('x')) / (MU * load), (before[1] - momentum('y')) / (MU * load)] as const;
    world.free();
    // The contact from the centre of mass, and K in a plane whose axes are the leg's own: no off-diagonal.
    const r = [-(CALF.length - CALF.com) * s, 0, -(CALF.length - CALF.com) * c - BODY.radius] as const;
    const kxx = 1 / CALF.mass + r[2] ** 2 / y;
    const kyy = 1 / CALF.mass + (r[2] * c + r[0] * s) ** 2 / x + (r[0] * c - r[2] * s) ** 2 / z;
    const size = Math.hypot(v[0] / kxx, v[1] / kyy);
    return { share, theory: [v[0] / kxx / size, v[1] / kyy / size] };
  }

  it.each([-0.7, 0.3].flatMap((pitch) => DIRECTIONS.map((degrees) => [pitch, degrees] as const)))(
    'is held by mu N, pulled along -K^-1 v: pitch %f rad, %d degrees',
    (pitch, degrees) => {
      const { share, theory } = slideLeg(pitch, degrees);
      // The size is exact but for Float32; the weld gives way a little under the load, which turns leg and K (at 3 degrees).
      expect(Math.hypot(...share)).toBeCloseTo(1, 2);
      expect(Math.abs(share[0] - theory[0])).toBeLessThan(0.06);
      expect(Math.abs(share[1] - theory[1])).toBeLessThan(0.06);
      // What is lost: at the pitch a quadruped stands with under a tenth of mu N, and none along and across the leg.
      expect(share[0] * unit(degrees)[0] + share[1] * unit(degrees)[1]).toBeGreaterThan(0.9);
    },
  );
});
