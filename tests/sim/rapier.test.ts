/** The engine as it is loaded: it reads no clock, and the page's clock is where it was. */

import { afterEach, expect, it, vi } from 'vitest';
import { loadRapier } from '../../sim/rapier.ts';

const clock = globalThis.performance;
const rapier = await loadRapier();

afterEach(() => {
  vi.restoreAllMocks();
});

it('leaves the clock as it found it', () => {
  expect(globalThis.performance).toBe(clock);
  expect(performance.now()).toBeGreaterThan(0);
});

it('reads no clock in a step', () => {
  const now = vi.spyOn(performance, 'now');
  const world = new rapier.World({ x: 0, y: 0, z: -9.81 });
  world.createCollider(rapier.ColliderDesc.ball(1), world.createRigidBody(rapier.RigidBodyDesc.dynamic()));
  for (let i = 0; i < 3; i++) world.step();
  world.free();
  expect(now).not.toHaveBeenCalled();
});
