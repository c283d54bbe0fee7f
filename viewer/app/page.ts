/**
 * The page: keeps together the connection, what is on show, the playhead, the picture and the plots. Every picture it
 * moves the playhead, poses the robots, and moves the plots after it.
 */

import type { RobotModel } from '../../core/robot-model.ts';
import type { DecodedFrame, LiveSource, RunEntry, ServerMessage, SourceKind } from '../protocol.ts';
import type { SceneMessage, ShownScene } from '../scene-message.ts';
import {
  Connection,
  type ConnectionFigures,
  type ConnectionHandlers,
  type ConnectionState,
  type Line,
} from './connection.ts';
import { byId, element, setText } from './dom.ts';
import { acceptDrops } from './drop-files.ts';
import { EnvironmentPicker } from './environment-picker.ts';
import type { FrameSource } from './frame-source.ts';
import { Hud } from './hud.ts';
import { fetchLibrary, LibraryDialog } from './library-dialog.ts';
import { LiveFrames } from './live-frames.ts';
import { MessageBar } from './message-bar.ts';
import { parseMetrics } from './metrics-file.ts';
import { Playhead } from './playhead.ts';
import { PlotPanel } from './plot-panel.ts';
import { type NamedBytes, ofEntry, ofFile, openRecordings, withRepair } from './recordings.ts';
import { missingMeshes } from './robot-shapes.ts';
import { Stage } from './stage.ts';
import { TimelineBar } from './timeline-bar.ts';
import { TrainingCurves } from './training-curves.ts';

const KINDS: Readonly<Record<SourceKind, string>> = {
  train: 'training',
  robot: 'robot',
  policy: 'policy',
  deploy: 'deployment',
  recording: 'recording',
};
const NOTES_SHOWN = 200;
/** Frames kept while the robot's description is on its way. */
const EARLY_FRAMES = 600;
/** A hidden page gets no pictures; after this long the playhead does not run after the lost time, s. */
const LONGEST_PICTURE = 0.25;

