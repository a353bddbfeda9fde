/**
 * A world in memory, made from one number: gateways, brokers and the cloud's ingest, with kills, power cuts, full and failing
 * disks, clocks that are set, lost, doubled, late and damaged messages, and messages that no cloud can take. When all that is
 * over it must have come to this: all that a gateway accepted is stored once and unchanged, or a marker in the store says why
 * it is not.
 */
import {
  type CheckResult,
  compareReadings,
  type GivenReading,
  noteFault,
} from '../simulators/compare-readings.ts';
import { type Random, randomStream } from '../simulators/random.ts';
import { Agenda } from './agenda.ts';
import { type Sent, WorldCloud } from './world-cloud.ts';
import { WorldGateway } from './world-gateway.ts';
import { WorldNetwork } from './world-network.ts';
import { planWorld, type WorldPlan, type WorldVariant } from './world-plan.ts';

export interface WorldReport extends CheckResult {
  accepted: number;
  /** Accepted and not stored, and a marker says so. */
  marked: number;
  /** Kills, power cuts, clocks set, and faults of disks and brokers. */
  faults: number;
  messages: number;
  /** Of what is stored, with the instants and without them; null unless the world is gentle. */
  state: { whole: string; withoutInstants: string } | null;
}

const PATIENCE_MS = 3_600_000;
const FIRST_TAKE_MS = 50;
const LONGEST_TAKE_MS = 3_000;
/** Of a backlog that is taken before the brokers are up. */
const BACKLOG_COMMIT = 400;

export function runWorld(seed: number, variant: WorldVariant = {}): WorldReport {
  const world = new World(planWorld(seed, variant));
  try {
    world.trouble();
    world.settle();
    return world.report();
  } finally {
    world.close();
  }
}

class World {
  readonly #plan: WorldPlan;
  readonly #agenda = new Agenda();
  readonly #random: Random;
  readonly #clocks: Random;
  readonly #network: WorldNetwork;
  readonly #cloud: WorldCloud;
  readonly #gateways: WorldGateway[];
  #isTroubled = true;
  #faults = 0;

  constructor(plan: WorldPlan) {
    this.#plan = plan;
    this.#random = randomStream(plan.seed, 'harm');
    this.#clocks = randomStream(plan.seed, 'clocks');
    this.#network = new WorldNetwork(this.#agenda, plan);
    this.#cloud = new WorldCloud(this.#agenda, plan);
    this.#gateways = Array.from({ length: plan.gateways }, (_, n) => this.#gateway(`gw-${n + 1}`));
  }

