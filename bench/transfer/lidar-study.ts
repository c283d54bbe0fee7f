/**
 * Leave one building out: for each building, each number of real pairs from the others and each pre-training seed, every arm's
 * error over the mean predictor's. The building is the unit: intervals are over four, by Student's t with 3 degrees of freedom,
 * and what differs between seeds is added. What has been computed is kept in a file and not computed again.
 */

import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { foldIn, keyOf, RandomStream } from '../../core/rng.ts';
import { type LidarLabels, pretrainLidar } from '../../loop/pretraining.ts';
import { loadEncoder, parameterHash, saveEncoder } from '../../policy/perception/encoder-bundle.ts';
import { bodyTensors, LIDAR_PAIR } from '../../policy/perception/pair-spec.ts';
import type { PairSample } from '../../policy/perception/pair-trainer.ts';
import type { Schedule } from '../../policy/perception/simd-adam.ts';
import { icp } from './icp.ts';
import { ARMS, type ArmSchedule, type Learned, zeroShot, zeroShotFourViews } from './lidar-arms.ts';
import { type Building, type BuildingPairs, drawPairs, realPairs } from './lidar-pairs.ts';

/** Over the mean predictor's. */
export interface Errors {
  readonly translation: number;
  readonly rotation: number;
}

export interface StudyOptions {
  readonly seeds: number;
  /** Seeds of the encoder pre-trained without motion; the later motion seeds meet the first of them again. */
  readonly sceneSeeds: number;
  readonly counts: readonly number[];
  readonly pretraining: Schedule;
  readonly arms: ArmSchedule;
  /** Most pairs of a building that are judged, drawn by a key: each as logged and from its other end. @default 200 */
  readonly judged?: number;
  readonly directory: string;
  readonly onProgress: (text: string) => void;
}

export interface Study {
  /** Root mean square of the mean predictor's errors by building, m and rad. */
  readonly mean: Readonly<Record<Building, Errors>>;
  readonly pairs: Readonly<Record<Building, number>>;
  /** By building, then seed. */
  readonly zeroShot: readonly (readonly Errors[])[];
  /** The same, averaged over a pair's four views. */
  readonly zeroShotFourViews: readonly (readonly Errors[])[];
  /** By building; one, as it learns nothing. Median error, m and rad, beside. */
  readonly icp: readonly Errors[];
  readonly icpMedian: readonly Errors[];
  /** By arm, number of pairs, building, seed. */
  readonly arms: Readonly<Record<string, Readonly<Record<number, readonly (readonly Errors[])[]>>>>;
}

export async function lidarStudy(options: StudyOptions): Promise<Study> {
  const { seeds, counts, onProgress } = options;
  const buildings = await judgedBuildings(options.judged);
  const learned: Learned[] = [];
  for (let seed = 1; seed <= seeds; seed++) learned.push(await learnedOf(seed, options));
  const shots = buildings.map((one) => learned.map(({ motion }) => errorsOf(one, zeroShot(motion, one.test))));
  const averaged = buildings.map((one) =>
    learned.map(({ motion }) => errorsOf(one, zeroShotFourViews(motion, one.test, one.mirror))),
  );
  onProgress(`zero-shot ${figure(shots.flat().map(({ translation }) => translation))} in translation`);
  const rivals = buildings.map(classical);
  onProgress(`ICP ${figure(rivals.map(({ ratio: { translation } }) => translation))} in translation`);
  const bySeed: Awaited<ReturnType<typeof armsOf>>[] = [];
  for (let seed = 1; seed <= seeds; seed++)
    bySeed.push(await armsOf(seed, counts, learned[seed - 1]!, buildings, options));
  return {
    mean: Object.fromEntries(buildings.map(({ building, mean }) => [building, mean])) as Study['mean'],
    pairs: Object.fromEntries(buildings.map(({ building, pairs }) => [building, pairs])) as Study['pairs'],
    zeroShot: shots,
    zeroShotFourViews: averaged,
    icp: rivals.map(({ ratio }) => ratio),
    icpMedian: rivals.map(({ median }) => median),
    arms: Object.fromEntries(
      Object.keys(ARMS).map((name) => [
        name,
        Object.fromEntries(
          counts.map((count) => [count, buildings.map((_, b) => bySeed.map((arms) => arms[name]![count]![b]!))]),
        ),
      ]),
    ),
  };
}

