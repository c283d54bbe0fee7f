/**
 * The robot behind rosbridge, as the control loop sees it: the newest state with its age, and a way to send a command
 * now or not at all. Follows `contract.ros`. Knows no policy and keeps no command.
 */

import type { Clock } from '../core/clock.ts';
import type { Contract } from '../core/contract.ts';
import type { ScanGeometry } from '../core/episode.ts';
import { type JointCommand, makeState, type RobotState } from '../core/robot.ts';
import { type Fault, makeFault } from './faults.ts';
import type { Publisher, RosLink } from './link.ts';
import type { CommandMapping, Message } from './mappings/mapping.ts';
import { mappingOf } from './mappings/registry.ts';
import { type RosVersion, sameType } from './ros-names.ts';
import type { SensorFeed } from './sensors/feed.ts';
import { feedsOf } from './sensors/feeds.ts';
import { StateClock } from './state-clock.ts';
import { type StateReader, stateReaderOf } from './state-reader.ts';
import { largeMessage } from './transport.ts';

/** What the control loop needs of a robot. Times are seconds on our clock unless said otherwise. */
export interface RobotPort {
  /** The newest state, reused: copy what must last. `time` is the sensor stamp on the robot's clock. */
  readonly state: RobotState;
  /** New states so far: a repeated stamp is none. */
  readonly stateCount: number;
  readonly receiptTime: number;
  /** Smoothed time between states, s. */
  readonly stateInterval: number;
  /** Since the sensors of the newest state were read. */
  age(now: number): number;
  /** Since the newest state arrived. */
  sinceReceipt(now: number): number;
  /** The first thing that was wrong with the link or a message of the state. */
  readonly fault: Fault | null;
  /** What is wrong with a sensor that the policy reads. */
  checkSensors(now: number): Fault | null;
  readonly isOpen: boolean;
  /** When the robot's side was last shown to be reading: the sending time of the newest answered ping. */
  readonly provenAt: number;
  /** Ask for a sign of life. */
  probe(): void;
  /** @returns false when the command was dropped because the link was not ready */
  send(command: JointCommand): boolean;
}

export class RosRobot implements RobotPort {
  readonly state: RobotState;
  readonly #contract: Contract;
  readonly #link: RosLink;
  readonly #clock: Clock;
  readonly #mapping: CommandMapping;
  readonly #reader: StateReader;
  /** One for each of the contract's sensors, odometry among them. */
  readonly feeds: readonly SensorFeed[];
  readonly #scans: Record<string, ScanGeometry> = {};
  readonly #time: StateClock;
  #stateCount = 0;
  #messageCount = 0;
  #ros: RosVersion = 2;
  #publisher: Publisher | undefined;
  #fault: Fault | null = null;

  /**
   * Sends nothing until advertise() is called.
   * @throws InputError for a command mapping or a sensor type that does not exist, or does not fit the policy
   */
  constructor(contract: Contract, link: RosLink, clock: Clock) {
    this.#contract = contract;
    this.#link = link;
    this.#clock = clock;
    this.#mapping = mappingOf(contract);
    this.#reader = stateReaderOf(contract);
    this.#time = new StateClock(contract.safety.stateAge);
    this.state = makeState(contract.joints.length, contract.sensors);
    // Nothing is known until it is measured.
    this.state.base.fill(NaN);
    this.state.twist.fill(NaN);
    for (const reading of Object.values(this.state.sensors)) reading.fill(NaN);
    this.feeds = feedsOf(contract, this.state);
  }

