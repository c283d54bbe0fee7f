/**
 * The tree that links and joints make: parents before children, one root, no loop; the floating base; who follows whom.
 * Knows no XML.
 */

import { nearest } from '../../core/errors.ts';
import type { Joint, Link, Mimic } from '../../core/robot-model.ts';
import type { Follows, RawJoint } from './joints.ts';
import { fail, HUGE, type Reader } from './xml.ts';

export interface Tree {
  readonly links: readonly Link[];
  /** Parents before children. */
  readonly joints: readonly RawJoint[];
  /** The floating joint, which is not in the tree, and the empty root link it hung from; null where the base is fixed. */
  readonly leftOut: { readonly joint: Joint; readonly link: string } | null;
}

/** Joints sorted so that a link's own joint comes before the joints it carries; as in the file where that is so there. */
export function parentsFirst(joints: readonly RawJoint[], links: readonly Link[], reader: Reader): RawJoint[] {
  const owner = new Map<number, Joint>();
  for (const { joint } of joints) {
    const other = owner.get(joint.child);
    const name = links[joint.child]!.name;
    if (other !== undefined)
      fail(reader, `link ${name} is the child of ${other.name} and of ${joint.name}`, 'a link has one parent');
    owner.set(joint.child, joint);
  }
  const roots = links.flatMap((_, index) => (owner.has(index) ? [] : [index]));
  if (roots.length > 1) {
    const names = roots.map((index) => links[index]!.name).join(', ');
    fail(reader, `there should be one root link, found ${names}: no <joint> carries them`, 'connect the tree');
  }
  const sorted = new Set<RawJoint>();
  const reached = new Set(roots);
  while (sorted.size < joints.length) {
    const before = sorted.size;
    for (const raw of joints) {
      if (!reached.has(raw.joint.parent) || reached.has(raw.joint.child)) continue;
      sorted.add(raw);
      reached.add(raw.joint.child);
    }
    if (sorted.size === before) {
      const names = joints.filter((raw) => !sorted.has(raw)).map(({ joint }) => `joint ${joint.name}`);
      fail(reader, `${names.join(', ')} form a loop`, 'a URDF is a tree');
    }
  }
  return [...sorted];
}

/** Takes out the joint that says "this robot floats", with the empty link it hangs from. */
export function liftBase(joints: readonly RawJoint[], links: readonly Link[], reader: Reader): Tree {
  const at = joints.findIndex(({ floating }) => floating);
  if (at < 0) return { links, joints, leftOut: null };
  const { joint } = joints[at]!;
  const root = links[joint.parent]!;
  const refuse = (reason: string) =>
    fail(
      reader,
      `joint ${joint.name}: a floating joint should carry the whole robot from an empty root link; ${reason}`,
      'make it the first joint of the tree, or give it another type',
    );
  if (joints.some((other) => other.joint.child === joint.parent)) refuse(`link ${root.name} is not the root`);
  if (joints.some((other) => other.joint.parent === joint.parent && other.joint !== joint))
    refuse(`link ${root.name} carries other joints`);
  if (root.inertial !== null || root.visuals.length + root.collisions.length > 0)
    refuse(`link ${root.name} is not empty`);
  const second = joints.find((other, index) => other.floating && index !== at);
  if (second !== undefined) refuse(`joint ${second.joint.name} floats, too`);
  const lower = (link: number) => (link > joint.parent ? link - 1 : link);
  return {
    links: links.filter((link) => link !== root),
    joints: joints
      .filter((_, index) => index !== at)
      .map((raw) => ({
        ...raw,
        joint: { ...raw.joint, parent: lower(raw.joint.parent), child: lower(raw.joint.child) },
      })),
    leftOut: { joint, link: root.name },
  };
}

/** Leaders by index; a follower of a follower follows the first one: m1 (m2 q + o2) + o1. */
export function withLeaders(joints: readonly RawJoint[], reader: Reader): Joint[] {
  const indices = new Map(joints.map(({ joint }, index) => [joint.name, index]));
  return joints.map(({ joint, follows }) => ({ ...joint, mimic: follows && leaderOf(joint, follows) }));

  function leaderOf(follower: Joint, first: Follows): Mimic {
    const place = `joint ${follower.name} <mimic>`;
    const passed = new Set<string>();
    let [multiplier, offset] = [1, 0];
    for (let follows: Follows | null = first; ; ) {
      const index = indices.get(follows.leader);
      if (index === undefined) {
        const names = [...indices.keys()];
        const near = nearest(follows.leader, names);
        const repair = near === undefined ? `joints: ${names.join(', ')}` : `did you mean ${near}?`;
        fail(reader, `${place}: there is no joint named ${follows.leader}`, repair);
      }
      offset += multiplier * follows.offset;
      multiplier *= follows.multiplier;
      if (!(Math.abs(multiplier) <= HUGE && Math.abs(offset) <= HUGE))
        fail(reader, `${place}: q = ${multiplier} q_${follows.leader} + ${offset} is beyond reason`, 'correct it');
      if (passed.has(follows.leader))
        fail(reader, `${place}: the joints follow one another in a circle`, 'let one of them move by itself');
      passed.add(follows.leader);
      const leader: RawJoint = joints[index]!;
      if (leader.joint.type === 'fixed')
        fail(reader, `${place}: joint ${follows.leader} is fixed`, 'let it follow a joint that moves');
      if (leader.follows === null) return { joint: index, multiplier, offset };
      follows = leader.follows;
    }
  }
}
