/** Contracts of unknown origin: accepted whole or refused with the field, what was expected, what came and the repair. */

import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { actionDim, obsDim, parseContract } from '../../core/contract.ts';
import { InputError, LandfallError, MismatchError, messageOf, nearest } from '../../core/errors.ts';
import { parseWith } from '../../core/schema.ts';
import { sampleContract } from './samples.ts';

/** A deep copy with one value changed. @param path as `joints.0.kp` */
function changed(path: string, value: unknown): unknown {
  const contract: unknown = structuredClone(sampleContract());
  const keys = path.split('.');
  let node = contract as Record<string, unknown>;
  for (const key of keys.slice(0, -1)) node = node[key] as Record<string, unknown>;
  node[keys.at(-1)!] = value;
  return contract;
}

function errorOf(call: () => unknown): InputError {
  try {
    call();
  } catch (error) {
    expect(error).toBeInstanceOf(InputError);
    return error as InputError;
  }
  return expect.fail('expected an InputError');
}

describe('contract', () => {
  it('is accepted as it is, also from JSON', () => {
    const contract = sampleContract();
    expect(parseContract(JSON.parse(JSON.stringify(contract)), 'policy.json')).toEqual(contract);
    expect(obsDim(contract)).toBe(3);
    expect(actionDim(contract)).toBe(1);
  });

  it.each([
    ['safety.stateAg', 1, 'unknown setting safety.stateAg', 'did you mean safety.stateAge?'],
    ['contrl', {}, 'unknown setting contrl', 'did you mean control?'],
    ['control.zzzzzz', 1, 'unknown setting control.zzzzzz', 'known here: rateHz, physicsDt'],
    ['ros.watchdog.secs', 1, 'unknown setting ros.watchdog.secs', 'known here: seconds, by'],
  ])('refuses the unknown key %s', (path, value, message, repair) => {
    const error = errorOf(() => parseContract(changed(path, value), 'policy.json'));
    expect(error.message).toBe(`policy contract in policy.json: ${message}`);
    expect(error.repair).toBe(repair);
  });

  it.each([
    ['control.rateHz', 'fast', 'control.rateHz should be number, found "fast"'],
    ['control.rateHz', -1, 'control.rateHz should be >=0, found -1'],
    ['control.rateHz', Infinity, 'control.rateHz should be'],
    ['joints.0.sign', 2, 'joints.0.sign should be (1 | -1), found 2'],
    ['joints.0.position', [1], 'joints.0.position'],
    ['seed', 1.5, 'seed should be'],
    ['observations', null, 'observations should be Array, found null'],
    ['schema', 1, 'schema should be 2, found 1'],
    ['network.kind', 'lstm', 'network.kind should be ("mlp" | "gru" | "history" | "privileged"), found "lstm"'],
  ])('refuses %s = %s, naming the field', (path, value, message) => {
    const error = errorOf(() => parseContract(changed(path, value), 'policy.json'));
    expect(error.message).toContain(`policy contract in policy.json: ${message}`);
    expect(error.message).not.toContain('\n');
    expect(error.repair).toBeDefined();
  });

  it('refuses a missing field and what is no object', () => {
    const { seed: _, ...rest } = sampleContract();
    expect(errorOf(() => parseContract(rest, 'a')).message).toContain('policy contract in a: seed should be');
    expect(errorOf(() => parseContract('text', 'a')).message).toBe(
      'policy contract in a: the whole value should be Object, found "text"',
    );
    expect(errorOf(() => parseContract(null, 'a')).message).toContain('found null');
  });

  it('refuses a key inside a list and says which', () => {
    const joint = { ...sampleContract().joints[0], velocty: 1 };
    const error = errorOf(() => parseContract(changed('joints', [joint]), 'a'));
    expect(error.message).toBe('policy contract in a: unknown setting joints.0.velocty');
    expect(error.repair).toBe('did you mean joints.0.velocity?');
  });
});

describe('parseWith', () => {
  it('returns what the schema makes of the value', () => {
    const schema = v.strictObject({ a: v.optional(v.number(), 3) });
    expect(parseWith(schema, {}, 'settings')).toEqual({ a: 3 });
  });
});

describe('errors', () => {
  it('nearest: a slip of the hand, not a stranger', () => {
    const keys = ['learningRate', 'gamma', 'lam', 'clipCoef'];
    expect(nearest('learningrate', keys)).toBe('learningRate');
    expect(nearest('lerningRate', keys)).toBe('learningRate');
    expect(nearest('gama', keys)).toBe('gamma');
    expect(nearest('banana', keys)).toBeUndefined();
    expect(nearest('x', [])).toBeUndefined();
    expect(nearest('lamb', ['lam', 'lamb'])).toBe('lamb');
  });

  it('carry their class, exit code, repair and cause', () => {
    const cause = new Error('deep');
    const error = new MismatchError('robots differ', { repair: 'use the other', cause });
    expect(error).toBeInstanceOf(InputError);
    expect(error).toMatchObject({ name: 'MismatchError', exitCode: 2, repair: 'use the other', cause });
    expect(new LandfallError('failed')).toMatchObject({ exitCode: 1, repair: undefined });
    expect('cause' in new LandfallError('failed')).toBe(false);
    expect([messageOf(error), messageOf('text'), messageOf(undefined)]).toEqual(['robots differ', 'text', 'undefined']);
  });
});
