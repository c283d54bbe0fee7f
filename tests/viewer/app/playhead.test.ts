import { beforeEach, describe, expect, test } from 'vitest';
import { Playhead } from '../../../viewer/app/playhead.ts';

/** Frames every 10 ms from `start` to `end`. */
class Film {
  start = 0;
  end = 10;
  isLive = false;
  neighbour(time: number, direction: -1 | 1): number {
    return (Math.round(time * 100) + direction) / 100;
  }
}

let playhead: Playhead;
let film: Film;
beforeEach(() => {
  playhead = new Playhead();
  film = new Film();
});

describe('a recording', () => {
  beforeEach(() => playhead.attach(film));

  test('plays from its start at the chosen speed', () => {
    playhead.setSpeed(0.1);
    playhead.advance(2);
    expect(playhead.time).toBeCloseTo(0.2, 12);
    playhead.setSpeed(8);
    playhead.advance(0.5);
    expect(playhead.time).toBeCloseTo(4.2, 12);
  });

  test('loops, or stops at its end and starts over when played again', () => {
    playhead.seek(9.5);
    playhead.advance(1);
    expect(playhead.time).toBeCloseTo(0.5, 12);
    playhead.loop = false;
    playhead.seek(9.5);
    playhead.advance(1);
    expect(playhead).toMatchObject({ time: 10, playing: false });
    playhead.togglePlaying();
    expect(playhead).toMatchObject({ time: 0, playing: true });
  });

  test('scrubs while it goes on playing, and steps paused', () => {
    playhead.seek(3);
    expect(playhead.playing).toBe(true);
    playhead.step(1);
    expect(playhead).toMatchObject({ time: 3.01, playing: false });
    playhead.step(-1);
    playhead.step(-1);
    expect(playhead.time).toBeCloseTo(2.99, 12);
    playhead.advance(1);
    expect(playhead.time).toBeCloseTo(2.99, 12);
  });

  test('stays within the film', () => {
    playhead.seek(99);
    expect(playhead.time).toBe(10);
    playhead.seek(-5);
    expect(playhead.time).toBe(0);
    playhead.togglePlaying();
    playhead.step(-1);
    expect(playhead.time).toBe(0);
  });

  test('speeds go through the list and end at its ends', () => {
    const speeds: number[] = [];
    for (let i = 0; i < 5; i++) {
      playhead.changeSpeed(1);
      speeds.push(playhead.speed);
    }
    expect(speeds).toEqual([2, 4, 8, 8, 8]);
    for (let i = 0; i < 9; i++) playhead.changeSpeed(-1);
    expect(playhead.speed).toBe(0.1);
  });

  test('toLive does nothing', () => {
    playhead.toLive();
    expect(playhead.live).toBe(false);
  });
});

describe('something live', () => {
  beforeEach(() => {
    film.isLive = true;
    playhead.attach(film);
  });

  test('is followed closely and evenly though frames come in jerks', () => {
    const steps: number[] = [];
    for (let k = 0; k < 600; k++) {
      // 60 pictures a second; frames arrive in fives, every 50 ms.
      if (k % 3 === 0) film.end += 0.05;
      const before = playhead.time;
      playhead.advance(1 / 60);
      steps.push(playhead.time - before);
      expect(film.end - playhead.time).toBeLessThan(0.15);
    }
    const settled = steps.slice(100);
    // Within 15% of 16.7 ms, where the frames themselves jump by 50 ms or not at all.
    for (const step of settled) expect(Math.abs(step * 60 - 1)).toBeLessThan(0.15);
  });

  test('slow motion is followed at its own pace, between its frames', () => {
    const steps: number[] = [];
    for (let k = 0; k < 600; k++) {
      // A quarter of real time: 10 ms every 40 ms, and 60 pictures a second.
      if (Math.floor(k / 2.4) !== Math.floor((k - 1) / 2.4)) film.end += 0.01;
      const before = playhead.time;
      playhead.advance(1 / 60);
      steps.push(playhead.time - before);
    }
    for (const step of steps.slice(200)) expect(Math.abs(step * 240 - 1)).toBeLessThan(0.25);
  });

  test('a jump of the stream is followed at once', () => {
    film.end += 5;
    playhead.advance(1 / 60);
    expect(film.end - playhead.time).toBeLessThan(0.1);
  });

  test('pausing or scrubbing leaves it; playing on to the end joins it again', () => {
    playhead.togglePlaying();
    expect(playhead).toMatchObject({ live: false, playing: false });
    film.end = 12;
    playhead.toLive();
    expect(playhead).toMatchObject({ live: true, playing: true, time: 12 });
    playhead.seek(11);
    expect(playhead).toMatchObject({ live: false, playing: false, time: 11 });
    playhead.setSpeed(8);
    playhead.togglePlaying();
    playhead.advance(0.25);
    expect(playhead).toMatchObject({ live: true, speed: 1, time: 12 });
  });

  test('who is paused on what is forgotten is moved on with it', () => {
    playhead.seek(0);
    film.start = 4;
    playhead.advance(1 / 60);
    expect(playhead.time).toBe(4);
  });
});
