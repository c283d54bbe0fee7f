/** The URDF reader: own and CAD-exported files, every broken reference by name, and mutated files that end in one way or the other. */

import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { InputError } from '../../core/errors.ts';
import { keyOf, RandomStream } from '../../core/rng.ts';
import { jointNames, type RobotModel } from '../../core/robot-model.ts';
import { nominalDynamics } from '../../sim/dynamics.ts';
import { loadRapier, RapierRobot } from '../../sim/rapier-robot.ts';
import { parseUrdf } from '../../sim/urdf.ts';

const seed = Number(process.env.LANDFALL_TEST_SEED ?? 1);
const own = readFileSync('configs/robots/pendulum.urdf', 'utf8');
/** What xacro leaves when it is not run. */
const XACRO = '$'.concat('{m}');
const CAD = '../shared/data/pendulum/pendulum.urdf';

function parse(text: string): RobotModel {
  return parseUrdf(text, { where: 'test.urdf' });
}

/** The error of a text that must be refused. */
function refusal(text: string): InputError {
  try {
    parse(text);
  } catch (error) {
    expect(error).toBeInstanceOf(InputError);
    return error as InputError;
  }
  throw new Error('the text was accepted');
}

const link = (name: string) => `<link name="${name}"><inertial><mass value="1"/></inertial></link>`;
const joint = (name: string, parent: string, child: string, more = '') =>
  `<joint name="${name}" type="continuous"><parent link="${parent}"/><child link="${child}"/>${more}</joint>`;
const robot = (...parts: string[]) => `<robot name="r">${parts.join('')}</robot>`;

describe('files that load', () => {
  it("reads the project's own pendulum as its comment says", () => {
    const model = parse(own);
    expect(model.name).toBe('pendulum');
    expect(jointNames(model)).toEqual(['shoulder']);
    expect(model.joints[0]).toMatchObject({
      type: 'continuous',
      axis: [0, 1, 0],
      lower: -Infinity,
      upper: Infinity,
      effort: 1,
      velocity: 15,
      damping: 0.04707,
      friction: 0.1839,
    });
    expect(model.links[0]!.inertial).toBeNull();
    expect(model.links[1]!.inertial).toMatchObject({ mass: 0.57288, origin: { xyz: [0, 0, -0.5] } });
    expect(model.links[1]!.visuals[1]!.color).toEqual([0.95, 0.45, 0.1, 1]);
    expect(model.notes).toEqual([]);
    expect(model.urdfHash).toMatch(/^[0-9a-f]{64}$/);
  });

  it.skipIf(!existsSync(CAD))(
    'reads the CAD-exported pendulum and says what its zeros mean (needs shared/data)',
    () => {
      const model = parse(readFileSync(CAD, 'utf8'));
      expect(model.joints[0]).toMatchObject({
        name: 'Joint_1',
        type: 'continuous',
        lower: -Infinity,
        upper: Infinity,
        effort: Infinity,
        velocity: Infinity,
      });
      expect(model.links[1]!.inertial!.mass).toBe(0.67531);
      const notes = model.notes.join('\n');
      expect(notes).toMatch(/Joint_1: effort limit 0/);
      expect(notes).toMatch(/Joint_1: velocity limit 0/);
      expect(notes).toMatch(/Joint_1: revolute with lower = upper = 0/);
    },
  );

  it('sorts parents before children, whatever the order in the file', () => {
    const model = parse(robot(link('c'), link('b'), link('a'), joint('second', 'b', 'c'), joint('first', 'a', 'b')));
    expect(model.joints.map((entry) => entry.name)).toEqual(['first', 'second']);
  });

  it('normalises an axis and refuses a zero one', () => {
    const model = parse(robot(link('a'), link('b'), joint('j', 'a', 'b', '<axis xyz="0 3 4"/>')));
    expect(model.joints[0]!.axis).toEqual([0, 0.6, 0.8]);
    expect(refusal(robot(link('a'), link('b'), joint('j', 'a', 'b', '<axis xyz="0 0 0"/>'))).message).toMatch(
      /joint j <axis>: should not be zero/,
    );
  });

  it('notes a mesh that is not there and keeps the link', () => {
    const text = robot(
      '<link name="a"><visual><geometry><mesh filename="package://r/a.stl"/></geometry></visual></link>',
    );
    const model = parseUrdf(text, { where: 'test.urdf', hasMesh: () => false });
    expect(model.notes.join()).toMatch(/package:\/\/r\/a.stl was not found/);
  });
});

