/** The floor: a grid of lines that fades with distance, and a plane that takes the robots' shadows. */

import {
  Box2,
  type Color,
  DoubleSide,
  Group,
  Mesh,
  MeshBasicMaterial,
  PlaneGeometry,
  RingGeometry,
  ShaderMaterial,
  ShadowMaterial,
  Vector2,
  Vector4,
} from 'three';

const vertexShader = `
  varying vec2 point;
  void main() {
    vec4 world = modelMatrix * vec4(position, 1.0);
    point = world.xy;
    gl_Position = projectionMatrix * viewMatrix * world;
  }`;

/** Lines one pixel wide at any distance: their derivative on the screen is their width. */
const fragmentShader = `
  uniform vec3 color;
  uniform float spacing;
  uniform float radius;
  uniform vec2 centre;
  uniform vec4 hole;
  varying vec2 point;
  float lines(float period) {
    vec2 at = point / period;
    vec2 width = fwidth(at);
    vec2 line = abs(fract(at - 0.5) - 0.5) / width;
    float crowded = max(width.x, width.y);
    return (1.0 - min(min(line.x, line.y), 1.0)) * (1.0 - smoothstep(0.2, 0.6, crowded));
  }
  void main() {
    if (all(greaterThan(point, hole.xy)) && all(lessThan(point, hole.zw))) discard;
    float fade = 1.0 - smoothstep(0.3, 1.0, distance(point, centre) / radius);
    float strength = max(0.14 * lines(spacing), 0.5 * lines(spacing * 5.0));
    gl_FragColor = vec4(color, strength * fade);
    #include <colorspace_fragment>
  }`;

export class Floor {
  readonly group = new Group();
  readonly #lines: ShaderMaterial;
  readonly #marker: Mesh<RingGeometry, MeshBasicMaterial>;

  constructor() {
    this.#lines = new ShaderMaterial({
      vertexShader,
      fragmentShader,
      transparent: true,
      depthWrite: false,
      side: DoubleSide,
      uniforms: {
        color: { value: null },
        spacing: { value: 0.1 },
        radius: { value: 1 },
        centre: { value: new Vector2() },
        hole: { value: new Vector4() },
      },
    });
    const plane = new PlaneGeometry(1, 1);
    const grid = new Mesh(plane, this.#lines);
    const shadow = new Mesh(plane, new ShadowMaterial({ opacity: 0.28, depthWrite: false }));
    shadow.receiveShadow = true;
    grid.renderOrder = -2;
    shadow.renderOrder = -1;
    this.#marker = new Mesh(
      new RingGeometry(0.965, 1, 96),
      new MeshBasicMaterial({ transparent: true, opacity: 0.9, depthWrite: false }),
    );
    this.group.add(grid, shadow, this.#marker);
  }

  /** @param radius of everything that stands on it, m */
  fit(height: number, x: number, y: number, radius: number, robotRadius: number): void {
    this.group.position.z = height;
    const [grid, shadow] = this.group.children;
    for (const plane of [grid!, shadow!]) {
      plane.position.set(x, y, 0);
      plane.scale.set(24 * radius, 24 * radius, 1);
    }
    this.#lines.uniforms.spacing!.value = 10 ** Math.round(Math.log10(radius / 10));
    this.#lines.uniforms.radius!.value = Math.max(6 * radius, 4 * robotRadius);
    (this.#lines.uniforms.centre!.value as Vector2).set(x, y);
  }

  /** Leave out the ground that terrain takes up, and the shadows on a plane that would cut through it. */
  open(hole: Box2 | null): void {
    const { min, max } = hole ?? new Box2(new Vector2(), new Vector2());
    (this.#lines.uniforms.hole!.value as Vector4).set(min.x, min.y, max.x, max.y);
    this.group.children[1]!.visible = hole === null;
  }

  /** Ring around the selected robot. @param radius 0 for none */
  mark(x: number, y: number, radius: number): void {
    this.#marker.visible = radius > 0;
    this.#marker.position.set(x, y, 0.001);
    this.#marker.scale.setScalar(Math.max(radius, 1e-6));
  }

  paint(lines: Color, accent: Color): void {
    this.#lines.uniforms.color!.value = lines;
    this.#marker.material.color.copy(accent);
  }
}
