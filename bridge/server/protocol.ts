/**
 * The messages of the rosbridge protocol, version 2: one union on `op` for what a client may send, one for what a server
 * sends, and the guard that turns unknown JSON into the first. Type checks are as strict as the real server's: an
 * optional field that is present with another type (`"type": null`) spoils the message. Knows no socket and no topic.
 * Spec: https://github.com/RobotWebTools/rosbridge_suite/blob/ros2/ROSBRIDGE_PROTOCOL.md
 */

import * as v from 'valibot';

const id = v.optional(v.union([v.string(), v.pipe(v.number(), v.integer())]));
const natural = v.pipe(v.number(), v.integer(), v.minValue(0));
/** Any message may carry it; it becomes the setting of the whole connection. */
const fragmentSize = v.optional(v.pipe(v.number(), v.integer(), v.minValue(1)));
const common = { id, fragment_size: fragmentSize };
const object = v.custom<Record<string, unknown>>(isRecord, 'should be an object');

const advertise = v.object({
  op: v.literal('advertise'),
  ...common,
  topic: v.string(),
  type: v.string(),
  latch: v.optional(v.boolean(), false),
  queue_size: v.optional(natural, 100),
});
const unadvertise = v.object({ op: v.literal('unadvertise'), ...common, topic: v.string() });
const publish = v.object({ op: v.literal('publish'), ...common, topic: v.string(), msg: v.optional(object, {}) });
const subscribe = v.object({
  op: v.literal('subscribe'),
  ...common,
  topic: v.string(),
  type: v.optional(v.string()),
  /** Least time between two messages, ms. */
  throttle_rate: v.optional(natural, 0),
  /** Messages kept while throttled; 0 keeps none. */
  queue_length: v.optional(natural, 0),
  compression: v.optional(v.picklist(['none', 'png', 'cbor', 'cbor-raw']), 'none'),
});
const unsubscribe = v.object({ op: v.literal('unsubscribe'), ...common, topic: v.string() });
const callService = v.object({
  op: v.literal('call_service'),
  ...common,
  service: v.string(),
  args: v.optional(v.union([object, v.array(v.unknown())]), {}),
});
const fragment = v.object({
  op: v.literal('fragment'),
  ...common,
  id: v.union([v.string(), v.number()]),
  data: v.pipe(v.string(), v.minLength(1)),
  num: natural,
  total: v.pipe(v.number(), v.minValue(1)),
});

const operations = { advertise, unadvertise, publish, subscribe, unsubscribe, call_service: callService, fragment };

export type Advertise = v.InferOutput<typeof advertise>;
export type Publish = v.InferOutput<typeof publish>;
export type Subscribe = v.InferOutput<typeof subscribe>;
export type Unsubscribe = v.InferOutput<typeof unsubscribe>;
export type CallService = v.InferOutput<typeof callService>;
export type Fragment = v.InferOutput<typeof fragment>;
export type ClientMessage = v.InferOutput<(typeof operations)[keyof typeof operations]>;
export type MessageId = string | number;

export interface PublishOut {
  readonly op: 'publish';
  readonly topic: string;
  readonly msg: unknown;
}

export interface ServiceResponse {
  readonly op: 'service_response';
  readonly id?: MessageId;
  readonly service: string;
  /** The error's text when `result` is false. */
  readonly values: Record<string, unknown> | string;
  readonly result: boolean;
}

export interface FragmentOut {
  readonly op: 'fragment';
  readonly id: MessageId;
  readonly data: string;
  readonly num: number;
  readonly total: number;
}

export type ServerMessage = PublishOut | ServiceResponse | FragmentOut;

/** A message, or why it is none. The real server writes the reason to its log and answers nothing. */
export type Parsed = { readonly message: ClientMessage } | { readonly refused: string };

/** @param text one whole message */
export function parseClientMessage(text: string): Parsed {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { refused: `not JSON: ${excerpt(text)}` };
  }
  if (!isRecord(value)) return { refused: `not an object: ${excerpt(text)}` };
  const { op } = value;
  if (typeof op !== 'string') return { refused: `op should be a string, found ${typeof op}` };
  if (!Object.hasOwn(operations, op)) return { refused: `unknown operation ${excerpt(op)}` };
  const result = v.safeParse(operations[op as keyof typeof operations], value);
  if (result.success) return { message: result.output };
  const issue = result.issues[0];
  return { refused: `${op}: ${v.getDotPath(issue) ?? 'message'}: ${issue.message}` };
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The start of a text of unknown length, for a log line. */
export function excerpt(text: string): string {
  const line = text.slice(0, 80).replace(/\s+/g, ' ');
  return text.length > 80 ? `${line}... (${text.length} characters)` : line;
}
