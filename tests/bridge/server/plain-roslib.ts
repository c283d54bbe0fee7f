/**
 * roslib as it comes, with its own transport, typed as far as the tests use it: the types it ships do not resolve under
 * Node's module rules.
 */

import * as roslib from 'roslib';

export interface Ros {
  on(event: 'connection' | 'close' | 'error', listener: () => void): this;
  connect(url: string): Promise<void>;
  close(): void;
  getTopics(done: (topics: { topics: string[]; types: string[] }) => void): void;
}

interface TopicOptions {
  readonly ros: Ros;
  readonly name: string;
  readonly messageType: string;
  readonly throttle_rate?: number;
  readonly queue_size?: number;
}

interface Topic<T> {
  subscribe(listener: (message: T) => void): void;
  publish(message: T): void;
}

interface Service {
  callService(request: object, done: (values: unknown) => void, failed: (error: unknown) => void): void;
}

interface RosLib {
  readonly Ros: new (options: object) => Ros;
  readonly Topic: new <T>(options: TopicOptions) => Topic<T>;
  readonly Service: new (options: { ros: Ros; name: string; serviceType: string }) => Service;
  readonly Param: new (options: { ros: Ros; name: string }) => { get(done: (value: unknown) => void): void };
}

export const { Ros, Topic, Service, Param } = roslib as unknown as RosLib;
