/** `landfall doctor`: what this machine has, what is missing and how to get it. */

import { fork } from 'node:child_process';
import { availableParallelism, cpus, freemem, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { systemClock } from '../core/clock.ts';
import { messageOf } from '../core/errors.ts';
import { workerEntry } from '../core/worker-entry.ts';
import { type BackendFinding, type BackendName, backendNames } from '../policy/backend.ts';
import { loadRapier, RAPIER } from '../sim/rapier-robot.ts';
import { loadMujoco, MUJOCO } from '../sim/twin.ts';

interface Finding {
  readonly name: string;
  readonly ok: boolean;
  readonly detail: string;
  readonly repair?: string;
}

export function register(program: Command): void {
  program
    .command('doctor')
    .summary('check this machine')
    .description('Say what this machine has, what is missing and how to get it.')
    .option('--json', 'one JSON object')
    .action(async (options: { json?: boolean }) => {
      const findings = [
        ...machine(),
        await engine(RAPIER, loadRapier),
        await engine(MUJOCO, loadMujoco),
        ...(await backends()),
      ];
      if (options.json === true) process.stdout.write(`${JSON.stringify({ findings })}\n`);
      else for (const finding of findings) process.stdout.write(line(finding));
      const needed = findings.filter(({ name, ok }) => !ok && !name.startsWith('backend '));
      const canTrain = findings.some(({ name, ok }) => ok && name.startsWith('backend '));
      if (needed.length > 0 || !canTrain) process.exitCode = 1;
    });
}

function line({ name, ok, detail, repair }: Finding): string {
  const head = `${ok ? 'ok     ' : 'missing'} ${name.padEnd(20)} ${detail}\n`;
  return ok || repair === undefined ? head : `${head}        ${repair}\n`;
}

function machine(): Finding[] {
  const gib = (bytes: number) => (bytes / 2 ** 30).toFixed(1);
  const major = Number(process.versions.node.split('.')[0]);
  const cores = availableParallelism();
  return [
    { name: 'node', ok: major >= 20, detail: process.version, repair: 'install Node 20 or newer' },
    { name: 'cores', ok: cores >= 1, detail: `${cores} (${cpus()[0]?.model.trim() ?? 'unknown'})` },
    {
      name: 'memory',
      ok: totalmem() > 2 ** 30,
      detail: `${gib(freemem())} of ${gib(totalmem())} GiB free`,
      repair: 'training needs about 1 GiB',
    },
  ];
}

async function engine(
  { name, version }: { name: string; version: string },
  load: () => Promise<unknown>,
): Promise<Finding> {
  const started = systemClock.now();
  try {
    await load();
    return {
      name: name.split('/').at(-1)!,
      ok: true,
      detail: `${version}, loaded in ${((systemClock.now() - started) * 1000).toFixed(0)} ms`,
    };
  } catch (error) {
    return { name, ok: false, detail: messageOf(error), repair: 'install again: npm install' };
  }
}

/** Each backend is tried in a process of its own: a broken driver may crash, and native code writes to the terminal. */
function backends(): Promise<Finding[]> {
  const { url, execArgv } = workerEntry(import.meta.url, '../policy/backend-probe');
  const probe = (name: BackendName) =>
    new Promise<Finding>((resolve) => {
      const child = fork(fileURLToPath(url), [name], { execArgv, stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
      const tell = (finding: Omit<Finding, 'name'>) => resolve({ ...finding, name: `backend ${name}` });
      child.once('message', (finding: BackendFinding) => {
        tell(finding);
        child.kill('SIGKILL');
      });
      child.once('error', (error) => tell({ ok: false, detail: messageOf(error) }));
      child.once('exit', (code, signal) => {
        const repair = 'update or remove its driver or package; training with another --backend is not affected';
        tell({ ok: false, detail: `trying it ended the process (${signal ?? `exit code ${code}`})`, repair });
      });
    });
  return Promise.all(backendNames.map(probe));
}
