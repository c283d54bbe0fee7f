/** Terrain: by key, by difficulty, within bounds, flat where robots start, and as high as both engines see it. */

import type { ColliderDesc, World } from '@dimforge/rapier3d';
import { describe, expect, it } from 'vitest';
import { keyOf, RandomStream } from '../../../core/rng.ts';
import type { Quat } from '../../../core/robot-model.ts';
import { IDENTITY_QUAT, quatFromRpy } from '../../../core/rotation.ts';
import { loadRapier } from '../../../sim/rapier-robot.ts';
import type { HeightField, Scene, StaticShape } from '../../../sim/scene.ts';
import { heightAt } from '../../../sim/terrain/height.ts';
import { rapierHeightField } from '../../../sim/terrain/rapier-height-field.ts';
import {
  HARDEST,
  makeTerrain,
  SPAWN_HALF,
  TERRAIN_KINDS,
  type TerrainKind,
  TILE,
} from '../../../sim/terrain/terrain.ts';

const seed = Number(process.env.LANDFALL_TEST_SEED ?? 1);
const rapier = await loadRapier();
const HALF = TILE / 2;

function terrain(kind: TerrainKind, difficulty: number, of = seed): Scene {
  return makeTerrain(kind, difficulty, new RandomStream(keyOf(of)));
}

/** Points of the open tile. */
function points(count: number, size: readonly [number, number] = [TILE, TILE]): [number, number][] {
  const random = new RandomStream(keyOf(seed + 100));
  return Array.from({ length: count }, () => [
    random.between(-0.499, 0.499) * size[0],
    random.between(-0.499, 0.499) * size[1],
  ]);
}

function makeWorld(scene: Scene): World {
  const world = new rapier.World({ x: 0, y: 0, z: -9.81 });
  const add = (shape: ColliderDesc, [x, y, z, w]: Quat) =>
    world.createCollider(shape.setRotation({ x, y, z, w }).setFriction(0));
  if (typeof scene.ground === 'object') {
    const { rows, columns, heights, scale, rotation, flags } = rapierHeightField(scene.ground);
    const [x, y, z] = scale;
    add(rapier.ColliderDesc.heightfield(rows, columns, heights, { x, y, z }, flags), rotation);
  } else if (scene.ground === 'plane') {
    add(rapier.ColliderDesc.cuboid(50, 50, 1).setTranslation(0, 0, -1), IDENTITY_QUAT);
  }
  for (const { geometry, pose } of scene.statics) {
    if (geometry.kind === 'cylinder') throw new Error('no test casts rays at cylinders');
    const shape =
      geometry.kind === 'box'
        ? rapier.ColliderDesc.cuboid(geometry.size[0] / 2, geometry.size[1] / 2, geometry.size[2] / 2)
        : rapier.ColliderDesc.ball(geometry.radius);
    add(shape.setTranslation(...pose.xyz), pose.quat);
  }
  return world;
}

/** Heights by ray casts from 5 m above, in Rapier. */
function castInRapier(scene: Scene, at: readonly [number, number][]): number[] {
  const world = makeWorld(scene);
  world.step();
  const heights = at.map(([x, y]) => {
    const hit = world.castRay(new rapier.Ray({ x, y, z: 5 }, { x: 0, y: 0, z: -1 }), 10, true);
    return hit === null ? -Infinity : 5 - hit.timeOfImpact;
  });
  world.free();
  return heights;
}

/** A ball of 2 cm without friction on the ground: its path, 5 ms a step. */
function slide(scene: Scene, from: readonly [number, number, number], velocity: [number, number], seconds: number) {
  const world = makeWorld(scene);
  world.timestep = 0.005;
  const body = world.createRigidBody(
    rapier.RigidBodyDesc.dynamic()
      .setTranslation(...from)
      .setLinvel(...velocity, 0),
  );
  world.createCollider(rapier.ColliderDesc.ball(0.02).setMass(0.2).setFriction(0), body);
  let slowest = Infinity;
  for (let i = 0; i < seconds / 0.005; i++) {
    world.step();
    slowest = Math.min(slowest, Math.hypot(body.linvel().x, body.linvel().y));
  }
  const { x, y } = body.translation();
  world.free();
  return { x, y, slowest };
}

