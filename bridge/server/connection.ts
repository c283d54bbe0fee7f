/**
 * One client of the robot server: its subscriptions, advertisements and service calls. As with the real server, a
 * message that is not right is dropped with a line in the server's log and no reply; only service calls are answered.
 * Knows the graph and a socket, not the robot.
 */

import type { WebSocket } from 'ws';
import type { Clock } from '../../core/clock.ts';
import { messageOf } from '../../core/errors.ts';
import type { Key } from '../../core/rng.ts';
import { FragmentJoiner } from '../fragments.ts';
import { conform, type MessageContext, MessageRefusal } from './message-types.ts';
import type { Switches } from './misbehaviour.ts';
import { Outbox } from './outbox.ts';
import {
  type CallService,
  type ClientMessage,
  type Publish,
  parseClientMessage,
  type Subscribe,
  type Unsubscribe,
} from './protocol.ts';
import { BRIDGE_NODE } from './rosapi.ts';
import type { Services } from './services.ts';
import { Subscription } from './subscription.ts';
import type { Subscriber, Topics } from './topics.ts';

/** What every connection shares. */
export interface ConnectionShared {
  readonly topics: Topics;
  readonly services: Services;
  readonly switches: Switches;
  readonly clock: Clock;
  readonly context: () => MessageContext;
  readonly maxPayload: number;
  /** A line for the server's log. */
  readonly log: (line: string) => void;
}

/** Messages kept while a hung service blocks the connection; more are dropped. */
const MAX_BLOCKED = 10_000;
/** Bytes of the message that the `large` switch sends. */
const LARGE = 10_000_000;

export class Connection implements Subscriber {
  readonly node = BRIDGE_NODE;
  readonly name: string;
  readonly #socket: WebSocket;
  readonly #shared: ConnectionShared;
  readonly #outbox: Outbox;
  readonly #fragments: FragmentJoiner;
  readonly #subscriptions = new Map<string, Subscription>();
  readonly #stopListening: () => void;
  /** Latch setting of the topics this client advertises. */
  readonly #advertised = new Map<string, boolean>();
  /** Calls that the `hang` switch holds, and the messages waiting behind them; undefined when nothing hangs. */
  #blocked: ClientMessage[] | undefined;
  #large: NodeJS.Timeout | undefined;

  /** @param name for the log @param key of random delays */
  constructor(socket: WebSocket, name: string, shared: ConnectionShared, key: Key) {
    this.name = name;
    this.#socket = socket;
    this.#shared = shared;
    this.#outbox = new Outbox(wireOf(socket), shared.switches, key);
    this.#fragments = new FragmentJoiner(shared.maxPayload);
    socket.on('message', (data, isBinary) => {
      if (isBinary) this.#drop('binary message: this server reads JSON text only');
      else this.#read(String(data));
    });
    socket.on('error', (error) => this.#drop(messageOf(error)));
    socket.on('close', () => this.#closed());
    this.#stopListening = shared.switches.onChange(() => this.#switched());
    this.#switched();
  }

  deliver(topic: string, msg: Record<string, unknown>): void {
    this.#subscriptions.get(topic)?.offer(msg);
  }

  close(): void {
    this.#socket.terminate();
  }

  #read(text: string): void {
    const parsed = parseClientMessage(text);
    if ('refused' in parsed) this.#drop(parsed.refused);
    else if (this.#blocked === undefined) this.#take(parsed.message);
    else if (this.#blocked.length < MAX_BLOCKED) this.#blocked.push(parsed.message);
    else this.#drop('connection blocked by a hung service');
  }

  #take(message: ClientMessage): void {
    if (message.fragment_size !== undefined) this.#outbox.fragmentSize = message.fragment_size;
    switch (message.op) {
      case 'advertise': {
        const topic = absolute(message.topic);
        const refusal = this.#shared.topics.advertise(topic, message.type, this);
        if (refusal === undefined) this.#advertised.set(topic, message.latch);
        else this.#drop(`advertise: ${refusal}`);
        return;
      }
      case 'unadvertise':
        this.#advertised.delete(absolute(message.topic));
        this.#shared.topics.unadvertise(absolute(message.topic), this);
        return;
      case 'publish':
        this.#publish(message);
        return;
      case 'subscribe':
        this.#subscribe(message);
        return;
      case 'unsubscribe':
        this.#unsubscribe(message);
        return;
      case 'call_service':
        this.#call(message);
        return;
      case 'fragment': {
        const joined = this.#fragments.add(message);
        if (joined.kind === 'whole') this.#readJoined(joined.text);
        else if (joined.kind === 'bad') this.#drop(joined.reason);
        return;
      }
      default:
        message satisfies never;
    }
  }

  /** A fragment inside a fragment has no meaning and could nest without end. */
  #readJoined(text: string): void {
    const parsed = parseClientMessage(text);
    if ('refused' in parsed) this.#drop(parsed.refused);
    else if (parsed.message.op === 'fragment') this.#drop('fragment inside a fragment');
    else this.#take(parsed.message);
  }

  #publish({ topic: given, msg }: Publish): void {
    const topic = absolute(given);
    const type = this.#shared.topics.typeOf(topic);
    if (type === undefined) {
      this.#drop(`publish: ${topic} is not advertised`);
      return;
    }
    try {
      this.#shared.topics.publish(topic, conform(type, msg, this.#shared.context()), this.#advertised.get(topic));
    } catch (error) {
      if (!(error instanceof MessageRefusal)) throw error;
      this.#drop(`publish on ${topic}: ${error.message}`);
    }
  }

