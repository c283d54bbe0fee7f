/**
 * A vitest reporter that ends a run with the skipped tests by name and one plain line: `N passed, N failed, N skipped`.
 * In CI nothing may be absent, so there a skipped test fails the run. A test that skips says why in its name.
 */

import type { Reporter, TestCase, TestModule, Vitest } from 'vitest/node';

interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

export class ClosingLine implements Reporter {
  readonly #inCi: boolean;
  #filtered = false;

  /** @param inCi whether a skipped test fails the run */
  constructor(inCi = Boolean(process.env.CI)) {
    this.#inCi = inCi;
  }

  onInit(vitest: Vitest): void {
    // Tests left out by -t are skipped too, and on purpose.
    this.#filtered = vitest.config.testNamePattern !== undefined;
  }

  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    const counts: Counts = { passed: 0, failed: unhandledErrors.length, skipped: 0 };
    const lines: string[] = [];
    for (const module of modules) {
      const before = counts.failed;
      for (const test of module.children.allTests()) {
        const state = test.result().state;
        if (state === 'passed') counts.passed++;
        else if (state === 'skipped') {
          counts.skipped++;
          if (!this.#filtered) lines.push(`skipped: ${nameOf(test, module)}`);
        } else counts.failed++;
      }
      // A file that could not be loaded, or a hook that failed, has no failed test to count.
      if (counts.failed === before && module.state() === 'failed') counts.failed++;
    }
    if (this.#inCi && counts.skipped > 0 && !this.#filtered) {
      lines.push('failed: in CI nothing may be absent, but tests were skipped');
      process.exitCode = 1;
    }
    lines.push(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
    // Other reporters may still be printing; this line is the last.
    process.once('exit', () => process.stdout.write(`${lines.join('\n')}\n`));
  }
}

function nameOf(test: TestCase, module: TestModule): string {
  const result = test.result();
  const note = result.state === 'skipped' && result.note !== undefined ? ` (${result.note})` : '';
  return `${module.relativeModuleId} > ${test.fullName}${note}`;
}
