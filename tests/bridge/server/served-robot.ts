/** A served twin and plain clients for the robot server's tests. Everything here is real: engine, sockets, protocol. */

import { readFileSync } from 'node:fs';
import { WebSocket } from 'ws';
import { type RobotServer, type RobotServerOptions, startRobotServer } from '../../../bridge/server/robot-server.ts';
import { nominalDynamics } from '../../../sim/dynamics.ts';
import { makeTwin } from '../../../sim/twin.ts';
import { parseUrdf } from '../../../sim/urdf.ts';
import { Ros } from './plain-roslib.ts';

export const urdf = readFileSync('configs/robots/pendulum.urdf', 'utf8');
export const model = parseUrdf(urdf, { where: 'configs/robots/pendulum.urdf' });

const STATE = { topic: '/joint_states', type: 'sensor_msgs/JointState' };
const COMMAND = { topic: '/effort_command', type: 'sensor_msgs/JointState' };
export const ARRAY_COMMAND = { topic: '/effort_command', type: 'std_msgs/Float64MultiArray' };

export interface Served extends RobotServer {
  /** The server's log so far. */
  readonly lines: string[];
  readonly position: () => number;
}

const cleanups: (() => unknown)[] = [];

/** Close what the test has opened. */
export async function closeAll(): Promise<void> {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
}

export async function serve(options: Partial<RobotServerOptions> = {}): Promise<Served> {
  const robot = await makeTwin(model, { ...nominalDynamics(model), friction: [0] });
  const lines: string[] = [];
  const server = await startRobotServer({
    robot,
    port: 0,
    topics: { state: STATE, command: COMMAND },
    rateHz: 100,
    stepSeconds: robot.physicsDt,
    watchdogSeconds: 0.2,
    damping: [0.3],
    log: (line) => lines.push(line),
    ...options,
  });
  cleanups.push(async () => {
    await server.close();
    robot.close();
  });
  return Object.assign(Object.create(server), { lines, position: () => robot.truth.q[0]! }) as Served;
}

/** Wait for a condition that must come true; the test's own time limit ends the wait. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}

export type Json = Record<string, unknown>;

/** A client that says exactly what it is told and keeps what it hears. */
export class RawClient {
  readonly heard: Json[] = [];
  /** Texts that were no JSON. */
  readonly garbage: string[] = [];
  closed: number | undefined;
  readonly socket: WebSocket;
  #calls = 0;

  private constructor(url: string) {
    this.socket = new WebSocket(url);
    this.socket.on('message', (data) => {
      const text = String(data);
      try {
        this.heard.push(JSON.parse(text));
      } catch {
        this.garbage.push(text);
      }
    });
    this.socket.on('error', () => {});
    this.socket.on('close', (code) => {
      this.closed = code;
    });
  }

  static async open(url: string): Promise<RawClient> {
    const client = new RawClient(url);
    cleanups.push(() => client.socket.terminate());
    await until(() => client.socket.readyState === WebSocket.OPEN || client.closed !== undefined);
    return client;
  }

  /** A text goes as it is. */
  send(message: Json | string): void {
    this.socket.send(typeof message === 'string' ? message : JSON.stringify(message));
  }

  async call(service: string, args: Json | unknown[] = {}): Promise<Json> {
    const id = `call:${this.#calls++}`;
    this.send({ op: 'call_service', id, service, args });
    const answer = () => this.heard.find((message) => message.id === id);
    await until(() => answer() !== undefined || this.closed !== undefined);
    return answer() ?? { result: false, values: `closed ${this.closed}` };
  }

  /** Messages heard on a topic, oldest first. */
  on(topic: string): Json[] {
    return this.heard.filter((message) => message.topic === topic).map((message) => message.msg as Json);
  }
}

export async function connectRos(url: string): Promise<Ros> {
  const ros = new Ros({});
  ros.on('error', () => {});
  cleanups.push(() => ros.close());
  await new Promise<void>((resolve, reject) => {
    ros.on('connection', () => resolve());
    ros.on('close', () => reject(new Error('closed')));
    ros.connect(url).catch(reject);
  });
  return ros;
}

/** A stamped effort command for the pendulum. @param time s since 1970 */
export function jointCommand(effort: number, time: number): Json {
  const sec = Math.floor(time);
  const stamp = { sec, nanosec: Math.floor((time - sec) * 1e9) };
  return { header: { stamp, frame_id: '' }, name: ['shoulder'], position: [], velocity: [], effort: [effort] };
}
