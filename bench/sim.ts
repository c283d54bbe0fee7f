/**
 * The simulation benchmark: control steps a second of every task, policy included, on one worker thread; where the time
 * goes; what a second worker adds; and the same robot in MuJoCo. The runs that a ratio compares take turns within seconds,
 * so that a busy machine is busy for all of them; speeds are per second of processor time, which it cannot take away.
 */

import { Worker } from 'node:worker_threads';
import { experimentNamed } from '../configs/index.ts';
import { LandfallError, messageOf } from '../core/errors.ts';
import { workerEntry } from '../core/worker-entry.ts';
import { openExperiment, trainingRecipe } from '../loop/experiment.ts';
import type { EngineName, EnvironmentRecipe } from '../sim/recipe.ts';
import type { Pace, SimReply, SimRequest } from './sim-protocol.ts';
import { median } from './spread.ts';

export interface SimTaskBench {
  /** Of one worker alone, control steps a second of processor time. */
  readonly stepsPerSecondPerCore: number;
  /** Two workers' steps a second together over one's, by the clock. */
  readonly scaling2: number;
  /** Processor time that one worker alone got, over the clock's: below 0.95 others use the machine, and `scaling2` is theirs. */
  readonly processorShare: number;
  /** Of one worker's time: `World.step`, the actor's observation, the actor, and all the rest. They add up to 1. */
  readonly share: Readonly<Record<'physics' | 'observation' | 'actor' | 'other', number>>;
  /** On one worker; null with the reason in `mujocoMissing`. */
  readonly mujocoWasmStepsPerSecond: number | null;
  /** Rapier's steps a second over MuJoCo's, round by round. */
  readonly mujocoRatio: number | null;
  readonly mujocoMissing?: string;
  /** JavaScript heap within an episode, the actor's aside; null where episodes are too short to tell. */
  readonly allocatedBytesPerStep: number | null;
}

export interface SimBench {
  readonly tasks: Readonly<Record<string, SimTaskBench>>;
}

export interface SimBenchOptions {
  readonly tasks: readonly string[];
  /** Of each task, s. */
  readonly seconds: number;
  /** On each worker. */
  readonly environments: number;
  readonly onProgress?: (text: string) => void;
}

/** Shares of a task's time: warming up, taking turns, and the split. */
const WARM_UP = 0.2;
const TURNS = 0.65;
const SPLIT = 0.15;
/** One run of one worker, s, where there is time for it. */
const TURN = 0.4;

export async function simBench(options: SimBenchOptions): Promise<SimBench> {
  const tasks: Record<string, SimTaskBench> = {};
  for (const name of options.tasks) {
    options.onProgress?.(name);
    tasks[name] = await taskBench(name, options);
  }
  return { tasks };
}

/** Bytes that a control step of a task leaves on the heap, the actor's aside; null where episodes are too short to tell. */
export async function stepAllocation(task: string): Promise<number | null> {
  const bench = new Bench();
  try {
    await bench.open(await recipeOf(task), 'rapier', 0, 1);
    return await bench.allocate();
  } finally {
    await bench.close();
  }
}

async function taskBench(name: string, { seconds, environments }: SimBenchOptions): Promise<SimTaskBench> {
  const recipe = await recipeOf(name);
  const [one, two, twin] = [new Bench(), new Bench(), new Bench()];
  const benches = [one, two, twin];
  try {
    await Promise.all([
      one.open(recipe, 'rapier', 0, environments),
      two.open(recipe, 'rapier', environments, environments),
    ]);
    const missing = await tryIt(() => twin.open(recipe, 'mujoco', 0, environments));
    const warmUp = (WARM_UP * seconds) / (missing === undefined ? 2 : 1);
    await Promise.all([one.run(warmUp), two.run(warmUp)]);
    const fault = missing ?? (await tryIt(() => twin.run(warmUp)));
    const turns = fault === undefined ? 3 : 2;
    const rounds = Math.max(3, Math.floor((TURNS * seconds) / (turns * TURN)));
    const turn = (TURNS * seconds) / (turns * rounds);
    const alone: Pace[] = [];
    const scaling: number[] = [];
    const mujoco: Pace[] = [];
    for (let round = 0; round < rounds; round++) {
      const single = await one.run(turn);
      alone.push(single);
      if (fault === undefined) mujoco.push(await twin.run(turn));
      const [a, b] = await Promise.all([one.run(turn), two.run(turn)]);
      scaling.push((a.steps / a.wall + b.steps / b.wall) / (single.steps / single.wall));
    }
    const { physics, observation, actor, total } = await one.split(SPLIT * seconds);
    return {
      stepsPerSecondPerCore: median(alone.map(perCore)),
      scaling2: median(scaling),
      processorShare: median(alone.map(({ cpu, wall }) => cpu / wall)),
      share: {
        physics: physics / total,
        observation: observation / total,
        actor: actor / total,
        other: 1 - (physics + observation + actor) / total,
      },
      mujocoWasmStepsPerSecond: fault === undefined ? median(mujoco.map(perCore)) : null,
      mujocoRatio: fault === undefined ? median(alone.map((pace, i) => perCore(pace) / perCore(mujoco[i]!))) : null,
      ...(fault === undefined ? {} : { mujocoMissing: fault }),
      allocatedBytesPerStep: await one.allocate(),
    };
  } finally {
    await Promise.all(benches.map((bench) => bench.close()));
  }
}

/** Environments as in training, with the actor of 128 x 128 that the figures are stated for. */
async function recipeOf(task: string): Promise<EnvironmentRecipe> {
  const base = experimentNamed('pendulum');
  const network = { ...base.network, hidden: [128, 128] };
  return trainingRecipe(await openExperiment({ ...base, task, network, reward: {} }));
}

/** @returns why it cannot be done; undefined when it was */
async function tryIt(act: () => Promise<unknown>): Promise<string | undefined> {
  try {
    await act();
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}

/** Of a process in which nothing else runs meanwhile. */
function perCore({ steps, cpu }: Pace): number {
  return steps / cpu;
}

/** A worker thread that simulates. */
class Bench {
  readonly #worker: Worker;

  constructor() {
    const { url, execArgv } = workerEntry(import.meta.url, 'sim-worker');
    this.#worker = new Worker(url, { execArgv: [...execArgv, '--no-warnings'] });
  }

  async open(recipe: EnvironmentRecipe, engine: EngineName, first: number, count: number): Promise<void> {
    await this.#ask({ op: 'open', recipe: { ...recipe, engine }, first, count }, 'open');
  }

  async run(seconds: number): Promise<Pace> {
    return (await this.#ask({ op: 'run', seconds }, 'run')).pace;
  }

  async split(seconds: number) {
    return (await this.#ask({ op: 'split', seconds }, 'split')).split;
  }

  async allocate(): Promise<number | null> {
    return (await this.#ask({ op: 'allocate' }, 'allocate')).bytesPerStep;
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }

  #ask<Op extends SimReply['op']>(request: SimRequest, op: Op): Promise<Extract<SimReply, { op: Op }>> {
    return new Promise((resolve, reject) => {
      const onMessage = (reply: SimReply) => {
        this.#worker.off('error', reject);
        if (reply.op === op) resolve(reply as Extract<SimReply, { op: Op }>);
        else
          reject(new LandfallError(reply.op === 'failed' ? reply.message : `a worker answered ${reply.op} to ${op}`));
      };
      this.#worker.once('message', onMessage);
      this.#worker.once('error', reject);
      this.#worker.postMessage(request);
    });
  }
}
