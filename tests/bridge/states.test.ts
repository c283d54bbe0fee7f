/** The loop's states, exhaustively: no way out of an armed state but through final damping. */

import { describe, expect, it } from 'vitest';
import { isArmed, type LoopEvent, type LoopState, loopEvents, loopStates, nextState } from '../../bridge/states.ts';

const pairs = loopStates.flatMap((state) => loopEvents.map((event): [LoopState, LoopEvent] => [state, event]));

describe('states', () => {
  it.each(pairs)('%s on %s is a state, and armed only by the operator', (state, event) => {
    const next = nextState(state, event);
    expect(loopStates).toContain(next);
    if (!isArmed(state)) expect(isArmed(next)).toBe(state === 'disarmed' && event === 'arm');
  });

  it.each(pairs.filter(([state]) => isArmed(state) && state !== 'final-damping'))(
    '%s on %s stays armed',
    (state, event) => {
      expect(isArmed(nextState(state, event))).toBe(true);
    },
  );

  it.each(loopStates.filter(isArmed))('%s ends in final damping on stop and on fault', (state) => {
    expect(nextState(state, 'stop')).toBe('final-damping');
    expect(nextState(state, 'fault')).toBe('final-damping');
  });

  it('disarms from final damping only when it has been damped, whatever else happens', () => {
    for (const event of loopEvents) {
      expect(nextState('final-damping', event)).toBe(event === 'damped' ? 'disarmed' : 'final-damping');
    }
  });

  it('takes an event that has no place for a doubt', () => {
    expect(nextState('running', 'arm')).toBe('final-damping');
    expect(nextState('to-default', 'damped')).toBe('final-damping');
    expect(nextState('disarmed', 'start')).toBe('disarmed');
    expect(nextState('shadow', 'arm')).toBe('shadow');
  });

  it('goes its usual way', () => {
    const events: LoopEvent[] = [
      'arm',
      'damped',
      'arrived',
      'start',
      'finish',
      'damped',
      'arrived',
      'start',
      'stop',
      'damped',
    ];
    let state: LoopState = 'disarmed';
    const way = events.map((event) => {
      state = nextState(state, event);
      return state;
    });
    expect(way).toEqual([
      'damping',
      'to-default',
      'holding',
      'running',
      'damping',
      'to-default',
      'holding',
      'running',
      'final-damping',
      'disarmed',
    ]);
  });
});