/** Every arm's errors by number of pairs and building. @param learned of the seed */
export async function armsOf(
  seed: number,
  counts: readonly number[],
  { motion, scenes }: Learned,
  buildings: readonly JudgedBuilding[],
  options: Pick<StudyOptions, 'arms' | 'directory' | 'onProgress'>,
): Promise<Record<string, Record<number, Errors[]>>> {
  const cells = await openCells(join(options.directory, 'lidar', `cells-${seed}.json`));
  const { steps, batch } = options.arms;
  const arms: Record<string, Record<number, Errors[]>> = Object.fromEntries(
    Object.keys(ARMS).map((name) => [name, {}]),
  );
  for (const count of counts) {
    for (const [name, arm] of Object.entries(ARMS)) {
      const errors: Errors[] = [];
      for (const [b, one] of buildings.entries()) {
        const hash = parameterHash(name.includes('without pose') ? scenes : motion).slice(0, 12);
        const compute = () =>
          errorsOf(
            one,
            arm({
              learned: { motion, scenes },
              groups: drawPairs(one.all, one.building, count, seed),
              test: one.test,
              key: foldIn(foldIn(keyOf(seed), count), b),
              schedule: options.arms,
            }),
          );
        errors.push(await cells.get(`${name}|${count}|${one.building}|${hash}|${steps}x${batch}`, compute));
      }
      arms[name]![count] = errors;
      options.onProgress(
        `seed ${seed}, ${count} pairs, ${name}: ${figure(errors.map(({ translation }) => translation))}`,
      );
    }
  }
  return arms;
}

/** Of a seed: both encoders, from the directory where they are kept, or pre-trained now. */
export async function learnedOf(seed: number, options: StudyOptions): Promise<Learned> {
  const motion = await pretrained('motion', seed, options);
  const scenes = await pretrained('clearance', Math.min(seed, options.sceneSeeds), options);
  return { motion: joined(motion.encoder, motion.body!), scenes: scenes.encoder };
}

async function pretrained(labels: LidarLabels, seed: number, options: StudyOptions) {
  const { steps, batch, learningRate } = options.pretraining;
  const folder = join(options.directory, 'lidar', `${labels}-${seed}`);
  const known = await loadEncoder(folder).catch(() => null);
  if (known !== null && known.record.steps === steps && known.record.batch === batch) return known;
  const made = pretrainLidar(labels, {
    seed,
    schedule: options.pretraining,
    every: 200,
    onProgress: ({ step, loss }) =>
      options.onProgress(`${labels} ${seed}: step ${step}/${steps} loss ${loss.toFixed(4)}`),
  });
  const record = {
    spec: made.spec,
    labels,
    data: 'simulated scans of floor plans',
    seed,
    steps,
    batch,
    learningRate,
    loss: made.loss,
  };
  await saveEncoder(folder, { record, encoder: made.encoder, body: made.body }, bodyTensors(LIDAR_PAIR));
  return await loadEncoder(folder);
}

function joined(encoder: Float32Array, body: Float32Array): Float32Array {
  const all = new Float32Array(encoder.length + body.length);
  all.set(encoder);
  all.set(body, encoder.length);
  return all;
}

/** A building held out. */
export interface JudgedBuilding {
  readonly building: Building;
  readonly all: readonly BuildingPairs[];
  /** How many it has. */
  readonly pairs: number;
  /** Those that are judged, as logged; and as logged, then from their other end. */
  readonly chosen: BuildingPairs['pairs'];
  readonly test: readonly PairSample[];
  /** The same in a mirror. */
  readonly mirror: readonly PairSample[];
  /** Of the mean predictor, m and rad. */
  readonly mean: Errors;
}

