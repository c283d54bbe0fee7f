/**
 * Looks for one backend in a process of its own: native code that writes to the terminal writes to nobody, and a driver
 * that crashes takes nothing with it. Forked by `landfall doctor`; the argument is the backend's name, the message a finding.
 */

import { type BackendName, probeBackends } from './backend.ts';

const [finding] = await probeBackends([process.argv[2] as BackendName]);
// Waits to be ended: leaving at once might overtake the message.
process.channel?.ref();
process.send?.(finding);
