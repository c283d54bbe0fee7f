/**
 * Damaged URDFs: a thousand random mutations of every robot there is end in a sound model or in an InputError that names
 * the element; and no value that the reader needs can be taken out in silence.
 */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { DOMParser, XMLSerializer, type Element as XmlElement } from '@xmldom/xmldom';
import { describe, expect, it } from 'vitest';
import { InputError } from '../../core/errors.ts';
import { keyOf, RandomStream } from '../../core/rng.ts';
import type { RobotModel } from '../../core/robot-model.ts';
import { mergeFixed } from '../../sim/bodies.ts';
import { parseUrdf } from '../../sim/urdf.ts';

const seed = Number(process.env.LANDFALL_TEST_SEED ?? 1);
const MUTATIONS = 1000;
/** A parse of the largest file takes about 10 ms. */
const HANG_MS = 2000;

/** A robot that uses what the others do not. */
const GRIPPER = `<robot name="gripper"><link name="world"/>
  <joint name="free" type="floating"><parent link="world"/><child link="palm"/></joint>
  ${['palm', 'left', 'right']
    .map(
      (name) => `<link name="${name}"><inertial><origin xyz="0 0 0.1" rpy="0 0 0"/><mass value="0.5"/>
    <inertia ixx="0.01" ixy="0" ixz="0" iyy="0.01" iyz="0" izz="0.01"/></inertial>
    <collision><geometry><sphere radius="0.02"/></geometry></collision></link>`,
    )
    .join('')}
  <joint name="left_joint" type="prismatic"><parent link="palm"/><child link="left"/><axis xyz="0 1 0"/>
    <limit lower="0" upper="0.04" effort="20" velocity="0.1"/></joint>
  <joint name="right_joint" type="prismatic"><parent link="palm"/><child link="right"/><axis xyz="0 -1 0"/>
    <limit lower="0" upper="0.04" effort="20" velocity="0.1"/>
    <mimic joint="left_joint" multiplier="1" offset="0"/></joint></robot>`;

function urdfsBelow(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    return entry.isDirectory() ? urdfsBelow(path) : path.endsWith('.urdf') ? [path] : [];
  });
}

const shared = ['robots', 'pendulum', 'double-pendulum'].flatMap((name) => urdfsBelow(`../shared/data/${name}`));
const sources: readonly (readonly [name: string, text: string])[] = [
  ['gripper', GRIPPER] as const,
  // Mutations of comments and of Gazebo's settings test nothing.
  ...[...urdfsBelow('configs/robots'), ...shared].map((path) => {
    const text = readFileSync(path, 'utf8').replace(/<!--[\s\S]*?-->/g, '');
    return [path, text.replace(/<(gazebo|transmission)\b[\s\S]*?<\/\1>/g, '')] as const;
  }),
].filter(([, text]) => /<link/.test(text));

const parse = (text: string) => parseUrdf(text, { where: 'mutant.urdf' });
const parseXml = (text: string) =>
  new DOMParser({ onError: () => undefined }).parseFromString(text, 'text/xml').documentElement!;
const print = (root: XmlElement) => new XMLSerializer().serializeToString(root);

function refusal(text: string): InputError | null {
  try {
    expectSound(parse(text));
    return null;
  } catch (error) {
    if (error instanceof InputError) return error;
    throw error;
  }
}