  #subscribe(message: Subscribe): void {
    const { type, id, compression } = message;
    const topic = absolute(message.topic);
    if (compression !== 'none') {
      this.#drop(`subscribe to ${topic}: this server has no compression ${compression}`);
      return;
    }
    let subscription = this.#subscriptions.get(topic);
    if (subscription === undefined) {
      // The client hears the topic under the name it used.
      const name = message.topic;
      subscription = new Subscription(this.#shared.clock, (msg) => {
        this.#outbox.publish({ op: 'publish', topic: name, msg });
      });
      this.#subscriptions.set(topic, subscription);
    }
    subscription.add(id, { throttleMs: message.throttle_rate, queueLength: message.queue_length });
    const refusal = this.#shared.topics.subscribe(topic, type, this);
    if (refusal === undefined) return;
    if (!subscription.remove(id)) this.#subscriptions.delete(topic);
    this.#drop(`subscribe: ${refusal}`);
  }

  #unsubscribe({ topic: given, id }: Unsubscribe): void {
    const topic = absolute(given);
    if (this.#subscriptions.get(topic)?.remove(id) !== false) return;
    this.#subscriptions.delete(topic);
    this.#shared.topics.unsubscribe(topic, this);
  }

  #call(message: CallService): void {
    const { switches, services, context } = this.#shared;
    const name = absolute(message.service);
    if (switches.has('hang') && !name.startsWith('/landfall/')) {
      // ROS 2 calls services in the connection's own thread; ROS 1 gives each call its own.
      if (context().ros === 2) this.#blocked = [message];
      this.#shared.log(`${this.name}: ${name} hangs`);
      return;
    }
    const { service, id } = message;
    const answer = services.call(name, message.args, context());
    this.#outbox.reply({ op: 'service_response', ...(id === undefined ? {} : { id }), service, ...answer });
  }

  /** The switches have changed. */
  #switched(): void {
    const { switches } = this.#shared;
    if (switches.has('freeze')) this.#socket.pause();
    else this.#socket.resume();
    clearInterval(this.#large);
    this.#large = switches.has('large') ? setInterval(() => this.#sendLarge(), 1000) : undefined;
    if (!switches.has('hang') && this.#blocked !== undefined) {
      const waiting = this.#blocked;
      this.#blocked = undefined;
      for (const message of waiting) this.#take(message);
    }
  }

  #sendLarge(): void {
    this.#outbox.publish({ op: 'publish', topic: '/landfall/large', msg: { data: 'x'.repeat(LARGE) } });
  }

  #drop(reason: string): void {
    this.#shared.log(`${this.name}: dropped: ${reason}`);
  }

  #closed(): void {
    this.#stopListening();
    clearInterval(this.#large);
    this.#outbox.close();
    for (const subscription of this.#subscriptions.values()) subscription.close();
    this.#shared.topics.leave(this);
  }
}

/** A relative ROS name, resolved in the root namespace. */
function absolute(name: string): string {
  return name.startsWith('/') ? name : `/${name}`;
}

function wireOf(socket: WebSocket): { readonly bufferedAmount: number; send(text: string): void } {
  return {
    get bufferedAmount() {
      return socket.bufferedAmount;
    },
    send(text) {
      if (socket.readyState === socket.OPEN) socket.send(text);
    },
  };
}
