/**
 * A simulated robot behind the rosbridge protocol: what a real robot with rosbridge_suite looks like from outside, with
 * a watchdog of its own. Puts the parts together: socket, graph, services, runner, command log. Loopback by default;
 * like the real server it has no authentication.
 */

import type { AddressInfo } from 'node:net';
import { WebSocketServer } from 'ws';
import { type Clock, systemClock } from '../../core/clock.ts';
import { InputError, messageOf } from '../../core/errors.ts';
import { foldIn, type Key, keyOf } from '../../core/rng.ts';
import type { JointCommand, RobotState, SimulatedRobot } from '../../core/robot.ts';
import { jointNames } from '../../core/robot-model.ts';
import { isOdometry } from '../../core/ros-topics.ts';
import { mappingNamed } from '../mappings/registry.ts';
import { baseType, type RosVersion, sameType } from '../ros-names.ts';
import { CommandLog, type CommandRecord } from './command-log.ts';
import { Connection, type ConnectionShared } from './connection.ts';
import { bentStamp, COMMAND_TYPES, STATE_TYPE, stateMessage } from './joint-messages.ts';
import { type MessageContext, MessageRefusal, typeName } from './message-types.ts';
import { isMisbehaviour, type Misbehaviour, misbehaviours, Switches } from './misbehaviour.ts';
import { type Controllers, fillCommand, readCommand } from './robot-command.ts';
import { RobotRunner } from './robot-runner.ts';
import { offerRosapi } from './rosapi.ts';
import { odometryJson, type ServedSensor, sensorPublications } from './sensor-messages.ts';
import { Services } from './services.ts';
import { type Subscriber, Topics } from './topics.ts';

export interface TopicName {
  readonly topic: string;
  /** With or without `/msg/`. */
  readonly type: string;
}

export interface RobotServerOptions {
  readonly robot: SimulatedRobot;
  /** @default '127.0.0.1' */
  readonly host?: string;
  /** 0 for any free one. @default 9090 */
  readonly port?: number;
  /** @default 2 */
  readonly ros?: RosVersion;
  readonly topics: {
    readonly state: TopicName;
    /** @default mapping: efforts, by the type */
    readonly command: TopicName & {
      readonly mapping?: string;
      readonly options?: Readonly<Record<string, number>> | undefined;
    };
    readonly sensors?: Readonly<Record<string, TopicName>> | undefined;
    readonly odometry?: TopicName | undefined;
  };
  /** What it carries beside joint encoders. @default nothing */
  readonly sensors?: readonly ServedSensor[];
  /** States published per second. */
  readonly rateHz: number;
  /** A multiple of the robot's physics step, s. */
  readonly stepSeconds: number;
  /** Without a fresh command for this long the robot damps itself, s; null: never. */
  readonly watchdogSeconds: number | null;
  /** Gains of that damping, N m s/rad, [nJoints]. */
  readonly damping: ArrayLike<number>;
  /** With which its controllers hold positions, N m/rad, [nJoints]. @default 0 */
  readonly stiffness?: ArrayLike<number>;
  /** What its own controller does until the first command comes. @default nothing */
  readonly idle?: JointCommand | undefined;
  /** Puts the robot at its start. @default every joint at 0 */
  readonly restart?: () => void;
  /** @default systemClock */
  readonly clock?: Clock;
  /** Largest message read, bytes; a larger one ends the connection. @default 16 MiB */
  readonly maxPayload?: number;
  /** Offer `/landfall/misbehave`. @default false */
  readonly allowMisbehaviour?: boolean;
  /** On from the start. */
  readonly misbehaviours?: readonly Misbehaviour[];
  /** Of random delays. */
  readonly key?: Key;
  /** One line for each dropped message, watchdog stop and the like. */
  readonly log?: (line: string) => void;
  /** Sees every state that is published, before any misbehaviour. The state is reused. */
  readonly onState?: (state: RobotState) => void;
  readonly onCommand?: (record: CommandRecord) => void;
}

export interface RobotServer {
  readonly host: string;
  readonly port: number;
  readonly url: string;
  /** Types as the server's ROS writes them. */
  readonly topics: {
    readonly state: TopicName;
    readonly command: TopicName;
    /** Odometry among them. */
    readonly sensors: readonly TopicName[];
  };
  readonly commands: CommandLog;
  /** How often the robot's watchdog has ended a command. */
  readonly watchdogStops: number;
  /** Connections open now. */
  readonly clients: number;
  /** Only these are on from now; with `seconds`, all are off after that. */
  misbehave(on: readonly Misbehaviour[], seconds?: number): void;
  /** Put the robot at rest at its start. */
  reset(): void;
  /** These topics are silent from now on, as when a sensor's driver has died. */
  mute(topics: readonly string[]): void;
  /** Settles with the error when the simulation has failed, and without one after close(). */
  readonly ended: Promise<unknown>;
  close(): Promise<void>;
}

