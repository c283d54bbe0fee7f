/** The viewer's server: `startViewer` serves the page and streams a ring of frames to it. */

export type { LiveSource, MetricsRecord, SourceKind } from '../protocol.ts';
export type { ShowSource } from './server.ts';
export type { StreamStats } from './stream.ts';
export { DEFAULT_PORT, startViewer, type Viewer, type ViewerOptions } from './viewer.ts';
