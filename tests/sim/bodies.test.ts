/** Links that fixed joints connect become one body: two boxes by hand, frames, shapes, rigid rotors. */

import { describe, expect, it } from 'vitest';
import { InputError } from '../../core/errors.ts';
import { mergeFixed } from '../../sim/bodies.ts';
import { parseUrdf } from '../../sim/urdf.ts';

const parse = (body: string) => parseUrdf(`<robot name="r">${body}</robot>`, { where: 'test.urdf' });

/** A box of sides a b c and mass m at the link's origin: I = m/12 (b^2 + c^2), ... */
function box(name: string, m: number, [a, b, c]: readonly [number, number, number]): string {
  const [ixx, iyy, izz] = [(m / 12) * (b * b + c * c), (m / 12) * (a * a + c * c), (m / 12) * (a * a + b * b)];
  return `<link name="${name}"><inertial><mass value="${m}"/>
    <inertia ixx="${ixx}" iyy="${iyy}" izz="${izz}" ixy="0" ixz="0" iyz="0"/></inertial>
    <collision><origin xyz="0 0 0.1"/><geometry><box size="${a} ${b} ${c}"/></geometry></collision></link>`;
}

const joint = (name: string, type: string, parent: string, child: string, origin: string) =>
  `<joint name="${name}" type="${type}"><parent link="${parent}"/><child link="${child}"/><origin ${origin}/>
   <axis xyz="0 0 1"/></joint>`;

const close = (actual: readonly number[], expected: readonly number[]) => {
  expect(actual).toHaveLength(expected.length);
  // a few rounding errors of numbers near 1
  for (let i = 0; i < expected.length; i++) expect(actual[i]).toBeCloseTo(expected[i]!, 14);
};

describe('mergeFixed', () => {
  it('two halves of a box are the box: parallel axes', () => {
    // 0.4 x 0.2 x 0.2 of 4 kg, cut at its middle; the frame is that of the left half
    const model = parse(
      box('left', 2, [0.2, 0.2, 0.2]) +
        box('right', 2, [0.2, 0.2, 0.2]) +
        joint('weld', 'fixed', 'left', 'right', 'xyz="0.2 0 0"'),
    );
    const [body, ...more] = mergeFixed(model);
    expect(more).toEqual([]);
    expect(body).toMatchObject({ links: [0, 1], root: 0, joint: null, parent: null, jointPose: null, mass: 4 });
    close(body!.com, [0.1, 0, 0]);
    const [ixx, iyy] = [(4 / 12) * (0.04 + 0.04), (4 / 12) * (0.16 + 0.04)];
    close(body!.inertia, [ixx, iyy, iyy, 0, 0, 0]);
  });

  it('turns what hangs at an angle: a quarter turn about z exchanges x and y', () => {
    const model = parse(
      box('base', 1, [0.1, 0.1, 0.1]) +
        box('plate', 3, [0.6, 0.3, 0.1]) +
        joint('weld', 'fixed', 'base', 'plate', `xyz="0 0.5 0" rpy="0 0 ${Math.PI / 2}"`),
    );
    const [body] = mergeFixed(model);
    close(body!.com, [0, 0.375, 0]);
    // m_i d_i^2 about the common centre: 1 * 0.375^2 + 3 * 0.125^2
    const shift = 0.1875;
    const cube = (1 / 12) * 0.02;
    close(body!.inertia, [
      cube + (3 / 12) * (0.36 + 0.01) + shift,
      cube + (3 / 12) * (0.09 + 0.01),
      cube + (3 / 12) * (0.36 + 0.09) + shift,
      0,
      0,
      0,
    ]);
    expect(body!.shapes.map(({ link }) => link)).toEqual([0, 1]);
    close(body!.shapes[1]!.pose.xyz, [0, 0.5, 0.1]);
    close(body!.shapes[1]!.pose.quat, [0, 0, Math.SQRT1_2, Math.SQRT1_2]);
    close(body!.frames[1]!.xyz, [0, 0.5, 0]);
  });

  it('an offset in x and y makes a product of inertia of the right sign', () => {
    const model = parse(
      box('a', 1, [0.1, 0.1, 0.1]) + box('b', 1, [0.1, 0.1, 0.1]) + joint('weld', 'fixed', 'a', 'b', 'xyz="2 2 0"'),
    );
    // points at (-1, -1) and (1, 1): ixy = -sum m x y = -2
    expect(mergeFixed(model)[0]!.inertia[3]).toBeCloseTo(-2, 14);
  });

  it('a moving joint begins a body; what is welded to it goes along, in the frame of its root link', () => {
    const model = parse(
      box('base', 1, [0.1, 0.1, 0.1]) +
        '<link name="mount"/>' +
        box('arm', 2, [0.1, 0.1, 0.1]) +
        box('tool', 1, [0.1, 0.1, 0.1]) +
        joint('weld', 'fixed', 'base', 'mount', 'xyz="0 0 1"') +
        joint('turn', 'continuous', 'mount', 'arm', 'xyz="0.5 0 0"') +
        joint('grip', 'fixed', 'arm', 'tool', 'xyz="0 0 0.3"'),
    );
    const bodies = mergeFixed(model);
    expect(bodies.map(({ links, parent, mass }) => ({ links, parent, mass }))).toEqual([
      { links: [0, 1], parent: null, mass: 1 },
      { links: [2, 3], parent: 0, mass: 3 },
    ]);
    expect(model.joints[bodies[1]!.joint!]!.name).toBe('turn');
    close(bodies[1]!.jointPose!.xyz, [0.5, 0, 1]);
    close(bodies[1]!.com, [0, 0, 0.1]);
  });

  it('takes named joints as rigid, and refuses a name that no joint has', () => {
    const model = parse(
      box('base', 1, [0.1, 0.1, 0.1]) +
        box('rotor', 0.5, [0.1, 0.1, 0.1]) +
        joint('rotor_joint', 'continuous', 'base', 'rotor', 'xyz="1 0 0"'),
    );
    expect(mergeFixed(model)).toHaveLength(2);
    expect(mergeFixed(model, ['rotor_joint'])).toMatchObject([{ links: [0, 1], mass: 1.5 }]);
    expect(() => mergeFixed(model, ['rotor_join'])).toThrow(InputError);
  });

  it('a body without mass has zeros, not NaN', () => {
    const [body] = mergeFixed(parse('<link name="a"/>'));
    expect(body).toMatchObject({ mass: 0, com: [0, 0, 0], inertia: [0, 0, 0, 0, 0, 0] });
  });
});
