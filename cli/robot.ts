/** `landfall robot`: a simulated robot behind a rosbridge server, as different from the trainer's as one wants. */

import { openSync, writeSync } from 'node:fs';
import { Option } from 'commander';
import { mappingNamed } from '../bridge/mappings/registry.ts';
import { type Misbehaviour, misbehaviours } from '../bridge/server/misbehaviour.ts';
import { type RobotServer, startRobotServer } from '../bridge/server/robot-server.ts';
import { InputError, messageOf } from '../core/errors.ts';
import { keyOf } from '../core/rng.ts';
import { jointNames, type RobotModel } from '../core/robot-model.ts';
import { type LoadedRobot, loadRobot, robotDynamics } from '../loop/experiment.ts';
import { loadProject } from '../loop/project.ts';
import type { Dynamics } from '../sim/dynamics.ts';
import { RAPIER } from '../sim/rapier-robot.ts';
import { MUJOCO } from '../sim/twin.ts';
import type { Register } from './commands.ts';
import { numberWithin } from './option-values.ts';
import { QuietLog } from './quiet-log.ts';
import { RobotView } from './robot-view.ts';
import { makeServedRobot, type ServedRobot } from './served-robot.ts';

interface RobotOptions {
  readonly with?: string;
  readonly engine: 'mujoco' | 'rapier';
  readonly host: string;
  readonly port: number;
  readonly ros: '1' | '2';
  readonly rate?: number;
  readonly mass: number;
  readonly friction: number;
  readonly latency: number;
  readonly noise: number;
  readonly torqueConstant: number;
  /** false for --no-watchdog. */
  readonly watchdog: number | false | undefined;
  readonly seed: number;
  readonly logCommands?: string;
  readonly allowMisbehaviour?: boolean;
  readonly misbehave?: readonly Misbehaviour[];
  readonly view?: boolean;
  readonly json?: boolean;
}

const positive = numberWithin({ min: 0 });

export const register: Register = (program) => {
  program
    .command('robot')
    .description('serve a simulated robot over the rosbridge protocol')
    .argument('<name>', 'a robot of configs/robots.ts, such as pendulum')
    .addOption(new Option('--engine <engine>', 'physics engine').choices(['mujoco', 'rapier']).default('mujoco'))
    .option('--host <address>', 'address to listen on; there is no authentication', '127.0.0.1')
    .option('--port <port>', 'port; 0 for any free one', numberWithin({ min: 0, max: 65_535, integer: true }), 9090)
    .addOption(new Option('--ros <version>', 'type names and stamps as in ROS').choices(['1', '2']).default('2'))
    .option('--rate <hz>', 'states published per second', numberWithin({ min: 1, max: 1000 }))
    .option('--mass <scale>', "scale of the moved links' mass", numberWithin({ min: 0.001 }), 1)
    .option('--friction <scale>', 'scale of viscous and Coulomb friction', positive, 1)
    .option('--latency <seconds>', 'from command to torque', positive, 0)
    .option('--noise <rad>', 'deviation of the position reading; ten times that per second for velocity', positive, 0)
    .option('--torque-constant <scale>', 'delivered over commanded torque', positive, 1)
    .option('--watchdog <seconds>', 'damp the robot when no command comes for so long', numberWithin({ min: 0.001 }))
    .option('--no-watchdog', 'hold the last command for ever, as many real controllers do')
    .option('--seed <n>', "noise's seed", numberWithin({ min: 0, integer: true }), 0)
    .option('--log-commands <file>', 'write every command that arrives to FILE, as NDJSON')
    .option('--allow-misbehaviour', 'offer the service /landfall/misbehave, for tests of clients')
    .addOption(new Option('--misbehave <names...>', 'misbehave from the start').choices(Object.keys(misbehaviours)))
    .option('--with <module>', 'a JavaScript module with robots of your own')
    .option('--view', 'show the robot in the browser')
    .option('--json', 'print one JSON line when ready and one at the end')
    .action(serve);
};

async function serve(name: string, options: RobotOptions): Promise<void> {
  const project = await loadProject(options.with);
  const loaded = await loadRobot(name, project);
  const dynamics = differentDynamics(loaded, options);
  const simulated = await makeServedRobot(name, loaded, project.tasks, dynamics, options.engine, options.seed);
  // No state twice: at most one a physics step.
  const rateHz = Math.min(options.rate ?? loaded.config.stateRateHz, 1 / simulated.stepSeconds);
  const view =
    options.view === true ? await RobotView.open(loaded.model, `robot ${name}`, rateHz, simulated.scene) : null;
  try {
    await run(name, loaded, simulated, rateHz, view, options);
  } finally {
    await view?.close();
    await simulated.robot.close();
  }
}

