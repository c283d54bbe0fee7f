/**
 * One connection to a rosbridge server through roslib, without what roslib does on its own: no queue, no reconnection,
 * no service call without an end. A link that is lost stays lost; whoever wants another opens another.
 * Knows no robot. Facts about roslib 2.1.0: publish() queues while closed, and a service call in flight when the server
 * dies calls nobody back.
 */

import { type Clock, systemClock } from '../core/clock.ts';
import { InputError, LandfallError, messageOf } from '../core/errors.ts';
import { type Fault, makeFault } from './faults.ts';
import { Ros, Service, Topic } from './roslib.ts';
import { type TransportCounts, WsTransport } from './transport.ts';

export interface LinkSettings {
  readonly url: string;
  /** @default systemClock */
  readonly clock?: Clock;
  /** Longest wait for the WebSocket handshake, s. @default 5 */
  readonly handshakeSeconds?: number;
  /** A ping not answered within this is a fault, s. @default 1 */
  readonly pongSeconds?: number;
  /** A larger message is a fault, bytes. @default 1 MiB */
  readonly messageBytes?: number;
}

/** Publishes on one topic, or says that it did not. */
export interface Publisher {
  /** @returns false when the link was not ready and the message is gone */
  publish(message: Readonly<Record<string, unknown>>): boolean;
  unadvertise(): void;
}

const MIB = 2 ** 20;
/** A message between the two limits is a fault on a link that lives, so that damping can be sent. */
const PAYLOAD_BYTES = 32 * MIB;
/** How long a closing handshake may take, s. */
const CLOSE_SECONDS = 0.5;

export class RosLink {
  readonly url: string;
  /** The limit for one message, bytes. */
  readonly messageBytes: number;
  readonly #ros: Ros;
  readonly #transport: WsTransport;
  readonly #calls = new Set<(reason: LandfallError) => void>();
  #fault: Fault | null = null;
  #closing = false;