/** The same of a height field in MuJoCo, whose file format has the rows along y and heights as shares of the highest. */
async function castInMujoco(
  { nx, ny, size, heights }: HeightField,
  at: readonly [number, number][],
): Promise<number[]> {
  const { default: load } = await import('@mujoco/mujoco');
  const mujoco = await load();
  const model = mujoco.MjModel.from_xml_string(
    `<mujoco><asset><hfield name="t" nrow="${ny}" ncol="${nx}" size="${size[0] / 2} ${size[1] / 2} 2 0.1"/></asset>
    <worldbody><geom type="hfield" hfield="t"/></worldbody></mujoco>`,
  );
  if (model === null) throw new Error('MuJoCo does not read the height field');
  (model.hfield_data as Float32Array).set(heights.map((h) => h / 2));
  const data = new mujoco.MjData(model);
  mujoco.mj_forward(model, data);
  const found = at.map(([x, y]) => 5 - mujoco.mj_rayHfield(model, data, 0, [x, y, 5], [0, 0, -1], null));
  for (const object of [data, model]) object.delete();
  return found;
}

/** 5 x 7 points on 2 m x 6 m, no two alike: a wrong axis, order or diagonal shows. */
function asymmetric(): HeightField {
  const random = new RandomStream(keyOf(seed));
  return { nx: 5, ny: 7, size: [2, 6], heights: Float32Array.from({ length: 35 }, () => random.between(0, 1)) };
}

describe('heightAt', () => {
  const scene: Scene = { ground: asymmetric(), statics: [], objects: [] };

  it('is the given height at every point of a field', () => {
    const { nx, ny, heights } = asymmetric();
    for (let j = 0; j < ny; j++) {
      for (let i = 0; i < nx; i++) expect(heightAt(scene, i * 0.5 - 1, j - 3)).toBeCloseTo(heights[j * nx + i]!, 12);
    }
  });

  // Both engines hold heights in 32 bits: 1e-3 leaves room for nothing but that.
  it('is what a ray hits in Rapier, on a field of different sides', () => {
    const at = points(500, [2, 6]);
    const cast = castInRapier(scene, at);
    for (const [k, [x, y]] of at.entries()) expect(Math.abs(heightAt(scene, x, y) - cast[k]!)).toBeLessThan(1e-3);
  });

  it('is what a ray hits in MuJoCo', async () => {
    const at = points(500, [2, 6]);
    const cast = await castInMujoco(asymmetric(), at);
    for (const [k, [x, y]] of at.entries()) expect(Math.abs(heightAt(scene, x, y) - cast[k]!)).toBeLessThan(1e-3);
  });

  it.each(TERRAIN_KINDS)('is what a ray hits in Rapier on %s', (kind) => {
    const hard = terrain(kind, 1);
    const at = points(500);
    const cast = castInRapier(hard, at);
    for (const [k, [x, y]] of at.entries()) expect(Math.abs(heightAt(hard, x, y) - cast[k]!)).toBeLessThan(1e-3);
  });

  it('sees turned boxes and balls, and the highest of several', () => {
    const statics: StaticShape[] = [
      {
        geometry: { kind: 'box', size: [1, 0.5, 0.3] },
        pose: { xyz: [0.5, 0, 0.4], quat: quatFromRpy([0.3, 0.5, 1]) },
      },
      { geometry: { kind: 'sphere', radius: 0.6 }, pose: { xyz: [0, 0.2, 0.1], quat: [0, 0, 0, 1] } },
    ];
    const shapes: Scene = { ground: 'plane', statics, objects: [] };
    const at = points(500, [3, 3]);
    const cast = castInRapier(shapes, at);
    for (const [k, [x, y]] of at.entries()) expect(Math.abs(heightAt(shapes, x, y) - cast[k]!)).toBeLessThan(1e-3);
    expect(cast.filter((h) => h > 0.01).length).toBeGreaterThan(50);
  });

  it('sees cylinders, upright and lying', () => {
    const cylinder = (rpy: [number, number, number]): Scene => ({
      ground: 'none',
      statics: [
        { geometry: { kind: 'cylinder', radius: 0.5, length: 2 }, pose: { xyz: [1, 1, 1], quat: quatFromRpy(rpy) } },
      ],
      objects: [],
    });
    expect(heightAt(cylinder([0, 0, 0]), 1.2, 1.2)).toBeCloseTo(2, 12);
    expect(heightAt(cylinder([0, 0, 0]), 1.4, 1.4)).toBe(-Infinity);
    // Lying along x: z = 1 + sqrt(0.25 - 0.09) at y = 1.3
    expect(heightAt(cylinder([0, Math.PI / 2, 0]), 0.2, 1.3)).toBeCloseTo(1.4, 12);
    expect(heightAt(cylinder([0, Math.PI / 2, 0]), -0.1, 1.3)).toBe(-Infinity);
  });

  it('is -Infinity where there is nothing', () => {
    expect(heightAt(scene, 1.1, 0)).toBe(-Infinity);
    expect(castInRapier(scene, [[1.1, 0]])).toEqual([-Infinity]);
    expect(heightAt({ ground: 'none', statics: [], objects: [] }, 0, 0)).toBe(-Infinity);
  });
});

