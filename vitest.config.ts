/**
 * One runner for every test. Most files run two at a time; those that keep time with the wall clock (control loops, a robot
 * in real time, a page that must draw) come after them, one at a time, so that nothing but themselves makes them late.
 */

import { defineConfig } from 'vitest/config';
import { ClosingLine } from './tests/closing-line.ts';

const REAL_TIME = [
  'tests/bridge/{deploy,failures,guard,lost-robot,link}.test.ts',
  'tests/bridge/server/**/*.test.ts',
  'tests/cli/{demo,robot,deploy,adapt}.test.ts',
  'tests/viewer/{page,policy-page,server}.test.ts',
];

export default defineConfig({
  test: {
    testTimeout: 60_000,
    hookTimeout: 60_000,
    reporters: ['default', new ClosingLine()],
    projects: [
      {
        extends: true,
        test: {
          name: 'parts',
          include: ['tests/**/*.test.ts'],
          exclude: REAL_TIME,
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'real time',
          include: REAL_TIME,
          maxWorkers: 1,
          fileParallelism: false,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
