/** `landfall deploy` as a process, on a served twin: arming, Ctrl-C, faults, exit status, and what is printed where. */

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { DeployReport } from '../../bridge/deploy-report.ts';
import { listEpisodes } from '../../bridge/episode-files.ts';
import { encodeBundle } from '../../policy/checkpoint.ts';
import { pendulumContract } from '../bridge/contract.ts';
import { closeAll, serve, until } from '../bridge/server/served-robot.ts';

let directory: string;
let policy: string;
const children: ChildProcess[] = [];

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'landfall-deploy-'));
  policy = join(directory, 'policy.safetensors');
  // action = 0.2 velocity: pushes the way the pendulum moves, and 0.1 N m to begin with
  writeFileSync(policy, encodeBundle(pendulumContract(), Float32Array.of(0, 0.2, 0.1, 0)));
});

afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  await closeAll();
});

afterAll(() => rmSync(directory, { recursive: true, force: true }));

interface Run {
  readonly child: ChildProcess;
  readonly ended: Promise<number | null>;
  readonly out: string;
  stdout: string;
  stderr: string;
}

let runs = 0;

function deploy(url: string, ...args: string[]): Run {
  const out = join(directory, `episodes-${runs++}`);
  const child = spawn(
    process.execPath,
    ['--import', 'tsx', 'cli/main.ts', 'deploy', policy, '--url', url, '--out', out, ...args],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  children.push(child);
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  const run: Run = { child, ended, out, stdout: '', stderr: '' };
  child.stdout!.on('data', (data) => {
    run.stdout += data;
  });
  child.stderr!.on('data', (data) => {
    run.stderr += data;
  });
  return run;
}

const said = (run: Run, text: string) => until(() => run.stderr.includes(text) || run.child.exitCode !== null);

async function episodesIn(run: Run) {
  return (await listEpisodes(run.out)).map(({ episode }) => episode);
}

describe('landfall deploy', () => {
  it('checks, arms, runs, records and reports', async () => {
    const server = await serve();
    const run = deploy(server.url, '--yes', '--json', '--episodes', '2', '--seconds', '0.4');
    expect(await run.ended, run.stderr).toBe(0);
    const report = JSON.parse(run.stdout) as DeployReport;
    expect(report).toMatchObject({ episodes: 2, shadow: false, fault: null, stopped: false });
    expect(report.periodP99Ms).toBeGreaterThanOrEqual(0);
    for (const check of ['state rate', 'robot description', 'watchdog']) expect(run.stderr).toContain(check);
    expect((await episodesIn(run)).map(({ steps }) => steps.length)).toEqual([20, 20]);
    expect(server.commands.counts.taken).toBeGreaterThan(40);
  });

  it('asks the operator, and without one sends nothing', async () => {
    const server = await serve();
    const run = deploy(server.url);
    expect(await run.ended).toBe(2);
    expect(run.stderr).toContain('error: arming needs an operator at a terminal');
    expect(run.stderr).toContain('--yes');
    expect(server.commands.records).toEqual([]);
  });

  it('asks nobody in shadow, and sends nothing', async () => {
    const server = await serve();
    const run = deploy(server.url, '--shadow', '--seconds', '0.4');
    expect(await run.ended, run.stderr).toBe(0);
    expect(run.stdout).toContain('shadow: nothing was sent');
    expect(server.commands.records).toEqual([]);
    expect((await episodesIn(run))[0]!.meta.shadow).toBe(true);
  });

  it('damps on Ctrl-C and ends, also when it is pressed again', async () => {
    const server = await serve();
    const run = deploy(server.url, '--yes', '--json', '--seconds', '60');
    await said(run, '  running');
    const begun = server.commands.counts.taken;
    await until(() => server.commands.counts.taken > begun + 10);
    run.child.kill('SIGINT');
    await said(run, '  final-damping');
    run.child.kill('SIGINT');
    expect(await run.ended, run.stderr).toBe(130);
    const report = JSON.parse(run.stdout) as DeployReport;
    expect(report).toMatchObject({ stopped: true, episodes: 0 });
    expect(report.damping).toMatch(/^damping sent: \d+ commands$/);
    expect((await episodesIn(run))[0]!.outcome).toEqual({ reason: 'stopped by the operator', completed: false });
    expect(readdirSync(run.out).every((name) => name.endsWith('.mcap'))).toBe(true);
  });

  it('ends with the fault and its repair, after the report', async () => {
    const server = await serve();
    const run = deploy(server.url, '--yes', '--json', '--seconds', '60');
    await said(run, '  running');
    server.misbehave(['nan']);
    expect(await run.ended).toBe(1);
    expect(run.stderr).toMatch(/error: not-finite: joint shoulder: position is null.*\n {2}look into the sensor/);
    const report = JSON.parse(run.stdout) as DeployReport;
    expect(report.fault?.name).toBe('not-finite');
    expect(report.damping).toMatch(/^damping sent/);
  });

  it('stops itself when it was itself stopped, and sends nothing that is old', async () => {
    const server = await serve();
    const run = deploy(server.url, '--yes', '--json', '--seconds', '60');
    await said(run, '  running');
    await until(() => server.commands.counts.taken > 60);
    run.child.kill('SIGSTOP');
    await new Promise((resolve) => setTimeout(resolve, 2000));
    run.child.kill('SIGCONT');
    expect(await run.ended, run.stderr).toBe(1);
    const report = JSON.parse(run.stdout) as DeployReport;
    expect(report.fault).toMatchObject({ name: 'overrun', message: expect.stringContaining('late (limit 400 ms)') });
    // The robot is there and well: it is damped, by what it says now.
    expect(report.damping).toMatch(/^damping sent: \d+ commands$/);
    expect(server.commands.counts.stale).toBe(0);
  });

  it('exits with 2 and one clear line for bad input', async () => {
    const cases: [string[], RegExp][] = [
      [['ws://127.0.0.1:1'], /error: no rosbridge server at ws:\/\/127.0.0.1:1/],
      [['somewhere'], /error: no rosbridge server at somewhere/],
      [['ws://127.0.0.1:1', '--episodes', 'many'], /whole number/],
    ];
    await Promise.all(
      cases.map(async ([args, text]) => {
        const run = deploy(args[0]!, '--yes', ...args.slice(1));
        expect(await run.ended).toBe(2);
        expect(run.stderr).toMatch(text);
        expect(run.stdout).toBe('');
      }),
    );
  });

  it('arms when the operator types arm at a terminal, and not for another word', async () => {
    const answers = await Promise.all(
      ['yes', 'arm'].map(async (word) => {
        const server = await serve();
        const out = join(directory, `typed-${word}`);
        const command = [process.execPath, '--import', 'tsx', 'cli/main.ts', 'deploy', policy, '--out', out];
        const line = [...command, '--url', server.url, '--seconds', '0.2'].map((part) => `'${part}'`).join(' ');
        // script gives the command a terminal.
        const child = spawn('script', ['-qfec', line, '/dev/null'], { stdio: ['pipe', 'pipe', 'inherit'] });
        children.push(child);
        const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
        let seen = '';
        child.stdout.on('data', (data) => {
          seen += data;
        });
        await until(() => seen.includes('type arm to let the policy move pendulum') || child.exitCode !== null);
        child.stdin.write(`${word}\n`);
        return { code: await ended, seen };
      }),
    );
    const [yes, arm] = answers;
    expect(yes!.seen).toContain('not armed, nothing was sent');
    expect(yes!.code).toBe(2);
    expect(arm!.seen).toContain('1 of 1 completed');
    expect(arm!.code).toBe(0);
  });
});
