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
import { ARMS, type ArmSchedule, type Learned, zeroShot } from './lidar-arms.ts';
import { BUILDINGS, type Building, type BuildingPairs, drawPairs, realPairs } from './lidar-pairs.ts';

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
  readonly directory: string;
  readonly onProgress: (text: string) => void;
}

export interface Study {
  /** Root mean square of the mean predictor's errors by building, m and rad. */
  readonly mean: Readonly<Record<Building, Errors>>;
  readonly pairs: Readonly<Record<Building, number>>;
  /** By building, then seed. */
  readonly zeroShot: readonly (readonly Errors[])[];
  /** By building; one, as it learns nothing. Median error, m and rad, beside. */
  readonly icp: readonly Errors[];
  readonly icpMedian: readonly Errors[];
  /** By arm, number of pairs, building, seed. */
  readonly arms: Readonly<Record<string, Readonly<Record<number, readonly (readonly Errors[])[]>>>>;
}

/** Most pairs of a building that are judged, drawn by a key: each as logged and from its other end. */
const MOST_JUDGED = 200;

export async function lidarStudy(options: StudyOptions): Promise<Study> {
  const { seeds, counts, directory, onProgress } = options;
  const all = await realPairs();
  const learned: Learned[] = [];
  for (let seed = 1; seed <= seeds; seed++) {
    const motion = await pretrained('motion', seed, options);
    const scenes = await pretrained('clearance', Math.min(seed, options.sceneSeeds), options);
    learned.push({ motion: joined(motion.encoder, motion.body!), scenes: scenes.encoder });
  }
  const cells = await openCells(join(directory, 'lidar', 'cells.json'));
  const tests = all.map(judged);
  const means = all.map((one, b) => meanErrors(all, one.building, tests[b]!.samples));
  const ratio = (b: number, motion: ArrayLike<number>): Errors => {
    const errors = rootMeanSquare(tests[b]!.samples, motion);
    return {
      translation: errors.translation / means[b]!.translation,
      rotation: errors.rotation / means[b]!.rotation,
    };
  };
  const shots: Errors[][] = all.map((_, b) =>
    learned.map(({ motion }) => ratio(b, zeroShot(motion, tests[b]!.samples))),
  );
  onProgress(`zero-shot ${figure(shots.flat().map(({ translation }) => translation))} in translation`);
  const rivals = tests.map(({ pairs }, b) => classical(pairs, means[b]!));
  onProgress(`ICP ${figure(rivals.map(({ ratio: { translation } }) => translation))} in translation`);
  const arms = Object.fromEntries(
    Object.keys(ARMS).map((name) => [
      name,
      Object.fromEntries(counts.map((count) => [count, all.map((): Errors[] => [])])),
    ]),
  );
  for (let seed = 1; seed <= seeds; seed++) {
    for (const count of counts) {
      for (const [name, arm] of Object.entries(ARMS)) {
        const byBuilding = arms[name]![count]!;
        for (const [b, { building }] of all.entries()) {
          const { motion, scenes } = learned[seed - 1]!;
          const hash = name.includes('without pose') ? parameterHash(scenes) : parameterHash(motion);
          const { steps, batch } = options.arms;
          const id = `${name}|${count}|${building}|${seed}|${hash.slice(0, 12)}|${steps}x${batch}`;
          const errors = await cells.get(id, () =>
            ratio(
              b,
              arm({
                learned: { motion, scenes },
                groups: drawPairs(all, building, count, seed),
                test: tests[b]!.samples,
                key: foldIn(foldIn(keyOf(seed), count), b),
                schedule: options.arms,
              }),
            ),
          );
          byBuilding[b]!.push(errors);
        }
        onProgress(
          `seed ${seed}, ${count} pairs, ${name}: ${figure(byBuilding.map((one) => one.at(-1)!.translation))}`,
        );
      }
    }
  }
  return {
    mean: Object.fromEntries(BUILDINGS.map((name, b) => [name, means[b]!])) as Study['mean'],
    pairs: Object.fromEntries(all.map(({ building, pairs }) => [building, pairs.length])) as Study['pairs'],
    zeroShot: shots,
    icp: rivals.map(({ ratio: one }) => one),
    icpMedian: rivals.map(({ median: one }) => one),
    arms,
  };
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

interface Judged {
  readonly samples: readonly PairSample[];
  readonly pairs: BuildingPairs['pairs'];
}

function judged({ building, pairs, samples }: BuildingPairs): Judged {
  const order = new Int32Array(pairs.length);
  new RandomStream(foldIn(keyOf(2026), BUILDINGS.indexOf(building))).permutation(order);
  const chosen = [...order.subarray(0, MOST_JUDGED)];
  return {
    pairs: chosen.map((i) => pairs[i]!),
    samples: [...chosen.map((i) => samples[i]!), ...chosen.map((i) => samples[i + pairs.length]!)],
  };
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

function classical(pairs: BuildingPairs['pairs'], mean: Errors): { readonly ratio: Errors; readonly median: Errors } {
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
