/** Work that must not be mixed with other work of its kind, such as the requests of one session with those of another. */

const underWay = new Map<string, Promise<unknown>>();

/** Does `work` when all earlier work of the same name is over, however that ended. */
export async function oneAtATime<T>(name: string, work: () => Promise<T>): Promise<T> {
  const turn = (underWay.get(name) ?? Promise.resolve()).then(work);
  const over = turn.catch(() => undefined);
  underWay.set(name, over);
  try {
    return await turn;
  } finally {
    if (underWay.get(name) === over) underWay.delete(name);
  }
}
