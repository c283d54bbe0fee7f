/** Ranges that widen while training: pendulums whose every episode succeeds, fails, or depends on the policy. */

import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pendulum as config } from '../../configs/pendulum.ts';
import { systemClock } from '../../core/clock.ts';
import { InputError } from '../../core/errors.ts';
import { foldIn, keyOf } from '../../core/rng.ts';
import { evaluationRecipe, openExperiment, PURPOSE, trainingRecipe } from '../../loop/experiment.ts';
import { type Backend, openBackend } from '../../policy/backend.ts';
import { loadTrainingState, saveCheckpoint, type TrainingState } from '../../policy/checkpoint.ts';
import type { IterationReport } from '../../policy/iteration-report.ts';
import { train } from '../../policy/runner.ts';
import type { Snapshot } from '../../policy/training-job.ts';
import { type AdrSettings, adrEntropy, initialAdr } from '../../sim/adr.ts';
import { makeEnvironments } from '../../sim/recipe.ts';
import { defineTask, type TaskDefinition } from '../../sim/task.ts';
import { pendulum } from '../../sim/tasks/pendulum.ts';
import { LocalPool, registerTask } from './local-pool.ts';

const adr: AdrSettings = {
  boundaryFraction: 0.8,
  episodes: 4,
  lower: 0.5,
  upper: 0.8,
  parameters: [
    { name: 'massScale', initial: [0.98, 1.02], limits: [0.9, 1.15], delta: 0.02 },
    { name: 'latency', initial: [0, 0.005], limits: [0, 0.02], delta: 0.005 },
  ],
};

/** Episodes of 10 steps. */
function variant(name: string, test: TaskDefinition['success']['test']): TaskDefinition {
  const task = defineTask({ ...pendulum, name, episodeSeconds: 0.2, adr, success: { seconds: 0.02, test } });
  registerTask(task);
  return task;
}
const always = variant('adr-always', () => true);
const never = variant('adr-never', () => false);
/** Where a start anywhere is about as often as not. */
const mixed = variant('adr-mixed', ({ state }) => Math.abs(state.q[0]!) < 0.4);

/** Nine environments: no number of slices divides them evenly. */
const ENVS = 9;
const HORIZON = 40;

let backend: Backend;
let run = '';
beforeAll(async () => {
  backend = await openBackend('wasm');
  run = await mkdtemp(join(tmpdir(), 'landfall-adr-'));
});
afterAll(async () => {
  backend.close();
  await rm(run, { recursive: true, force: true });
});

interface Changes {
  readonly on?: boolean;
  readonly iterations?: number;
  readonly slices?: number;
  readonly resume?: TrainingState;
  readonly reports?: IterationReport[];
}

const NETWORK = { ...config.network, hidden: [8], criticHidden: [8] };
const open = (task: TaskDefinition, on = true) =>
  openExperiment({ ...config, task: task.name, network: NETWORK, ...(on ? { adr: true } : {}) });

async function learn(task: TaskDefinition, changes: Changes = {}): Promise<Snapshot> {
  const { on = true, iterations = 4, slices = 2, resume, reports } = changes;
  const experiment = await open(task, on);
  return train({
    recipe: trainingRecipe(experiment),
    evalRecipe: evaluationRecipe(experiment, experiment.contract, 'rapier'),
    settings: {
      numEnvs: ENVS,
      horizon: HORIZON,
      iterations,
      evalEvery: 99,
      evalEpisodes: 1,
      stopAtSuccess: null,
      ppo: { ...config.ppo, epochs: 1, minibatches: 1 },
      network: experiment.network,
    },
    backend,
    pool: new LocalPool(slices),
    key: foldIn(keyOf(1), PURPOSE.learner),
    clock: systemClock,
    ...(resume === undefined ? {} : { resume }),
    onIteration: (report) => {
      reports?.push(report);
      return false;
    },
  });
}

function digest({ actor, state }: Snapshot): string {
  const sum = createHash('sha256');
  for (const { buffer, byteOffset, byteLength } of [actor, state.learner.parameters, state.learner.secondMoment]) {
    sum.update(new Uint8Array(buffer, byteOffset, byteLength));
  }
  return sum.digest('hex') + JSON.stringify(state.adr);
}

