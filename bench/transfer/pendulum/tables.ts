/** The pendulum's figures as Markdown. Knows nothing of how they came about. */

import type { PendulumFigures, SplitFigures } from '../pendulum.ts';
import { ARMS } from './arms.ts';
import type { Interval } from './block-bootstrap.ts';

const row = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
const line = (figures: number) => row(['---', ...new Array<string>(figures).fill('--:')]);
const interval = ({ error, ci95 }: Interval, digits = 3) =>
  `${error.toFixed(digits)} [${ci95[0].toFixed(digits)}, ${ci95[1].toFixed(digits)}]`;

export function tableOf(figures: PendulumFigures): string {
  return [
    'Open-loop error over 0.5 s windows of a recording that was not fitted (RMS of angle and velocity, each in units of the',
    "recording's deviation; pushes left out), with 95% block-bootstrap intervals. Fitted to the first 8 s of the other three:",
    '',
    ...splits(figures.leftOut, figures.pooled),
    '',
    'Fitted to the first seconds of the same recording, tested on the last 2 of its first 8 s:',
    '',
    ...splits(figures.within, figures.withinPooled),
    '',
    'Relative to other arms, all recordings, left out (paired):',
    '',
    row(['arm', 'over nominal', 'over identification']),
    line(2),
    ...ARMS.map((arm) => {
      const { overNominal, overIdentification } = figures.pooled[arm];
      return row([arm, interval(overNominal, 2), interval(overIdentification, 2)]);
    }),
    '',
    `Explained by one parameter set: ${figures.groups.map((members) => members.join(' + ')).join('; ')}.`,
    '',
    'What was found by leaving one out: identification (value ± Fisher sd), then DROPO (mean ± sd):',
    '',
    ...parameters(figures.leftOut),
    '',
    'Torque error of drives on recordings that they were not fitted to, RMS in N m:',
    '',
    row(['drive', 'held out', 'deviation', 'as asked', 'linear', 'dc-motor', 'network']),
    row(['---', '---', '--:', '--:', '--:', '--:', '--:']),
    ...figures.actuators.flatMap(({ drive, heldOut, errors, deviation }) =>
      heldOut.map((name, k) =>
        row([
          drive,
          name,
          deviation[k]!.toFixed(3),
          ...(['as asked', 'linear', 'dc-motor', 'network'] as const).map((model) => errors[model][k]!.toFixed(3)),
        ]),
      ),
    ),
    '',
  ].join('\n');
}

function splits(of: readonly SplitFigures[], all: PendulumFigures['pooled']): string[] {
  return [
    row(['arm', ...of.map(({ name, windows }) => `${name} (${windows})`), 'mean']),
    line(of.length + 1),
    ...ARMS.map((arm) => row([arm, ...of.map(({ arms }) => interval(arms[arm])), interval(all[arm])])),
    row(['delta action learned', ...of.map(({ delta }) => `${delta.afterIdentification}; alone: ${delta.alone}`), '']),
  ];
}

function parameters(of: readonly SplitFigures[]): string[] {
  const names = Object.keys(of[0]!.parameters);
  return [
    row(['left out', ...names]),
    line(names.length),
    ...of.map(({ name, parameters: found, spread }) =>
      row([
        name,
        ...names.map((parameter) => {
          const { value, sd, told } = found[parameter]!;
          if (!told) return 'not identifiable';
          const fitted = `${value.toFixed(3)} ± ${sd.toFixed(3)}`;
          const dropo = spread[parameter];
          if (dropo === undefined) return fitted;
          return `${fitted}; ${dropo.value.toFixed(3)} ± ${dropo.sd.toFixed(3)}${dropo.told ? '' : ' (prior)'}`;
        }),
      ]),
    ),
  ];
}
