/** A robot on four legs to look at: its URDF, the world around it, and a writer that walks it through a ring. */

import { type FrameRing, makeFrameRing, openFrameRing } from '../../core/frame-ring.ts';
import type { HeightField, Scene } from '../../sim/scene.ts';
import { OBJECT_STRIDE } from '../../sim/scene.ts';

const LEGS = [
  ['fl', 0.2, 0.13],
  ['fr', 0.2, -0.13],
  ['hl', -0.2, 0.13],
  ['hr', -0.2, -0.13],
] as const;

export const walkerJoints = LEGS.flatMap(([leg]) => [`${leg}_hip`, `${leg}_knee`]);

/** Hips and knees turn about y; the feet are 0.42 m below the base when all of them are straight. */
export const walkerUrdf = `<robot name="walker">
  <link name="body">
    <visual><geometry><box size="0.46 0.2 0.12"/></geometry><material name="a"><color rgba="0.93 0.55 0.16 1"/></material></visual>
    <visual><origin xyz="0.27 0 0.02"/><geometry><mesh filename="head.stl"/></geometry></visual>
  </link>
${LEGS.map(([leg, x, y]) => link(leg, x, y)).join('\n')}
</robot>`;

function link(leg: string, x: number, y: number): string {
  const rod = (length: number, radius: number) =>
    `<visual><origin xyz="0 0 ${-length / 2}"/><geometry><cylinder radius="${radius}" length="${length}"/></geometry></visual>`;
  const joint = (name: string, parent: string, child: string, xyz: string) =>
    `  <joint name="${name}" type="revolute"><parent link="${parent}"/><child link="${child}"/><origin xyz="${xyz}"/><axis xyz="0 1 0"/><limit lower="-2" upper="2" effort="20" velocity="20"/></joint>`;
  return [
    `  <link name="${leg}_thigh">${rod(0.2, 0.028)}</link>`,
    `  <link name="${leg}_shank">${rod(0.2, 0.02)}<visual><origin xyz="0 0 -0.2"/><geometry><sphere radius="0.02"/></geometry></visual></link>`,
    joint(`${leg}_hip`, 'body', `${leg}_thigh`, `${x} ${y} 0`),
    joint(`${leg}_knee`, `${leg}_thigh`, `${leg}_shank`, '0 0 -0.2'),
  ].join('\n');
}

/** Corners of a block, as a mesh file's vertices in mm would be after scaling; one lies inside and is no corner. */
export const headMesh = Float32Array.of(
  ...[0, -0.06, -0.04, 0, 0.06, -0.04, 0, -0.06, 0.05, 0, 0.06, 0.05],
  ...[0.1, -0.035, -0.03, 0.1, 0.035, -0.03, 0.06, -0.035, 0.04, 0.06, 0.035, 0.04, 0.03, 0, 0],
);

function hills(): HeightField {
  const [nx, ny] = [61, 61];
  const heights = new Float32Array(nx * ny);
  const size = [9, 9] as const;
  for (let k = 0; k < heights.length; k++) {
    heights[k] = heightAt(((k % nx) / (nx - 1) - 0.5) * size[0], (Math.floor(k / nx) / (ny - 1) - 0.5) * size[1]);
  }
  return { nx, ny, size, heights };
}

export function heightAt(x: number, y: number): number {
  return 0.12 * Math.sin(1.3 * x) * Math.cos(1.1 * y) + 0.05 * Math.sin(3.1 * x + 2 * y);
}

const upright = [0, 0, 0, 1] as const;

export const walkerScene: Scene = {
  ground: hills(),
  statics: [
    { geometry: { kind: 'box', size: [0.6, 0.6, 0.5] }, pose: { xyz: [1.6, 1.2, 0.15], quat: [0, 0, 0.38, 0.92] } },
    { geometry: { kind: 'box', size: [0.1, 3, 0.6] }, pose: { xyz: [-2.5, 1.5, 0.2], quat: upright } },
    { geometry: { kind: 'cylinder', radius: 0.2, length: 0.9 }, pose: { xyz: [0.3, 1.9, 0.3], quat: upright } },
  ],
  objects: [
    {
      name: 'ball',
      mass: 1,
      friction: 1,
      geometry: { kind: 'sphere', radius: 0.13 },
      pose: { xyz: [1.2, -0.4, 0.3], quat: upright },
    },
    {
      name: 'crate',
      mass: 1,
      friction: 1,
      geometry: { kind: 'box', size: [0.25, 0.25, 0.25] },
      pose: { xyz: [0.9, 0.6, 0.25], quat: upright },
    },
  ],
};

export function walkerRing(numEnvs: number, nObjects = walkerScene.objects.length): FrameRing {
  return makeFrameRing({ capacity: 256, numEnvs, nJoints: 8, base: 'floating', nObjects, channels: [], dt: 0.02 });
}

/** Where environment `env` is at a time: 0.3 m/s along x, at a height of its own. */
export function walkerBase(time: number, env: number): number[] {
  return [0.3 * time, 0.1 * env, 0.36 + heightAt(0.3 * time, 0.1 * env), 0, 0, 0, 1];
}

/** Write and publish the next frames. */
export function walk(ring: FrameRing, frames: number): void {
  const writer = openFrameRing(ring);
  const { numEnvs, dt } = ring.spec;
  for (let i = 0; i < frames; i++) {
    const frame = writer.published + i;
    const time = frame * dt;
    const slot = writer.slotOf(frame);
    writer.setTime(slot, time);
    const objects = walkerScene.objects.flatMap(({ pose }, o) => {
      const moved = [pose.xyz[0] + 0.1 * time * (o + 1), pose.xyz[1], pose.xyz[2], ...pose.quat];
      return [...moved, ...new Array<number>(OBJECT_STRIDE - moved.length).fill(0)];
    });
    for (let env = 0; env < numEnvs; env++) {
      const q = LEGS.flatMap((_, leg) => {
        const swing = 0.25 * Math.sin(6 * time + (leg % 3 === 0 ? 0 : Math.PI) + env);
        return [0.6 + swing, -1.2 + Math.max(0, swing)];
      });
      writer.setEnv(slot, env, q, []);
      writer.setBase(slot, env, walkerBase(time, env));
      writer.setObjects(slot, env, objects, OBJECT_STRIDE);
    }
  }
  writer.publish(frames);
}
