/**
 * The ROS graph as this server sees it: topics with one type each, who publishes and who subscribes. Delivers messages
 * that are already complete. Knows no socket.
 */

import { baseType } from '../ros-names.ts';
import { isKnownType } from './message-types.ts';

/** A node of the graph: the robot's driver, or one client of the bridge. */
export interface GraphNode {
  /** Its ROS name; every client of the bridge has the bridge's. */
  readonly node: string;
}

export interface Subscriber extends GraphNode {
  deliver(topic: string, msg: Record<string, unknown>): void;
}

interface Topic {
  /** ROS 1 form. */
  readonly type: string;
  readonly publishers: Set<GraphNode>;
  readonly subscribers: Set<Subscriber>;
  latched: Record<string, unknown> | undefined;
}

export class Topics {
  readonly #topics = new Map<string, Topic>();

  /** @returns why it was refused, or undefined */
  advertise(name: string, type: string, publisher: GraphNode): string | undefined {
    const refusal = this.#claim(name, type);
    if (refusal === undefined) this.#topics.get(name)!.publishers.add(publisher);
    return refusal;
  }

  unadvertise(name: string, publisher: GraphNode): void {
    this.#topics.get(name)?.publishers.delete(publisher);
    this.#forgetIfUnused(name);
  }

  /** @param type left out where the topic is known @returns why it was refused, or undefined */
  subscribe(name: string, type: string | undefined, subscriber: Subscriber): string | undefined {
    const wanted = type ?? this.typeOf(name);
    if (wanted === undefined) return `no topic ${name} to infer a type from`;
    const refusal = this.#claim(name, wanted);
    if (refusal !== undefined) return refusal;
    const topic = this.#topics.get(name)!;
    topic.subscribers.add(subscriber);
    if (topic.latched !== undefined) subscriber.deliver(name, topic.latched);
    return undefined;
  }

  unsubscribe(name: string, subscriber: Subscriber): void {
    this.#topics.get(name)?.subscribers.delete(subscriber);
    this.#forgetIfUnused(name);
  }

  /** A node is gone. */
  leave(node: Subscriber): void {
    for (const [name, topic] of this.#topics) {
      topic.publishers.delete(node);
      topic.subscribers.delete(node);
      this.#forgetIfUnused(name);
    }
  }

  /** @param msg complete and of the topic's type */
  publish(name: string, msg: Record<string, unknown>, latch = false): void {
    const topic = this.#topics.get(name);
    if (topic === undefined) return;
    if (latch) topic.latched = msg;
    for (const subscriber of topic.subscribers) subscriber.deliver(name, msg);
  }

  /** In ROS 1 form. */
  typeOf(name: string): string | undefined {
    return this.#topics.get(name)?.type;
  }

  names(): string[] {
    return [...this.#topics.keys()].sort();
  }

  publishersOf(name: string): string[] {
    return nodesOf(this.#topics.get(name)?.publishers);
  }

  subscribersOf(name: string): string[] {
    return nodesOf(this.#topics.get(name)?.subscribers);
  }

  #claim(name: string, type: string): string | undefined {
    if (!isKnownType(type)) return `${name}: unknown type ${type}`;
    const existing = this.typeOf(name);
    if (existing !== undefined && existing !== baseType(type)) return `${name} is of type ${existing}, not ${type}`;
    if (existing === undefined) {
      const topic = { type: baseType(type), publishers: new Set<GraphNode>(), subscribers: new Set<Subscriber>() };
      this.#topics.set(name, { ...topic, latched: undefined });
    }
    return undefined;
  }

  #forgetIfUnused(name: string): void {
    const topic = this.#topics.get(name);
    if (topic !== undefined && topic.publishers.size === 0 && topic.subscribers.size === 0) this.#topics.delete(name);
  }
}

function nodesOf(nodes: Iterable<GraphNode> | undefined): string[] {
  return [...new Set([...(nodes ?? [])].map(({ node }) => node))].sort();
}
