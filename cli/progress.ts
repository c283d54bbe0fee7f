/**
 * Shows a training run: one redrawn block on a terminal, one key=value line every few seconds elsewhere, NDJSON when
 * asked. Writes to the streams it is given and knows no training.
 */

import type { IterationReport } from '../policy/iteration-report.ts';

/** Seconds between lines where there is no terminal. */
const PLAIN_PERIOD = 10;
const SPARKS = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

export interface ProgressStream {
  write(text: string): unknown;
  readonly isTTY?: boolean;
}

export class TrainProgress {
  readonly #out: ProgressStream;
  readonly #mode: 'block' | 'plain' | 'json' | 'quiet';
  readonly #iterations: number;
  readonly #started: number;
  readonly #returns: number[] = [];
  #drawn = 0;
  #lastPlain = -Infinity;

  /** @param started,now s on the same clock */
  constructor(out: ProgressStream, mode: 'auto' | 'json' | 'quiet', iterations: number, started: number) {
    this.#out = out;
    this.#mode = mode === 'auto' ? (out.isTTY === true ? 'block' : 'plain') : mode;
    this.#iterations = iterations;
    this.#started = started;
  }

  iteration(report: IterationReport, best: boolean, now: number): void {
    if (report.meanReturn !== null) this.#returns.push(report.meanReturn);
    switch (this.#mode) {
      case 'quiet':
        return;
      case 'json':
        this.#out.write(`${JSON.stringify({ event: 'iteration', ...report, best })}\n`);
        return;
      case 'plain':
        if (report.evaluation !== null) this.#out.write(`${evaluationLine(report, best)}\n`);
        else if (now - this.#lastPlain >= PLAIN_PERIOD) this.#out.write(`${plainLine(report, this.#iterations)}\n`);
        else return;
        this.#lastPlain = now;
        return;
      case 'block':
        this.#erase();
        if (report.evaluation !== null) this.#out.write(`${evaluationLine(report, best)}\n`);
        this.#draw(report, now);
        return;
      default:
        this.#mode satisfies never;
    }
  }

  #erase(): void {
    if (this.#drawn > 0) this.#out.write(`\x1b[${this.#drawn}A\x1b[0J`);
    this.#drawn = 0;
  }

  #draw(report: IterationReport, now: number): void {
    const { iteration } = report;
    const share = iteration / this.#iterations;
    const elapsed = now - this.#started;
    const bar = '█'.repeat(Math.round(share * 24)).padEnd(24, '·');
    const eta = iteration === 0 ? 0 : (elapsed / share) * (1 - share);
    const collect = report.collectSeconds / (report.collectSeconds + report.learnSeconds);
    const lines = [
      `iter ${iteration}/${this.#iterations} ${bar} ${Math.round(share * 100)}%  elapsed ${clock(elapsed)}  at most ${clock(eta)} more`,
      `return ${figure(report.meanReturn)} ${sparkline(this.#returns)}  episode ${figure(report.meanLength, 0)} steps  success ${percent(report.successRate)} (with exploration)`,
      `${Math.round(report.stepsPerSecond)} steps/s (collect ${percent(collect)}, learn ${percent(1 - collect)})  ${learnerFigures(report, ' ')}`,
    ];
    this.#out.write(`${lines.join('\n')}\n`);
    this.#drawn = lines.length;
  }
}

function evaluationLine({ iteration, evaluation }: IterationReport, best: boolean): string {
  const { meanReturn, ci95, successRate, episodes } = evaluation!;
  const half = (ci95[1] - ci95[0]) / 2;
  return `✓ iter ${iteration}  return ${meanReturn.toFixed(2)} ±${half.toFixed(2)}  success ${percent(successRate)} (${episodes} episodes)${best ? '  best so far → checkpoint' : ''}`;
}

function plainLine(report: IterationReport, iterations: number): string {
  return [
    `iter=${report.iteration}/${iterations}`,
    `steps=${report.envSteps}`,
    `steps/s=${Math.round(report.stepsPerSecond)}`,
    `return=${figure(report.meanReturn)}`,
    `success=${percent(report.successRate)}`,
    learnerFigures(report, '='),
  ].join(' ');
}

/** What the algorithm at work is judged by. @param equals between a figure's name and its value */
function learnerFigures(report: IterationReport, equals: string): string {
  const figures =
    'approxKl' in report
      ? { kl: report.approxKl.toFixed(4) }
      : 'temperature' in report
        ? { q: report.qValue.toFixed(2), temperature: report.temperature.toExponential(1) }
        : { loss: report.policyLoss.toFixed(3), 'held-out': figure(report.heldOutLoss, 3) };
  const all = { ...figures, std: report.std.toFixed(2), lr: report.learningRate.toExponential(1) };
  return Object.entries(all)
    .map(([name, value]) => `${name}${equals}${value}`)
    .join(equals === ' ' ? '  ' : ' ');
}

/** The last values as a row of bars. */
export function sparkline(values: readonly number[], width = 24): string {
  const shown = values.slice(-width);
  const lower = Math.min(...shown);
  const range = Math.max(...shown) - lower || 1;
  return shown.map((value) => SPARKS[Math.min(7, Math.floor((8 * (value - lower)) / range))]).join('');
}

function figure(value: number | null, digits = 2): string {
  return value === null ? '-' : value.toFixed(digits);
}

export function percent(value: number | null): string {
  return value === null ? '-' : `${Math.round(100 * value)}%`;
}

/** m:ss */
export function clock(seconds: number): string {
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`;
}