function expectSound(model: RobotModel): void {
  const { links, joints, dof } = model;
  const numbers = (value: unknown): number[] =>
    typeof value === 'number'
      ? [value]
      : typeof value === 'object' && value !== null && !ArrayBuffer.isView(value)
        ? Object.values(value).flatMap(numbers)
        : [];
  for (const { lower, upper, velocity, effort, ...rest } of joints) {
    expect(lower <= upper && velocity > 0 && effort > 0).toBe(true);
    expect(numbers(rest).every(Number.isFinite)).toBe(true);
    expect(Math.hypot(...rest.axis)).toBeCloseTo(1, 9);
    expect(Math.hypot(...rest.origin.quat)).toBeCloseTo(1, 9);
  }
  expect(numbers(links).every(Number.isFinite)).toBe(true);
  for (const { inertial } of links) expect(inertial === null || inertial.mass > 0).toBe(true);
  // A tree, parents first.
  const root = links.findIndex((_, link) => joints.every((joint) => joint.child !== link));
  const reached = new Set([root]);
  for (const { parent, child } of joints) {
    expect(reached.has(parent) && !reached.has(child)).toBe(true);
    reached.add(child);
  }
  expect(reached.size).toBe(links.length);
  for (const items of [links, joints]) {
    expect(new Set(items.map(({ name }) => name)).size).toBe(items.length);
    expect(items.every(({ name }) => name.trim() !== '')).toBe(true);
  }
  const free = joints.flatMap(({ type, mimic }, j) => (type === 'fixed' || mimic !== null ? [] : [j]));
  expect(dof).toEqual(free);
  for (const { mimic } of joints) expect(mimic === null || free.includes(mimic.joint)).toBe(true);
  for (const { mass, com, inertia } of mergeFixed(model))
    expect([mass, ...com, ...inertia].every(Number.isFinite)).toBe(true);
}

const AWKWARD = [
  ...['NaN', 'Infinity', '-1', '0', '', ' ', '1e400', '1e300', '-1e12', '1e-320', '0x10', '1,5', '0 0', '1 2 3 4'],
  ...['base', 'world', 'floating', 'planar', 'fixed', '__proto__', 'constructor', '\u0000', '&lt;', '&#x0;', '&nope;'],
  ...['{x}', '(arg x)', '{1/0}'].map((expression) => '$'.concat(expression)),
];

const pick = <T>(items: readonly T[], random: RandomStream): T => items[random.below(items.length)]!;

/** One random change of the tree: an element or attribute dropped, repeated, moved, exchanged, or made awkward. */
function mutateTree(text: string, random: RandomStream): string {
  const root = parseXml(text);
  const all = Array.from(root.getElementsByTagName('*'));
  if (all.length < 2) return text;
  const element = pick(all, random);
  const attributes = Array.from(element.attributes);
  const attribute = attributes.length > 0 ? pick(attributes, random) : null;
  const other = pick(all, random);
  switch (random.below(8)) {
    case 0:
      element.parentNode?.removeChild(element);
      break;
    case 1:
      element.parentNode?.insertBefore(element.cloneNode(true), element);
      break;
    case 2:
      if (!element.contains(other)) other.appendChild(element);
      break;
    case 3:
      if (attribute !== null) element.removeAttribute(attribute.name);
      break;
    case 4: {
      // Values of the same attribute exchanged: loops, duplicate names, two parents.
      const name = attribute?.name ?? 'name';
      const twin = pick(all.filter((candidate) => candidate.hasAttribute(name)).concat(element), random);
      const [a, b] = [element.getAttribute(name) ?? '', twin.getAttribute(name) ?? ''];
      element.setAttribute(name, b);
      if (random.below(2) === 0) twin.setAttribute(name, a);
      break;
    }
    case 5:
      if (attribute !== null)
        element.setAttribute(attribute.name, pick(Array.from(other.attributes), random)?.value ?? '');
      break;
    default:
      if (attribute !== null) element.setAttribute(attribute.name, pick(AWKWARD, random).replaceAll('\u0000', ''));
  }
  return print(root);
}

/** One random change of the text: cut, repeated, truncated, overwritten with random characters. */
function mutateText(text: string, random: RandomStream): string {
  const at = random.below(Math.max(1, text.length));
  const length = 1 + random.below(60);
  switch (random.below(5)) {
    case 0:
      return text.slice(0, at);
    case 1:
      return text.slice(0, at) + text.slice(at + length);
    case 2:
      return text.slice(0, at + length) + text.slice(at);
    case 3: {
      const noise = Array.from({ length: 1 + random.below(6) }, () => String.fromCharCode(random.below(256))).join('');
      return text.slice(0, at) + noise + text.slice(at + random.below(2) * noise.length);
    }
    default:
      return text.slice(0, at) + pick(AWKWARD, random) + text.slice(at);
  }
}

