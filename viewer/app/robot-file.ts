/** Robots and recordings from bytes. The parsers are loaded when they are first needed; nothing here draws. */

import type { RobotModel } from '../../core/robot-model.ts';
import type { NamedEpisode } from './recorded-frames.ts';

/** @param where names the text, for errors */
export async function readRobot(urdf: string, where: string): Promise<RobotModel> {
  const { parseUrdf } = await import('../../sim/urdf.ts');
  return withMeshes(parseUrdf(urdf, { where }));
}

/** A robot of the server's, by the hash of its URDF; null when it has none such. */
export async function fetchRobot(hash: string): Promise<RobotModel | null> {
  const response = await fetch(`model/${hash}`).catch(() => null);
  return response?.ok ? readRobot(await response.text(), `model ${hash.slice(0, 8)}`) : null;
}

/** The same robot with those of its meshes that the server has. */
async function withMeshes(model: RobotModel): Promise<RobotModel> {
  const shapes = model.links.flatMap(({ visuals, collisions }) => [...visuals, ...collisions]);
  if (!shapes.some(({ geometry }) => geometry.kind === 'mesh')) return model;
  const response = await fetch(`meshes/${model.urdfHash}`).catch(() => null);
  if (!response?.ok) return model;
  const found = (await response.json()) as Readonly<Record<string, readonly number[]>>;
  const meshes = Object.entries(found).map(([file, vertices]) => [file, Float32Array.from(vertices)] as const);
  return { ...model, meshes: Object.fromEntries(meshes) };
}

export interface Recording extends NamedEpisode {
  /** The robot's description, when the file carries it. */
  readonly urdf: string | null;
  /** What a person should know about the file. */
  readonly notes: readonly string[];
}

/** @throws InputError when the bytes hold no episode */
export async function readRecording(bytes: Uint8Array, name: string): Promise<Recording> {
  const { readRecordingBytes } = await import('./recording-reader.ts');
  return readRecordingBytes(bytes, name);
}
