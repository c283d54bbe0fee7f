/** PyTorch as a peer: one Python process that answers requests for a measurement, line by line. Knows no learner of ours. */

import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { LearnCell, LearnTurn } from './learn.ts';

/** The scripts are Python: they lie in the source alone, two folders up from the built file. */
const FOLDER = new URL(import.meta.url.endsWith('.ts') ? 'peers/' : '../../bench/peers/', import.meta.url);

export class TorchPeer {
  readonly version: string;
  readonly #process: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  private constructor(version: string, process: ChildProcess, lines: AsyncIterator<string>) {
    this.version = version;
    this.#process = process;
    this.#lines = lines;
  }

  /** @param python its command @returns null with the reason where Python or torch is not there */
  static async open(python: string, threads: number): Promise<TorchPeer | string> {
    const child = spawn(python, [fileURLToPath(new URL('ppo_step.py', FOLDER)), String(threads)], {
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    let complaint = '';
    child.stderr.on('data', (data: Buffer) => {
      complaint += data.toString();
    });
    child.on('error', (error) => {
      complaint += error.message;
    });
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const first = await lines.next();
    if (first.done === true) return complaint.trim().split('\n').at(-1) ?? `${python} ended`;
    return new TorchPeer((JSON.parse(first.value) as { version: string }).version, child, lines);
  }

  async measure({ hidden, batch }: LearnCell, seconds: number): Promise<LearnTurn> {
    this.#process.stdin!.write(`${JSON.stringify({ hidden, batch, seconds })}\n`);
    const { value, done } = await this.#lines.next();
    if (done === true) throw new Error('bench/peers/ppo_step.py ended while it measured');
    return JSON.parse(value as string) as LearnTurn;
  }

  close(): void {
    this.#process.stdin!.end();
  }
}
