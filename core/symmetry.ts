/**
 * What a robot's symmetry does to the numbers a policy sees and gives: each becomes another one, with a sign. A task says how
 * its joints, axes, command and sensors change; the terms of the contract say what kind of quantity they are. Knows no learner.
 */

import type { ActionContract, ObservationContract, ObservationLayout } from './contract.ts';
import { InputError } from './errors.ts';
import { pick, termNamed } from './observation.ts';

export type Sign = 1 | -1;

/** A reflection that turns one possible motion of the robot into another one. Done twice it changes nothing. */
export interface Symmetry {
  readonly name: string;
  /** Signs of x, y, z along the base's axes and the world's; a mirror between left and right is [1, -1, 1]. */
  readonly axes: readonly [Sign, Sign, Sign];
  /** Which joint each becomes, and whether it then counts the other way round; by name, all of them. */
  readonly joints: Readonly<Record<string, readonly [joint: string, sign: Sign]>>;
  /** By name. @default 1 */
  readonly command?: Readonly<Record<string, Sign>>;
  /** Which number of a sensor's reading each becomes, by the sensor's name; for those that terms read whole. */
  readonly sensors?: Readonly<Record<string, readonly number[]>>;
  /** -1 where the mirrored gait is half a turn of the clock away. @default 1 */
  readonly clock?: Sign;
}

/** mirrored[i] = sign[i] x[index[i]] */
export interface Mirror {
  readonly index: Int32Array;
  readonly sign: Float32Array;
}

/** Write one mirrored row. @param x read from `from` on @param out written from `to` on; may not be the same numbers */
export function mirrorRow({ index, sign }: Mirror, x: Float32Array, from: number, out: Float32Array, to: number): void {
  for (let i = 0; i < index.length; i++) out[to + i] = sign[i]! * x[from + index[i]!]!;
}

/** @throws InputError naming the observation that has no mirror image, or one that is not its own twice over */
export function mirrorOfObservations(
  observations: readonly ObservationContract[],
  layout: ObservationLayout,
  symmetry: Symmetry,
): Mirror {
  const entries: (readonly [index: number, sign: Sign])[] = [];
  for (const spec of observations) {
    const where = `symmetry ${symmetry.name}, observation ${spec.name}`;
    const width = spec.size / spec.history;
    const one = mirrorOfTerm(spec, layout, symmetry, width, where);
    const isOdd = one.some(([, sign]) => sign === -1);
    if (isOdd && spec.clip !== null && spec.clip[0] !== -spec.clip[1]) throw lopsided(where, spec.clip);
    const at = entries.length;
    for (let k = 0; k < spec.history; k++)
      for (const [index, sign] of one) entries.push([at + k * width + index, sign]);
  }
  return involution(entries, `symmetry ${symmetry.name}, observations`);
}

/** @throws InputError naming the action that has no mirror image */
export function mirrorOfActions(
  actions: readonly ActionContract[],
  { joints }: Pick<ObservationLayout, 'joints'>,
  symmetry: Symmetry,
): Mirror {
  const entries: (readonly [index: number, sign: Sign])[] = [];
  for (const action of actions) {
    const where = `symmetry ${symmetry.name}, action ${action.name}`;
    const at = entries.length;
    const { axes } = symmetry;
    const own: (readonly [number, Sign])[] =
      action.kind === 'twist'
        ? [
            [0, axes[0]],
            [1, times(axes[0], axes[1])],
          ]
        : jointEntries(action.joints, symmetry, where);
    if (action.kind === 'position') requireMirroredDefaults(action.joints, joints, symmetry, where);
    if (own.some(([, sign]) => sign === -1) && (action.offset !== 0 || action.clip[0] !== -action.clip[1]))
      throw lopsided(where, action.clip);
    for (const [index, sign] of own) entries.push([at + index, sign]);
  }
  return involution(entries, `symmetry ${symmetry.name}, actions`);
}

