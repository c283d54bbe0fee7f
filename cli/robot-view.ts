/** Shows a served robot in the viewer: every published state becomes a frame of one ring. */

import { type Channel, makeFrameRing, type OpenFrameRing, openFrameRing } from '../core/frame-ring.ts';
import type { RobotState } from '../core/robot.ts';
import { jointNames, type RobotModel } from '../core/robot-model.ts';
import { EMPTY_SCENE, OBJECT_STRIDE, type Scene } from '../sim/scene.ts';
import { startViewer, type Viewer } from '../viewer/server/index.ts';

/** Seconds that the ring holds. */
const HISTORY_SECONDS = 2;
const NO_OBJECTS = new Float64Array(0);

export class RobotView {
  readonly #viewer: Viewer;
  readonly #ring: OpenFrameRing;
  readonly #channels: Float64Array;

  private constructor(viewer: Viewer, ring: OpenFrameRing) {
    this.#viewer = viewer;
    this.#ring = ring;
    this.#channels = new Float64Array(ring.spec.channels.length);
  }

  /** @param scene that the robot stands in */
  static async open(model: RobotModel, title: string, rateHz: number, scene: Scene = EMPTY_SCENE): Promise<RobotView> {
    const viewer = await startViewer();
    const joints = jointNames(model);
    const ring = makeFrameRing({
      capacity: Math.max(2, Math.ceil(2 * HISTORY_SECONDS * rateHz)),
      numEnvs: 1,
      nJoints: joints.length,
      base: model.base,
      nObjects: scene.objects.length,
      channels: joints.flatMap((joint): Channel[] => [
        { name: `${joint} velocity`, group: 'obs', unit: 'rad/s' },
        { name: `${joint} torque`, group: 'torque', unit: 'N m' },
      ]),
      dt: 1 / rateHz,
    });
    viewer.show({ title, kind: 'robot', urdf: model.urdf, meshes: model.meshes, joints, ring });
    viewer.scene(0, 0, scene);
    return new RobotView(viewer, openFrameRing(ring));
  }

  get url(): string {
    return this.#viewer.url;
  }

  /** @param objects of the scene, [nObjects, OBJECT_STRIDE] */
  add(state: RobotState, objects: Float64Array = NO_OBJECTS): void {
    for (let j = 0; j < state.q.length; j++) {
      this.#channels[2 * j] = state.qd[j]!;
      this.#channels[2 * j + 1] = state.effort[j]!;
    }
    const slot = this.#ring.slotOf(this.#ring.published);
    this.#ring.setTime(slot, state.time);
    this.#ring.setEnv(slot, 0, state.q, this.#channels);
    this.#ring.setBase(slot, 0, state.base);
    this.#ring.setObjects(slot, 0, objects, OBJECT_STRIDE);
    this.#ring.publish(1);
  }

  note(text: string): void {
    this.#viewer.note(text);
  }

  close(): Promise<void> {
    return this.#viewer.close();
  }
}