  private constructor(url: string, messageBytes: number, ros: Ros, transport: WsTransport) {
    this.url = url;
    this.messageBytes = messageBytes;
    this.#ros = ros;
    this.#transport = transport;
    transport.on('close', (event) => this.#closed(event));
  }

  /** @throws InputError when nobody answers at the URL */
  static async open(settings: LinkSettings): Promise<RosLink> {
    const { url, clock = systemClock, handshakeSeconds = 5, pongSeconds = 1, messageBytes = MIB } = settings;
    let link: RosLink | undefined;
    let transport: WsTransport | undefined;
    const ros = new Ros({
      transportFactory: async (address) => {
        const payloadBytes = Math.max(PAYLOAD_BYTES, messageBytes);
        const rules = { clock, handshakeSeconds, pongSeconds, messageBytes, payloadBytes };
        transport = new WsTransport(address, rules, (fault) => link?.report(fault));
        return transport;
      },
    });
    try {
      await ros.connect(url);
      const opened = transport!;
      await new Promise<void>((resolve, reject) => {
        ros.once('connection', () => resolve());
        opened.once('error', (error) => reject(error as Error));
        opened.once('close', () => reject(new Error('the connection was closed during the handshake')));
      });
      link = new RosLink(url, messageBytes, ros, opened);
      return link;
    } catch (cause) {
      throw new InputError(`no rosbridge server at ${url}: ${reasonOf(cause)}`, {
        cause,
        repair: 'start it, or check the URL: ws://HOST:9090 (without a robot: landfall robot pendulum)',
      });
    }
  }

  get isOpen(): boolean {
    return this.#transport.isOpen();
  }

  /** The first thing that went wrong; it stays. */
  get fault(): Fault | null {
    return this.#fault;
  }

  get counts(): Readonly<TransportCounts> {
    return this.#transport.counts;
  }

  /** When the newest answered ping was sent, s on the clock. */
  get provenAt(): number {
    return this.#transport.provenAt;
  }

  get pendingBytes(): number {
    return this.#transport.pendingBytes;
  }

  /** Ask the other side for a sign of life; see `provenAt`. */
  probe(): void {
    this.#transport.probe();
  }

  /** The time a ping takes there and back, s. Infinity when it takes longer than `seconds`. */
  roundTrip(seconds: number): Promise<number> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(Infinity), seconds * 1000);
      this.#transport.probe((took) => {
        clearTimeout(timer);
        resolve(took);
      });
    });
  }

  /** @param type as this robot's ROS writes it */
  subscribe(topic: string, type: string, listener: (message: unknown) => void): void {
    const subscription = new Topic({
      ros: this.#ros,
      name: topic,
      messageType: type,
      reconnect_on_close: false,
      queue_length: 1,
    });
    subscription.subscribe(listener);
  }

  /** @param type as this robot's ROS writes it */
  advertise(topic: string, type: string): Publisher {
    // Depth 1: in ROS 2 a late joiner gets what the depth holds of the last second.
    const publication = new Topic({
      ros: this.#ros,
      name: topic,
      messageType: type,
      reconnect_on_close: false,
      queue_size: 1,
      latch: false,
    });
    publication.advertise();
    return {
      publish: (message) => {
        // roslib queues when it is not connected: it must never be asked to publish then.
        if (!this.#ros.isConnected || !this.#transport.ready) {
          this.#transport.counts.refused++;
          return false;
        }
        publication.publish(message);
        return true;
      },
      unadvertise: () => {
        if (this.#ros.isConnected && this.isOpen) publication.unadvertise();
      },
    };
  }

  /** @throws LandfallError when it fails, when no answer comes in time, and when the link closes */
  call(service: string, type: string, args: object, seconds: number): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (!this.#ros.isConnected || !this.isOpen) {
        reject(new LandfallError(`${service}: the link is closed`));
        return;
      }
      const fail = (reason: LandfallError) => {
        clearTimeout(timer);
        this.#calls.delete(fail);
        reject(reason);
      };
      const timer = setTimeout(() => fail(new LandfallError(`${service}: no answer in ${seconds} s`)), seconds * 1000);
      this.#calls.add(fail);
      new Service({ ros: this.#ros, name: service, serviceType: type }).callService(
        args,
        (values) => {
          clearTimeout(timer);
          this.#calls.delete(fail);
          resolve(values);
        },
        (text) => fail(new LandfallError(`${service}: ${String(text)}`)),
      );
    });
  }

  /** Say goodbye and close. Resolves when the connection is gone, soon in any case. */
  async close(): Promise<void> {
    this.#closing = true;
    if (this.#transport.isClosed()) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => this.#transport.terminate(), CLOSE_SECONDS * 1000);
      this.#transport.once('close', () => {
        clearTimeout(timer);
        resolve();
      });
      this.#transport.close();
    });
  }

  /** End the connection at once: the other side is silent, and whatever is said now it would hear too late. */
  terminate(): void {
    this.#closing = true;
    this.#transport.terminate();
  }

  /** Keep the first fault. */
  report(fault: Fault): void {
    this.#fault ??= fault;
  }

  #closed(event: unknown): void {
    const { code, reason } = event as { code: number; reason: string };
    const how = code === 1006 ? 'without a word (code 1006: killed, or the network is gone)' : `code ${code} ${reason}`;
    if (!this.#closing) {
      this.report(
        makeFault(
          'link-closed',
          `the connection to ${this.url} was closed, ${how.trim()}`,
          'start the robot and its server again, then deploy again: an operator has to arm',
        ),
      );
    }
    for (const fail of [...this.#calls]) fail(new LandfallError('the link closed during a service call'));
  }
}

/** A refused connection has its reason in a list, one for each address tried. */
function reasonOf(cause: unknown): string {
  if (cause instanceof AggregateError && cause.errors.length > 0) return messageOf(cause.errors[0]);
  return messageOf(cause);
}
