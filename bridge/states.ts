/**
 * The states of the control loop and what takes it from one to another, as one table. Nothing arms by itself, and every
 * way out of an armed state passes `final-damping`: what the table does not name ends there too. Knows no robot.
 *
 *   disarmed -arm-> damping -damped-> to-default -arrived-> holding -start-> running -finish-> damping ...
 *   any armed state -stop, fault-> final-damping -damped-> disarmed
 *   disarmed -watch-> shadow -stop, fault-> disarmed       (nothing is sent in shadow, so nothing must be damped)
 */

export const loopStates = [
  'disarmed',
  'damping',
  'to-default',
  'holding',
  'running',
  'final-damping',
  'shadow',
] as const;
export type LoopState = (typeof loopStates)[number];

/**
 * `arm`, `watch`: the operator's word. `damped`: damping has been commanded long enough. `arrived`: at the default pose,
 * at rest. `start`, `finish`: of an episode. `stop`: no more is wanted. `fault`: something is wrong.
 */
export const loopEvents = ['arm', 'watch', 'damped', 'arrived', 'start', 'finish', 'stop', 'fault'] as const;
export type LoopEvent = (typeof loopEvents)[number];

const transitions: Readonly<Record<LoopState, Readonly<Partial<Record<LoopEvent, LoopState>>>>> = {
  disarmed: { arm: 'damping', watch: 'shadow' },
  damping: { damped: 'to-default' },
  'to-default': { arrived: 'holding' },
  holding: { start: 'running' },
  running: { finish: 'damping' },
  'final-damping': { damped: 'disarmed' },
  shadow: { finish: 'shadow', stop: 'disarmed', fault: 'disarmed' },
};

/** True where commands may reach the robot. */
export function isArmed(state: LoopState): boolean {
  return state !== 'disarmed' && state !== 'shadow';
}

/** The state after `event`. Total: an event that has no place in an armed state is a doubt, and a doubt is a stop. */
export function nextState(state: LoopState, event: LoopEvent): LoopState {
  return transitions[state][event] ?? (isArmed(state) ? 'final-damping' : state);
}