describe.each(TERRAIN_KINDS)('%s', (kind) => {
  const at = points(2000);
  const heights = (difficulty: number) => {
    const scene = terrain(kind, difficulty);
    return at.map(([x, y]) => heightAt(scene, x, y));
  };
  const spread = (of: number[]) => Math.max(...of) - Math.min(...of);

  it('follows from the key, and differs with it where it is random', () => {
    expect(terrain(kind, 0.7)).toEqual(terrain(kind, 0.7));
    const random = kind === 'rough' || kind === 'obstacles';
    if (random) expect(terrain(kind, 0.7, seed + 1)).not.toEqual(terrain(kind, 0.7));
    else expect(terrain(kind, 0.7, seed + 1)).toEqual(terrain(kind, 0.7));
  });

  it('is flat where the robot starts', () => {
    const scene = terrain(kind, 1);
    const middle = heightAt(scene, 0, 0);
    for (const [x, y] of points(500, [2 * SPAWN_HALF, 2 * SPAWN_HALF])) {
      // Heights are held in 32 bits.
      expect(Math.abs(heightAt(scene, x, y) - middle)).toBeLessThan(1e-6);
    }
  });

  it('grows with difficulty at every point', () => {
    const scenes = [0, 0.25, 0.5, 0.75, 1].map((difficulty) => terrain(kind, difficulty));
    for (const [x, y] of at.slice(0, 300)) {
      const sizes = scenes.map((scene) => Math.abs(heightAt(scene, x, y)));
      for (let k = 1; k < sizes.length; k++) expect(sizes[k]!).toBeGreaterThanOrEqual(sizes[k - 1]! - 1e-7);
    }
    if (kind !== 'flat') expect(spread(heights(1))).toBeGreaterThan(1.5 * spread(heights(0)));
  });

  it('keeps to its sizes', () => {
    const [low, high] = {
      flat: [0, 0],
      rough: [-HARDEST.noise, HARDEST.noise],
      'slope-up': [0, 0.4 * (HALF - 1.5)],
      'slope-down': [-0.4 * (HALF - 1.5), 0],
      // floor((4 - 1.5) / 0.31) = 8 steps of 0.2 m
      'stairs-up': [0, 1.6],
      'stairs-down': [0, 1.6],
      obstacles: [0, HARDEST.obstacle],
    }[kind] as [number, number];
    const found = heights(1);
    expect(Math.min(...found)).toBeGreaterThanOrEqual(low - 1e-6);
    expect(Math.max(...found)).toBeLessThanOrEqual(high + 1e-6);
    // And they fill them: 2000 points on a tile come near both ends.
    expect(Math.min(...found)).toBeLessThanOrEqual(low + 0.1 * (high - low) + 1e-6);
    expect(Math.max(...found)).toBeGreaterThanOrEqual(high - 0.1 * (high - low) - 1e-6);
  });
});

