/** The ray sensors in a real Rapier world against the same rays in closed form, with the robot's own body in the way. */

import type RapierNamespace from '@dimforge/rapier3d';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { quatFromRpy } from '../../../core/rotation.ts';
import type { SensorSpec } from '../../../core/sensor.ts';
import { loadRapier } from '../../../sim/rapier-robot.ts';
import { AnalyticWorld, type Block } from './analytic-world.ts';
import { makeRig } from './rig.ts';

/** A room of four walls with a box, a shelf and stairs, on the floor z = 0. */
const blocks: Block[] = [
  { min: [3, -4, 0], max: [3.2, 4, 2.5] },
  { min: [-3.2, -4, 0], max: [-3, 4, 2.5] },
  { min: [-3.2, 4, 0], max: [3.2, 4.2, 2.5] },
  { min: [-3.2, -4.2, 0], max: [3.2, -4, 2.5] },
  { min: [1, -0.5, 0], max: [1.4, 0.2, 0.6] },
  { min: [-1, 1, 0.3], max: [0, 1.5, 0.35] },
  { min: [0.8, 1, 0], max: [1.3, 2, 0.2] },
  { min: [1.3, 1, 0], max: [1.8, 2, 0.4] },
];

/** Rays of Rapier's, all else as in the analytic world. */
class RapierWorld extends AnalyticWorld {
  readonly #world: RapierNamespace.World;
  readonly #robot: RapierNamespace.RigidBody;
  readonly #ray: RapierNamespace.Ray;

  constructor(rapier: typeof RapierNamespace) {
    super(0, blocks);
    const world = new rapier.World({ x: 0, y: 0, z: -9.81 });
    world.createCollider(rapier.ColliderDesc.cuboid(50, 50, 1).setTranslation(0, 0, -1));
    for (const { min, max } of blocks) {
      const [hx, hy, hz] = [0, 1, 2].map((k) => (max[k]! - min[k]!) / 2) as [number, number, number];
      const desc = rapier.ColliderDesc.cuboid(hx, hy, hz);
      world.createCollider(desc.setTranslation(min[0] + hx, min[1] + hy, min[2] + hz));
    }
    this.#robot = world.createRigidBody(rapier.RigidBodyDesc.fixed().setTranslation(0, 0, 0.5));
    world.createCollider(rapier.ColliderDesc.ball(0.3), this.#robot);
    // Colliders are found by rays from the first step on.
    world.step();
    this.#world = world;
    this.#ray = new rapier.Ray({ x: 0, y: 0, z: 0 }, { x: 0, y: 0, z: 0 });
  }

  override castRay(ox: number, oy: number, oz: number, dx: number, dy: number, dz: number, maxRange: number): number {
    const { origin, dir } = this.#ray;
    origin.x = ox;
    origin.y = oy;
    origin.z = oz;
    dir.x = dx;
    dir.y = dy;
    dir.z = dz;
    const robot = this.#robot;
    const hit = this.#world.castRay(this.#ray, maxRange, true, undefined, undefined, undefined, robot);
    return hit === null ? maxRange : hit.timeOfImpact;
  }

  close(): void {
    this.#world.free();
  }
}

const mounted = { link: 'base', pose: { xyz: [0.05, -0.02, 0.1], quat: quatFromRpy([0, 0.1, 0]) } } as const;
const grid = Array.from({ length: 121 }, (_, i) => [0.2 * (i % 11) - 1, 0.2 * Math.floor(i / 11) - 1] as const);
const range = { minRange: 0.05, maxRange: 4.5 };
const sensors: SensorSpec[] = [
  { kind: 'lidar', name: 'lidar', ...mounted, beams: 360, from: -Math.PI, to: Math.PI, ...range },
  { kind: 'depth', name: 'camera', ...mounted, width: 32, height: 24, fov: 1.5, ...range },
  { kind: 'heights', name: 'scan', ...mounted, points: grid, maxRange: 2 },
];

describe('in Rapier', () => {
  let world: RapierWorld;
  beforeAll(async () => {
    world = new RapierWorld(await loadRapier());
  });
  afterAll(() => world.close());

  it.each([
    ['standing', [0, 0, 0.5], [0, 0, 0]],
    ['turned', [0.1, -0.05, 0.45], [0, 0, 2.3]],
    ['tilted', [-0.1, 0.1, 0.55], [0.3, -0.2, -1]],
  ] as const)('lidar, camera and height scan read what geometry says, %s', (_, at, rpy) => {
    const exact = new AnalyticWorld(0, blocks);
    const [found, wanted] = [world, exact].map((each) => {
      each.pose.set(at);
      each.pose.set(quatFromRpy(rpy), 3);
      const rig = makeRig(sensors, {}, each);
      rig.sense(0);
      return rig.measured.sensors;
    }) as [Record<string, Float64Array>, Record<string, Float64Array>];
    for (const { name } of sensors) {
      // Single precision over 4 m is 2.4e-7 m; 1e-4 leaves room for rays that graze. One that slips past an edge by a bit
      // would miss by far more.
      const worst = found[name]!.reduce((most, value, i) => Math.max(most, Math.abs(value - wanted[name]![i]!)), 0);
      expect(worst).toBeLessThan(1e-4);
      // The test has something to see: hits at several distances.
      expect(new Set([...wanted[name]!].map((value) => Math.round(value * 10))).size).toBeGreaterThan(1);
    }
    // The robot's own ball would stop every beam within 0.6 m.
    expect(Math.min(...found.lidar!)).toBeGreaterThan(0.6);
  });
});
