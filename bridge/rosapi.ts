/**
 * The questions a client may ask a robot's ROS graph: rosapi's services, and the robot description by whichever way the
 * robot offers it. Ask on a connection of its own: in ROS 2 a service that hangs blocks everything behind it.
 */

import { messageOf } from '../core/errors.ts';
import type { RosLink } from './link.ts';
import { sameType, stampOf } from './ros-names.ts';

/** Longest wait for one answer, s. */
const PATIENCE = 2;

export class RosApi {
  readonly #link: RosLink;

  constructor(link: RosLink) {
    this.#link = link;
  }

  /** Types by topic, as this robot's ROS writes them. @throws LandfallError when rosapi does not answer */
  async topics(): Promise<Map<string, string>> {
    const { topics, types } = await this.#ask('topics', {});
    const names = stringsOf(topics);
    const typeNames = stringsOf(types);
    return new Map(names.map((name, i) => [name, typeNames[i] ?? '']));
  }

  async subscribers(topic: string): Promise<string[]> {
    return stringsOf((await this.#ask('subscribers', { topic })).subscribers);
  }

  async publishers(topic: string): Promise<string[]> {
    return stringsOf((await this.#ask('publishers', { topic })).publishers);
  }

  /** The robot's clock, s; null when the answer holds none. */
  async time(): Promise<number | null> {
    return stampOf((await this.#ask('get_time', {})).time)?.seconds ?? null;
  }

  /** The URDF text as parameter (ROS 1, ROS 2) or latched topic; null when the robot offers none. */
  async robotDescription(topics: ReadonlyMap<string, string>): Promise<string | null> {
    for (const name of ['/robot_description', '/robot_state_publisher:robot_description']) {
      const text = await this.#parameter(name);
      if (text !== null) return text;
    }
    const type = topics.get('/robot_description');
    if (type === undefined || !sameType(type, 'std_msgs/String')) return null;
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(null), PATIENCE * 1000);
      this.#link.subscribe('/robot_description', type, (message) => {
        clearTimeout(timer);
        const { data } = message as { data?: unknown };
        resolve(typeof data === 'string' ? data : null);
      });
    });
  }

  /** A text parameter; null when there is none. Values travel as JSON text. */
  async #parameter(name: string): Promise<string | null> {
    try {
      const { value } = await this.#ask('get_param', { name });
      const text: unknown = typeof value === 'string' && value !== '' ? JSON.parse(value) : null;
      return typeof text === 'string' && text !== '' ? text : null;
    } catch {
      // A server without parameters and one without this parameter are the same to us.
      return null;
    }
  }

  async #ask(service: string, request: object): Promise<Readonly<Record<string, unknown>>> {
    const answer = await this.#link.call(`/rosapi/${service}`, `rosapi/${service}`, request, PATIENCE);
    return typeof answer === 'object' && answer !== null ? (answer as Record<string, unknown>) : {};
  }
}

function stringsOf(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item): item is string => typeof item === 'string') : [];
}

/** The result of `question`, or its error's text. */
export async function attempt<T>(question: Promise<T>): Promise<{ value: T } | { error: string }> {
  try {
    return { value: await question };
  } catch (error) {
    return { error: messageOf(error) };
  }
}
