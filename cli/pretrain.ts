/** `landfall pretrain SENSOR`: trains an encoder in simulation on labels that are free there, and keeps it to be frozen. */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { systemClock } from '../core/clock.ts';
import { InputError, nearest } from '../core/errors.ts';
import { pretrainDepth } from '../loop/depth-pretraining.ts';
import { LIDAR_LABELS, type LidarLabels, type PretrainingRequest, pretrainLidar } from '../loop/pretraining.ts';
import { saveEncoder } from '../policy/perception/encoder-bundle.ts';
import { bodyTensors, LIDAR_PAIR } from '../policy/perception/pair-spec.ts';
import { numberWithin } from './option-values.ts';
import { clock } from './progress.ts';

interface PretrainOptions {
  readonly labels?: string;
  readonly seed: number;
  readonly steps?: number;
  readonly batch: number;
  readonly rate: number;
  readonly out?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

interface Sensor {
  readonly labels: readonly string[];
  readonly steps: number;
  readonly data: string;
}

const sensors: Readonly<Record<string, Sensor>> = {
  lidar: { labels: LIDAR_LABELS, steps: 3600, data: 'simulated scans of floor plans' },
  depth: { labels: ['object'], steps: 400, data: "simulated images of arm-push's table" },
};

/** Lines of progress in all. */
const LINES = 20;

export function register(program: Command): void {
  program
    .command('pretrain')
    .summary('train an encoder on free labels')
    .description(
      [
        'Train an encoder of scans or depth images in simulation, on labels that only a simulator has. What comes out is meant to be',
        'frozen: encoder.safetensors, and encoder.json with what it learned from and the hash of its bytes.',
        '',
        'Examples:',
        '  landfall pretrain lidar',
        '  landfall pretrain lidar --labels clearance --seed 2 --out encoders/lidar',
        '  landfall pretrain depth --steps 200',
      ].join('\n'),
    )
    .argument('<sensor>', Object.keys(sensors).join(', '))
    .option('--labels <name>', `lidar: ${LIDAR_LABELS.join(', ')} (with reconstruction and next scan); depth: object`)
    .option('--seed <n>', 'of weights and scenes', numberWithin({ min: 0, integer: true }), 1)
    .option(
      '--steps <n>',
      'of the optimiser (default: 3600 of scans, 400 of images)',
      numberWithin({ min: 1, integer: true }),
    )
    .option('--batch <n>', 'pairs or images a step', numberWithin({ min: 1, max: 4096, integer: true }), 64)
    .option('--rate <x>', 'learning rate', numberWithin({ min: 1e-6, max: 1 }), 1.5e-3)
    .option('--out <dir>', 'where it is kept (default: encoders/SENSOR-LABELS-SEED)')
    .option('--json', 'one JSON object a line')
    .option('--quiet', 'print the result alone')
    .action(run);
}

async function run(name: string, options: PretrainOptions): Promise<void> {
  const sensor = chosen(sensors, name, 'sensor');
  const known = Object.fromEntries(sensor.labels.map((label) => [label, label]));
  const labels = chosen(known, options.labels ?? sensor.labels[0]!, `label for ${name}`);
  const out = options.out ?? join('encoders', `${name}-${labels}-${options.seed}`);
  if (existsSync(join(out, 'encoder.json'))) {
    throw new InputError(`${out} already holds an encoder`, { repair: 'give another --out, or remove it first' });
  }
  const steps = options.steps ?? sensor.steps;
  const started = systemClock.now();
  const request: PretrainingRequest = {
    seed: options.seed,
    schedule: { steps, batch: options.batch, learningRate: options.rate, warmUp: Math.ceil(steps / 36) },
    every: Math.max(1, Math.floor(steps / LINES)),
    onProgress: ({ step, loss }) => {
      if (options.quiet === true) return;
      const elapsed = systemClock.now() - started;
      process.stdout.write(
        options.json === true
          ? `${JSON.stringify({ event: 'step', step, steps, loss })}\n`
          : `step=${step}/${steps} loss=${loss.toFixed(4)} elapsed=${clock(elapsed)} at-most=${clock((elapsed / step) * (steps - step))}\n`,
      );
    },
  };
  const made = name === 'lidar' ? pretrainLidar(labels as LidarLabels, request) : await pretrainDepth(request);
  if (!Number.isFinite(made.loss)) {
    throw new InputError('the loss is not a number any more', { repair: `a lower --rate than ${options.rate}` });
  }
  const { spec, loss, encoder, body } = made;
  const training = { seed: options.seed, steps, batch: options.batch, learningRate: options.rate, loss };
  const tensors = body === null ? [] : bodyTensors(LIDAR_PAIR);
  const record = await saveEncoder(
    out,
    { record: { spec, labels, data: sensor.data, ...training }, encoder, body },
    tensors,
  );
  const error = 'error' in made ? (made.error as number) : null;
  process.stdout.write(
    options.json === true
      ? `${JSON.stringify({ event: 'done', out, hash: record.hash, loss, ...(error !== null && { error }) })}\n`
      : `${out}: ${encoder.length} parameters, loss ${loss.toFixed(4)}${error === null ? '' : `, object within ${(1000 * error).toFixed(1)} mm (root mean square)`}, hash ${record.hash.slice(0, 12)}\n`,
  );
}

function chosen<T>(of: Readonly<Record<string, T>>, name: string, what: string): T {
  if (Object.hasOwn(of, name)) return of[name]!;
  const near = nearest(name, Object.keys(of));
  throw new InputError(`there is no ${what} called ${name}`, {
    repair: near === undefined ? `one of ${Object.keys(of).join(', ')}` : `did you mean ${near}?`,
  });
}