async function run(
  name: string,
  { config, model }: LoadedRobot,
  { robot, stepSeconds, ros, sensors, restart, idle }: ServedRobot,
  rateHz: number,
  view: RobotView | null,
  options: RobotOptions,
): Promise<void> {
  const watchdogSeconds =
    options.watchdog === false ? null : (options.watchdog ?? config.ros.watchdog?.seconds ?? null);
  const logFile = options.logCommands === undefined ? undefined : openLog(options.logCommands);
  const log = new QuietLog((line) => {
    process.stderr.write(`${line}\n`);
    view?.note(line);
  });
  const server = await startRobotServer({
    robot,
    host: options.host,
    port: options.port,
    ros: options.ros === '1' ? 1 : 2,
    topics: ros,
    sensors,
    restart,
    idle,
    rateHz,
    stepSeconds,
    watchdogSeconds,
    damping: jointNames(model).map((joint) => config.gains[joint]?.kd ?? 0),
    stiffness: jointNames(model).map((joint) => config.gains[joint]?.kp ?? 0),
    allowMisbehaviour: options.allowMisbehaviour === true,
    misbehaviours: options.misbehave ?? [],
    key: keyOf(options.seed),
    log: (line) => log.line(line),
    ...(view === null ? {} : { onState: (state) => view.add(state, robot.objects) }),
    ...(logFile === undefined ? {} : { onCommand: (record) => writeSync(logFile, `${JSON.stringify(record)}\n`) }),
  });
  const what = mappingNamed(ros.command.mapping).takes.name;
  announce(name, model, server, what, watchdogSeconds, options, view?.url);
  await untilStopped(server);
  if (options.json === true) {
    const { commands, watchdogStops } = server;
    process.stdout.write(`${JSON.stringify({ event: 'stopped', commands: commands.counts, watchdogStops })}\n`);
  }
}

/** The nominal robot with the differences asked for. */
function differentDynamics(loaded: LoadedRobot, options: RobotOptions): Dynamics {
  const nominal = robotDynamics(loaded);
  const times = (scale: number) => (value: number) => scale * value;
  return {
    ...nominal,
    massScale: nominal.massScale.map(times(options.mass)),
    damping: nominal.damping.map(times(options.friction)),
    friction: nominal.friction.map(times(options.friction)),
    torqueScale: nominal.torqueScale.map(times(options.torqueConstant)),
    latency: options.latency,
    positionNoise: options.noise,
    velocityNoise: 10 * options.noise,
  };
}

function openLog(path: string): number {
  try {
    return openSync(path, 'w');
  } catch (error) {
    throw new InputError(`cannot write ${path}: ${messageOf(error)}`, { repair: 'check --log-commands', cause: error });
  }
}

function announce(
  name: string,
  model: RobotModel,
  server: RobotServer,
  what: string,
  watchdogSeconds: number | null,
  options: RobotOptions,
  viewUrl: string | undefined,
): void {
  const { state, command, sensors } = server.topics;
  const { name: engine, version } = options.engine === 'mujoco' ? MUJOCO : RAPIER;
  if (!isLoopback(server.host)) {
    process.stderr.write(
      `warning: ${server.host} can be reached from other machines, and anyone there can command this robot\n`,
    );
  }
  if (options.json === true) {
    const ready = { event: 'ready', robot: name, engine, version, url: server.url, ros: Number(options.ros) };
    const shown = viewUrl === undefined ? {} : { view: viewUrl };
    process.stdout.write(
      `${JSON.stringify({ ...ready, state, command, sensors, watchdogSeconds, pid: process.pid, ...shown })}\n`,
    );
    return;
  }
  const differences = [
    options.mass === 1 ? '' : `mass x${options.mass}`,
    options.friction === 1 ? '' : `friction x${options.friction}`,
    options.torqueConstant === 1 ? '' : `torque x${options.torqueConstant}`,
    options.latency === 0 ? '' : `latency ${options.latency} s`,
    options.noise === 0 ? '' : `noise ${options.noise} rad`,
  ].filter((text) => text !== '');
  const watchdog = watchdogSeconds === null ? 'none: it holds the last command' : `damps after ${watchdogSeconds} s`;
  const lines = [
    `robot ${name} in ${engine} ${version}${differences.length === 0 ? '' : `, ${differences.join(', ')}`}`,
    `  ${server.url} as ROS ${options.ros}`,
    `  publishes ${state.topic} (${state.type})`,
    ...sensors.map(({ topic, type }) => `            ${topic} (${type})`),
    `  takes     ${command.topic} (${command.type}), ${what} of ${jointNames(model).join(', ')}`,
    `  watchdog  ${watchdog}`,
    ...(viewUrl === undefined ? [] : [`  view      ${viewUrl}`]),
    `next: landfall deploy latest --url ${server.url}`,
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}

function isLoopback(host: string): boolean {
  return host === '::1' || host.startsWith('127.');
}

/** Ctrl-C or a termination signal ends the server in order; a failed simulation is an error. */
async function untilStopped(server: RobotServer): Promise<void> {
  const stop = () => void server.close();
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
  const error = await server.ended;
  process.off('SIGINT', stop);
  process.off('SIGTERM', stop);
  if (error !== undefined) {
    await server.close();
    throw error;
  }
}
