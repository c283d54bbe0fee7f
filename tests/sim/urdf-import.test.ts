/** What real files hold: floating bases, mimic joints, xacro leftovers, masses and numbers that no robot has. */

import { describe, expect, it } from 'vitest';
import { InputError } from '../../core/errors.ts';
import { jointNames } from '../../core/robot-model.ts';
import { parseUrdf, type UrdfOptions } from '../../sim/urdf.ts';

const parse = (body: string, options: Partial<UrdfOptions> = {}) =>
  parseUrdf(`<robot name="r">${body}</robot>`, { where: 'test.urdf', ...options });

function refusal(body: string, options: Partial<UrdfOptions> = {}): string {
  try {
    parse(body, options);
  } catch (error) {
    expect(error).toBeInstanceOf(InputError);
    return `${(error as InputError).message} | ${(error as InputError).repair}`;
  }
  throw new Error('the text was accepted');
}

const TENSOR = '<inertia ixx="0.1" iyy="0.1" izz="0.1" ixy="0" ixz="0" iyz="0"/>';
const link = (name: string) => `<link name="${name}"><inertial><mass value="1"/>${TENSOR}</inertial></link>`;
const joint = (name: string, type: string, parent: string, child: string, more = '') =>
  `<joint name="${name}" type="${type}"><parent link="${parent}"/><child link="${child}"/><axis xyz="0 0 1"/>
   <limit lower="-1" upper="1" effort="1" velocity="1"/>${more}</joint>`;
/** What xacro leaves when it is not run. */
const left = (expression: string) => '$'.concat(expression);

describe('a floating base', () => {
  const free = joint('free', 'floating', 'world', 'trunk', '<origin xyz="0 0 1"/>');
  const legs = link('trunk') + link('leg') + joint('hip', 'revolute', 'trunk', 'leg');

  it('is the floating joint below an empty root: both are left out, and a note says so', () => {
    const model = parse(`<link name="world"/>${legs}${free}`);
    expect(model.base).toBe('floating');
    expect(model.links.map(({ name }) => name)).toEqual(['trunk', 'leg']);
    expect(model.joints).toMatchObject([{ name: 'hip', parent: 0, child: 1 }]);
    expect(model.notes).toEqual([
      expect.stringMatching(/joint free and the empty link world.*moves freely; the origin/),
    ]);
  });

  it('stands still when that is asked for; a fixed one floats when that is asked for', () => {
    const fixed = parse(`<link name="world"/>${legs}${free}`, { base: 'fixed' });
    expect(fixed.base).toBe('fixed');
    expect(fixed.notes.join()).toMatch(/stands still/);
    expect(parse(legs).base).toBe('fixed');
    expect(parse(legs, { base: 'floating' })).toMatchObject({ base: 'floating', notes: [] });
  });

  it.each([
    [
      'further out',
      legs + link('ball') + joint('throw', 'floating', 'leg', 'ball'),
      /joint throw.*link leg is not the root/,
    ],
    ['from a root with mass', link('world') + legs + free, /joint free.*link world is not empty/],
    [
      'beside another joint',
      `<link name="world"/>${legs}${free}${link('post')}${joint('weld', 'fixed', 'world', 'post')}`,
      /link world carries other joints/,
    ],
    ['without mass', '<link name="world"/><link name="trunk"/>'.concat(free), /link trunk.*mass/],
  ])('%s is refused', (_name, body, message) => {
    expect(refusal(body)).toMatch(message);
  });

  it('planar is refused with a repair', () => {
    expect(refusal(link('a') + link('b') + joint('j', 'planar', 'a', 'b'))).toMatch(
      /joint j: type.*found planar \| use two prismatic/,
    );
  });
});

