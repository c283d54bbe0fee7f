/**
 * The picture: renderer, light, floor, camera and the robots standing in it. z is up, as in ROS. Draws only when
 * something has changed. Knows no time line.
 */

import {
  Box2,
  type Box3,
  Color,
  DirectionalLight,
  HemisphereLight,
  PCFShadowMap,
  PerspectiveCamera,
  Plane,
  Raycaster,
  Scene,
  Sphere,
  Vector2,
  Vector3,
  WebGLRenderer,
} from 'three';
import { OrbitControls } from 'three/addons/controls/OrbitControls.js';
import type { RobotModel } from '../../core/robot-model.ts';
import type { ShownScene } from '../scene-message.ts';
import { CameraFollow } from './camera-follow.ts';
import { prefersReducedMotion } from './dom.ts';
import { Floor } from './floor.ts';
import { MAX_SINGLE_ROW, RobotGrid } from './robot-grid.ts';
import { Surroundings } from './surroundings.ts';

const UP = new Vector3(0, 0, 1);
/** From the robots to the camera: in front, a little to the side and above; of several rows, from higher up. */
const ROBOT_VIEW = new Vector3(0.36, -1, 0.34).normalize();
const GRID_VIEW = new Vector3(0.42, -1, 0.62).normalize();
/** Air around what is fitted into the picture. */
const FIT_MARGIN = 1.04;
/** The same around a robot that moves, for its surroundings. */
const FLOATING_MARGIN = 1.5;
/** Light and floor are fitted to this many times the size of a robot that is followed, but not to more than so much, m. */
const FOCUS = 6;
const MAX_FOCUS = 8;
const FLIGHT_SECONDS = 0.35;
/** A press that moves further than this is a drag, px. */
const CLICK_SLACK = 4;

interface Flight {
  readonly fromPosition: Vector3;
  readonly fromTarget: Vector3;
  readonly position: Vector3;
  readonly target: Vector3;
  elapsed: number;
}

export class Stage {
  onPick: (env: number, isDouble: boolean) => void = () => {};
  readonly #canvas: HTMLCanvasElement;
  readonly #renderer: WebGLRenderer;
  readonly #scene = new Scene();
  readonly #camera = new PerspectiveCamera(32, 1, 0.01, 100);
  readonly #controls: OrbitControls;
  readonly #sky = new HemisphereLight(0xffffff, 0x888888, 3);
  readonly #sun = new DirectionalLight(0xffffff, 2.6);
  /** From the camera, so that what one looks at is never black. */
  readonly #lamp = new DirectionalLight(0xffffff, 1.1);
  readonly #floor = new Floor();
  readonly #surroundings = new Surroundings();
  readonly #follow = new CameraFollow();
  readonly #background = new Color();
  #grid: RobotGrid | null = null;
  #selected = 0;
  #isFloating = false;
  #isFollowing = false;
  /** Around which light and floor were last fitted. */
  #focus: Vector3 | null = null;
  #flight: Flight | null = null;
  #isDirty = true;

