/**
 * The learner benchmark: PPO samples a second, complete minibatch steps (gather, forward, backward, clip, Adam), of every backend
 * that can be started here and of PyTorch. They take turns within seconds, so that a busy machine is busy for all of them.
 */

import { performance } from 'node:perf_hooks';
import { keyOf, RandomStream } from '../core/rng.ts';
import { type Backend, type BackendName, openBackend } from '../policy/backend.ts';
import { makePpo } from '../policy/make-ppo.ts';
import type { NetworkSettings, PpoBatch, PpoSettings } from '../policy/ppo-learner.ts';
import { TorchPeer } from './torch-peer.ts';

export const LEARN_SIZES: readonly (readonly number[])[] = [
  [64, 64],
  [128, 128],
  [256, 128, 64],
];
export const LEARN_BATCHES: readonly number[] = [512, 4096, 16384];

const OBS = 48;
const ACTIONS = 12;
/** Minibatches of the data, and passes over it in an update, as in training; fewer where a step takes too long. */
const MINIBATCHES = 4;
const EPOCHS = 5;

export interface LearnCell {
  /** Of the actor, and of the critic. */
  readonly hidden: readonly number[];
  /** Samples in a minibatch. */
  readonly batch: number;
}

/** One contestant's turn; seconds by the clock, and of processor time over all threads. */
export interface LearnTurn {
  readonly samples: number;
  readonly seconds: number;
  readonly processor: number;
}

/** Of each network ("64-64") at each minibatch ("512"). */
export type LearnTable = Readonly<Record<string, Readonly<Record<string, number>>>>;

export interface LearnBench {
  /** Samples a second by the clock, median of the rounds. */
  readonly backends: Readonly<Record<string, LearnTable>>;
  readonly torch: LearnTable | null;
  /** Why `torch` is null. */
  readonly torchMissing?: string;
  readonly torchVersion?: string;
  /** Of a backend over torch, median of the rounds' ratios: by the clock, and by samples per second of processor time. */
  readonly overTorch: Readonly<Record<string, LearnTable>>;
  readonly overTorchPerProcessorSecond: Readonly<Record<string, LearnTable>>;
  readonly threads: number;
}

export interface LearnBenchOptions {
  readonly backends: readonly BackendName[];
  readonly sizes: readonly (readonly number[])[];
  readonly batches: readonly number[];
  /** Of a turn, s. */
  readonly seconds: number;
  readonly rounds: number;
  /** Of the simd learner, and of PyTorch. */
  readonly threads: number;
  /** Command of a Python that may have torch. */
  readonly python: string;
  readonly onProgress?: (text: string) => void;
}

export async function learnBench(options: LearnBenchOptions): Promise<LearnBench> {
  const { sizes, batches, seconds, rounds, threads, python, onProgress = () => {} } = options;
  const peer = await TorchPeer.open(python, threads);
  const torch = typeof peer === 'string' ? null : peer;
  if (typeof peer === 'string') onProgress(`torch: skipped (${peer})`);
  const present: BackendName[] = [];
  for (const name of options.backends) {
    try {
      (await openBackend(name)).close();
      present.push(name);
    } catch (error) {
      onProgress(`${name}: skipped (${(error as Error).message})`);
    }
  }
  const names = [...present, ...(torch === null ? [] : ['torch'])];
  const [speed, ratio, processorRatio] = [new Tables(), new Tables(), new Tables()];
  for (const hidden of sizes) {
    for (const batch of batches) {
      const cell = { hidden, batch };
      const turns = new Map<string, LearnTurn[]>(names.map((name) => [name, []]));
      for (let round = 0; round < rounds; round++) {
        for (const name of present) {
          // One turn of what is too slow for its time is enough.
          const before = turns.get(name)!;
          if (before.some((turn) => turn.seconds > 4 * seconds)) continue;
          before.push(await backendTurn(name, cell, seconds, threads));
        }
        if (torch !== null) turns.get('torch')!.push(await torch.measure(cell, seconds));
      }
      for (const [name, measured] of turns) {
        const rates = measured.map((turn) => turn.samples / turn.seconds);
        speed.put(name, cell, median(rates));
        const peers = turns.get('torch');
        if (peers === undefined || name === 'torch') continue;
        ratio.put(name, cell, median(measured.map((turn, i) => over(turn, peers[i]!, 'seconds'))));
        processorRatio.put(name, cell, median(measured.map((turn, i) => over(turn, peers[i]!, 'processor'))));
      }
      const figures = names.map((name) => `${name} ${speed.get(name, cell).toFixed(0)}`);
      onProgress(`${hidden.join('-')} at ${batch}: ${figures.join(', ')}`);
    }
  }
  torch?.close();
  const { torch: torchSpeed = null, ...backends } = speed.all;
  return {
    backends,
    torch: torchSpeed,
    ...(typeof peer === 'string' ? { torchMissing: peer } : { torchVersion: peer.version }),
    overTorch: ratio.all,
    overTorchPerProcessorSecond: processorRatio.all,
    threads,
  };
}