describe('mutated robots', () => {
  it(`${MUTATIONS} of them end in a sound model or in a refusal that names the element, seed ${seed}`, () => {
    const random = new RandomStream(keyOf(seed));
    const counts = { sound: 0, refused: 0 };
    for (let i = 0; i < MUTATIONS; i++) {
      const [name, text] = sources[i % sources.length]!;
      let mutant = text;
      for (let k = random.below(3); k >= 0; k--) {
        // Text that is no XML any more is left to the text mutations.
        if (random.below(3) > 0) {
          try {
            mutant = mutateTree(mutant, random);
            continue;
          } catch {
            // falls through
          }
        }
        mutant = mutateText(mutant, random);
      }
      const started = performance.now();
      let error: InputError | null = null;
      try {
        error = refusal(mutant);
      } catch (defect) {
        throw new Error(`mutant ${i} of ${name}, seed ${seed}:\n${mutant}`, { cause: defect });
      }
      expect(performance.now() - started).toBeLessThan(HANG_MS);
      if (error === null) {
        counts.sound++;
        continue;
      }
      counts.refused++;
      expect(error.message.startsWith('mutant.urdf: '), error.message).toBe(true);
      expect(error.message.slice('mutant.urdf: '.length), `mutant ${i} of ${name}`).toMatch(
        /\blinks? |\bjoints? |<|not well-formed XML/,
      );
      expect(error.repair).toMatch(/./);
    }
    // Both ways must be taken often, or the mutations test nothing.
    expect(counts.refused).toBeGreaterThan(300);
    expect(counts.sound).toBeGreaterThan(200);
  });

  it(`200 heaps of random characters are refused, seed ${seed}`, () => {
    const random = new RandomStream(keyOf(seed));
    for (let i = 0; i < 200; i++) {
      const heap = Array.from({ length: random.below(300) }, () => String.fromCharCode(random.below(256))).join('');
      expect(refusal(random.below(2) === 0 ? heap : `<robot>${heap}</robot>`)).toBeInstanceOf(InputError);
    }
  });

  it('very deep and very long files end, too', () => {
    const deep = '<a>'.repeat(20_000) + '</a>'.repeat(20_000);
    expect(() => refusal(`<robot name="r"><link name="a">${deep}</link></robot>`)).not.toThrow();
    const followers = Array.from(
      { length: 1000 },
      (
        _,
        i,
      ) => `<link name="l${i + 1}"/><joint name="j${i}" type="continuous"><parent link="l${i}"/><child link="l${i + 1}"/>
        ${i === 0 ? '' : `<mimic joint="j${i - 1}"/>`}</joint>`,
    );
    const long = `<robot name="r"><link name="l0"/>${followers.reverse().join('')}</robot>`;
    expect(parse(long).dof).toHaveLength(1);
  });
});

/** Parent element, element, attribute: without it there is no saying what the file means. */
const REQUIRED = [
  ...[
    ['robot', 'link', 'name'],
    ['robot', 'joint', 'name'],
    ['robot', 'joint', 'type'],
    ['joint', 'parent', 'link'],
    ['joint', 'child', 'link'],
    ['joint', 'mimic', 'joint'],
    ['inertial', 'mass', 'value'],
    ['geometry', 'box', 'size'],
    ['geometry', 'sphere', 'radius'],
    ['geometry', 'cylinder', 'radius'],
    ['geometry', 'cylinder', 'length'],
    ['geometry', 'mesh', 'filename'],
    ['material', 'color', 'rgba'],
  ],
  ...['ixx', 'iyy', 'izz'].map((key) => ['inertial', 'inertia', key]),
] as const;

/** Taken as 0, as no limit or as a default, and said so. */
const NOTED = [
  ...['ixy', 'ixz', 'iyz'].map((key) => ['inertial', 'inertia', key]),
  ...['effort', 'velocity', 'lower', 'upper'].map((key) => ['joint', 'limit', key]),
] as const;

