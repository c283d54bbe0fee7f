/** What is read and written in the engine's memory is what its public interface says. Seedless: nothing here is random. */

import { expect, it } from 'vitest';
import { loadRapier, rawEngine } from '../../sim/rapier.ts';
import { RapierBodies } from '../../sim/rapier-bodies.ts';
import { RawWorld } from '../../sim/rapier-raw.ts';

const rapier = await loadRapier();

/** Bodies that tumble over a floor, with one that is fixed among them. */
function tumble() {
  const world = new rapier.World({ x: 0, y: 0, z: -9.81 });
  world.timestep = 0.005;
  const ground = world.createCollider(rapier.ColliderDesc.cuboid(10, 10, 0.5).setTranslation(0, 0, -0.5));
  const bodies = Array.from({ length: 7 }, (_, i) => {
    if (i === 3) return world.createRigidBody(rapier.RigidBodyDesc.fixed().setTranslation(0, 5, 1));
    const body = world.createRigidBody(rapier.RigidBodyDesc.dynamic().setCanSleep(false).setTranslation(i, 0, 0.3));
    body.setAngvel({ x: 1 + i, y: -2, z: 0.5 * i }, true);
    body.setLinvel({ x: 0.1 * i, y: 1, z: 0 }, true);
    world.createCollider(rapier.ColliderDesc.cuboid(0.1, 0.2, 0.15).setDensity(500), body);
    return body;
  });
  return { world, ground, bodies, raw: new RawWorld(rapier, rawEngine(), world) };
}

it('reads every body as the public getters do, while they fall, turn and bounce', () => {
  const { world, bodies, raw } = tumble();
  const read = new RapierBodies(raw, bodies);
  const [position, velocity] = [new Float64Array(3), new Float64Array(3)];
  for (let i = 0; i < 100; i++) {
    raw.step();
    read.readMotion();
    for (const [b, body] of bodies.entries()) {
      const [p, r, v, w] = [body.translation(), body.rotation(), body.linvel(), body.angvel()];
      read.readPosition(b, position, 0);
      read.readVelocity(b, velocity, 0);
      expect([...position]).toEqual([p.x, p.y, p.z]);
      expect([...velocity]).toEqual([v.x, v.y, v.z]);
      expect([...read.rotations.subarray(4 * b, 4 * b + 4)]).toEqual([r.x, r.y, r.z, r.w]);
      expect([...read.spins.subarray(3 * b, 3 * b + 3)]).toEqual([w.x, w.y, w.z]);
    }
  }
  world.free();
});

it('pushes bodies to the same bits as the public calls', () => {
  const [one, other] = [tumble(), tumble()];
  const pushed = new RapierBodies(one.raw, one.bodies);
  for (let i = 0; i < 100; i++) {
    pushed.clear();
    for (const [b, body] of other.bodies.entries()) {
      const [force, torque] = [3 * Math.sin(i + b), 0.4 * Math.cos(2 * i - b)];
      pushed.forces.set([force, -force, 2 * force], 3 * b);
      pushed.torques.set([torque, 2 * torque, -torque], 3 * b);
      body.resetForces(false);
      body.resetTorques(false);
      body.addForce({ x: force, y: -force, z: 2 * force }, false);
      body.addTorque({ x: torque, y: 2 * torque, z: -torque }, false);
    }
    pushed.apply(true);
    one.raw.step();
    other.world.step();
    const poses = [one, other].map(({ bodies }) => bodies.map((body) => [body.translation(), body.rotation()]));
    expect(poses[0]).toEqual(poses[1]);
  }
  for (const { world } of [one, other]) world.free();
});

it('adds up the impulses of contacts and casts rays as the public calls do', () => {
  const { world, ground, bodies, raw } = tumble();
  for (let i = 0; i < 200; i++) raw.step();
  const rays = new Float64Array(7 * 41);
  for (let i = 0; i < 41; i++) {
    const { x, y } = bodies[i % 7]!.translation();
    rays.set([x + 0.02 * i, y, 2, 0, 0, -1, i === 0 ? 0.5 : 5], 7 * i);
  }
  const found = new Float64Array(41);
  raw.castRays(rays, 0xffffffff, found);
  for (let i = 0; i < 41; i++) {
    const ray = new rapier.Ray({ x: rays[7 * i]!, y: rays[7 * i + 1]!, z: 2 }, { x: 0, y: 0, z: -1 });
    const range = rays[7 * i + 6]!;
    expect(found[i]).toBe(world.castRay(ray, range, true)?.timeOfImpact ?? range);
  }
  // Some hit the floor and some a body; the first stops short of both.
  expect(new Set(found).size).toBeGreaterThan(2);
  let pressing = 0;
  for (const body of bodies) {
    if (body.numColliders() === 0) continue;
    const collider = body.collider(0);
    const impulse = new Float64Array(1);
    raw.addImpulses(collider.handle, Float64Array.of(ground.handle), impulse, 0);
    let wanted = 0;
    world.contactPair(collider, ground, (manifold) => {
      for (let i = manifold.numContacts() - 1; i >= 0; i--) wanted += manifold.contactImpulse(i);
    });
    expect(impulse[0]).toBe(wanted);
    if (wanted > 0) pressing++;
  }
  expect(pressing).toBeGreaterThan(2);
  world.free();
});

it('follows the memory when it grows', () => {
  const { world, bodies, raw } = tumble();
  const read = new RapierBodies(raw, bodies);
  const before = raw.memory.buffer;
  const others = Array.from({ length: 400 }, () => tumble().world);
  expect(raw.memory.buffer).not.toBe(before);
  raw.step();
  read.readMotion();
  const { x, y, z } = bodies[5]!.angvel();
  expect([...read.spins.subarray(15, 18)]).toEqual([x, y, z]);
  for (const each of [world, ...others]) each.free();
});