describe('mimic joints', () => {
  const links = ['a', 'b', 'c', 'd'].map(link).join('');
  const hand = (second: string, third: string) =>
    links +
    joint('j1', 'revolute', 'a', 'b') +
    joint('j2', 'revolute', 'a', 'c', second) +
    joint('j3', 'prismatic', 'a', 'd', third);

  it('follow their leader and are no degree of freedom', () => {
    const model = parse(hand('<mimic joint="j1" multiplier="-2" offset="0.5"/>', '<mimic joint="j1"/>'));
    expect(jointNames(model)).toEqual(['j1']);
    expect(model.joints.map(({ mimic }) => mimic)).toEqual([
      null,
      { joint: 0, multiplier: -2, offset: 0.5 },
      { joint: 0, multiplier: 1, offset: 0 },
    ]);
  });

  it('a chain is composed: 3 (-2 q + 0.5) + 0.25', () => {
    const model = parse(
      hand('<mimic joint="j1" multiplier="-2" offset="0.5"/>', '<mimic joint="j2" multiplier="3" offset="0.25"/>'),
    );
    expect(model.joints[2]!.mimic).toEqual({ joint: 0, multiplier: -6, offset: 1.75 });
  });

  it('refers to the leader where it stands after sorting and after a floating base was taken out', () => {
    const model = parse(
      `<link name="world"/>${['a', 'b', 'c'].map(link).join('')}
       ${joint('j2', 'revolute', 'b', 'c', '<mimic joint="j1"/>')}${joint('j1', 'revolute', 'a', 'b')}
       ${joint('free', 'floating', 'world', 'a')}`,
    );
    expect(model.joints.map(({ name }) => name)).toEqual(['j1', 'j2']);
    expect(model.joints[1]!.mimic!.joint).toBe(0);
  });

  it.each([
    [
      'no such leader',
      hand('<mimic joint="j11"/>', ''),
      /joint j2 <mimic>: there is no joint named j11 \| did you mean j1/,
    ],
    ['itself', hand('<mimic joint="j2"/>', ''), /joint j2 <mimic>.*circle/],
    ['a circle', hand('<mimic joint="j3"/>', '<mimic joint="j2"/>'), /<mimic>.*circle/],
    ['no name', hand('<mimic/>', ''), /joint j2 <mimic> has no joint/],
    [
      'a fixed leader',
      links.replace(link('d'), '') +
        joint('j1', 'fixed', 'a', 'b') +
        joint('j2', 'revolute', 'a', 'c', '<mimic joint="j1"/>'),
      /joint j1 is fixed/,
    ],
  ])('refused: %s', (_name, body, message) => {
    expect(refusal(body)).toMatch(message);
  });
});

describe('what xacro left', () => {
  it('expressions in names are left out, and a note names them', () => {
    const [ns, arg] = [left('{namespace}'), left('(arg prefix)')];
    const model = parse(link(`${ns}a`) + link(`b${arg}`) + joint(`${ns}j`, 'revolute', `${ns}a`, 'b'));
    expect(model.links.map(({ name }) => name)).toEqual(['a', 'b']);
    expect(jointNames(model)).toEqual(['j']);
    expect(model.notes).toEqual([`names held xacro expressions, which were left out: ${ns}, ${arg}`]);
  });

  it('names that are nothing else, or become the same, are refused', () => {
    expect(refusal(link(left('{name}')))).toMatch(/<link>: name is nothing but "\$\{name\}" \| expand/);
    expect(refusal(link(left('{left}_arm')) + link(left('{right}_arm')))).toMatch(/two links are named _arm/);
  });

  it('declarations are noted; calls and conditions that would make links are refused', () => {
    const declared = `<xacro:arg name="n"/><xacro:include filename="wheels.xacro"/>
      <xacro:macro name="paint"><gazebo/></xacro:macro><xacro:paint/>`;
    expect(parse(declared + link('a')).notes).toEqual([
      'xacro was not expanded; ignored: <xacro:arg>, <xacro:include wheels.xacro>, <xacro:macro>, <xacro:paint>',
    ]);
    expect(refusal(`${link('a')}<xacro:macro name="leg"><link name="x"/></xacro:macro><xacro:leg/>`)).toMatch(
      /<xacro:leg> was not expanded and would make <link> \| expand/,
    );
    expect(refusal(`${link('a')}<xacro:wheel side="left"/>`)).toMatch(/<xacro:wheel>.*not in this file/);
    expect(refusal(`${link('a')}<xacro:if value="1"><joint name="x"/></xacro:if>`)).toMatch(/<xacro:if>.*<joint>/);
    expect(refusal('<link name="a"><xacro:box_inertia m="1"/></link>')).toMatch(/link a <xacro:box_inertia>/);
  });

  it('a mesh given by $(find NAME) is one of the package NAME', () => {
    const mesh = `file://${left('(find my_robot)')}/meshes/a.stl`;
    const asked: string[] = [];
    parse(`<link name="a"><visual><geometry><mesh filename="${mesh}"/></geometry></visual></link>`, {
      hasMesh: (file) => asked.push(file) > 0,
    });
    expect(asked).toEqual(['package://my_robot/meshes/a.stl']);
  });
});

