/** A learner's thread: does its part of what is asked, over the memory it was started with. */

import { parentPort, workerData } from 'node:worker_threads';
import { messageOf } from '../../core/errors.ts';
import { PpoMember } from './ppo-member.ts';
import type { LearnerReply, LearnerRequest, LearnerStart } from './ppo-plan.ts';
import { SimdMemory } from './simd-memory.ts';

const port = parentPort!;
const { memory, plan, index, threads } = workerData as LearnerStart;
const member = new PpoMember(new SimdMemory(memory), plan, index, threads);

port.on('message', (request: LearnerRequest) => port.postMessage(serve(request)));

function serve(request: LearnerRequest): LearnerReply {
  try {
    if (request.op === 'epoch') member.epoch(request);
    else member.values(request);
    return { op: 'done' };
  } catch (error) {
    member.team.fail();
    return { op: 'failed', message: messageOf(error) };
  }
}