describe('files that are refused, by the element', () => {
  const two = link('base') + link('upper_arm');
  const cases: readonly (readonly [name: string, text: string, message: RegExp, repair: RegExp])[] = [
    [
      'a child that is a near miss',
      robot(two, joint('j', 'base', 'uper_arm')),
      /joint j <child>.*uper_arm/,
      /did you mean upper_arm/,
    ],
    [
      'a parent that is nowhere near',
      robot(two, joint('j', 'chassis', 'upper_arm')),
      /joint j <parent>.*chassis/,
      /links: base, upper_arm/,
    ],
    [
      'a joint without child',
      robot(two, '<joint name="j" type="fixed"><parent link="base"/></joint>'),
      /joint j has no <child>/,
      /add <child/,
    ],
    ['two links of one name', robot(link('a'), link('a')), /two links are named a/, /rename/],
    [
      'two joints of one name',
      robot(link('a'), link('b'), link('c'), joint('j', 'a', 'b'), joint('j', 'b', 'c')),
      /two joints are named j/,
      /rename/,
    ],
    [
      'a loop of all links',
      robot(link('a'), link('b'), joint('i', 'a', 'b'), joint('j', 'b', 'a')),
      /form a loop/,
      /tree/,
    ],
    [
      'a loop beside a root',
      robot(link('r'), link('a'), link('b'), joint('i', 'a', 'b'), joint('j', 'b', 'a')),
      /form a loop/,
      /tree/,
    ],
    ['a joint to itself', robot(link('r'), link('a'), joint('i', 'a', 'a')), /form a loop/, /tree/],
    [
      'two parents',
      robot(link('a'), link('b'), link('c'), joint('i', 'a', 'c'), joint('j', 'b', 'c')),
      /c is the child of i and of j/,
      /one parent/,
    ],
    ['several roots', robot(link('a'), link('b')), /one root link, found a, b/, /connect/],
    [
      'NaN',
      robot('<link name="a"><inertial><mass value="NaN"/></inertial></link>'),
      /link a <mass>: value should be a finite number, found "NaN"/,
      /correct/,
    ],
    [
      'Infinity',
      robot('<link name="a"><inertial><mass value="Infinity"/></inertial></link>'),
      /finite number/,
      /correct/,
    ],
    [
      'xacro left in',
      robot(`<link name="a"><inertial><mass value="${XACRO}"/></inertial></link>`),
      /found "\$\{m\}"/,
      /xacro FILE/,
    ],
    [
      'two numbers for three',
      robot(link('a'), link('b'), joint('j', 'a', 'b', '<origin xyz="0 1"/>')),
      /joint j <origin>: xyz should be 3 finite numbers/,
      /correct/,
    ],
    [
      'a negative mass',
      robot('<link name="a"><inertial><mass value="-1"/></inertial></link>'),
      /link a <mass>.*found -1/,
      /correct/,
    ],
    [
      'a negative moment',
      robot('<link name="a"><inertial><mass value="1"/><inertia ixx="-1"/></inertial></link>'),
      /link a <inertia>.*found -1 0 0/,
      /export/,
    ],
    [
      'a tensor with a negative principal moment',
      robot('<link name="a"><inertial><mass value="1"/><inertia ixx="1" iyy="1" izz="1" ixy="2"/></inertial></link>'),
      /link a <inertia>.*principal moment/,
      /export/,
    ],
    [
      'limits the wrong way round',
      robot(
        link('a'),
        link('b'),
        '<joint name="j" type="revolute"><parent link="a"/><child link="b"/><limit lower="1" upper="-1"/></joint>',
      ),
      /joint j <limit>.*found 1 and -1/,
      /exchange/,
    ],
    [
      'negative damping',
      robot(link('a'), link('b'), joint('j', 'a', 'b', '<dynamics damping="-1"/>')),
      /joint j <dynamics>/,
      /correct/,
    ],
    [
      'an unknown joint type',
      robot(link('a'), link('b'), '<joint name="j" type="ball"><parent link="a"/><child link="b"/></joint>'),
      /joint j: type.*found ball/,
      /no such joint/,
    ],
    ['a link without name', robot('<link/>'), /<link> has no name/, /add name/],
    ['no links', robot(), /has no <link>/, /URDF/],
    ['another root element', '<sdf/>', /root element should be <robot>, found <sdf>/, /URDF/],
    ['an empty file', '', /test.urdf/, /./],
    ['not XML', 'hello', /test.urdf/, /./],
    ['XML cut short', own.slice(0, own.length / 2), /test.urdf: not well-formed XML/, /xacro/],
  ];
  it.each(cases)('%s', (_name, text, message, repair) => {
    const error = refusal(text);
    expect(error.message).toMatch(message);
    expect(error.message).not.toContain('\n');
    expect(error.repair).toMatch(repair);
    expect(error.exitCode).toBe(2);
  });
});

