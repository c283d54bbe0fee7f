/** The parameter file: what goes in comes out, what `train` gets from it, and what is refused with one clear line. */

import { describe, expect, it } from 'vitest';
import { InputError, MismatchError } from '../../../core/errors.ts';
import { dynamicsFrom, type ParameterFile, readParameterFile } from '../../../sim/identify/parameter-file.ts';
import { checkRandomization } from '../../../sim/randomization-terms.ts';
import { model, nominal } from './planted.ts';

const file: ParameterFile = {
  schema: 1,
  robot: { name: 'pendulum', urdfHash: model.urdfHash },
  engine: { name: '@dimforge/rapier3d-simd-compat', version: '0.20.0' },
  physics: { physicsDt: 0.005, solverIterations: 4 },
  parameters: [
    entry('massScale', 1.2, 0.02, true, [1.16, 1.24]),
    entry('damping', 0.001, 0.002, true, [0, 0.005]),
    entry('friction', 0.1839, 0.2, false, null),
    { ...entry('latency', 0.012, 0.001, true, [0.01, 0.014]), joint: null },
  ],
  sources: [
    {
      name: 'a.mcap',
      seconds: 10,
      torque: 'commanded',
      errors: { train: 0.01, test: 0.02, nominalTrain: 0.1, nominalTest: 0.1 },
    },
  ],
  seed: 1,
};

function entry(
  name: ParameterFile['parameters'][number]['name'],
  value: number,
  sd: number,
  identifiable: boolean,
  range: [number, number] | null,
): ParameterFile['parameters'][number] {
  return {
    name,
    joint: 'shoulder',
    unit: '1',
    value,
    nominal: 1,
    sd,
    relativeSd: sd / value,
    identifiable,
    confoundedWith: null,
    range,
  };
}

const text = (changes: object) => JSON.stringify({ ...file, ...changes });

it('comes back as it was written', () => {
  expect(readParameterFile(JSON.stringify(file), 'p.json')).toEqual(file);
});

describe('dynamicsFrom', () => {
  const { dynamics, spread } = dynamicsFrom(file, model);

  it('leaves parameters that no file names as they are in nominal robots', () => {
    expect(dynamics).toMatchObject({ kpScale: [1], kdScale: [1], encoderBias: [0] });
  });

  it('takes what is identified and keeps the rest as the URDF has it', () => {
    expect(dynamics).toEqual({ ...nominal, massScale: [1.2], damping: [0.001], latency: 0.012 });
  });

  it('spreads identified parameters over their ranges and leaves the others to the task', () => {
    expect(Object.keys(spread).sort()).toEqual(['damping', 'latency', 'massScale']);
    const range = (name: 'damping' | 'latency' | 'massScale') => spread[name]!.range;
    expect(range('massScale')[0]).toBeCloseTo(-0.04, 12);
    expect(range('massScale')[1]).toBeCloseTo(0.04, 12);
    // Friction below 0 would push the robot.
    expect(dynamics.damping[0]! + range('damping')[0]).toBeCloseTo(0, 12);
    for (const name of ['damping', 'latency', 'massScale'] as const) expect(spread[name]!.operation).toBe('add');
  });

  it('draws a distribution as a normal cut off where it was, around its mean', () => {
    const told = {
      ...entry('friction', 0.1, 0.02, true, [0.02, 0.3]),
      distribution: { mean: 0.12, sd: 0.04, lower: 0.02, upper: 0.3 },
    };
    const found = dynamicsFrom(readParameterFile(text({ parameters: [told] }), 'p.json'), model);
    expect(found.dynamics.friction).toEqual([0.12]);
    const { range, within, ...rest } = found.spread.friction!;
    expect(rest).toEqual({ operation: 'add', distribution: 'gaussian' });
    expect(range).toEqual([0, 0.04]);
    expect(within![0]).toBeCloseTo(-0.1, 12);
    expect(within![1]).toBeCloseTo(0.18, 12);
    expect(() => checkRandomization(found.spread)).not.toThrow();
  });

  it('refuses the parameters of another robot', () => {
    const other = { ...file, robot: { name: 'acrobot', urdfHash: 'ab'.repeat(32) } };
    expect(() => dynamicsFrom(other, model)).toThrow(MismatchError);
    expect(() => dynamicsFrom(other, model)).toThrow(/identified for acrobot \(URDF abababababab\), found pendulum/);
  });

  it('refuses a joint that the robot does not have', () => {
    const renamed = { ...file, parameters: [{ ...file.parameters[0]!, joint: 'elbow' }] };
    expect(() => dynamicsFrom(renamed, model)).toThrow(/joint elbow that pendulum does not have/);
  });
});

it.each([
  ['no JSON', 'massScale: 1', /^p\.json: expected JSON, found something else/],
  ['another version', text({ schema: 2 }), /parameter file p\.json: schema should be 1, found 2/],
  ['an unknown field', text({ sede: 1 }), /unknown setting sede/],
  [
    'a value that is no number',
    text({ parameters: [{ ...file.parameters[0]!, value: 'heavy' }] }),
    /parameters\.0\.value should be number, found "heavy"/,
  ],
  ['half a file', text({}).slice(0, 200), /^p\.json: expected JSON/],
])('refuses %s in one line', (_, bad, message) => {
  expect(() => readParameterFile(bad, 'p.json')).toThrow(InputError);
  expect(() => readParameterFile(bad, 'p.json')).toThrow(message);
});
