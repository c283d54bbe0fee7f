/** The settings of the algorithms beside PPO: sizes that suit them, overrides, and what is refused. */

import { describe, expect, it } from 'vitest';
import { checkAlgorithm, withAlgorithm } from '../../configs/algorithms.ts';
import { experiments } from '../../configs/index.ts';
import { pendulum } from '../../configs/pendulum.ts';
import { applyOverrides, configSchema, parseConfig, settingPaths } from '../../configs/schema.ts';
import { InputError } from '../../core/errors.ts';

describe('withAlgorithm', () => {
  it('gives every experiment whole settings of every algorithm', () => {
    for (const [name, config] of Object.entries(experiments)) {
      for (const algorithm of ['sac', 'bc', 'iql'] as const) {
        const changed = { ...withAlgorithm(config, algorithm), data: 'episodes' };
        expect(parseConfig(changed, name)).toEqual(changed);
        expect(() => checkAlgorithm(changed)).not.toThrow();
        expect((changed.sac ?? changed.offline)!.gamma).toBe(config.ppo.gamma);
      }
    }
  });

  it('collects a quarter of what PPO does, in small pieces', () => {
    const { train } = withAlgorithm(pendulum, 'sac');
    const steps = train.numEnvs * train.horizon * train.iterations;
    expect(train.numEnvs * train.horizon).toBe(256);
    const { numEnvs, horizon, iterations } = pendulum.train;
    expect(Math.abs(steps - (numEnvs * horizon * iterations) / 4)).toBeLessThan(256);
    expect(train.evalEpisodes).toBe(pendulum.train.evalEpisodes);
  });

  it('keeps what an experiment says itself, and changes nothing where nothing changes', () => {
    const own = withAlgorithm(pendulum, 'sac');
    const tuned = { ...pendulum, sac: { ...own.sac!, tau: 0.5 } };
    expect(withAlgorithm(tuned, 'sac').sac!.tau).toBe(0.5);
    expect(withAlgorithm(own, 'sac')).toBe(own);
    expect(withAlgorithm(pendulum, 'ppo')).toBe(pendulum);
  });
});

describe('on the command line', () => {
  it('takes settings of the algorithm chosen beside them, in any order', () => {
    const config = applyOverrides(pendulum, [
      'sac.critics=10',
      'algorithm=sac',
      'train.iterations=7',
      'sac.layerNorm=true',
    ]);
    expect(config).toMatchObject({
      algorithm: 'sac',
      sac: { critics: 10, layerNorm: true, subset: 2 },
      train: { iterations: 7 },
    });
    // As a resumed run does.
    expect(applyOverrides(config, ['train.iterations=9'])).toEqual({
      ...config,
      train: { ...config.train, iterations: 9 },
    });
    expect(applyOverrides(pendulum, ['algorithm=iql', 'data=episodes', 'offline.sharpness=1']).offline!.sharpness).toBe(
      1,
    );
  });

  it('refuses settings of another algorithm, unknown ones and algorithms, with the repair', () => {
    const repairOf = (...overrides: string[]) => {
      try {
        checkAlgorithm(applyOverrides(pendulum, overrides));
      } catch (error) {
        expect(error).toBeInstanceOf(InputError);
        return `${(error as InputError).message}: ${(error as InputError).repair}`;
      }
      return 'nothing was refused';
    };
    expect(repairOf('sac.critics=10')).toBe('sac.critics is a setting of another algorithm: add algorithm=sac');
    expect(repairOf('offline.tau=1')).toMatch(/add algorithm=bc or algorithm=iql/);
    expect(repairOf('algorithm=sac', 'sac.critcs=10')).toMatch(/did you mean sac.critics\?/);
    expect(repairOf('algorithm=sca')).toMatch(/algorithm should be/);
    expect(repairOf('algorithm=bc')).toMatch(/algorithm=bc learns from recorded episodes.*data=DIRECTORY/);
    expect(repairOf('algorithm=sac', 'sac.subset=3')).toBe(
      'sac.subset should be at most sac.critics, 2, found 3: sac.subset=2',
    );
  });

  it('lists the settings of every block', () => {
    expect(settingPaths()).toEqual(
      expect.arrayContaining(['algorithm', 'data', 'sac.tau', 'offline.expectile', 'ppo.clip']),
    );
    expect(settingPaths()).not.toContain('sac');
    expect(Object.keys(configSchema.entries)).toContain('sac');
  });

  it('needs the block of settings where a literal names the algorithm alone', () => {
    expect(() => checkAlgorithm({ ...pendulum, algorithm: 'sac' })).toThrow(/needs the settings sac/);
  });
});
