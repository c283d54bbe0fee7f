/**
 * Services this server offers: a name, a type, the request's fields and a function. Checks a request against its fields
 * and calls. Knows no socket and none of the services.
 */

import { conformFields, type Field, type MessageContext, MessageRefusal } from './message-types.ts';

export interface Service {
  /** As the server's ROS writes it. */
  readonly type: string;
  readonly request: readonly Field[];
  /** @throws MessageRefusal with the text the caller shall get */
  readonly call: (request: Record<string, unknown>) => Record<string, unknown>;
}

export type Answer =
  | { readonly result: true; readonly values: Record<string, unknown> }
  | { readonly result: false; readonly values: string };

export class Services {
  readonly #services = new Map<string, Service>();

  offer(name: string, service: Service): void {
    this.#services.set(name, service);
  }

  names(): string[] {
    return [...this.#services.keys()].sort();
  }

  typeOf(name: string): string | undefined {
    return this.#services.get(name)?.type;
  }

  /** @param args an object, or a list of the fields in order */
  call(name: string, args: Record<string, unknown> | readonly unknown[], context: MessageContext): Answer {
    const service = this.#services.get(name);
    if (service === undefined) return { result: false, values: `Service ${name} does not exist` };
    try {
      const request = conformFields(service.type, service.request, named(service, args), context, 'args');
      return { result: true, values: service.call(request) };
    } catch (error) {
      if (error instanceof MessageRefusal) return { result: false, values: error.message };
      throw error;
    }
  }
}

function named(service: Service, args: Record<string, unknown> | readonly unknown[]): Record<string, unknown> {
  if (!Array.isArray(args)) return args as Record<string, unknown>;
  if (args.length > service.request.length) {
    throw new MessageRefusal(`args: ${service.type} has ${service.request.length} fields, found ${args.length}`);
  }
  return Object.fromEntries(args.map((value, i) => [service.request[i]![0], value]));
}