describe('ground without friction', () => {
  it('lets a ball slide: a level height field takes nothing of its speed', () => {
    const n = 81;
    const field: HeightField = { nx: n, ny: n, size: [TILE, TILE], heights: new Float32Array(n * n) };
    const { slowest } = slide({ ground: field, statics: [], objects: [] }, [-3, 0.13, 0.02], [1, 0.3], 4);
    expect(slowest).toBeGreaterThan(0.999 * Math.hypot(1, 0.3));
  });

  it('accelerates it down a slope as theory says', () => {
    // a = g sin cos along x on the slope of 0.4, from rest just below the platform; within 1% after 0.5 s.
    const [scene, slope] = [terrain('slope-down', 1), Math.atan(0.4)];
    const start = 1.7;
    const z = heightAt(scene, start, 0.13) + 0.02 / Math.cos(slope);
    const { x } = slide(scene, [start, 0.13, z], [0, 0], 0.5);
    const travelled = 0.5 * 9.81 * Math.sin(slope) * Math.cos(slope) * 0.5 ** 2;
    expect(Math.abs((x - start) / travelled - 1)).toBeLessThan(0.01);
  });

  it.each(['stairs-up', 'stairs-down', 'obstacles'] as const)('has no seams on %s', (kind) => {
    // Level tops that touch make a ball bounce back (0.29 m/s from 1 m/s): they must be apart or differ in height.
    const boxes = terrain(kind, 0).statics.map(({ geometry, pose }) => {
      if (geometry.kind !== 'box') throw new Error('expected boxes');
      return { size: geometry.size, at: pose.xyz, top: pose.xyz[2] + geometry.size[2] / 2 };
    });
    expect(boxes.length).toBeGreaterThanOrEqual(8);
    for (const [i, a] of boxes.entries()) {
      for (const b of boxes.slice(0, i)) {
        const gap = (k: 0 | 1) => Math.abs(a.at[k] - b.at[k]) - (a.size[k] + b.size[k]) / 2;
        const apart = Math.max(gap(0), gap(1)) > 0.04;
        expect(apart || Math.abs(a.top - b.top) > 0.02).toBe(true);
      }
    }
  });

  it('lets a ball slide along the top of a flight, over the ends of those across it', () => {
    const scene = terrain('stairs-up', 0.5);
    const { x, slowest } = slide(scene, [0, 3.9, heightAt(scene, 0, 3.9) + 0.02], [1, 0], 3.5);
    expect(slowest).toBeGreaterThan(0.999);
    expect(x).toBeCloseTo(3.5, 2);
  });
});

describe('stairs', () => {
  it('rise or fall by one step every 0.31 m from the platform on', () => {
    for (const [kind, sign] of [
      ['stairs-up', 1],
      ['stairs-down', -1],
    ] as const) {
      const scene = terrain(kind, 0.5);
      // 0.05 + 0.5 (0.2 - 0.05) = 0.125 m
      const middle = heightAt(scene, 0, 0);
      for (let k = 1; k <= 7; k++) {
        const r = 1.5 + (k - 0.5) * 0.31;
        // Flights that rise along y begin with half a step.
        const along = kind === 'stairs-up' ? k - 0.5 : k;
        for (const side of [-r, r]) {
          expect(heightAt(scene, side, 0.3) - middle).toBeCloseTo(sign * k * 0.125, 6);
          expect(heightAt(scene, 0.3, side) - middle).toBeCloseTo(sign * along * 0.125, 6);
          expect(heightAt(scene, side, r) - middle).toBeCloseTo(sign * k * 0.125, 6);
        }
      }
    }
  });
});