/** @throws InputError where the logs are not there */
export async function judgedBuildings(most = 200): Promise<JudgedBuilding[]> {
  const all = await realPairs();
  return all.map(({ building, pairs, samples, mirrored }, b) => {
    const order = new Int32Array(pairs.length);
    new RandomStream(foldIn(keyOf(2026), b)).permutation(order);
    const chosen = [...order.subarray(0, most)];
    const both = (from: readonly PairSample[]) => [
      ...chosen.map((i) => from[i]!),
      ...chosen.map((i) => from[i + pairs.length]!),
    ];
    const test = both(samples);
    const mirror = both(mirrored);
    const mean = meanErrors(all, building, test);
    return { building, all, pairs: pairs.length, chosen: chosen.map((i) => pairs[i]!), test, mirror, mean };
  });
}

/** Over the mean predictor's. @param motion [test, 3] */
export function errorsOf({ test, mean }: JudgedBuilding, motion: ArrayLike<number>): Errors {
  const { translation, rotation } = rootMeanSquare(test, motion);
  return { translation: translation / mean.translation, rotation: rotation / mean.rotation };
}

/** sqrt(mean(ex^2 + ey^2)), m, and sqrt(mean e^2) of the heading, rad. @param motion [samples, 3] */
export function rootMeanSquare(samples: readonly PairSample[], motion: ArrayLike<number>): Errors {
  let [place, heading] = [0, 0];
  for (const [i, { label }] of samples.entries()) {
    place += (motion[3 * i]! - label[0]!) ** 2 + (motion[3 * i + 1]! - label[1]!) ** 2;
    heading += (motion[3 * i + 2]! - label[2]!) ** 2;
  }
  return { translation: Math.sqrt(place / samples.length), rotation: Math.sqrt(heading / samples.length) };
}

/** Of always saying the other buildings' mean motion, each building counting the same, pairs seen from both ends and in a mirror. */
function meanErrors(all: readonly BuildingPairs[], heldOut: Building, test: readonly PairSample[]): Errors {
  const mean = [0, 0, 0];
  for (const { samples, mirrored: mirror } of all.filter(({ building }) => building !== heldOut)) {
    for (const { label } of [...samples, ...mirror])
      for (let k = 0; k < 3; k++) mean[k] = mean[k]! + label[k]! / (2 * samples.length * (all.length - 1));
  }
  return rootMeanSquare(
    test,
    Float64Array.from({ length: 3 * test.length }, (_, i) => mean[i % 3]!),
  );
}

function classical({ chosen: pairs, mean }: JudgedBuilding): { readonly ratio: Errors; readonly median: Errors } {
  const motions = pairs.map(({ first, second }) => icp(first, second));
  const samples = pairs.map(({ motion }) => ({ first: NONE, second: NONE, label: motion }));
  const errors = rootMeanSquare(samples, motions.flat());
  const place = pairs.map(({ motion }, i) => Math.hypot(motion[0] - motions[i]![0], motion[1] - motions[i]![1]));
  const heading = pairs.map(({ motion }, i) => Math.abs(motion[2] - motions[i]![2]));
  const middle = (values: number[]) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)]!;
  return {
    ratio: { translation: errors.translation / mean.translation, rotation: errors.rotation / mean.rotation },
    median: { translation: middle(place), rotation: middle(heading) },
  };
}

const NONE = new Float32Array(0);

/** Results by name, written after each. */
async function openCells(path: string) {
  const known: Record<string, Errors> = JSON.parse(await readFile(path, 'utf8').catch(() => '{}'));
  return {
    async get(id: string, compute: () => Errors): Promise<Errors> {
      const found = known[id];
      if (found !== undefined) return found;
      const made = compute();
      known[id] = made;
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, JSON.stringify(known));
      return made;
    },
  };
}

function figure(values: readonly number[]): string {
  return values.map((value) => value.toFixed(2)).join(' ');
}