  /** A while in which everything goes wrong now and then. */
  trouble(): void {
    if (this.#plan.backlog > 0) this.#fillBacklog();
    for (const [n, gateway] of this.#gateways.entries())
      this.#keepTaking(gateway, randomStream(this.#plan.seed, `work/${n}`));
    this.#keepFailing();
    while (this.#agenda.step(this.#plan.troubleMs));
    this.#isTroubled = false;
    this.#network.isTroubled = false;
    this.#cloud.isTroubled = false;
    for (let broker = 0; broker < this.#network.brokers; broker += 1) this.#network.set(broker, true);
    for (const { disk } of this.#gateways) {
      disk.room = Number.POSITIVE_INFINITY;
      disk.goodFlushes = Number.POSITIVE_INFINITY;
    }
    // Some live on: what a restart would put right has to come right by itself.
    for (const gateway of this.#gateways)
      if (this.#plan.backlog === 0 && this.#random.between(0, 1) === 0) gateway.crash(false);
  }

  /** Work goes on, a little: what nobody takes is known by others being taken. */
  settle(): void {
    for (const gateway of this.#gateways) if (!this.#plan.isGentle) this.#keepTakingSome(gateway);
    const until = this.#agenda.nowMs + PATIENCE_MS;
    while (!this.#gateways.every(({ isDrained }) => isDrained) && this.#agenda.step(until));
  }

  report(): WorldReport {
    const markers = Map.groupBy(
      this.#cloud.rows('SELECT meter, register, from_instant AS fromMs, to_instant AS toMs FROM gap_marker'),
      ({ meter, register }) => `${meter} ${register}`,
    );
    const given = new Map<string, GivenReading>();
    let accepted = 0;
    let marked = 0;
    for (const gateway of this.#gateways)
      for (const [{ at, shows, meter, register, atMs }, fate] of gateway.fates) {
        if (fate === 'refused') continue;
        const isMarked = (markers.get(`${meter} ${register}`) ?? []).some(
          ({ fromMs, toMs }) => Number(fromMs) <= atMs && atMs <= Number(toMs),
        );
        if (fate === 'accepted') accepted += 1;
        if (fate === 'accepted' && isMarked) marked += 1;
        given.set(at, { shows, isDue: fate === 'accepted' && !isMarked });
      }
    const result = compareReadings(given, this.#cloud.stored());
    // Nothing that a gateway sends contradicts what it sent before.
    for (const why of this.#cloud.refused()) noteFault(result, 'altered', why);
    for (const [n, { isDrained }] of this.#gateways.entries())
      if (!isDrained) noteFault(result, 'lost', `gateway ${n + 1} never came to its end`);
    const [epochs] = this.#cloud.rows('SELECT count(DISTINCT gateway || epoch) AS n FROM reading');
    if (this.#plan.isGentle && Number(epochs?.n) > this.#gateways.length)
      noteFault(result, 'altered', 'keys were minted anew, though nothing was damaged');
    const state = this.#plan.isGentle
      ? {
          whole: this.#cloud.stateHash({ withInstants: true }),
          withoutInstants: this.#cloud.stateHash({ withInstants: false }),
        }
      : null;
    return { ...result, accepted, marked, faults: this.#faults, messages: this.#network.messages, state };
  }

  close(): void {
    this.#cloud.close();
  }

  #gateway(name: string): WorldGateway {
    const gateway: WorldGateway = new WorldGateway({
      name,
      agenda: this.#agenda,
      random: randomStream(this.#plan.seed, name),
      plan: this.#plan,
      network: this.#network,
      send: (broker, sent) => this.#send(gateway, broker, sent),
    });
    return gateway;
  }

  /** The receipt comes by way of the same broker. */
  #send(gateway: WorldGateway, broker: number, sent: Sent): void {
    const network = this.#network;
    const arrive = (): void =>
      this.#cloud.take(sent, (receipt) => network.carry(broker, () => gateway.receive(receipt), null));
    network.carry(broker, arrive, (random) => this.#cloud.takeDamaged(sent, random));
  }

  #fillBacklog(): void {
    for (let broker = 0; broker < this.#network.brokers; broker += 1) this.#cutBroker(broker);
    for (const gateway of this.#gateways)
      for (let taken = 0; taken < this.#plan.backlog; taken += BACKLOG_COMMIT) gateway.take(BACKLOG_COMMIT);
  }

  #keepTaking(gateway: WorldGateway, random: Random): void {
    this.#agenda.after(random.between(FIRST_TAKE_MS, LONGEST_TAKE_MS), () => {
      if (!this.#isTroubled) return;
      const kind = random.between(0, 19);
      if (this.#plan.hasClockJumps && this.#clocks.between(0, 3) === 0) {
        gateway.work.jump(this.#clocks);
        this.#faults += 1;
      }
      if (kind === 0) gateway.takeEvidence();
      else gateway.take(random.between(1, kind < 3 ? 120 : 10));
      this.#keepTaking(gateway, random);
    });
  }

  #keepTakingSome(gateway: WorldGateway): void {
    this.#agenda.after(20_000, () => {
      gateway.take(1);
      this.#keepTakingSome(gateway);
    });
  }

  #keepFailing(): void {
    this.#agenda.after(this.#random.between(200, 4_000), () => {
      if (!this.#isTroubled) return;
      const gateway = this.#gateways[this.#random.between(0, this.#gateways.length - 1)];
      if (gateway !== undefined) this.#harm(gateway);
      this.#keepFailing();
    });
  }

  #harm(gateway: WorldGateway): void {
    this.#faults += 1;
    // With a backlog it is the brokers: what is on its way must be sent again, by a sender that lives on.
    const kind = this.#plan.backlog > 0 ? 1 : this.#random.between(0, 6);
    if (kind === 0) gateway.crash(false);
    else if (kind === 1) this.#cutBroker(this.#random.between(0, this.#network.brokers - 1));
    else if (this.#plan.isGentle) return;
    else if (kind === 2) gateway.crash(true);
    else if (kind === 3) gateway.disk.goodFlushes = this.#random.between(0, 5);
    else if (kind === 4) gateway.disk.room = this.#random.between(20_000, 60_000);
    else if (kind === 5) gateway.disk.room = Number.POSITIVE_INFINITY;
    else gateway.expire();
    // A failing disk fails once, and is good again.
    if (kind !== 3) gateway.disk.goodFlushes = Number.POSITIVE_INFINITY;
  }

  #cutBroker(broker: number): void {
    this.#network.set(broker, false);
    for (const gateway of this.#gateways) gateway.disconnect(broker);
    this.#agenda.after(this.#random.between(100, 8_000), () => this.#network.set(broker, true));
  }
}
