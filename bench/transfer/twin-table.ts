/** The figures of part `twin` as docs/results.md keeps them. Knows no measurement. */

import type { TwinFigures } from './twin-figures.ts';

export function twinTable(task: string, figures: TwinFigures): string {
  const { randomisation, predictivity, controls } = figures;
  const budgets = [...new Set(Object.values(figures.recovery).flatMap((by) => Object.keys(by)))].sort(
    (a, b) => Number(a) - Number(b),
  );
  const arms = Object.keys(figures.recovery);
  return [
    `#### ${task}: seeds 1 to ${figures.seeds}, ${figures.evalEpisodes} episodes a figure`,
    '',
    `Retention over the test targets, interquartile mean: ${round(figures.retention)} (${round(figures.ci95[0])} to ${round(figures.ci95[1])}); without randomisation ${round(randomisation.fixed.value)}; difference ${round(randomisation.difference.mean)} (${round(randomisation.difference.t95[0])} to ${round(randomisation.difference.t95[1])}), probability of improvement ${round(randomisation.probabilityOfImprovement)}.`,
    '',
    table(
      ['target', 'kind', 'random', 'oracle', 'retention', 'without randomisation', 'success'],
      Object.entries(figures.targets).map(([name, one]) => [
        name,
        one.kind,
        ...[one.random, one.oracle, one.retention, one.fixed, one.success].map(round),
      ]),
    ),
    '',
    `Recovery, median over the cells (target, seed) with a gap (${Object.entries(figures.gapCells)
      .map(([n, cells]) => `${cells} at ${n}`)
      .join(', ')}), 95% interval; after the roll-back; share accepted:`,
    '',
    table(
      [
        'arm',
        ...budgets.map((n) => `${n} episodes`),
        'kept',
        'accepted',
        'forgetting',
        'worst harm, kept',
        'worst tenth',
      ],
      arms.map((arm) => {
        const at = (n: string) => {
          const [value, ci] = [figures.recovery[arm]?.[n], figures.recoveryCi95[arm]?.[n]];
          return value === undefined || ci === undefined ? '' : `${round(value)} (${round(ci[0])} to ${round(ci[1])})`;
        };
        const all = (by: Readonly<Record<string, number>> | undefined) =>
          budgets.map((n) => round(by?.[n])).join(' / ');
        const harm = Object.values(figures.negativeTransfer[arm] ?? {}).map(({ zero }) => zero);
        return [
          arm,
          ...budgets.map(at),
          all(figures.kept[arm]),
          figures.accepted[arm] === undefined ? 'not judged' : all(figures.accepted[arm]),
          all(figures.forgetting[arm]),
          round(Math.max(...harm)),
          round(figures.tail[arm]),
        ];
      }),
    ),
    '',
    table(
      ['against scratch', 'ratio of episodes at least, median', 'exact', 'at least', 'at most', 'neither'],
      Object.entries(figures.efficiency).map(([arm, { median, cells }]) => [
        arm,
        round(median),
        ...[cells['='], cells['>='], cells['<='], cells.unknown].map(String),
      ]),
    ),
    '',
    `Controls. The simulator as its own target: retention ${round(controls.sourceIsTarget.retention)}, change by arm ${pairs(controls.sourceIsTarget.change)}, kept ${pairs(controls.sourceIsTarget.kept)}. Shuffled weights: ${round(controls.shuffled.retention)}, after the arms ${pairs(controls.shuffled.afterArm)}. The simulator's ranking of ${predictivity.policies} policies: Pearson ${round(predictivity.pearson)}, MMRV ${round(predictivity.mmrv)}.`,
    '',
    table(
      ['line', 'holds', 'found'],
      Object.entries(figures.lines).map(([name, { holds, found }]) => [
        name,
        holds === null ? 'not measured' : holds ? 'yes' : 'no',
        found,
      ]),
    ),
    '',
  ].join('\n');
}

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map((_, i) => (i === 0 ? '---' : '--:'))), ...rows.map(line)].join('\n');
}

function round(value: number | undefined): string {
  return value === undefined || !Number.isFinite(value) ? '' : value.toFixed(2).replace(/^-(0\.00)$/, '$1');
}

function pairs(values: Readonly<Record<string, number>>): string {
  const all = Object.entries(values).map(([name, value]) => `${name} ${round(value)}`);
  return all.length === 0 ? 'none' : all.join(', ');
}
