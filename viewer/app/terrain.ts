/**
 * Draws a height field: facets between its points with lines along x and y as on the floor, lighter the higher, and walls
 * down from its edge. Knows no scene.
 */

import { BufferAttribute, BufferGeometry, Color, Mesh, MeshStandardMaterial } from 'three';
import type { HeightMap } from '../scene-message.ts';

export interface Terrain {
  readonly mesh: Mesh;
  paint(ground: Color, line: Color): void;
  dispose(): void;
}

/** How far the walls at the edge reach below the lowest point, m. */
const WALL_DEPTH = 0.1;
/** Between lines, m; every fifth is stronger. */
const SPACING = 0.2;
/** How much of the lines' colour the highest ground takes on. */
const TINT = 0.5;

const declarations = `
  uniform vec3 lineColor;
  varying vec3 worldPoint;
  float groundLines(float period) {
    vec2 at = worldPoint.xy / period;
    vec2 width = fwidth(at);
    vec2 line = abs(fract(at - 0.5) - 0.5) / max(width, 1e-6);
    return (1.0 - min(min(line.x, line.y), 1.0)) * (1.0 - smoothstep(0.2, 0.6, max(width.x, width.y)));
  }`;
const lines = `
  diffuseColor.rgb = mix(diffuseColor.rgb, lineColor,
    max(0.16 * groundLines(${SPACING.toFixed(3)}), 0.5 * groundLines(${(5 * SPACING).toFixed(3)})));`;

export function makeTerrain(map: HeightMap): Terrain {
  const geometry = terrainGeometry(map);
  const lineColor = { value: new Color() };
  const material = new MeshStandardMaterial({ vertexColors: true, flatShading: true, roughness: 1 });
  material.onBeforeCompile = (shader) => {
    shader.uniforms.lineColor = lineColor;
    shader.vertexShader = shader.vertexShader
      .replace('void main() {', 'varying vec3 worldPoint;\nvoid main() {')
      .replace('#include <project_vertex>', '#include <project_vertex>\nworldPoint = transformed;');
    shader.fragmentShader = shader.fragmentShader
      .replace('void main() {', `${declarations}\nvoid main() {`)
      .replace('#include <color_fragment>', `#include <color_fragment>\n${lines}`);
  };
  const mesh = new Mesh(geometry, material);
  mesh.castShadow = true;
  mesh.receiveShadow = true;
  return {
    mesh,
    paint(ground, line) {
      lineColor.value.copy(line);
      paintHeights(geometry, ground, line);
    },
    dispose() {
      geometry.dispose();
      material.dispose();
    },
  };
}

/** The grid's points, then for each point of the edge one below it. */
function terrainGeometry({ nx, ny, size, heights }: HeightMap): BufferGeometry {
  const edge = edgeOf(nx, ny);
  const positions = new Float32Array(3 * (nx * ny + edge.length));
  let lowest = Infinity;
  for (let k = 0; k < nx * ny; k++) {
    positions[3 * k] = ((k % nx) / (nx - 1) - 0.5) * size[0];
    positions[3 * k + 1] = (Math.floor(k / nx) / (ny - 1) - 0.5) * size[1];
    positions[3 * k + 2] = heights[k]!;
    lowest = Math.min(lowest, heights[k]!);
  }
  const indices: number[] = [];
  for (let j = 0; j + 1 < ny; j++) {
    for (let i = 0; i + 1 < nx; i++) {
      const a = j * nx + i;
      indices.push(a, a + 1, a + nx, a + 1, a + nx + 1, a + nx);
    }
  }
  for (const [e, top] of edge.entries()) {
    const below = nx * ny + e;
    positions.copyWithin(3 * below, 3 * top, 3 * top + 2);
    positions[3 * below + 2] = lowest - WALL_DEPTH;
    const next = (e + 1) % edge.length;
    indices.push(top, below, edge[next]!, edge[next]!, below, nx * ny + next);
  }
  const geometry = new BufferGeometry();
  geometry.setAttribute('position', new BufferAttribute(positions, 3));
  geometry.setAttribute('color', new BufferAttribute(new Float32Array(positions.length), 3));
  geometry.setIndex(indices);
  geometry.computeVertexNormals();
  return geometry;
}

/** Points of the grid around its edge, counter-clockwise seen from above. */
function edgeOf(nx: number, ny: number): number[] {
  const edge: number[] = [];
  for (let i = 0; i < nx - 1; i++) edge.push(i);
  for (let j = 0; j < ny - 1; j++) edge.push(j * nx + nx - 1);
  for (let i = nx - 1; i > 0; i--) edge.push((ny - 1) * nx + i);
  for (let j = ny - 1; j > 0; j--) edge.push(j * nx);
  return edge;
}

function paintHeights(geometry: BufferGeometry, ground: Color, line: Color): void {
  const position = geometry.getAttribute('position');
  const colors = geometry.getAttribute('color');
  geometry.computeBoundingBox();
  const { min, max } = geometry.boundingBox!;
  const lowest = min.z + WALL_DEPTH;
  const span = Math.max(max.z - lowest, 1e-6);
  const color = new Color();
  for (let k = 0; k < position.count; k++) {
    color.lerpColors(ground, line, TINT * Math.max(0, (position.getZ(k) - lowest) / span));
    colors.setXYZ(k, color.r, color.g, color.b);
  }
  colors.needsUpdate = true;
}