/** @throws InputError when the topics make no sense or the port cannot be had */
export async function startRobotServer(options: RobotServerOptions): Promise<RobotServer> {
  const { robot, topics: names, watchdogSeconds, log = () => {} } = options;
  const clock = options.clock ?? systemClock;
  const ros = options.ros ?? 2;
  checkTypes(names);
  const joints = jointNames(robot.model);
  const driver = `/${robot.model.name.replace(/[^A-Za-z0-9_]/g, '_')}_driver`;
  const context = (): MessageContext => ({ ros, now: clock.now() });
  const switches = new Switches(options.misbehaviours);
  const commands = new CommandLog(options.onCommand);
  const topics = new Topics();
  const services = new Services();
  const mapping = names.command.mapping ?? defaultMapping(names.command.type);
  const controllers: Controllers = {
    joints,
    kp: options.stiffness ?? new Float64Array(joints.length),
    kd: options.damping,
    options: names.command.options ?? {},
  };
  const sensors = sensorPublications(names, options.sensors ?? [], ros);
  const mute = new Set<string>();
  let seq = 0;
  let watchdogStops = 0;
  let end: (error?: unknown) => void;
  const ended = new Promise<unknown>((resolve) => {
    end = resolve;
  });

  const runner = new RobotRunner(
    { ...options, clock },
    {
      state: (state, stamp) => {
        const stated = isOdometry(names.state.type)
          ? odometryJson(state, bentStamp(stamp, switches), ros)
          : stateMessage(state, joints, stamp, seq++, context(), switches);
        topics.publish(names.state.topic, stated);
        for (const { topic, message } of sensors) {
          if (mute.has(topic)) continue;
          const msg = message(state, bentStamp(stamp, switches));
          if (msg !== null) topics.publish(topic, msg);
        }
        options.onState?.(state);
      },
      watchdog: () => {
        watchdogStops++;
        log(`watchdog: no fresh command for ${watchdogSeconds} s, damping`);
      },
      skipped: (seconds) => log(`stopped for ${seconds.toFixed(2)} s; the robot's time goes on from here`),
      failed: (error) => {
        log(`simulation failed: ${messageOf(error)}`);
        end(error);
      },
    },
  );

  const robotNode: Subscriber = {
    node: driver,
    deliver: (_, msg) => {
      const arrival = clock.now();
      const command = readCommand(mapping, baseType(names.command.type), msg, controllers);
      const { stamp } = command;
      if (command.refused !== undefined) {
        commands.add({ arrival, stamp, effort: null, verdict: 'refused', reason: command.refused });
        log(`command refused: ${command.refused}`);
        return;
      }
      const { effort = null, q, qd } = command;
      const parts = { effort, ...(q !== undefined && { q }), ...(qd !== undefined && { qd }) };
      const age = stamp === null ? 0 : arrival - stamp;
      if (watchdogSeconds !== null && age > watchdogSeconds) {
        const reason = `${age.toFixed(3)} s old`;
        commands.add({ arrival, stamp, ...parts, verdict: 'stale', reason });
        log(`command refused: ${reason}`);
        return;
      }
      commands.add({ arrival, stamp, ...parts, verdict: 'taken' });
      runner.drive((out) => fillCommand(command, controllers, out));
    },
  };
  topics.advertise(names.state.topic, names.state.type, robotNode);
  for (const { topic, type } of sensors) topics.advertise(topic, type, robotNode);
  topics.subscribe(names.command.topic, names.command.type, robotNode);
  if (ros === 2) {
    // What robot_state_publisher does there; ROS 1 has a parameter.
    topics.advertise('/robot_description', 'std_msgs/String', robotNode);
    topics.publish('/robot_description', { data: robot.model.urdf }, true);
  }

  const reset = () => runner.reset();
  let untilNormal: NodeJS.Timeout | undefined;
  const misbehave = (on: readonly Misbehaviour[], seconds?: number) => {
    clearTimeout(untilNormal);
    switches.set(on);
    if (seconds !== undefined) untilNormal = setTimeout(() => switches.set([]), seconds * 1000);
  };
  offerRosapi({ topics, services, robotDescription: robot.model.urdf, driver, context });
  offerControl(services, ros, reset, options.allowMisbehaviour === true ? misbehave : undefined);

  const maxPayload = options.maxPayload ?? 16 * 2 ** 20;
  const shared: ConnectionShared = { topics, services, switches, clock, context, maxPayload, log };
  const sockets = await listen(options.host ?? '127.0.0.1', options.port ?? 9090, maxPayload);
  const connections = new Set<Connection>();
  let connected = 0;
  sockets.on('connection', (socket, request) => {
    // Nagle's algorithm against delayed acknowledgements costs a control period.
    request.socket.setNoDelay(true);
    const number = connected++;
    const connection = new Connection(socket, `client ${number}`, shared, foldIn(options.key ?? keyOf(0), number));
    connections.add(connection);
    socket.on('close', () => connections.delete(connection));
  });
  runner.start();

  const { address, port } = sockets.address() as AddressInfo;
  return {
    host: address,
    port,
    url: `ws://${reachable(address)}:${port}`,
    topics: {
      state: { topic: names.state.topic, type: typeName(names.state.type, ros) },
      command: { topic: names.command.topic, type: typeName(names.command.type, ros) },
      sensors: sensors.map(({ topic, type }) => ({ topic, type: typeName(type, ros) })),
    },
    commands,
    get watchdogStops() {
      return watchdogStops;
    },
    get clients() {
      return connections.size;
    },
    misbehave,
    reset,
    mute: (silent) => {
      mute.clear();
      for (const topic of silent) mute.add(topic);
    },
    ended,
    close: () => {
      runner.stop();
      clearTimeout(untilNormal);
      for (const connection of connections) connection.close();
      return new Promise((resolve) => {
        sockets.close(() => {
          end();
          resolve();
        });
      });
    },
  };
}