export class Page {
  readonly playhead = new Playhead();
  readonly #stage = new Stage(byId('canvas', HTMLCanvasElement));
  readonly #bar = new TimelineBar(byId('timeline', HTMLElement), this.playhead);
  readonly #plots = new PlotPanel(byId('plots', HTMLElement), (time) => this.playhead.seek(time));
  readonly #curves = new TrainingCurves(byId('training', HTMLElement));
  readonly #hud = new Hud(byId('hud', HTMLElement));
  readonly #messages = new MessageBar(byId('message', HTMLElement));
  readonly #environments = new EnvironmentPicker(byId('environments', HTMLElement), (env) => this.select(env));
  readonly #label = byId('robot-label', HTMLElement);
  readonly #library = new LibraryDialog({
    openFiles: (files) => void this.openFiles(files),
    openRecordings: (entries) => void this.#open(entries.map(ofEntry)),
    openMetrics: (run) => void this.#openMetrics(run),
  });
  readonly #connection: Line;
  #connectionState: ConnectionState = 'connecting';
  #live: LiveFrames | null = null;
  #early: DecodedFrame[] = [];
  #stream = 0;
  #shown: FrameSource | null = null;
  #selected = 0;
  #q = new Float32Array(0);
  #bases = new Float32Array(0);
  #scenesEarly: SceneMessage[] = [];
  #posedAt = NaN;
  #lastPicture = performance.now();
  #hasLookedAround = false;

  /** @param connect the line to what is shown live @default to the server that the page came from */
  constructor(connect: (handlers: ConnectionHandlers) => Line = (handlers) => new Connection(location, handlers)) {
    this.#stage.paint();
    this.#stage.onPick = (env, isDouble) => {
      this.select(env);
      if (isDouble) this.focusSelected();
    };
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.#repaint());
    byId('open', HTMLElement).addEventListener('click', () => this.openLibrary());
    byId('to-live-source', HTMLElement).addEventListener('click', () => this.showLive());
    acceptDrops(byId('drop', HTMLElement), (files) => void this.openFiles(files));
    this.#connection = connect({
      onState: (state) => {
        this.#connectionState = state;
      },
      onMessage: (message) => void this.#receive(message),
      onFrame: (frame) => this.#takeFrame(frame),
    });
    requestAnimationFrame((now) => this.#picture(now));
  }

  get source(): FrameSource | null {
    return this.#shown;
  }

  get selected(): number {
    return this.#selected;
  }

  /** The joint coordinates in the picture, [numEnvs, nJoints]. */
  get q(): Float32Array {
    return this.#q;
  }

  /** The poses of the bases in the picture, each in its own world, [numEnvs, 7]. */
  get bases(): Float32Array {
    return this.#bases;
  }

  /** What the camera and the surroundings are. */
  get view(): { readonly following: boolean; readonly scene: ShownScene | null } {
    return { following: this.#stage.isFollowing, scene: this.#stage.scene };
  }

  /** Where an environment's base is on the canvas, px. */
  basePosition(env: number): { x: number; y: number } | null {
    return this.#stage.basePosition(env);
  }

  get cost(): { drawCalls: number; triangles: number } {
    return this.#stage.cost;
  }

  get connection(): { readonly state: ConnectionState; readonly figures: ConnectionFigures } {
    return { state: this.#connectionState, figures: this.#connection.figures };
  }

  get metricsCount(): number {
    return this.#curves.records.length;
  }

  openLibrary(): void {
    void this.#library.show();
  }

  openFiles(files: readonly File[]): Promise<void> {
    return this.#open(files.map(ofFile));
  }

  /** Go back from a recording to what the server shows. */
  showLive(): void {
    if (this.#live !== null) this.#show(this.#live);
  }

  select(env: number): void {
    const source = this.#shown;
    if (source === null) return;
    this.#selected = Math.max(0, Math.min(source.numEnvs - 1, env));
    this.#stage.select(this.#selected);
    // A paused picture shows the surroundings of the newly selected one.
    this.#posedAt = NaN;
    this.#plots.select(this.#selected);
    if (source.isLive) this.#connection.select(this.#selected);
    setText(byId('channels-title', HTMLElement), source.numEnvs > 1 ? source.labelOf(this.#selected) : 'Channels');
    this.#environments.show(source, this.#selected);
  }

  fitAll(): void {
    this.#stage.isFollowing = this.#stage.isFollowing && this.#shown?.numEnvs === 1;
    this.#stage.fit(true);
  }

  /** Look at the selected robot and go with it. */
  focusSelected(): void {
    this.#stage.fit(true, this.#selected);
    this.#stage.isFollowing = true;
  }

  /** Follow the selected robot, or let it go. */
  toggleFollowing(): void {
    if (this.#stage.isFollowing) this.#stage.isFollowing = false;
    else this.focusSelected();
  }

  #show(source: FrameSource): void {
    this.#shown = source;
    this.#q = new Float32Array(source.numEnvs * source.model.dof.length);
    this.#posedAt = NaN;
    this.#bases = this.#stage.setRobots(source.model, source.numEnvs);
    this.#plots.show(source);
    this.playhead.attach(source);
    this.select(0);
    const badge = byId('kind', HTMLElement);
    badge.hidden = false;
    setText(badge, KINDS[source.kind]);
    setText(byId('title', HTMLElement), source.title);
    document.title = `${source.title} – Landfall`;
    byId('empty', HTMLElement).hidden = true;
    byId('to-live-source', HTMLElement).hidden = source.isLive || this.#live === null;
    this.#note(source.model.notes);
    const meshes = missingMeshes(source.model);
    if (meshes > 0)
      this.#note([`${source.model.name}: ${meshes} meshes are not drawn; links without other shapes are rods`]);
  }

  async #receive(message: ServerMessage): Promise<void> {
    switch (message.type) {
      case 'source':
        return this.#takeSource(message.source);
      case 'metrics':
        return this.#curves.add(message.records, message.reset);
      case 'notes':
        return this.#note(message.notes, message.reset);
      case 'open': {
        const { runs, recordings } = await fetchLibrary();
        const known = [...recordings, ...runs.flatMap((run) => run.recordings)];
        const entries = message.ids
          .map((id) => known.find((entry) => entry.id === id))
          .filter((entry) => entry !== undefined);
        return this.#open(entries.map(ofEntry));
      }
      case 'scene':
        return this.#takeScene(message);
      case 'hello':
      case 'pong':
        return;
      default:
        return message satisfies never;
    }
  }

  async #takeSource(source: LiveSource | null): Promise<void> {
    this.#live = null;
    this.#early = [];
    this.#scenesEarly = [];
    byId('to-live-source', HTMLElement).hidden = true;
    if (source === null) return this.#lookAround();
    this.#hasLookedAround = true;
    this.#stream = source.stream;
    const model = await this.#modelOf(source);
    if (model === null || this.#stream !== source.stream) return;
    const live = new LiveFrames(source, { ...model, base: source.spec.base ?? 'fixed' });
    for (const message of this.#scenesEarly) live.surround(message);
    for (const frame of this.#early) live.push(frame);
    this.#early = [];
    this.#scenesEarly = [];
    this.#live = live;
    // Who is looking at a recording goes on looking at it.
    if (this.#shown === null || this.#shown.isLive) this.#show(live);
    else byId('to-live-source', HTMLElement).hidden = false;
  }

  async #modelOf(source: LiveSource): Promise<RobotModel | null> {
    try {
      const model = await this.#connection.robot(source.model);
      if (model === null) this.#messages.problem(`the server does not hand out the robot of ${source.title}`);
      return model;
    } catch (error) {
      this.#messages.problem(withRepair(error));
      return null;
    }
  }

  #takeFrame(frame: DecodedFrame): void {
    if (this.#live !== null) this.#live.push(frame);
    else if (this.#early.length < EARLY_FRAMES) this.#early.push(frame);
  }

  #takeScene(message: SceneMessage): void {
    if (message.stream !== this.#stream) return;
    if (this.#live !== null) this.#live.surround(message);
    else this.#scenesEarly.push(message);
  }

  /** Nothing runs: open the one run there is, once. */
  async #lookAround(): Promise<void> {
    if (this.#hasLookedAround) return;
    this.#hasLookedAround = true;
    const { runs } = await fetchLibrary();
    const [run] = runs;
    if (run === undefined || this.#shown !== null) return;
    if (runs.length > 1) {
      this.openLibrary();
      return;
    }
    await this.#openMetrics(run);
    const newest = run.recordings.at(-1);
    if (newest !== undefined) await this.#open([ofEntry(newest)]);
  }

  async #openMetrics(run: RunEntry): Promise<void> {
    if (!run.hasMetrics) return;
    const response = await fetch(`metrics/${run.id}`).catch(() => null);
    if (response?.ok) this.#curves.add(parseMetrics(await response.text()), true);
    else this.#messages.problem(`the metrics of ${run.name} could not be read`);
  }

  async #open(files: readonly NamedBytes[]): Promise<void> {
    if (files.length === 0) return;
    try {
      const { frames, notes, problems } = await openRecordings(files, this.#shown?.model ?? null);
      this.#show(frames);
      this.#note(notes);
      if (problems.length > 0) this.#messages.problem(problems.join('\n'));
    } catch (error) {
      this.#messages.problem(withRepair(error));
    }
  }

  #note(notes: readonly string[], isReset = false): void {
    const list = byId('notes', HTMLElement);
    if (isReset) list.replaceChildren();
    list.append(...notes.map((note) => element('li', {}, note)));
    while (list.childElementCount > NOTES_SHOWN) list.firstElementChild?.remove();
    byId('log', HTMLElement).hidden = list.childElementCount === 0;
    list.scrollTop = list.scrollHeight;
  }

  #repaint(): void {
    this.#stage.paint();
    this.#plots.repaint();
    this.#curves.repaint();
  }

  #picture(now: number): void {
    requestAnimationFrame((next) => this.#picture(next));
    const seconds = Math.max(0, Math.min(LONGEST_PICTURE, (now - this.#lastPicture) / 1000));
    this.#lastPicture = now;
    this.playhead.advance(seconds);
    const { time, live } = this.playhead;
    const source = this.#shown;
    if (source !== null && (time !== this.#posedAt || source.isLive)) {
      this.#posedAt = time;
      source.poseAt(time, this.#q);
      source.baseAt(time, this.#bases);
      this.#stage.setScene(source.sceneAt(time, this.#selected));
      this.#stage.setPoses(this.#q, this.#bases);
      const objects = source.objectsAt(time, this.#selected);
      if (objects !== null) this.#stage.setObjects(objects);
    }
    this.#stage.render(seconds);
    this.#bar.update(source);
    this.#plots.update(time, live, seconds);
    this.#curves.update();
    this.#hud.update(this.#connectionState, this.#connection.figures, this.#live !== null);
    this.#placeLabel();
  }

  /** The selected robot's name in front of it, like a plate on the floor. */
  #placeLabel(): void {
    const source = this.#shown;
    const at = source !== null && source.numEnvs > 1 ? this.#stage.labelPosition(this.#selected) : null;
    this.#label.hidden = at === null;
    if (at === null || source === null) return;
    setText(this.#label, source.isLive ? String(this.#selected) : source.labelOf(this.#selected));
    this.#label.style.transform = `translate(calc(${at.x}px - 50%), ${at.y}px)`;
  }
}
