/** Part `lidar`: perception pre-trained only in simulation, judged on laser logs of real buildings. */

import { ARM_SCHEDULE } from './lidar-arms.ts';
import { endPoint, interval, overBuildings } from './lidar-intervals.ts';
import { BUILDINGS } from './lidar-pairs.ts';
import { type Errors, lidarStudy, type Study } from './lidar-study.ts';
import type { TransferFigures, TransferPart } from './part.ts';

/** Fixed before any result. */
export const LIDAR_PRETRAINING = { steps: 3600, batch: 64, learningRate: 1.5e-3, warmUp: 100 } as const;
const COUNTS = [10, 30, 100, 300] as const;
/** Numbers of pairs of the end point. */
const END_POINT = [30, 100] as const;
const FROZEN = 'frozen, last layer by ridge';
const SCRATCH = 'from scratch';
const HARDER = 'frozen encoder without pose, new body';
const HARDER_CALIBRATED = 'frozen encoder without pose, calibrated, new body';

export const lidar: TransferPart = {
  name: 'lidar',
  doc: 'relative pose of real scans, pre-trained only in simulation',
  seeds: 3,
  async run({ seeds, directory, onProgress }) {
    const study = await lidarStudy({
      seeds,
      sceneSeeds: 1,
      counts: COUNTS,
      pretraining: LIDAR_PRETRAINING,
      arms: ARM_SCHEDULE,
      directory,
      onProgress,
    });
    return figuresOf(study);
  },
};

const MEASURES = ['translation', 'rotation'] as const;
type Measure = (typeof MEASURES)[number];

export function figuresOf(study: Study): TransferFigures {
  const { arms } = study;
  const counts = Object.keys(Object.values(arms)[0] ?? {}).map(Number);
  const summary = (cells: readonly (readonly Errors[])[]) =>
    Object.fromEntries(MEASURES.map((measure) => [measure, interval(overBuildings(cells, measure))]));
  const versus = (name: string, measure: Measure) =>
    Object.fromEntries(
      END_POINT.filter((count) => counts.includes(count)).map((count) => [
        String(count),
        endPoint(arms[name]![count]!, arms[SCRATCH]![count]!, measure),
      ]),
    );
  const zero = summary(study.zeroShot);
  const json = {
    zeroShot: { translation: zero.translation!.mean, rotation: zero.rotation!.mean },
    endpoint: versus(FROZEN, 'translation'),
    endpointRotation: versus(FROZEN, 'rotation'),
    withoutPose: versus(HARDER, 'translation'),
    withoutPoseCalibrated: versus(HARDER_CALIBRATED, 'translation'),
    zeroShotFourViews: summary(study.zeroShotFourViews),
    zeroShotByBuilding: Object.fromEntries(BUILDINGS.map((name, b) => [name, study.zeroShot[b]])),
    icp: summary(study.icp.map((errors) => [errors])),
    icpMedian: Object.fromEntries(BUILDINGS.map((name, b) => [name, study.icpMedian[b]])),
    meanPredictor: study.mean,
    pairs: study.pairs,
    arms: Object.fromEntries(
      Object.entries(arms).map(([name, byCount]) => [
        name,
        Object.fromEntries(counts.map((count) => [count, summary(byCount[count]!)])),
      ]),
    ),
  };
  return { json, table: tableOf(study, counts, json) };
}

interface EndPoints {
  readonly endpoint: Readonly<Record<string, ReturnType<typeof endPoint>>>;
  readonly withoutPose: Readonly<Record<string, ReturnType<typeof endPoint>>>;
  readonly withoutPoseCalibrated: Readonly<Record<string, ReturnType<typeof endPoint>>>;
}

function tableOf(
  study: Study,
  counts: readonly number[],
  { endpoint, withoutPose, withoutPoseCalibrated }: EndPoints,
): string {
  const cell = (cells: readonly (readonly Errors[])[]) =>
    MEASURES.map((measure) => {
      const { mean, half } = interval(overBuildings(cells, measure));
      return `${mean.toFixed(2)} ± ${half.toFixed(2)}`;
    }).join(' / ');
  const row = (name: string, cells: readonly string[]) => `| ${[name, ...cells].join(' | ')} |`;
  const once = (name: string, cells: readonly (readonly Errors[])[]) =>
    row(name, [cell(cells), ...counts.slice(1).map(() => '')]);
  const points = (name: string, all: EndPoints['endpoint']) =>
    Object.entries(all).map(
      ([count, { diff, ci95, seeds }]) =>
        `- ${name}, ${count} pairs: ${diff.toFixed(2)} [${ci95.map((end) => end.toFixed(2)).join(', ')}]; by seed ${seeds.map((one) => one.toFixed(2)).join(', ')}`,
    );
  return [
    `Root mean square error over the mean predictor's, translation / rotation, mean over four buildings ± half of the 95% interval (t, 3 degrees of freedom).`,
    `Pairs: ${Object.entries(study.pairs)
      .map(([name, count]) => `${name} ${count}`)
      .join(', ')}.`,
    '',
    row(
      'arm',
      counts.map((count) => `N = ${count}`),
    ),
    `|---|${'---|'.repeat(counts.length)}`,
    once('zero-shot (N = 0)', study.zeroShot),
    once("zero-shot, averaged over a pair's four views (N = 0)", study.zeroShotFourViews),
    ...Object.entries(study.arms).map(([name, byCount]) =>
      row(
        name,
        counts.map((count) => cell(byCount[count]!)),
      ),
    ),
    once(
      'ICP, from the identity (N = 0)',
      study.icp.map((errors) => [errors]),
    ),
    '',
    'Difference to learning from scratch in translation:',
    '',
    ...points(FROZEN, endpoint),
    ...points(HARDER, withoutPose),
    ...points(HARDER_CALIBRATED, withoutPoseCalibrated),
    '',
    `Zero-shot by building (mean over seeds): ${BUILDINGS.map((name, b) => `${name} ${overBuildings([study.zeroShot[b]!], 'translation')[0]!.toFixed(2)} / ${overBuildings([study.zeroShot[b]!], 'rotation')[0]!.toFixed(2)}`).join(', ')}.`,
    `Mean predictor: ${BUILDINGS.map((name) => `${name} ${study.mean[name].translation.toFixed(2)} m, ${study.mean[name].rotation.toFixed(2)} rad`).join('; ')}.`,
    `ICP's median error: ${BUILDINGS.map((name, b) => `${name} ${study.icpMedian[b]!.translation.toFixed(2)} m`).join(', ')}.`,
  ].join('\n');
}