  constructor(canvas: HTMLCanvasElement) {
    this.#canvas = canvas;
    this.#renderer = new WebGLRenderer({ canvas, antialias: true });
    this.#renderer.shadowMap.enabled = true;
    this.#renderer.shadowMap.type = PCFShadowMap;
    this.#camera.up.copy(UP);
    this.#camera.position.copy(ROBOT_VIEW).multiplyScalar(4);
    this.#sun.castShadow = true;
    this.#sun.shadow.mapSize.set(2048, 2048);
    this.#sun.shadow.bias = -0.0004;
    this.#scene.add(this.#sky, this.#lamp, this.#lamp.target, this.#sun, this.#sun.target, this.#floor.group);
    this.#scene.add(this.#surroundings.group);
    this.#controls = new OrbitControls(this.#camera, canvas);
    this.#controls.enableDamping = !prefersReducedMotion();
    this.#controls.dampingFactor = 0.15;
    this.#controls.addEventListener('start', () => {
      this.#flight = null;
    });
    this.#listenForClicks();
    new ResizeObserver(() => this.#resize()).observe(canvas.parentElement!);
    this.#floor.mark(0, 0, 0);
    this.#floor.fit(0, 0, 0, 1, 1);
    this.#resize();
  }

  /** Colours from the style sheet, which follow the light or dark scheme. */
  paint(): void {
    const style = getComputedStyle(this.#canvas);
    const color = (name: string) => new Color(style.getPropertyValue(name).trim());
    this.#background.copy(color('--scene'));
    this.#scene.background = this.#background;
    this.#sky.groundColor.copy(color('--scene-bounce'));
    this.#floor.paint(color('--scene-line'), color('--accent'));
    this.#grid?.paint(this.#selected, this.#background);
    this.#surroundings.paint({
      ground: color('--scene-ground'),
      line: color('--scene-line'),
      solid: color('--scene-solid'),
      object: color('--warm'),
    });
    this.#isDirty = true;
  }

  /** @returns the poses of the robots' bases until somebody knows better, [numEnvs, 7] */
  setRobots(model: RobotModel, numEnvs: number): Float32Array<ArrayBuffer> {
    if (this.#grid !== null) {
      this.#scene.remove(this.#grid.group);
      this.#grid.dispose();
    }
    const grid = new RobotGrid(model, numEnvs);
    this.#grid = grid;
    this.#scene.add(grid.group);
    this.#isFloating = model.base === 'floating';
    this.#surroundings.show(null);
    this.isFollowing = this.#isFloating && numEnvs === 1;
    this.#floor.open(null);
    this.select(0);
    this.fit(false);
    this.#settle(true);
    return Float32Array.from(grid.restBases);
  }

  /** @param q [numEnvs, nJoints] @param bases [numEnvs, 7] */
  setPoses(q: Float32Array, bases: Float32Array): void {
    const grid = this.#grid;
    if (grid === null) return;
    grid.setPoses(q, bases);
    if (this.#isFloating) {
      this.#mark();
      this.#settle(false);
    }
    this.#isDirty = true;
  }

  get scene(): ShownScene | null {
    return this.#surroundings.scene;
  }

  /** What surrounds the selected robot. */
  setScene(scene: ShownScene | null): void {
    if (scene === this.#surroundings.scene) return;
    this.#surroundings.show(scene);
    this.#surround();
    this.#settle(true);
    this.#isDirty = true;
  }

  /** @param poses of the scene's objects, [nObjects, 7] */
  setObjects(poses: Float32Array): void {
    this.#surroundings.placeObjects(poses);
    this.#isDirty = true;
  }

  get isFollowing(): boolean {
    return this.#isFollowing;
  }

  /** Whether the camera goes with the selected robot; one that stands still needs nobody to follow it. */
  set isFollowing(isFollowing: boolean) {
    this.#isFollowing = isFollowing && this.#isFloating;
    if (this.#grid !== null) this.#follow.start(this.#grid.originOf(this.#selected));
    this.#settle(true);
  }

  select(env: number): void {
    const grid = this.#grid;
    if (grid === null) return;
    this.#selected = env;
    grid.paint(env, this.#background);
    this.#surround();
    this.#mark();
    if (this.#isFollowing) {
      this.fit(true, env);
      this.isFollowing = true;
    }
    this.#isDirty = true;
  }

  #mark(): void {
    const grid = this.#grid!;
    const { x, y } = grid.boundsOf(this.#selected).getCenter(new Vector3());
    // On terrain a flat ring would drown.
    this.#floor.mark(x, y, grid.numEnvs > 1 && !this.#surroundings.hasTerrain ? grid.ringRadius : 0);
  }

  /** Put the scene around the selected robot and make room for it. */
  #surround(): void {
    const grid = this.#grid;
    if (grid === null) return;
    const { footprint, hasTerrain, group } = this.#surroundings;
    const { x, y } = grid.worldOf(this.#selected, group.position);
    grid.clear(this.#selected, footprint);
    const hole =
      footprint === null || !hasTerrain
        ? null
        : new Box2(new Vector2(...footprint.min), new Vector2(...footprint.max)).translate(new Vector2(x, y));
    this.#floor.open(hole);
  }

  /** Fit light and floor to everything, or to the robot that is followed when it has gone far enough. */
  #settle(isForced: boolean): void {
    const grid = this.#grid;
    if (grid === null) return;
    const isNear = this.#isFloating && (this.#isFollowing || grid.numEnvs === 1);
    if (!isForced && !isNear) return;
    const robot = grid.boundsOf(this.#selected).getBoundingSphere(new Sphere());
    const all = isNear ? robot : grid.boundsOf().getBoundingSphere(new Sphere());
    const radius = isNear ? Math.max(robot.radius, Math.min(MAX_FOCUS, FOCUS * robot.radius)) : all.radius;
    if (!isForced && this.#focus !== null && this.#focus.distanceTo(all.center) < radius / 4) return;
    this.#focus = all.center.clone();
    const hasGround = this.#surroundings.scene !== null && this.#surroundings.scene.ground !== 'none';
    this.#floor.fit(hasGround ? 0 : grid.floor, all.center.x, all.center.y, radius, robot.radius);
    this.#light(all.center, radius);
  }

  /** Show everything, or one environment. */
  fit(isAnimated: boolean, env?: number): void {
    if (this.#grid === null) return;
    const bounds = this.#grid.boundsOf(env);
    const centre = bounds.getCenter(new Vector3());
    const view = this.#grid.numEnvs > MAX_SINGLE_ROW && env === undefined ? GRID_VIEW : ROBOT_VIEW;
    const isOne = env !== undefined || this.#grid.numEnvs === 1;
    const distance = (this.#isFloating && isOne ? FLOATING_MARGIN : FIT_MARGIN) * this.#distanceFor(bounds, view);
    const position = centre.clone().addScaledVector(view, distance);
    this.#camera.near = distance / 200;
    this.#camera.far = Math.max(distance * 40, 100);
    this.#camera.updateProjectionMatrix();
    if (isAnimated && !prefersReducedMotion()) {
      this.#flight = {
        fromPosition: this.#camera.position.clone(),
        fromTarget: this.#controls.target.clone(),
        position,
        target: centre,
        elapsed: 0,
      };
    } else {
      this.#flight = null;
      this.#camera.position.copy(position);
      this.#controls.target.copy(centre);
    }
    this.#isDirty = true;
  }

  /** How far the camera must be for every corner of the box to be in the picture, m. */
  #distanceFor(bounds: Box3, view: Vector3): number {
    const tanY = Math.tan((this.#camera.fov * Math.PI) / 360);
    const tanX = tanY * this.#camera.aspect;
    const right = new Vector3().crossVectors(UP, view).normalize();
    const up = new Vector3().crossVectors(view, right);
    const half = bounds.getSize(new Vector3()).multiplyScalar(0.5);
    let distance = 0;
    for (let corner = 0; corner < 8; corner++) {
      const c = new Vector3(corner & 1 ? 1 : -1, corner & 2 ? 1 : -1, corner & 4 ? 1 : -1).multiply(half);
      // |c . right| <= (D - c . view) tan: the corner's distance from the axis against the picture's half width there
      const across = Math.max(Math.abs(c.dot(right)) / tanX, Math.abs(c.dot(up)) / tanY);
      distance = Math.max(distance, across + c.dot(view));
    }
    return distance;
  }

  /** Where the front of an environment's ring is on the canvas, px; null when it is not in the picture. */
  labelPosition(env: number): { x: number; y: number } | null {
    const grid = this.#grid;
    if (grid === null) return null;
    const front = grid.boundsOf(env).getCenter(new Vector3());
    front.y -= grid.ringRadius;
    return this.#pixelOf(front.setZ(this.#isFloating ? grid.boundsOf(env).min.z : grid.floor));
  }

  /** Where the base frame of an environment is on the canvas, px; null when it is not in the picture. */
  basePosition(env: number): { x: number; y: number } | null {
    return this.#grid === null ? null : this.#pixelOf(this.#grid.originOf(env));
  }

  #pixelOf(point: Vector3): { x: number; y: number } | null {
    point.project(this.#camera);
    if (Math.abs(point.x) > 1 || Math.abs(point.y) > 1 || point.z > 1) return null;
    return { x: ((point.x + 1) / 2) * this.#canvas.clientWidth, y: ((1 - point.y) / 2) * this.#canvas.clientHeight };
  }

  /** @param seconds since the last call @returns whether a new picture was drawn */
  render(seconds: number): boolean {
    this.#fly(seconds);
    this.#keepUp(seconds);
    const isMoved = this.#controls.update(seconds);
    if (!isMoved && !this.#isDirty && this.#flight === null) return false;
    this.#isDirty = false;
    this.#lamp.position.copy(this.#camera.position);
    this.#lamp.target.position.copy(this.#controls.target);
    this.#renderer.render(this.#scene, this.#camera);
    return true;
  }

  /** Of the last picture. */
  get cost(): { drawCalls: number; triangles: number } {
    const { calls, triangles } = this.#renderer.info.render;
    return { drawCalls: calls, triangles };
  }

  #fly(seconds: number): void {
    const flight = this.#flight;
    if (flight === null) return;
    flight.elapsed += seconds;
    const t = Math.min(1, flight.elapsed / FLIGHT_SECONDS);
    // 3 t^2 - 2 t^3: starts and ends at rest
    const ease = t * t * (3 - 2 * t);
    this.#camera.position.lerpVectors(flight.fromPosition, flight.position, ease);
    this.#controls.target.lerpVectors(flight.fromTarget, flight.target, ease);
    if (t === 1) this.#flight = null;
    this.#isDirty = true;
  }

  #keepUp(seconds: number): void {
    if (!this.#isFollowing || this.#grid === null) return;
    const shift = this.#follow.step(this.#grid.originOf(this.#selected), seconds);
    if (shift.lengthSq() < 1e-12) return;
    const flight = this.#flight;
    const points = flight === null ? [] : [flight.fromPosition, flight.fromTarget, flight.position, flight.target];
    for (const point of [this.#camera.position, this.#controls.target, ...points]) point.add(shift);
    this.#isDirty = true;
  }

  #light(centre: Vector3, radius: number): void {
    this.#sun.target.position.copy(centre);
    this.#sun.position.copy(centre).add(new Vector3(-0.5, -0.9, 1.6).normalize().multiplyScalar(3 * radius));
    const { camera } = this.#sun.shadow;
    camera.left = camera.bottom = -1.3 * radius;
    camera.right = camera.top = 1.3 * radius;
    camera.near = 0.1 * radius;
    camera.far = 6 * radius;
    camera.updateProjectionMatrix();
  }

  #resize(): void {
    const { clientWidth, clientHeight } = this.#canvas.parentElement!;
    if (clientWidth === 0 || clientHeight === 0) return;
    this.#renderer.setPixelRatio(Math.min(2, devicePixelRatio));
    this.#renderer.setSize(clientWidth, clientHeight, false);
    this.#camera.aspect = clientWidth / clientHeight;
    this.#camera.updateProjectionMatrix();
    this.#isDirty = true;
  }

  #listenForClicks(): void {
    let [x, y] = [0, 0];
    this.#canvas.addEventListener('pointerdown', (event) => {
      [x, y] = [event.clientX, event.clientY];
    });
    const pick = (event: MouseEvent, isDouble: boolean) => {
      if (Math.hypot(event.clientX - x, event.clientY - y) > CLICK_SLACK) return;
      const env = this.#envAt(event);
      if (env >= 0) this.onPick(env, isDouble);
    };
    this.#canvas.addEventListener('click', (event) => pick(event, false));
    this.#canvas.addEventListener('dblclick', (event) => pick(event, true));
  }

  /** The robot under the pointer, or the one whose cell of the floor is. */
  #envAt(event: MouseEvent): number {
    const grid = this.#grid;
    if (grid === null) return -1;
    const box = this.#canvas.getBoundingClientRect();
    const at = new Vector2(
      ((event.clientX - box.left) / box.width) * 2 - 1,
      1 - ((event.clientY - box.top) / box.height) * 2,
    );
    const ray = new Raycaster();
    ray.setFromCamera(at, this.#camera);
    const [hit] = ray.intersectObject(grid.group, true);
    if (hit !== undefined) return grid.envOf(hit);
    const point = ray.ray.intersectPlane(new Plane(UP, -grid.floor), new Vector3());
    return point === null ? -1 : grid.cellAt(point.x, point.y);
  }
}
