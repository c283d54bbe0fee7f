/**
 * A recording from the bytes of its MCAP file, with the robot's description in it. Of a recording that was cut off it
 * takes what can be read. Loaded with the MCAP code, on demand.
 */

import type { Episode } from '../../core/episode.ts';
import { DESCRIPTION_TOPIC } from '../../core/episode-format.ts';
import { readEpisode, salvageEpisode } from '../../core/episode-mcap.ts';
import { messageOf } from '../../core/errors.ts';
import { scanMcap } from '../../core/mcap-scan.ts';
import { stringType } from '../../core/ros-messages.ts';
import { checkObservations } from './observation-check.ts';
import type { Recording } from './robot-file.ts';

export async function readRecordingBytes(bytes: Uint8Array, name: string): Promise<Recording> {
  const notes: string[] = [];
  let episode: Episode;
  try {
    episode = await readEpisode(bytes, name);
  } catch (error) {
    episode = await salvageEpisode(bytes, name);
    notes.push(`${messageOf(error)}; showing the ${episode.steps.length} steps before the damage`);
  }
  const outcome = episode.outcome === null ? 'no outcome recorded' : episode.outcome.reason;
  notes.push(`${name}: ${episode.meta.source}, ${episode.steps.length} steps, ${outcome}`);
  const check = checkObservations(episode);
  if (check !== null) notes.push(`${name}: ${check}`);
  return { name, episode, urdf: descriptionIn(bytes), notes };
}

function descriptionIn(bytes: Uint8Array): string | null {
  const { channels, messages } = scanMcap(bytes);
  const channel = [...channels.values()].find(({ topic }) => topic === DESCRIPTION_TOPIC);
  const message = messages.find(({ channelId }) => channelId === channel?.id);
  return message === undefined ? null : stringType.decode(message.data).data;
}