/** Its backend is started for the turn alone: tfjs has one at a time. */
async function backendTurn(name: BackendName, cell: LearnCell, seconds: number, threads: number): Promise<LearnTurn> {
  const backend = await openBackend(name);
  try {
    // A step says how many there is time for; where it is slow even when warm, it is the measurement.
    const one = { minibatches: 1, epochs: 1, threads };
    let step = await learnFor(backend, cell, { ...one, seconds: 0 });
    if (step.seconds > 4 * seconds) step = await learnFor(backend, cell, { ...one, seconds: seconds / 10 });
    if (step.seconds > 4 * seconds) return step;
    const steps = Math.max(1, Math.min(MINIBATCHES * EPOCHS, Math.floor(seconds / step.seconds)));
    const minibatches = Math.min(MINIBATCHES, steps);
    const epochs = Math.floor(steps / minibatches);
    return await learnFor(backend, cell, { minibatches, epochs, threads, seconds });
  } finally {
    backend.close();
  }
}

interface Schedule {
  readonly minibatches: number;
  readonly epochs: number;
  readonly threads: number;
  readonly seconds: number;
}

/** Updates until the time is over, at least one; warmed up where there is time. */
async function learnFor(backend: Backend, { hidden, batch }: LearnCell, schedule: Schedule): Promise<LearnTurn> {
  const { minibatches, epochs, threads, seconds } = schedule;
  const ppo = makePpo(backend, networkOf(hidden), { ...SETTINGS, minibatches, epochs }, keyOf(1), 'all', threads);
  const data = batchOf(minibatches * batch);
  if (seconds > 0) await ppo.update(data, 0);
  const started = performance.now();
  const processor = process.cpuUsage();
  let updates = 0;
  let elapsed = 0;
  do {
    await ppo.update(data, ++updates);
    elapsed = (performance.now() - started) / 1000;
  } while (elapsed < seconds);
  const { user, system } = process.cpuUsage(processor);
  ppo.dispose();
  return { samples: updates * epochs * minibatches * batch, seconds: elapsed, processor: (user + system) / 1e6 };
}

const SETTINGS: Omit<PpoSettings, 'epochs' | 'minibatches'> = {
  learningRate: 3e-4,
  minLearningRate: 1e-5,
  maxLearningRate: 1e-2,
  gamma: 0.99,
  lam: 0.95,
  clip: 0.2,
  valueClip: 0.2,
  valueCoef: 0.5,
  entropyCoef: 0.005,
  maxGradNorm: 1,
  targetKl: null,
};

function networkOf(hidden: readonly number[]): NetworkSettings {
  return {
    actor: { kind: 'mlp', layers: [OBS, ...hidden, ACTIONS], activation: 'elu' },
    criticHidden: hidden,
    initialLogStd: 0,
    finalLogStd: 0,
  };
}

/** Random data in which ratios are near 1. */
function batchOf(size: number): PpoBatch {
  const random = new RandomStream(keyOf(size));
  const normal = (length: number, scale = 1) => Float32Array.from({ length }, () => scale * random.normal());
  return {
    size,
    obs: normal(OBS * size),
    action: normal(ACTIONS * size),
    logProb: normal(size, 0.1).map((x) => x - 17),
    advantage: normal(size),
    target: normal(size),
    value: normal(size),
  };
}

function over(turn: LearnTurn, peer: LearnTurn, unit: 'seconds' | 'processor'): number {
  return turn.samples / turn[unit] / (peer.samples / peer[unit]);
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  return (sorted[Math.floor(middle)]! + sorted[Math.ceil(middle)]!) / 2;
}

/** Figures by contestant, network and minibatch. */
class Tables {
  readonly all: Record<string, Record<string, Record<string, number>>> = {};

  put(name: string, { hidden, batch }: LearnCell, figure: number): void {
    this.all[name] ??= {};
    this.all[name][hidden.join('-')] ??= {};
    this.all[name][hidden.join('-')]![batch] = figure;
  }

  get(name: string, { hidden, batch }: LearnCell): number {
    return this.all[name]![hidden.join('-')]![batch]!;
  }
}
