import { expect, test } from 'vitest';
import { type ClientSocket, StreamClient } from '../../viewer/server/client.ts';

/** A socket whose network the test opens and shuts. */
class ValveSocket implements ClientSocket {
  bufferedAmount = 0;
  isOpen = true;
  terminated = false;
  readonly delivered: (string | Uint8Array)[] = [];
  send(data: string | Uint8Array): void {
    this.delivered.push(data);
    if (!this.isOpen) this.bufferedAmount += data.length;
  }
  drain(bytes = Infinity): void {
    this.bufferedAmount = Math.max(0, this.bufferedAmount - bytes);
  }
  terminate(): void {
    this.terminated = true;
  }
}

const frame = (size: number, mark = 0) => new Uint8Array(size).fill(mark);

test('a socket that keeps up gets every frame', () => {
  const socket = new ValveSocket();
  const client = new StreamClient(socket, 0);
  for (let i = 0; i < 100; i++) client.offer(frame(1000));
  expect(client).toMatchObject({ framesSent: 100, framesSkipped: 0 });
});

test('a socket that takes nothing holds at most three small frames, and gets the newest when it drains', () => {
  const socket = new ValveSocket();
  const client = new StreamClient(socket, 0);
  socket.isOpen = false;
  for (let i = 1; i <= 50; i++) client.offer(frame(1000, i));
  expect(socket.bufferedAmount).toBe(3000);
  expect(client.framesSent + client.framesSkipped).toBe(49);
  socket.drain();
  client.flush();
  expect((socket.delivered.at(-1) as Uint8Array)[0]).toBe(50);
  expect(client.framesSent + client.framesSkipped).toBe(50);
});

test('large frames: no further one beyond 256 kB', () => {
  const socket = new ValveSocket();
  const client = new StreamClient(socket, 0);
  socket.isOpen = false;
  for (let i = 0; i < 50; i++) client.offer(frame(200_000));
  expect(socket.bufferedAmount).toBe(400_000);
});

test('messages are never dropped', () => {
  const socket = new ValveSocket();
  const client = new StreamClient(socket, 0);
  socket.isOpen = false;
  for (let i = 0; i < 50; i++) {
    client.offer(frame(1000));
    client.tell({ type: 'pong', sent: i });
  }
  const told = socket.delivered.filter((data) => typeof data === 'string');
  expect(told.map((text) => JSON.parse(text).sent)).toEqual(Array.from({ length: 50 }, (_, i) => i));
});

test('stalled is who takes nothing for long; slow is not stalled, and idle is not', () => {
  const socket = new ValveSocket();
  const client = new StreamClient(socket, 0);
  expect(client.isStalled(100, 10)).toBe(false);
  socket.isOpen = false;
  socket.bufferedAmount = 1000;
  for (let now = 101; now < 150; now++) {
    socket.drain(10);
    expect(client.isStalled(now, 10)).toBe(false);
  }
  expect(client.isStalled(158, 10)).toBe(false);
  expect(client.isStalled(160, 10)).toBe(true);
});
