/**
 * rosapi: the services by which a rosbridge client looks at the ROS graph. Read-only here: a simulated robot has one
 * parameter, its description. Names and replies as in rosapi of rosbridge_suite 0.11.17 (ROS 1) and 2.1.0 (ROS 2).
 */

import { baseType, rosTime } from '../ros-names.ts';
import {
  arrayOf,
  type Field,
  fieldsOf,
  isKnownType,
  type MessageContext,
  MessageRefusal,
  typeName,
} from './message-types.ts';
import type { Services } from './services.ts';
import type { Topics } from './topics.ts';

export interface Graph {
  readonly topics: Topics;
  readonly services: Services;
  /** The URDF text. */
  readonly robotDescription: string;
  /** The node that publishes the state and takes the command. */
  readonly driver: string;
  readonly context: () => MessageContext;
}

export const BRIDGE_NODE = '/rosbridge_websocket';
const ROSAPI_NODE = '/rosapi';

/** ROS 2 keeps parameters per node: `/node:name`. */
const DESCRIPTION_NAMES = ['/robot_description', 'robot_description', '/robot_state_publisher:robot_description'];

const none: readonly Field[] = [];
const topic: readonly Field[] = [['topic', 'string']];
const service: readonly Field[] = [['service', 'string']];
const type: readonly Field[] = [['type', 'string']];

/** Offer every rosapi service on `graph.services`. */
export function offerRosapi(graph: Graph): void {
  const { topics, services } = graph;
  const { ros } = graph.context();
  const offer = (name: string, request: readonly Field[], call: (request: Strings) => Record<string, unknown>) => {
    const camel = name.replace(/(^|_)([a-z])/g, (_, __, letter: string) => letter.toUpperCase());
    const typeOfService = ros === 1 ? `rosapi/${camel}` : `rosapi_msgs/srv/${camel}`;
    services.offer(`/rosapi/${name}`, { type: typeOfService, request, call: (given) => call(given as Strings) });
  };
  const typeOf = (name: string) => {
    const found = topics.typeOf(name);
    return found === undefined ? '' : typeName(found, ros);
  };
  const nodes = () => [BRIDGE_NODE, ROSAPI_NODE, graph.driver].sort();

  offer('topics', none, () => ({ topics: topics.names(), types: topics.names().map(typeOf) }));
  offer('topic_type', topic, (request) => ({ type: typeOf(request.topic!) }));
  offer('topics_for_type', type, (request) => ({
    topics: topics.names().filter((name) => topics.typeOf(name) === baseType(request.type!)),
  }));
  offer('publishers', topic, (request) => ({ publishers: topics.publishersOf(request.topic!) }));
  offer('subscribers', topic, (request) => ({ subscribers: topics.subscribersOf(request.topic!) }));
  offer('services', none, () => ({ services: services.names() }));
  offer('service_type', service, (request) => ({ type: services.typeOf(request.service!) ?? '' }));
  offer('services_for_type', type, (request) => ({
    services: services.names().filter((name) => services.typeOf(name) === request.type),
  }));
  offer('service_node', service, (request) => ({ node: nodeOfService(graph, request.service!) }));
  offer('nodes', none, () => ({ nodes: nodes() }));
  offer('node_details', [['node', 'string']], ({ node }) => ({
    subscribing: topics.names().filter((name) => topics.subscribersOf(name).includes(node!)),
    publishing: topics.names().filter((name) => topics.publishersOf(name).includes(node!)),
    services: services.names().filter((name) => nodeOfService(graph, name) === node),
  }));
  offer('message_details', type, (request) => ({ typedefs: typedefs(request.type!, graph.context()) }));
  offer('get_time', none, () => ({ time: rosTime(graph.context().now, ros) }));
  offer('get_param_names', none, () => ({ names: [DESCRIPTION_NAMES[ros === 1 ? 0 : 2]!] }));
  offer('has_param', [['name', 'string']], (request) => ({ exists: DESCRIPTION_NAMES.includes(request.name!) }));
  const getParam: readonly Field[] = [
    ['name', 'string'],
    ['default', 'string'],
    // Only newer ROS 1 clients and ROS 2 know it.
    ['default_value', 'string'],
  ];
  offer('get_param', getParam, (request) => {
    const known = DESCRIPTION_NAMES.includes(request.name!);
    // A parameter's value travels as JSON text.
    const value = known ? JSON.stringify(graph.robotDescription) : request.default || request.default_value || '';
    if (ros === 1) return { value };
    return { value, successful: known, reason: known ? '' : `no parameter ${request.name}` };
  });
  if (ros === 2) offer('get_ros_version', none, () => ({ version: 2, distro: 'jazzy' }));
}

type Strings = Readonly<Record<string, string>>;

function nodeOfService(graph: Graph, name: string): string {
  if (graph.services.typeOf(name) === undefined) return '';
  return name.startsWith('/rosapi/') ? ROSAPI_NODE : graph.driver;
}

/** The type's definition and those of the types inside it. */
function typedefs(name: string, { ros }: MessageContext): Record<string, unknown>[] {
  if (!isKnownType(name)) throw new MessageRefusal(`unknown type ${name}`);
  const found: Record<string, unknown>[] = [];
  const open = [baseType(name)];
  for (const current of open) {
    const fields = fieldsOf(current, ros);
    found.push({
      type: typeName(current, ros),
      fieldnames: fields.map(([field]) => field),
      fieldtypes: fields.map(([, fieldType]) => arrayOf(fieldType)?.element ?? fieldType),
      // rosapi: -1 is no array, 0 one without a fixed length
      fieldarraylen: fields.map(([, fieldType]) => arrayOf(fieldType)?.length ?? -1),
      examples: fields.map(() => ''),
      constnames: [],
      constvalues: [],
    });
    for (const [, fieldType] of fields) {
      const inner = arrayOf(fieldType)?.element ?? fieldType;
      if (isKnownType(inner) && !open.includes(inner)) open.push(inner);
    }
  }
  return found;
}
