/** Time that goes on only from one appointment to the next: as fast as they can be kept, and always in the same order. */

export class Agenda {
  nowMs = 0;
  #next = 0;
  readonly #appointments: { atMs: number; order: number; work: () => void }[] = [];

  /** @returns what takes the appointment back */
  after(ms: number, work: () => void): () => void {
    const appointment = { atMs: this.nowMs + ms, order: this.#next++, work };
    const index = this.#appointments.findIndex(({ atMs }) => atMs > appointment.atMs);
    this.#appointments.splice(index === -1 ? this.#appointments.length : index, 0, appointment);
    return () => {
      const at = this.#appointments.indexOf(appointment);
      if (at !== -1) this.#appointments.splice(at, 1);
    };
  }

  /** Keeps the next appointment. @returns false when there is none before `untilMs` */
  step(untilMs: number): boolean {
    const [first] = this.#appointments;
    if (first === undefined || first.atMs > untilMs) return false;
    this.#appointments.shift();
    this.nowMs = first.atMs;
    first.work();
    return true;
  }
}
