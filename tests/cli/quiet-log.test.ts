/** A log line that repeats is shown once a second, with how often it came. */

import { expect, it } from 'vitest';
import { QuietLog } from '../../cli/quiet-log.ts';
import { ManualClock } from '../../core/clock.ts';

it('hides repeats that differ only in numbers, and counts them', () => {
  const clock = new ManualClock();
  const shown: string[] = [];
  const log = new QuietLog((line) => shown.push(line), clock);
  log.line('watchdog');
  for (let i = 0; i < 150; i++) {
    log.line(`command refused: 0.${i + 100} s old`);
    clock.advance(0.01);
  }
  expect(shown).toEqual([
    'watchdog',
    'command refused: 0.100 s old',
    'command refused: 0.200 s old (and 99 more like it)',
  ]);
});