describe('training with ADR', () => {
  it('widens every range to its limits while every episode succeeds, and says so', async () => {
    const reports: IterationReport[] = [];
    const { state } = await learn(always, { iterations: 16, reports });
    // 9 environments end 4 episodes an iteration, 0.8 of them at one of 4 bounds: about 7 a bound; 7 moves of 4 need 28.
    expect(state.adr!.bounds).toEqual([0.9, 1.15, 0, 0.02]);
    const widths = reports.map((report) => report.adrEntropy!);
    expect(widths.at(-1)).toBe(adrEntropy(state.adr!));
    expect(widths[0]!).toBeLessThan(widths.at(-1)!);
    expect(widths).toEqual([...widths].sort((a, b) => a - b));
  });

  it('stays where it began while none succeeds', async () => {
    const { state } = await learn(never, { iterations: 8 });
    expect(state.adr!.bounds).toEqual(initialAdr(adr).bounds);
  });

  it('is the same to the bit in 1, 2 and 4 slices', async () => {
    const learned = [];
    for (const slices of [1, 2, 4]) learned.push(await learn(mixed, { slices, iterations: 6 }));
    expect(new Set(learned.map(digest)).size).toBe(1);
    const outcomes = learned[0]!.state.adr!.buffers.flat();
    expect(new Set(outcomes)).toEqual(new Set([0, 1]));
  });

  it('is saved, and goes on from where it stood', async () => {
    const { contract, actor, state } = await learn(always, { iterations: 3 });
    const loaded = await loadTrainingState(await saveCheckpoint(run, contract, actor, state, false));
    expect(loaded.adr).toEqual(state.adr);
    expect(loaded.adr!.bounds).not.toEqual(initialAdr(adr).bounds);
    const idle = await learn(always, { iterations: 3, resume: loaded });
    expect(idle.state.adr).toEqual(state.adr);
    // Nothing succeeds from here on: bounds that moved out come back in, no further than they began.
    const back = await learn(never, { iterations: 20, resume: loaded });
    expect(back.state.adr!.bounds.map((bound) => Number(bound.toFixed(12)))).toEqual([0.98, 1.02, 0, 0.005]);
    const other = { bounds: [0, 1], buffers: [[], []] };
    const refused = learn(always, { resume: { ...loaded, adr: other } });
    await expect(refused).rejects.toThrow('the checkpoint has 2 bounds of ADR, the task has 4');
  });

  it('changes nothing where it is off', async () => {
    const reports: IterationReport[] = [];
    const off = await learn(always, { on: false, reports });
    const { adr: _, ...without } = always;
    const plain: TaskDefinition = { ...without, name: 'adr-none' };
    registerTask(plain);
    expect(digest(off)).toBe(digest(await learn(plain, { on: false })));
    expect('adr' in off.state).toBe(false);
    expect('adrEntropy' in reports[0]!).toBe(false);
    expect((await learn(always)).actor).not.toEqual(off.actor);
  });
});

describe('an environment with ADR', () => {
  const obs = new Float32Array(5);
  const make = async () => (await makeEnvironments(trainingRecipe(await open(always)), 0, 1))[0]!;

  it('draws from the ranges as they stand, and puts the parameter that it tests at its bound', async () => {
    const environment = await make();
    environment.bounds.set([0.92, 1.12, 0, 0.018]);
    const tested = [0, 0, 0, 0, 0];
    let widest = 0;
    for (let episode = 0; episode < 200; episode++) {
      environment.reset(episode, obs, 0);
      const { bound, boundValue } = environment;
      tested[bound + 1] = tested[bound + 1]! + 1;
      const drawn = environment.parameters();
      const mass = drawn.massScale!;
      expect(mass).toBeGreaterThanOrEqual(0.92);
      expect(mass).toBeLessThanOrEqual(1.12);
      widest = Math.max(widest, Math.abs(mass - 1.02));
      if (bound === 0 || bound === 1) expect(mass).toBe(boundValue);
      if (bound >= 0) expect(boundValue).toBe(environment.bounds[bound]);
      // Too short to judge a bound by.
      if (episode === 0) expect(bound).toBe(-1);
    }
    expect(widest).toBeCloseTo(0.1, 12);
    // Binomial(200, 0.2) of none and of each bound: 40 +- 4 x 5.7.
    for (const count of tested) expect(Math.abs(count - 40)).toBeLessThan(23);
  });

  it('is restored with the bounds that its episode began with', async () => {
    const environment = await make();
    environment.bounds.set([0.92, 1.12, 0, 0.018]);
    environment.reset(3, obs, 0);
    const action = Float32Array.of(0.7);
    for (let t = 0; t < 5; t++) environment.step(action, 0, obs, 0);
    environment.bounds.set(initialAdr(adr).bounds);
    const other = await make();
    const again = new Float32Array(5);
    other.restore(environment.snapshot(), again, 0);
    expect(again).toEqual(obs);
    expect(other.parameters()).toEqual(environment.parameters());
    expect(Array.from(other.bounds)).toEqual(initialAdr(adr).bounds);
  });
});

describe('a configuration with ADR', () => {
  it('is refused where there is no range to widen', async () => {
    const { adr: _, ...without } = always;
    const plain: TaskDefinition = { ...without, name: 'adr-none' };
    registerTask(plain);
    const experiment = await open(plain);
    expect(() => trainingRecipe(experiment)).toThrow('adr=true finds no range of task adr-none to widen');
  });

  it('leaves to identification what it knows better, and evaluation as it is', async () => {
    const experiment = await open(always);
    const known = { ...experiment, spread: { latency: { operation: 'abs', range: [0.01, 0.012] } } } as const;
    expect(trainingRecipe(known).adr!.parameters.map(({ name }) => name)).toEqual(['massScale']);
    expect('adr' in evaluationRecipe(experiment, experiment.contract, 'rapier')).toBe(false);
  });

  it.each([
    [
      'a parameter that is not drawn',
      { name: 'kpScale' },
      'ADR of kpScale needs it drawn at every reset, found mode none',
    ],
    ['limits inside the first range', { limits: [0.99, 1.01] as const }, 'ADR of massScale needs limits around'],
  ])('a task refuses %s', (_name, change, message) => {
    const parameters = [{ ...adr.parameters[0]!, ...change }];
    const define = () => defineTask({ ...pendulum, adr: { ...adr, parameters } });
    expect(define).toThrow(InputError);
    expect(define).toThrow(message);
  });
});
