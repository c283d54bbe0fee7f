/**
 * Sends what a ring holds to whoever watches. With nobody watching no frame is read, copied or encoded. The ring's
 * writers are never waited for and never wait. Knows no socket and no thread.
 */

import type { Clock } from '../../core/clock.ts';
import { type Frame, type FrameRing, openFrameRing } from '../../core/frame-ring.ts';
import { encodeFrame, frameBytes, type LiveSource } from '../protocol.ts';
import { plainScene, type ShownScene } from '../scene-message.ts';
import type { StreamClient } from './client.ts';
import { NewestFrame, type Pace, SimulationPace } from './pace.ts';
import { SceneLog } from './scene-log.ts';

/** Frames a second: the higher while all of them are below this many bytes a second. */
const FRAME_RATES = [60, 30] as const;
const HIGH_RATE_BYTES_PER_SECOND = 160_000;

export function frameRateOf(spec: FrameRing['spec']): number {
  const [high, low] = FRAME_RATES;
  const rate = high * frameBytes(spec) <= HIGH_RATE_BYTES_PER_SECOND ? high : low;
  return Math.min(rate, 1 / spec.dt);
}

export interface StreamStats {
  readonly clients: number;
  readonly framesEncoded: number;
  readonly framesSent: number;
  readonly framesSkipped: number;
  /** Clients closed because they took nothing. */
  readonly stalled: number;
  /** Most bytes that ever waited for one client. */
  readonly peakBuffered: number;
}

export class FrameStream {
  readonly #clock: Clock;
  readonly #stallSeconds: number;
  readonly #clients = new Set<StreamClient>();
  readonly #scenes = new SceneLog();
  #source: LiveSource | null = null;
  #ring: FrameRing | null = null;
  #pace: Pace | null = null;
  /** The frame on show and its sequence number, for clients that come or select later. */
  #shown: Frame | null = null;
  #seq = 0;
  #framesEncoded = 0;
  /** Of clients that have left. */
  #past = { framesSent: 0, framesSkipped: 0, stalled: 0, peakBuffered: 0 };
  #timer: ReturnType<typeof setInterval> | undefined;
  #sweepTimer: ReturnType<typeof setInterval> | undefined;

  constructor(clock: Clock, stallSeconds: number) {
    this.#clock = clock;
    this.#stallSeconds = stallSeconds;
  }

  get source(): LiveSource | null {
    return this.#source;
  }

  /** Show another ring. */
  show(source: LiveSource, ring: FrameRing): void {
    this.#source = source;
    this.#ring = ring;
    this.#shown = null;
    this.#scenes.clear();
    for (const client of this.#clients) {
      client.scene = null;
      client.tell({ type: 'source', source });
    }
    this.#start();
  }

  /** What surrounds an environment of the ring from `frame` on. */
  addScene(env: number, frame: number, scene: ShownScene): void {
    if (this.#ring === null) return;
    const oldest = openFrameRing(this.#ring).oldest;
    this.#scenes.add({ env, frame, scene }, Math.min(oldest, this.#shown?.number ?? oldest));
  }

  add(client: StreamClient): void {
    this.#clients.add(client);
    client.tell({ type: 'source', source: this.#source });
    if (this.#clients.size === 1) this.#start();
    else this.#sendShown(client);
  }

  remove(client: StreamClient): void {
    if (!this.#clients.delete(client)) return;
    this.#past.framesSent += client.framesSent;
    this.#past.framesSkipped += client.framesSkipped;
    this.#past.peakBuffered = Math.max(this.#past.peakBuffered, client.peakBuffered);
    if (this.#clients.size > 0) return;
    this.#stop();
    this.#shown = null;
  }

  /** An environment out of range is brought into it. */
  select(client: StreamClient, env: number): void {
    client.selected = Math.max(0, Math.min(env, (this.#source?.spec.numEnvs ?? 1) - 1));
    this.#sendShown(client);
  }

  stats(): StreamStats {
    let { framesSent, framesSkipped, peakBuffered } = this.#past;
    for (const client of this.#clients) {
      framesSent += client.framesSent;
      framesSkipped += client.framesSkipped;
      peakBuffered = Math.max(peakBuffered, client.peakBuffered);
    }
    return {
      clients: this.#clients.size,
      framesEncoded: this.#framesEncoded,
      framesSent,
      framesSkipped,
      stalled: this.#past.stalled,
      peakBuffered,
    };
  }

  close(): void {
    for (const client of this.#clients) client.close();
    this.#clients.clear();
    this.#stop();
  }

  #start(): void {
    this.#stop();
    if (this.#clients.size === 0) return;
    this.#sweepTimer = setInterval(() => this.#sweep(), Math.min(1, this.#stallSeconds / 4) * 1000);
    if (this.#source === null || this.#ring === null) return;
    const ring = openFrameRing(this.#ring);
    this.#pace = this.#source.kind === 'train' ? new SimulationPace(ring) : new NewestFrame(ring);
    this.#timer = setInterval(() => this.#tick(), 1000 / this.#source.frameRate);
  }

  #stop(): void {
    clearInterval(this.#timer);
    clearInterval(this.#sweepTimer);
    this.#pace = null;
  }

  #tick(): void {
    const due = this.#pace?.next(this.#clock.now());
    if (due === null || due === undefined) {
      for (const client of this.#clients) client.flush();
      return;
    }
    this.#shown = due.frame;
    this.#seq++;
    const encoded = new Map<number, Uint8Array>();
    for (const client of this.#clients) {
      this.#tellScene(client, due.frame);
      let bytes = encoded.get(client.selected);
      if (bytes === undefined) {
        bytes = this.#encode(due.frame, client.selected, due.jump);
        encoded.set(client.selected, bytes);
      }
      client.offer(bytes);
    }
  }

  #sendShown(client: StreamClient): void {
    if (this.#shown === null) return;
    this.#tellScene(client, this.#shown);
    client.offer(this.#encode(this.#shown, client.selected, false));
  }

  /** Once for each scene, before its first frame. */
  #tellScene(client: StreamClient, frame: Frame): void {
    const found = this.#scenes.at(client.selected, frame.number);
    if (found === null || found === client.scene) return;
    client.scene = found;
    const { env, scene } = found;
    client.tell({
      type: 'scene',
      stream: this.#source!.stream,
      env,
      step: found.frame,
      scene: plainScene(scene),
    });
  }

  #encode(frame: Frame, selected: number, jump: boolean): Uint8Array {
    this.#framesEncoded++;
    const { spec, stream } = this.#source!;
    const info = { step: frame.number, simTime: frame.time, seq: this.#seq, stream, jump };
    return encodeFrame(spec, frame.values, Math.min(selected, spec.numEnvs - 1), info);
  }

  #sweep(): void {
    const now = this.#clock.now();
    for (const client of this.#clients) {
      if (!client.isStalled(now, this.#stallSeconds)) continue;
      this.#past.stalled++;
      client.close();
      this.remove(client);
    }
  }
}