  /**
   * Listen to the state and every sensor, except where the topic is of another type.
   * @param known types by topic, as this robot's ROS writes them
   */
  subscribe(known: ReadonlyMap<string, string>): void {
    const listen = (topic: string, type: string, listener: (message: unknown) => void) => {
      const found = known.get(topic) ?? type;
      if (sameType(found, type)) this.#link.subscribe(topic, found, listener);
    };
    const { state } = this.#contract.ros;
    listen(state.topic, state.type, (message) => this.#receive(message));
    for (const feed of this.feeds) {
      const { name, topic, type, reader } = feed.source;
      listen(topic, type, (message) => {
        feed.receive(message, this.#clock.now());
        if (reader.scan === undefined || Object.hasOwn(this.#scans, name)) return;
        const scan = reader.scan(message);
        if (scan !== null) this.#scans[name] = scan;
      });
    }
  }

  /** From now on commands can be sent. @param commandType as this robot's ROS writes it */
  advertise(commandType: string): void {
    this.#publisher = this.#link.advertise(this.#contract.ros.command.topic, commandType);
  }

  unadvertise(): void {
    this.#publisher?.unadvertise();
    this.#publisher = undefined;
  }

  get stateCount(): number {
    return this.#stateCount;
  }

  /** Messages on the state topic, right or wrong. */
  get messageCount(): number {
    return this.#messageCount;
  }

  get receiptTime(): number {
    return this.#time.receipt;
  }

  get stateInterval(): number {
    return this.#time.interval;
  }

  set oneWay(seconds: number) {
    this.#time.oneWay = seconds;
    for (const feed of this.feeds) feed.oneWay = seconds;
  }

  /** How the beams of its scanning sensors lie, as far as they have said. */
  get scans(): Readonly<Record<string, ScanGeometry>> {
    return this.#scans;
  }

  checkSensors(now: number): Fault | null {
    const robotTime = this.#time.robotTime(now);
    let fault: Fault | null = null;
    // All are asked: one that nobody reads forgets its old reading here.
    for (const feed of this.feeds) fault ??= feed.check(now, robotTime);
    return fault;
  }

  /** The robot's clock at our time `now`, s. */
  robotTime(now: number): number {
    return this.#time.robotTime(now);
  }

  age(now: number): number {
    return this.#time.age(now);
  }

  sinceReceipt(now: number): number {
    return this.#time.sinceReceipt(now);
  }

  get fault(): Fault | null {
    if (this.#fault !== null || this.#link.fault !== null) return this.#link.fault ?? this.#fault;
    const { pendingBytes, messageBytes } = this.#link;
    return pendingBytes > messageBytes ? largeMessage(pendingBytes, messageBytes, 'more than ') : null;
  }

  get isOpen(): boolean {
    return this.#link.isOpen;
  }

  get provenAt(): number {
    return this.#link.provenAt;
  }

  probe(): void {
    this.#link.probe();
  }

  send(command: JointCommand): boolean {
    if (this.#publisher === undefined) return false;
    const message = this.#mapping.encode(command, this.state, {
      joints: this.#contract.joints,
      robotTime: this.#time.robotTime(this.#clock.now()),
      ros: this.#ros,
      period: 1 / this.#contract.control.rateHz,
      options: this.#contract.ros.command.options ?? {},
    });
    const place = notFinitePlace(message, '');
    if (place !== null) {
      this.#fault ??= makeFault(
        'not-finite',
        `a command's ${place} is not finite and was not sent`,
        'the policy or the state is broken: look at the end of the recording',
      );
      return false;
    }
    return this.#publisher.publish(message);
  }

  #receive(message: unknown): void {
    const receipt = this.#clock.now();
    this.#messageCount++;
    const reading = this.#reader.read(message, this.state);
    if (reading.kind === 'bad') {
      this.#fault ??= reading.fault;
      return;
    }
    this.#ros = reading.stamp.ros;
    const accepted = this.#time.accept(reading.stamp.seconds, receipt);
    if (accepted === true) this.#stateCount++;
    else if (accepted !== false) this.#fault ??= accepted;
  }
}

/** Where in an outgoing message a number is not finite; null when all are. JSON would turn it into null. */
export function notFinitePlace(value: Message | unknown, path: string): string | null {
  if (typeof value === 'number') return Number.isFinite(value) ? null : path;
  if (typeof value !== 'object' || value === null) return null;
  for (const [key, item] of Object.entries(value)) {
    const place = notFinitePlace(item, path === '' ? key : `${path}.${key}`);
    if (place !== null) return place;
  }
  return null;
}