/** Elements without which their parent means nothing. */
const REQUIRED_ELEMENTS = [
  ['robot', 'link'],
  ['robot', 'joint'],
  ['joint', 'parent'],
  ['joint', 'child'],
  ['inertial', 'mass'],
  ['visual', 'geometry'],
  ['collision', 'geometry'],
] as const;

const NOTED_ELEMENTS = [
  ['joint', 'limit'],
  ['joint', 'axis'],
] as const;

describe.each(sources)('nothing is dropped in silence: %s', (_name, text) => {
  /** The text after every single removal; of many alike, as on four legs, about a dozen. */
  function* without(parent: string, tag: string, attribute?: string): Generator<{ mutant: string; place: string }> {
    const root = parseXml(text);
    const found = Array.from(root.getElementsByTagName(tag)).filter(
      (element) => (element.parentNode as XmlElement).tagName === parent && inRobot(element),
    );
    const stride = Math.ceil(found.length / 12);
    for (const element of found.filter((_, i) => i % stride === 0)) {
      if (attribute !== undefined && !element.hasAttribute(attribute)) continue;
      const owner = ownerOf(element);
      // Of a fixed joint only the frame counts; a continuous one has no range; `world` may go unsaid.
      const type = owner.getAttribute('type');
      if (['axis', 'limit'].includes(tag) && (type === 'fixed' || type === 'floating')) continue;
      if (['lower', 'upper'].includes(attribute ?? '') && type === 'continuous') continue;
      if (element.getElementsByTagName('parent')[0]?.getAttribute('link') === 'world') continue;
      if (attribute === undefined && element.getAttribute('name') === 'world') continue;
      const place = `${owner.tagName} ${(owner.getAttribute('name') ?? '').replace(/\$\{[^}]*\}/g, '')}`;
      const { parentNode, nextSibling } = element;
      const value = element.getAttribute(attribute ?? '') ?? '';
      if (attribute === undefined) parentNode!.removeChild(element);
      else element.removeAttribute(attribute);
      yield { mutant: print(root), place };
      if (attribute === undefined) parentNode!.insertBefore(element, nextSibling);
      else element.setAttribute(attribute, value);
    }
  }

  it('what is required is refused', () => {
    let tried = 0;
    for (const [parent, tag, attribute] of [...REQUIRED, ...REQUIRED_ELEMENTS.map(([p, t]) => [p, t] as const)]) {
      for (const { mutant, place } of without(parent!, tag!, attribute)) {
        expect(refusal(mutant), `${place}: <${tag}> ${attribute ?? ''}`).toBeInstanceOf(InputError);
        tried++;
      }
    }
    expect(tried).toBeGreaterThan(5);
  });

  it('what has a default is noted', () => {
    const before = parse(text).notes;
    for (const [parent, tag, attribute] of [...NOTED, ...NOTED_ELEMENTS.map(([p, t]) => [p, t] as const)]) {
      for (const { mutant, place } of without(parent!, tag!, attribute)) {
        // A range from 0 down, where only the lower limit was given.
        if (refusal(mutant)?.message.includes(`${place} <limit>: lower should be at most upper`)) continue;
        const notes = parse(mutant).notes.filter((note) => note.startsWith(place));
        // The exporter's zeros have their note already.
        const zero = before.some((note) => note.startsWith(place) && /limit 0|placeholder/.test(note));
        expect(
          notes.length > 0 && (zero || notes.some((note) => !before.includes(note))),
          `${place} ${tag} ${attribute}`,
        ).toBe(true);
      }
    }
  });
});

/** The link, joint or material that an element belongs to. */
function ownerOf(element: XmlElement): XmlElement {
  let owner = element;
  while ((owner.parentNode as XmlElement).tagName !== 'robot') owner = owner.parentNode as XmlElement;
  return owner;
}

function inRobot(element: XmlElement): boolean {
  return ['link', 'joint', 'material'].includes(ownerOf(element).tagName);
}
