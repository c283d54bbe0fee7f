/** Reports of runs as lines of text for a terminal. Knows no directory. */

import { basename } from 'node:path';
import type { Difference } from '../configs/differences.ts';
import type { JudgedIteration, RunComparison, RunReport } from '../loop/run-report.ts';
import { clock, percent, sparkline } from './progress.ts';

/** Most evaluations in a table; the first, the last and the best are always among them. */
const SHOWN = 12;
const CURVE_WIDTH = 60;

export function reportLines(report: RunReport, next: readonly string[]): string[] {
  const { path, record, config, experiment, changed, returns, evaluations, best } = report;
  const lines = [
    `run       ${path}`,
    `status    ${record.status}${record.error === undefined ? '' : `: ${record.error}`}`,
    `task      ${record.task}  seed ${record.seed}  iteration ${record.iteration} of ${config.train.iterations}`,
    `took      ${clock(record.seconds)}, ${record.envSteps} steps (${Math.round(report.stepsPerSecond)} steps/s)  ${record.backend}, ${record.workers} worker${record.workers === 1 ? '' : 's'}`,
    `made by   landfall ${record.argv.join(' ')}`,
    `settings  ${experiment === null ? 'its experiment cannot be found' : changed.length === 0 ? `those of ${experiment}` : `those of ${experiment} but for`}`,
    ...table(changed.map(({ path: key, a, b }) => [key, `${text(b)}`, `instead of ${text(a)}`])).map(indent),
  ];
  if (returns.length > 0) {
    const range = `${Math.min(...returns).toFixed(2)} to ${Math.max(...returns).toFixed(2)}`;
    lines.push(`curve     ${sparkline(thinned(returns, CURVE_WIDTH), CURVE_WIDTH)}  return ${range}, with exploration`);
  }
  if (evaluations.length > 0) {
    lines.push('judged    by the mean action, with 95% intervals');
    const rows = someOf(evaluations, best).map((one) => [
      `iter ${one.iteration}`,
      `${one.envSteps} steps`,
      `return ${interval(one.meanReturn, one.ci95)}`,
      `success ${percent(one.successRate)} [${percent(one.successCi95[0])}, ${percent(one.successCi95[1])}]`,
      one === best ? 'best' : '',
    ]);
    lines.push(...table(rows).map(indent));
  }
  lines.push(
    `best      ${report.bestCheckpoint ?? '-'}`,
    `latest    ${report.latestCheckpoint ?? '-'}`,
    'next',
    ...next.map((command) => `  ${command}`),
  );
  return lines;
}

export function comparisonLines(a: RunReport, b: RunReport, comparison: RunComparison): string[] {
  const [left, right] = [basename(a.path), basename(b.path)];
  const rows = (differences: readonly Difference[]) => differences.map((d) => [d.path, text(d.a), text(d.b)]);
  const judged = (one: JudgedIteration | null) =>
    one === null ? '-' : `${interval(one.meanReturn, one.ci95)} at iter ${one.iteration}`;
  const success = (one: JudgedIteration | null) =>
    one === null ? '-' : `${percent(one.successRate)} [${percent(one.successCi95[0])}, ${percent(one.successCi95[1])}]`;
  const verdict =
    a.best === null || b.best === null
      ? 'one of them has not been judged yet'
      : comparison.better === null
        ? 'the intervals of their best returns overlap: no difference to speak of'
        : `the best return of ${comparison.better === 'a' ? left : right} is higher, its whole interval`;
  return [
    ...table([
      ['', left, right],
      ['settings', comparison.settings.length === 0 ? 'the same' : '', ''],
      ...rows(comparison.settings),
      ['made with', comparison.circumstances.length === 0 ? 'the same' : '', ''],
      ...rows(comparison.circumstances),
      ['result', '', ''],
      ['status', a.record.status, b.record.status],
      ['steps', String(a.record.envSteps), String(b.record.envSteps)],
      ['time', clock(a.record.seconds), clock(b.record.seconds)],
      ['steps/s', a.stepsPerSecond.toFixed(0), b.stepsPerSecond.toFixed(0)],
      ['best return', judged(a.best), judged(b.best)],
      ['its success', success(a.best), success(b.best)],
      ['latest return', judged(a.latest), judged(b.latest)],
    ]),
    '',
    `${verdict} (95% intervals of the mean over ${a.best?.episodes ?? '-'} and ${b.best?.episodes ?? '-'} episodes; other seeds may differ more)`,
  ];
}

export function interval(mean: number, [low, high]: readonly [number, number]): string {
  return `${mean.toFixed(2)} [${low.toFixed(2)}, ${high.toFixed(2)}]`;
}

/** Columns padded to one width each. */
export function table(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = [];
  for (const row of rows) for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, cell.length);
  return rows.map((row) =>
    row
      .map((cell, i) => cell.padEnd(widths[i]!))
      .join('  ')
      .trimEnd(),
  );
}

function indent(line: string): string {
  return `          ${line}`;
}

function text(value: unknown): string {
  return value === undefined ? '-' : typeof value === 'string' ? value : JSON.stringify(value);
}

/** At most `count` values, evenly apart, the last one among them. */
function thinned(values: readonly number[], count: number): number[] {
  const step = Math.max(1, values.length / count);
  return Array.from(
    { length: Math.min(count, values.length) },
    (_, i) => values[Math.ceil((i + 1) * step) - 1] ?? values.at(-1)!,
  );
}

function someOf(evaluations: readonly JudgedIteration[], best: JudgedIteration | null): JudgedIteration[] {
  const step = Math.ceil(evaluations.length / SHOWN);
  return evaluations.filter((one, i) => (evaluations.length - 1 - i) % step === 0 || i === 0 || one === best);
}
