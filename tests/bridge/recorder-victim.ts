/** A process that records at 100 steps a second of episode time and then waits to be killed. Run by recorder.test.ts. */

import { setTimeout } from 'node:timers/promises';
import { recordEpisode } from '../../bridge/recorder.ts';
import { sampleMeta, sampleSteps } from '../core/samples.ts';

const [directory, count] = process.argv.slice(2);
const meta = sampleMeta({ id: 'victim' });
const recording = await recordEpisode(directory!, meta);
for (const step of sampleSteps(meta, Number(count))) {
  recording.write(step);
  // Let the output work, as the pauses of a control loop do.
  await setTimeout(0);
}
await recording.settle();
process.stdout.write('recorded\n');
await setTimeout(600_000);
