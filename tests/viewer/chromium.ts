/** The page in a real browser: builds it, finds Chromium, opens tabs. */

import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Browser, chromium, type Page } from 'playwright-core';
import { build } from 'vite';
import type { Inspection } from '../../viewer/app/start-page.ts';

/** CHROMIUM names another one. */
const CANDIDATES = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
export const chromiumPath = CANDIDATES.find((path) => path !== undefined && existsSync(path));

export type PageState = ReturnType<Inspection['state']>;

export class Workshop {
  /** Directory of the built page. */
  readonly page: string;
  readonly #browser: Browser | null;
  readonly #errors: string[] = [];

  private constructor(page: string, browser: Browser | null) {
    this.page = page;
    this.#browser = browser;
  }

  static async open(): Promise<Workshop> {
    const page = await mkdtemp(join(tmpdir(), 'landfall-page-'));
    const configFile = fileURLToPath(new URL('../../vite.config.ts', import.meta.url));
    await build({ configFile, logLevel: 'error', build: { outDir: page, emptyOutDir: true } });
    if (chromiumPath === undefined) return new Workshop(page, null);
    const browser = await chromium.launch({
      executablePath: chromiumPath,
      args: ['--no-sandbox', '--use-gl=angle', '--use-angle=swiftshader', '--enable-unsafe-swiftshader'],
    });
    return new Workshop(page, browser);
  }

  /** Errors of any tab, since the last time this was asked. */
  takeErrors(): string[] {
    return this.#errors.splice(0);
  }

  async tab(url: string, options: { width?: number; height?: number; scheme?: 'light' | 'dark' } = {}): Promise<Page> {
    const { width = 900, height = 600, scheme = 'dark' } = options;
    const page = await this.#browser!.newPage({ viewport: { width, height }, colorScheme: scheme });
    page.on('pageerror', (error) => this.#errors.push(error.stack ?? error.message));
    page.on('console', (message) => {
      // A server that has gone away is reported by the browser itself.
      if (message.type() === 'error' && !message.text().includes('ERR_CONNECTION_REFUSED')) {
        this.#errors.push(message.text());
      }
    });
    await page.goto(url);
    return page;
  }

  async close(): Promise<void> {
    await this.#browser?.close();
    await rm(this.page, { recursive: true, force: true });
  }
}

export function stateOf(page: Page): Promise<PageState> {
  return page.evaluate(() => window.landfall.state());
}

/** Wait until the page's state is as it should be. */
export async function untilState(page: Page, what: string, test: (state: PageState) => boolean): Promise<PageState> {
  const deadline = performance.now() + 20_000;
  for (;;) {
    const state = await stateOf(page);
    if (test(state)) return state;
    if (performance.now() > deadline) throw new Error(`never happened: ${what}; ${JSON.stringify(state)}`);
    await page.waitForTimeout(30);
  }
}
