/**
 * A policy acting in its simulation, here in the page, at the pace of the wall clock: what a server would otherwise send.
 * Episode follows episode. Knows no drawing.
 */

import { messageOf } from '../../core/errors.ts';
import { baseSize, objectsSize, POSE_SIZE } from '../../core/frame-ring.ts';
import type { RobotModel } from '../../core/robot-model.ts';
import { Actor } from '../../policy/actor.ts';
import type { PageData } from '../../policy/export/page-data.ts';
import { channelsOf } from '../../policy/watch.ts';
import type { Environment } from '../../sim/environment.ts';
import { makeEnvironments } from '../../sim/recipe.ts';
import { OBJECT_STRIDE } from '../../sim/scene.ts';
import { taskNamed } from '../../sim/tasks/index.ts';
import type { LiveSource } from '../protocol.ts';
import { plainScene, type ShownScene } from '../scene-message.ts';
import type { ConnectionFigures, ConnectionHandlers, Line } from './connection.ts';

/** The simulation does not run after more lost time than this, s. */
const LONGEST_DELAY = 0.1;
const STREAM = 1;

export class Simulation implements Line {
  readonly #data: PageData;
  readonly #handlers: ConnectionHandlers;
  readonly #actor: Actor;
  #environment: Environment | null = null;
  #source: LiveSource | null = null;
  #obs = new Float32Array(0);
  #action = new Float32Array(0);
  #scene: ShownScene | null = null;
  #episode = 0;
  #hasEnded = false;
  #step = 0;
  #due = 0;
  #lastPicture = 0;

  constructor(data: PageData, handlers: ConnectionHandlers) {
    this.#data = data;
    this.#handlers = handlers;
    this.#actor = new Actor(data.recipe.contract, data.weights);
    // The page first: it is not there yet for what is shown.
    void Promise.resolve()
      .then(() => this.#start())
      .catch((error) => this.#note(messageOf(error)));
  }

  select(): void {}

  async robot(): Promise<RobotModel | null> {
    return this.#environment?.robot.model ?? null;
  }

  get figures(): ConnectionFigures {
    const framesPerSecond = this.#data.recipe.contract.control.rateHz;
    return { framesPerSecond, dropShare: 0, roundTripMs: NaN, framesReceived: this.#step, framesDropped: 0 };
  }

  async #start(): Promise<void> {
    const { recipe, title } = this.#data;
    const { contract } = recipe;
    const [environment] = await makeEnvironments(recipe, 0, 1);
    this.#environment = environment!;
    this.#obs = new Float32Array(environment!.observer.size);
    this.#action = new Float32Array(environment!.actuation.size);
    environment!.reset(this.#episode, this.#obs, 0);
    this.#source = {
      stream: STREAM,
      kind: 'policy',
      title,
      model: contract.robot.urdfHash,
      joints: contract.joints.map(({ name }) => name),
      spec: {
        capacity: 2,
        numEnvs: 1,
        nJoints: contract.joints.length,
        base: environment!.robot.model.base,
        nObjects: environment!.scene.objects.length,
        channels: channelsOf(contract, Object.keys(taskNamed(recipe.task).rewards)),
        dt: 1 / contract.control.rateHz,
      },
      frameRate: contract.control.rateHz,
    };
    this.#handlers.onState('connected');
    this.#handlers.onMessage({ type: 'source', source: this.#source });
    this.#show(false);
    this.#lastPicture = performance.now();
    requestAnimationFrame((now) => this.#picture(now));
  }

  #picture(now: number): void {
    const dt = 1 / this.#data.recipe.contract.control.rateHz;
    this.#due = Math.min(LONGEST_DELAY, this.#due + Math.max(0, now - this.#lastPicture) / 1000);
    this.#lastPicture = now;
    try {
      for (; this.#due >= dt; this.#due -= dt) this.#act();
    } catch (error) {
      this.#note(messageOf(error));
      return;
    }
    requestAnimationFrame((next) => this.#picture(next));
  }

  /** One control step, or the next episode's start. */
  #act(): void {
    const environment = this.#environment!;
    const isNew = this.#hasEnded;
    this.#step++;
    if (isNew) {
      environment.reset(++this.#episode, this.#obs, 0);
      this.#actor.reset();
    } else {
      this.#actor.act(this.#obs, this.#action);
      environment.step(this.#action, 0, this.#obs, 0);
    }
    this.#hasEnded = !isNew && (environment.terminated || environment.truncated);
    this.#show(isNew);
  }

  /** Hand the page the present state. */
  #show(jump: boolean): void {
    const { robot, rewardTerms, scene } = this.#environment!;
    const { spec } = this.#source!;
    if (scene !== this.#scene) {
      this.#scene = scene;
      const message = { type: 'scene', stream: STREAM, env: 0, step: this.#step, scene: plainScene(scene) } as const;
      this.#handlers.onMessage(message);
    }
    const objects = new Float32Array(objectsSize(spec));
    for (let i = 0; i < objects.length; i++) {
      objects[i] = robot.objects[Math.floor(i / POSE_SIZE) * OBJECT_STRIDE + (i % POSE_SIZE)]!;
    }
    this.#handlers.onFrame({
      step: this.#step,
      simTime: this.#step * spec.dt,
      seq: this.#step,
      stream: STREAM,
      jump,
      selected: 0,
      q: Float32Array.from(robot.truth.q),
      base: Float32Array.from(robot.truth.base.subarray(0, baseSize(spec))),
      objects,
      channels: Float32Array.of(...rewardTerms, ...this.#obs, ...robot.truth.effort),
    });
  }

  #note(text: string): void {
    this.#handlers.onState('lost');
    this.#handlers.onMessage({ type: 'notes', reset: false, notes: [text] });
  }
}