/** What a client on this machine dials. */
function reachable(address: string): string {
  if (address === '0.0.0.0') return '127.0.0.1';
  if (address === '::') return '[::1]';
  return address.includes(':') ? `[${address}]` : address;
}

function defaultMapping(type: string): string {
  return baseType(type) === 'std_msgs/Float64MultiArray' ? 'effort-array' : 'joint-state-effort';
}

function checkTypes({ state, command }: RobotServerOptions['topics']): void {
  if (baseType(state.type) !== STATE_TYPE && !isOdometry(state.type)) {
    throw new InputError(`state topic ${state.topic}: type should be ${STATE_TYPE}, found ${state.type}`);
  }
  if (command.mapping !== undefined) {
    const { type, needs } = mappingNamed(command.mapping);
    const lacking = needs.find((option) => !((command.options?.[option] ?? 0) > 0));
    if (lacking !== undefined) {
      throw new InputError(`command topic ${command.topic}: mapping ${command.mapping} needs the option ${lacking}`);
    }
    if (sameType(command.type, type)) return;
    throw new InputError(
      `command topic ${command.topic}: mapping ${command.mapping} makes ${type}, found ${command.type}`,
    );
  }
  if (!COMMAND_TYPES.includes(baseType(command.type))) {
    throw new InputError(
      `command topic ${command.topic}: type should be one of ${COMMAND_TYPES.join(', ')}, found ${command.type}`,
    );
  }
}

function listen(host: string, port: number, maxPayload: number): Promise<WebSocketServer> {
  return new Promise((resolve, reject) => {
    const sockets = new WebSocketServer({ host, port, maxPayload, perMessageDeflate: false });
    sockets.once('error', (error: NodeJS.ErrnoException) => {
      const taken = error.code === 'EADDRINUSE';
      reject(
        new InputError(`cannot listen on ${host}:${port}: ${taken ? 'the port is in use' : messageOf(error)}`, {
          repair: taken ? 'stop the other program, or choose another with --port' : 'check --host and --port',
          cause: error,
        }),
      );
    });
    sockets.once('listening', () => resolve(sockets));
  });
}

/** The services that only a simulated robot has. */
function offerControl(
  services: Services,
  ros: RosVersion,
  reset: () => void,
  misbehave: ((on: readonly Misbehaviour[], seconds?: number) => void) | undefined,
): void {
  services.offer('/landfall/reset', {
    type: typeName('std_srvs/Empty', ros).replace('/msg/', '/srv/'),
    request: [],
    call: () => {
      reset();
      return {};
    },
  });
  if (misbehave === undefined) return;
  services.offer('/landfall/misbehave', {
    type: typeName('landfall/Misbehave', ros).replace('/msg/', '/srv/'),
    request: [
      ['on', 'string[]'],
      ['seconds', 'float64'],
    ],
    call: ({ on, seconds }) => {
      const wanted = on as string[];
      const unknown = wanted.filter((name) => !isMisbehaviour(name));
      if (unknown.length > 0) {
        throw new MessageRefusal(
          `no misbehaviour ${unknown.join(', ')}; there are ${Object.keys(misbehaviours).join(', ')}`,
        );
      }
      misbehave(wanted.filter(isMisbehaviour), (seconds as number) > 0 ? (seconds as number) : undefined);
      return {};
    },
  });
}
