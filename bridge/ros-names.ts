/**
 * How ROS 1 and ROS 2 write the same things: type names (`pkg/Type`, `pkg/msg/Type`) and times ({secs, nsecs},
 * {sec, nanosec}). Knows no message.
 */

export type RosVersion = 1 | 2;

/** The ROS 1 spelling, by which types are compared. */
export function baseType(type: string): string {
  return type.replace(/\/(msg|srv)\//, '/');
}

export function sameType(a: string, b: string): boolean {
  return baseType(a) === baseType(b);
}

export interface Stamp {
  /** Seconds since the robot's epoch. */
  readonly seconds: number;
  readonly ros: RosVersion;
}

/** The stamp of a message's header; null when it has none. */
export function stampOf(value: unknown): Stamp | null {
  if (typeof value !== 'object' || value === null) return null;
  const { sec, nanosec, secs, nsecs } = value as Readonly<Record<string, unknown>>;
  if (isNumber(sec) && isNumber(nanosec)) return { seconds: sec + nanosec * 1e-9, ros: 2 };
  if (isNumber(secs) && isNumber(nsecs)) return { seconds: secs + nsecs * 1e-9, ros: 1 };
  return null;
}

/** A ROS time. @param seconds since the robot's epoch, not negative */
export function rosTime(seconds: number, ros: RosVersion): Record<string, number> {
  let whole = Math.floor(seconds);
  let nano = Math.round((seconds - whole) * 1e9);
  if (nano === 1e9) [whole, nano] = [whole + 1, 0];
  return ros === 1 ? { secs: whole, nsecs: nano } : { sec: whole, nanosec: nano };
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}