describe('what is noted', () => {
  const one = (inertial: string) => parse(`<link name="a"><inertial>${inertial}</inertial></link>`).notes;

  it('masses and inertias', () => {
    expect(one(`<mass value="0"/>${TENSOR}`)).toEqual(['link a: mass 0, so it is treated as massless']);
    expect(one('<mass value="1"/>')).toEqual(['link a: mass without inertia, so it is a point mass']);
    // 1 + 1 < 3
    expect(one('<mass value="1"/><inertia ixx="1" iyy="3" izz="1" ixy="0" ixz="0" iyz="0"/>')).toEqual([
      expect.stringMatching(/link a <inertia>: no body has the principal moments 1.00, 1.00, 3.00/),
    ]);
    // a flat plate is on the edge: 1 + 2 = 3
    expect(one('<mass value="1"/><inertia ixx="1" iyy="2" izz="3" ixy="0" ixz="0" iyz="0"/>')).toEqual([]);
    expect(one('<mass value="1"/><inertia ixx="1" iyy="1" izz="1" ixz="0"/>')).toEqual([
      'link a <inertia>: ixy, iyz missing, so 0',
    ]);
  });

  it('a moving body without mass, which a welded link may give it', () => {
    const arm = `${link('a')}<link name="b"/>${joint('j', 'revolute', 'a', 'b')}`;
    expect(parse(arm).notes).toEqual(['joint j: moves link b, which has no mass']);
    expect(parse(arm + link('c') + joint('weld', 'fixed', 'b', 'c')).notes).toEqual([]);
  });

  it('limits so large that they are none', () => {
    const text = link('a') + link('b') + joint('j', 'revolute', 'a', 'b').replace('upper="1"', 'upper="1e16"');
    const model = parse(text);
    expect(model.joints[0]).toMatchObject({ lower: -1, upper: Infinity });
    expect(model.notes).toEqual(['joint j: upper limit 10000000000000000 is none']);
  });

  it('elements that nobody knows, with the likely one; other tools have theirs', () => {
    const text = '<link name="a"><inertail/></link><transmission/><gazebo/><drake:thing/>';
    expect(parse(text).notes).toEqual(['link a <inertail>: not known and ignored; did you mean <inertial>?']);
  });

  it('elements that are there twice', () => {
    expect(parse('<link name="a"><inertial><mass value="1"/><mass value="2"/></inertial></link>').notes[0]).toBe(
      'link a: 2 times <mass>; the first one counts',
    );
  });

  it('meshes that were not given, with the reason', () => {
    const shape = (file: string) => `<collision><geometry><mesh filename="${file}"/></geometry></collision>`;
    const text = `<link name="a">${shape('a.stl')}${shape('b.stl')}${shape('toString')}</link>`;
    const meshes = { 'a.stl': new Float32Array(12) };
    const model = parse(text, { meshes, meshProblems: { 'b.stl': 'is flat' } });
    expect(model.meshes).toBe(meshes);
    expect(model.notes).toEqual([
      'link a <collision>: mesh b.stl is flat; the link goes without this shape',
      'link a <collision>: mesh toString was not found; the link goes without this shape',
    ]);
  });

  it('a parent named world that is not in the file', () => {
    const model = parse(link('a') + joint('weld', 'fixed', 'world', 'a'));
    expect(model.links.map(({ name }) => name)).toEqual(['a', 'world']);
    expect(model.notes).toEqual([expect.stringMatching(/link world/)]);
  });

  it('nothing about safety controllers, calibration and transmissions', () => {
    const more = '<safety_controller k_velocity="1"/><calibration rising="0"/>';
    expect(parse(`${link('a')}${link('b')}${joint('j', 'revolute', 'a', 'b', more)}<transmission/>`).notes).toEqual([]);
  });
});

describe('numbers and sizes no robot has', () => {
  const shape = (geometry: string) => `<link name="a"><collision><geometry>${geometry}</geometry></collision></link>`;
  it.each([
    ['a mass', '<link name="a"><inertial><mass value="1e9"/></inertial></link>', /link a <mass>: value.*1000000.*1e9/],
    ['a length', shape('<sphere radius="2e6"/>'), /link a <collision> <sphere>: radius/],
    [
      'a distance',
      link('a') + link('b') + joint('j', 'fixed', 'a', 'b', '<origin xyz="0 1e300 0"/>'),
      /joint j <origin>: xyz/,
    ],
    ['a box without size', shape('<box/>'), /link a <collision> <box> has no size/],
    ['a flat box', shape('<box size="1 0 1"/>'), /<box>: size should be above 0/],
    ['a sphere without radius', shape('<sphere/>'), /<sphere> has no radius/],
    ['a mesh without extent', shape('<mesh filename="a.stl" scale="1 0 1"/>'), /<mesh>: scale/],
    ['an inertial without mass', '<link name="a"><inertial/></link>', /link a <inertial> has no <mass>/],
    [
      'an inertia without izz',
      '<link name="a"><inertial><mass value="1"/><inertia ixx="1" iyy="1"/></inertial></link>',
      /link a <inertia> has no izz/,
    ],
    [
      'an axis without xyz',
      link('a') + link('b') + joint('j', 'revolute', 'a', 'b').replace(' xyz="0 0 1"', ''),
      /joint j <axis> has no xyz/,
    ],
    ['a missing quote', '<link name="a/>', /well-formed/],
  ])('%s', (_name, body, message) => {
    expect(refusal(body)).toMatch(message);
  });
});