/** One random change: cut, repeat, swap, or put an awkward value in. */
function mutate(text: string, random: RandomStream): string {
  const at = random.below(text.length);
  const length = 1 + random.below(40);
  const cut = text.slice(at, at + length);
  const awkward = [
    'NaN',
    '-1',
    '0',
    '1e400',
    XACRO,
    '&',
    '<',
    '>',
    '"',
    '\u0000',
    'base',
    'arm',
    'ball',
    '&#x0;',
    '<!--',
  ];
  const word = awkward[random.below(awkward.length)]!;
  const numbers = [...text.matchAll(/"[^"]*"/g)];
  const target = numbers[random.below(numbers.length)];
  switch (random.below(6)) {
    case 0:
      return text.slice(0, at) + text.slice(at + length);
    case 1:
      return text.slice(0, at) + cut + text.slice(at);
    case 2:
      return text.slice(0, at) + word + text.slice(at);
    case 3:
      return text.slice(0, at);
    default:
      if (text === '' || target === undefined) return word;
      return `${text.slice(0, target.index)}"${word}"${text.slice(target.index + target[0].length)}`;
  }
}

describe('mutated files', () => {
  it(`300 of them end in InputError or in a robot that moves, seed ${seed}`, async () => {
    const rapier = await loadRapier();
    const random = new RandomStream(keyOf(seed));
    const counts = { refused: 0, built: 0 };
    // Comments swallow mutations.
    const text = own.replace(/<!--[\s\S]*?-->/g, '');
    for (let i = 0; i < 300; i++) {
      let mutant = text;
      for (let k = random.below(3); k >= 0; k--) mutant = mutate(mutant, random);
      try {
        const model = parse(mutant);
        const simulated = new RapierRobot(rapier, model, nominalDynamics(model), {
          physicsDt: 0.005,
          solverIterations: 4,
        });
        simulated.step(0.05);
        for (const q of [...simulated.truth.q, ...simulated.truth.qd]) {
          expect(Number.isFinite(q), `mutant ${i}: ${mutant}`).toBe(true);
        }
        simulated.close();
        counts.built++;
      } catch (error) {
        expect(error, `mutant ${i}: ${mutant}`).toBeInstanceOf(InputError);
        counts.refused++;
      }
    }
    // Both ways must be taken, or the mutations test nothing.
    expect(counts.refused).toBeGreaterThan(50);
    expect(counts.built).toBeGreaterThan(10);
  });
});
