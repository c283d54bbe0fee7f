/**
 * What real robots and bridges have been seen doing wrong, as switches, so that a client can be tested against each.
 * Holds which are on, and bends state messages. The connection acts on the others. Facts: rosbridge_suite's and
 * roslibjs' issue trackers. Knows no socket.
 */

export const misbehaviours = {
  nan: 'positions are null, as NaN arrives in JSON',
  names: 'joint names are wrong',
  reorder: 'joints arrive in reverse order behind a stranger',
  drop: 'the first joint is missing',
  stale: 'state stamps are 2 s old',
  'bad-json': 'state messages are cut off in the middle',
  large: 'a message of 10 MB arrives every second',
  freeze: 'nothing is read and nothing is sent, the socket stays open',
  hang: 'services never answer; on ROS 2 that blocks the rest of the connection',
  fragment: 'state messages come in fragments with id 0 and a fractional total',
  nagle: 'messages are held back one period, with peaks of 40 to 55 ms',
} as const;

export type Misbehaviour = keyof typeof misbehaviours;

export function isMisbehaviour(name: string): name is Misbehaviour {
  return Object.hasOwn(misbehaviours, name);
}

export class Switches {
  readonly #listeners = new Set<() => void>();
  #on: ReadonlySet<Misbehaviour>;

  constructor(on: Iterable<Misbehaviour> = []) {
    this.#on = new Set(on);
  }

  has(name: Misbehaviour): boolean {
    return this.#on.has(name);
  }

  /** These are on from now, all others off. */
  set(on: Iterable<Misbehaviour>): void {
    this.#on = new Set(on);
    for (const listener of this.#listeners) listener();
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

/** The arrays of a sensor_msgs/JointState. */
export interface JointColumns {
  name: string[];
  position: (number | null)[];
  velocity: (number | null)[];
  effort: (number | null)[];
}

/** Seconds by which `stale` sets stamps back. */
export const STALE_SECONDS = 2;

/** The columns as the switches want them. */
export function bend(columns: JointColumns, switches: Switches): JointColumns {
  let { name, position, velocity, effort } = columns;
  if (switches.has('nan')) position = position.map(() => null);
  if (switches.has('names')) name = name.map((joint) => `${joint}_of_another_robot`);
  if (switches.has('drop')) {
    [name, position, velocity, effort] = [name.slice(1), position.slice(1), velocity.slice(1), effort.slice(1)];
  }
  if (switches.has('reorder')) {
    const behind = <T>(stranger: T, values: T[]) => [stranger, ...values.toReversed()];
    [name, position] = [behind('stranger', name), behind(1, position)];
    [velocity, effort] = [behind(1, velocity), behind(1, effort)];
  }
  return { name, position, velocity, effort };
}
