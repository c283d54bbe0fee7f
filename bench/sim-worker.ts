/** A worker thread of the simulation benchmark: steps its environments with a random actor, and says how fast. */

import { getHeapStatistics } from 'node:v8';
import { parentPort } from 'node:worker_threads';
import { messageOf } from '../core/errors.ts';
import { Observer } from '../core/observation.ts';
import { keyOf, RandomStream } from '../core/rng.ts';
import { Actor } from '../policy/actor.ts';
import { tensorsOf } from '../policy/architecture.ts';
import type { Environment } from '../sim/environment.ts';
import { RawWorld } from '../sim/rapier-raw.ts';
import { makeEnvironments } from '../sim/recipe.ts';
import type { OpenRequest, Pace, SimReply, SimRequest, Split } from './sim-protocol.ts';

/** Control steps between two looks at the clock. */
const BATCH = 64;
const SEGMENT = 20;
const SEGMENTS = 51;
/** After so many, V8 has compiled all of a step. */
const WARM_UP = 2500;

/** An environment with what its actor reads and writes. */
interface Seat {
  readonly environment: Environment;
  readonly obs: Float32Array;
  readonly action: Float32Array;
  episode: number;
}

let actor: Actor | undefined;
let seats: readonly Seat[] = [];
let turn = 0;

const port = parentPort!;
port.on('message', async (request: SimRequest) => {
  try {
    port.postMessage(await serve(request));
  } catch (error) {
    port.postMessage({ op: 'failed', message: messageOf(error) } satisfies SimReply);
  }
});

async function serve(request: SimRequest): Promise<SimReply> {
  switch (request.op) {
    case 'open':
      await open(request);
      return { op: 'open' };
    case 'run':
      return { op: 'run', pace: run(request.seconds) };
    case 'split':
      return { op: 'split', split: split(request.seconds) };
    case 'allocate':
      return { op: 'allocate', bytesPerStep: allocated() };
  }
}

async function open({ recipe, first, count }: OpenRequest): Promise<void> {
  const { contract } = recipe;
  const random = new RandomStream(keyOf(1));
  // As networks are initialised: of standard deviation 1 / sqrt(inputs), the last layer a hundredth of it.
  const shapes = tensorsOf(contract.network).map(({ shape }) => shape);
  const weights = shapes.map(([inputs, outputs], i) => {
    if (outputs === undefined) return new Float32Array(inputs!);
    const scale = (i === shapes.length - 2 ? 0.01 : 1) / Math.sqrt(inputs!);
    return Float32Array.from({ length: inputs! * outputs }, () => scale * random.normal());
  });
  actor = new Actor(contract, weights);
  const environments = await makeEnvironments(recipe, first, count);
  seats = environments.map((environment) => {
    const obs = new Float32Array(environment.observer.size);
    environment.reset(0, obs, 0);
    return { environment, obs, action: new Float32Array(environment.actuation.size), episode: 0 };
  });
}

/** One control step of one environment, and its next episode where this one ends. */
function step(seat: Seat): void {
  actor!.act(seat.obs, seat.action);
  move(seat);
}

/** `step` by the action that the actor last gave. */
function move(seat: Seat): void {
  const { environment, obs, action } = seat;
  environment.step(action, 0, obs, 0);
  if (environment.terminated || environment.truncated) environment.reset(++seat.episode, obs, 0);
}

function run(seconds: number): Pace {
  const usage = process.cpuUsage();
  const start = performance.now();
  let steps = 0;
  let wall = 0;
  while (wall < seconds) {
    for (let i = 0; i < BATCH; i++) {
      step(seats[turn]!);
      turn = (turn + 1) % seats.length;
    }
    steps += BATCH;
    wall = (performance.now() - start) / 1000;
  }
  const { user, system } = process.cpuUsage(usage);
  return { steps, wall, cpu: (user + system) / 1e6 };
}

/** `run` with a clock around its parts, put there for as long as it takes: costs nothing at other times. */
function split(seconds: number): Split {
  const physics = timed(RawWorld.prototype, 'step');
  const observation = timed(Observer.prototype, 'observe');
  const acting = timed(Actor.prototype, 'act');
  try {
    // What was compiled for the methods as they were is compiled again first.
    run(seconds / 3);
    for (const clock of [physics, observation, acting]) clock.seconds = 0;
    const total = run((2 * seconds) / 3).wall;
    return { physics: physics.seconds, observation: observation.seconds, actor: acting.seconds, total };
  } finally {
    for (const { restore } of [physics, observation, acting]) restore();
  }
}

function timed<K extends string>(
  prototype: Record<K, (...args: never[]) => void>,
  name: K,
): { seconds: number; restore: () => void } {
  const original = prototype[name];
  const clock = {
    seconds: 0,
    restore: () => {
      prototype[name] = original;
    },
  };
  prototype[name] = function (this: unknown, ...args: never[]) {
    const start = performance.now();
    original.apply(this, args);
    clock.seconds += (performance.now() - start) / 1000;
  };
  return clock;
}

/** Median growth of the heap over segments within an episode, per step of an environment: resets may allocate, steps should not. */
function allocated(): number | null {
  const seat = seats[0]!;
  const { environment } = seat;
  step(seat);
  for (let i = 0; i < WARM_UP; i++) move(seat);
  const grown: number[] = [];
  for (let segment = 0; segment < SEGMENTS; segment++) {
    const episode = seat.episode;
    const before = getHeapStatistics().used_heap_size;
    for (let i = 0; i < SEGMENT; i++) move(seat);
    const bytes = getHeapStatistics().used_heap_size - before;
    if (seat.episode === episode && environment.episodeSteps > 0) grown.push(bytes);
  }
  if (grown.length === 0) return null;
  return Math.max(0, grown.sort((a, b) => a - b)[Math.floor(grown.length / 2)]! - BASELINE) / SEGMENT;
}

/** What asking for the heap's size allocates itself. */
const BASELINE = (() => {
  const grown = Array.from({ length: 51 }, () => {
    const before = getHeapStatistics().used_heap_size;
    return getHeapStatistics().used_heap_size - before;
  });
  return grown.sort((a, b) => a - b)[25]!;
})();