function mirrorOfTerm(
  spec: ObservationContract,
  layout: ObservationLayout,
  symmetry: Symmetry,
  width: number,
  where: string,
): (readonly [number, Sign])[] {
  const { axes, clock = 1 } = symmetry;
  const [x, y, z] = axes;
  const inOrder = (signs: readonly Sign[]) => signs.map((sign, i) => [i, sign] as const);
  switch (termNamed(spec.term, where).quantity) {
    case 'joint':
      if (spec.term === 'joint_offset') requireMirroredDefaults(spec.joints, layout.joints, symmetry, where);
      return jointEntries(spec.joints, symmetry, where);
    case 'joint-angle':
      // sin(s q) = s sin q,   cos(s q) = cos q
      return jointEntries(spec.joints, symmetry, where).flatMap(([joint, sign]) => [
        [2 * joint, sign] as const,
        [2 * joint + 1, 1] as const,
      ]);
    case 'polar':
      return inOrder(axes);
    case 'axial': {
      // (S a) x (S b) = det(S) S (a x b)
      const det = times(times(x, y), z);
      return inOrder([times(det, x), times(det, y), times(det, z)]);
    }
    case 'rotation':
      // First two columns of S R S: s_i R_ij s_j
      return inOrder([...axes.map((s) => times(s, x)), ...axes.map((s) => times(s, y))]);
    case 'scalar':
      return inOrder(new Array<Sign>(width).fill(1));
    case 'command': {
      const { command } = pick(spec, layout);
      return inOrder(Array.from(command, (k) => symmetry.command?.[layout.command.names[k]!] ?? 1));
    }
    case 'clock':
      return inOrder([clock, clock]);
    case 'sensor': {
      const order = symmetry.sensors?.[spec.sensor ?? ''];
      if (order?.length === width) return order.map((index) => [index, 1] as const);
      throw new InputError(
        `${where}: expected the order of ${width} mirrored readings of ${spec.sensor}, found ${order?.length ?? 'none'}`,
        { repair: "give it in the symmetry's sensors" },
      );
    }
  }
}

/** Joint i of the list becomes another one of the list: where each entry of the mirrored list comes from. */
function jointEntries(joints: readonly string[], symmetry: Symmetry, where: string): (readonly [number, Sign])[] {
  const out: (readonly [number, Sign])[] = new Array(joints.length);
  for (const [i, name] of joints.entries()) {
    const image = symmetry.joints[name];
    const at = image === undefined ? -1 : joints.indexOf(image[0]);
    if (image === undefined || at < 0) {
      throw new InputError(`${where}: joint ${name} has no mirror image among ${joints.join(', ')}`, {
        repair: "name it in the symmetry's joints, or list both joints in the term",
      });
    }
    out[at] = [i, image[1]];
  }
  return out;
}

function requireMirroredDefaults(
  names: readonly string[],
  joints: ObservationLayout['joints'],
  symmetry: Symmetry,
  where: string,
): void {
  const defaultOf = (name: string) => joints.find((joint) => joint.name === name)!.defaultPosition;
  for (const name of names) {
    const image = symmetry.joints[name];
    if (image === undefined || Math.abs(image[1] * defaultOf(name) - defaultOf(image[0])) < 1e-9) continue;
    throw new InputError(`${where}: the default positions of ${name} and ${image[0]} are not mirror images`, {
      repair: 'make the default pose symmetric, or leave the symmetry out',
    });
  }
}

/** @throws InputError when it is not its own inverse */
function involution(entries: readonly (readonly [number, Sign])[], where: string): Mirror {
  for (const [i, [index, sign]] of entries.entries()) {
    const back = entries[index];
    if (back !== undefined && back[0] === i && back[1] === sign) continue;
    throw new InputError(`${where}: number ${i}, mirrored twice, is not itself`, {
      repair: 'joints and sensors must change places in pairs, with the same sign both ways',
    });
  }
  return {
    index: Int32Array.from(entries, ([index]) => index),
    sign: Float32Array.from(entries, ([, sign]) => sign),
  };
}

function lopsided(where: string, clip: readonly [number, number]): InputError {
  return new InputError(`${where}: a number that changes its sign is clipped to ${clip.join(' to ')}`, {
    repair: 'clip it as far on both sides, without an offset, or leave the symmetry out',
  });
}

function times(a: Sign, b: Sign): Sign {
  return a === b ? 1 : -1;
}
