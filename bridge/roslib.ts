/**
 * What the bridge uses of roslib, typed. roslib 2.1.0 ships types that do not resolve under Node's module rules: its
 * declarations import each other without file extensions. Signatures as in its sources.
 */

import * as roslib from 'roslib';

export interface OutgoingMessage {
  readonly op: string;
  readonly [field: string]: unknown;
}

/** What carries messages for a `Ros`. */
export interface Transport {
  on(event: 'open' | 'close' | 'error', listener: (event: unknown) => void): this;
  on(event: 'message', listener: (message: { op: string }) => void): this;
  send(message: OutgoingMessage): void;
  close(): void;
  isConnecting(): boolean;
  isOpen(): boolean;
  isClosing(): boolean;
  isClosed(): boolean;
}

export interface Ros {
  readonly isConnected: boolean;
  /** Resolves when the transport exists, not when it is open. */
  connect(url: string): Promise<void>;
  once(event: 'connection', listener: () => void): this;
}

interface TopicOptions {
  readonly ros: Ros;
  readonly name: string;
  readonly messageType: string;
  readonly queue_size?: number;
  readonly queue_length?: number;
  readonly latch?: boolean;
  readonly reconnect_on_close?: boolean;
}

export interface Topic {
  subscribe(listener: (message: unknown) => void): void;
  advertise(): void;
  unadvertise(): void;
  publish(message: object): void;
}

export interface Service {
  callService(request: object, done: (values: unknown) => void, failed: (error: unknown) => void): void;
}

interface RosLib {
  readonly Ros: new (options: { transportFactory: (url: string) => Promise<Transport> }) => Ros;
  readonly Topic: new (options: TopicOptions) => Topic;
  readonly Service: new (options: { ros: Ros; name: string; serviceType: string }) => Service;
}

export const { Ros, Topic, Service } = roslib as unknown as RosLib;
