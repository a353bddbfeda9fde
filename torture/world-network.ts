/** Brokers of a simulated world, and what happens on the way: messages are lost, come twice, come late, come damaged. */
import { type Random, randomStream } from '../simulators/random.ts';
import type { Agenda } from './agenda.ts';
import type { WorldPlan } from './world-plan.ts';

/** What a damaged message is to its receiver; null where damage means that it never comes. */
export type OnDamage = ((random: Random) => void) | null;

export class WorldNetwork {
  messages = 0;
  isTroubled = true;
  readonly #agenda: Agenda;
  readonly #random: Random;
  readonly #rates: WorldPlan['rates'];
  /** The broker, and the alternative one. */
  readonly #isUp = [true, true];

  constructor(agenda: Agenda, { seed, luck, rates }: WorldPlan) {
    this.#agenda = agenda;
    this.#random = randomStream(seed, `network${luck}`);
    this.#rates = rates;
  }

  get brokers(): number {
    return this.#isUp.length;
  }

  isUp(broker: number): boolean {
    return this.#isUp[broker] ?? false;
  }

  set(broker: number, isUp: boolean): void {
    this.#isUp[broker] = isUp;
  }

  /** A message by way of a broker. */
  carry(broker: number, deliver: () => void, onDamage: OnDamage): void {
    this.messages += 1;
    if (!this.isUp(broker) || this.#happens('lost')) return;
    if (this.#happens('damaged')) {
      if (onDamage !== null) this.#agenda.after(this.#delayMs(), () => onDamage(this.#random));
      return;
    }
    this.#agenda.after(this.#delayMs(), deliver);
    if (this.#happens('doubled')) this.#agenda.after(this.#delayMs(), deliver);
  }

  #happens(what: keyof WorldPlan['rates']): boolean {
    return this.isTroubled && this.#random.between(0, 999) < this.#rates[what];
  }

  #delayMs(): number {
    return this.#happens('late') ? this.#random.between(100, 9_000) : this.#random.between(1, 40);
  }
}
