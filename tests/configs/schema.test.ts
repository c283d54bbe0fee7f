/** Settings: overrides, near misses, wrong types, and that what is shipped holds its own schema. */

import { describe, expect, it } from 'vitest';
import { experimentNamed, experiments } from '../../configs/index.ts';
import { pendulum } from '../../configs/pendulum.ts';
import { applyOverrides, parseConfig, settingPaths } from '../../configs/schema.ts';
import { InputError } from '../../core/errors.ts';

/** The error of an override that must be refused. */
function refusal(...overrides: string[]): InputError {
  try {
    applyOverrides(pendulum, overrides);
  } catch (error) {
    expect(error).toBeInstanceOf(InputError);
    expect((error as InputError).exitCode).toBe(2);
    expect((error as InputError).message).not.toContain('\n');
    return error as InputError;
  }
  throw new Error('the override was accepted');
}

describe('shipped experiments', () => {
  it.each(Object.entries(experiments))('%s holds its schema and is frozen', (name, config) => {
    expect(parseConfig(JSON.parse(JSON.stringify(config)), name)).toEqual(config);
    expect(Object.isFrozen(config)).toBe(true);
    expect(experimentNamed(name)).toBe(config);
  });

  it('are looked up with a near miss suggested', () => {
    expect(() => experimentNamed('pendulm')).toThrow(InputError);
    try {
      experimentNamed('pendulm');
    } catch (error) {
      expect((error as InputError).repair).toBe('did you mean pendulum?');
    }
    for (const name of ['constructor', '__proto__', 'toString'])
      expect(() => experimentNamed(name)).toThrow(InputError);
  });
});

describe('applyOverrides', () => {
  it('changes what is named and nothing else, without touching the original', () => {
    const before = structuredClone(pendulum);
    const changed = applyOverrides(pendulum, [
      'ppo.learningRate=3e-4',
      'network.hidden=[128,128]',
      'network.activation=tanh',
      'train.stopAtSuccess=null',
      'reward.smoothness=-0.5',
      'seed=7',
    ]);
    expect(changed).toEqual({
      ...before,
      seed: 7,
      ppo: { ...before.ppo, learningRate: 3e-4 },
      network: { ...before.network, hidden: [128, 128], activation: 'tanh' },
      train: { ...before.train, stopAtSuccess: null },
      reward: { smoothness: -0.5 },
    });
    expect(pendulum).toEqual(before);
  });

  it('takes the last of two, and a value with an equals sign', () => {
    expect(applyOverrides(pendulum, ['seed=1', 'seed=2']).seed).toBe(2);
    expect(applyOverrides(pendulum, ['dynamics=runs/a=b.json']).dynamics).toBe('runs/a=b.json');
  });

  it.each([
    ['ppo.learningrate=1', 'unknown setting ppo.learningrate', 'did you mean ppo.learningRate?'],
    ['ppo.learnngRate=1', 'unknown setting ppo.learnngRate', 'did you mean ppo.learningRate?'],
    ['train.numEnv=1', 'unknown setting train.numEnv', 'did you mean train.numEnvs?'],
    ['pppo.clip=1', 'unknown setting pppo.clip', 'did you mean ppo.clip?'],
    ['sed=1', 'unknown setting sed', 'did you mean seed?'],
    ['ppo.clip.more=1', 'unknown setting ppo.clip.more', /./],
    ['network.hidden.0=1', 'unknown setting network.hidden.0', /./],
    ['__proto__.polluted=1', 'unknown setting __proto__.polluted', /./],
    ['constructor.prototype=1', 'unknown setting constructor.prototype', /./],
    ['reward.__proto__=1', /__proto__/, /./],
  ] as const)('%s is unknown', (override, message, repair) => {
    const error = refusal(override);
    if (typeof message === 'string') expect(error.message).toBe(message);
    else expect(error.message).toMatch(message);
    if (typeof repair === 'string') expect(error.repair).toBe(repair);
    else expect(error.repair).toMatch(repair);
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });

  it.each([
    ['ppo.learningRate=fast', /ppo\.learningRate should be number, found "fast"/],
    ['ppo.learningRate=0', /ppo\.learningRate should be >0, found 0/],
    ['ppo.learningRate=1e999', /ppo\.learningRate/],
    ['ppo.gamma=1.5', /ppo\.gamma should be <=1, found 1\.5/],
    ['train.numEnvs=2.5', /train\.numEnvs/],
    ['train.numEnvs=0', /train\.numEnvs should be >=1, found 0/],
    ['network.hidden=64', /network\.hidden should be Array, found 64/],
    ['network.hidden=[64,"x"]', /network\.hidden\.1 should be number, found "x"/],
    ['network.activation=sigmoid', /network\.activation should be .*tanh.*, found "sigmoid"/],
    ['seed=-1', /seed should be >=0, found -1/],
    ['seed=', /seed should be number, found ""/],
    ['ppo=1', /ppo should be Object, found 1/],
    ['reward.energy=much', /reward\.energy should be number, found "much"/],
  ])('%s is of the wrong type or range', (override, message) => {
    expect(refusal(override).message).toMatch(message);
  });

  it.each(['seed', '=1', ''])('"%s" is no setting', (override) => {
    const error = refusal(override);
    expect(error.message).toBe(`a setting should look like key=value, found ${override}`);
    expect(error.repair).toContain('ppo.learningRate=3e-4');
  });

  it('every listed path can be set to the value it has', () => {
    for (const path of settingPaths().filter((entry) => entry !== 'reward.TERM')) {
      const value = path
        .split('.')
        .reduce<unknown>((node, key) => (node as Record<string, unknown> | undefined)?.[key], pendulum as unknown);
      // What a config leaves out has a default.
      if (value === undefined) continue;
      expect(applyOverrides(pendulum, [`${path}=${JSON.stringify(value)}`]), path).toEqual(pendulum);
    }
  });
});
