import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import modbusSerial from 'modbus-serial';
import { describe, expect, test } from 'vitest';
import { buildException } from '../../protocols/modbus/pdu.ts';
import { Line, LineFault } from './line.ts';
import { against, type Behaviour, concat, type Kind, late, registersAt, TIMEOUT_MS } from './test-line.ts';

const behaviours: Record<string, Behaviour> = {
  'clean answer': ({ frame, send }) => send(frame()),
  'late answer': ({ frame, send }) => late(TIMEOUT_MS * 1.5, () => send(frame())),
  'answer late by nearly three timeouts': ({ frame, send }) => late(TIMEOUT_MS * 2.8, () => send(frame())),
  silence: () => undefined,
  'another unit': ({ frame, unit, send }) => send(frame({ unit: unit + 1 })),
  'unit 0': ({ frame, send }) => send(frame({ unit: 0 })),
  'another unit first': ({ frame, unit, send }) => {
    send(frame({ unit: unit + 1 }));
    send(frame());
  },
  'another transaction': ({ frame, send }) => send(frame({ transaction: 4711 })),
  'another function': ({ frame, pdu, send }) =>
    send(frame({ pdu: Uint8Array.of(pdu[0] === 3 ? 4 : 3, ...pdu.subarray(1)) })),
  'one register less': ({ frame, pdu, send }) =>
    send(frame({ pdu: Uint8Array.of(pdu[0] ?? 0, (pdu[1] ?? 0) - 2, ...pdu.subarray(2, -2)) })),
  'one register more': ({ frame, pdu, send }) =>
    send(frame({ pdu: Uint8Array.of(pdu[0] ?? 0, (pdu[1] ?? 0) + 2, ...pdu.subarray(2), 0, 0) })),
  'a byte count that is not its length': ({ frame, pdu, send }) => send(frame({ pdu: pdu.subarray(0, -2) })),
  'half a frame, then silence': ({ frame, send }) => send(frame().subarray(0, 6)),
  'half a frame, then the rest with the next': ({ frame, send }) => {
    send(frame().subarray(0, 5));
    late(TIMEOUT_MS * 2, () => send(frame().subarray(5)));
  },
  'a repeated answer': ({ frame, send }) => send(concat(frame(), frame())),
  'an answer repeated a little later': ({ frame, send }) => {
    send(frame());
    late(5, () => send(frame()));
  },
  'the previous answer again': ({ frame, previous, send }) => send(previous ?? frame()),
  'the previous answer again, then the right one': ({ frame, previous, send }) =>
    send(concat(previous ?? new Uint8Array(0), frame())),
  'noise before the answer': ({ frame, send }) => send(concat(Uint8Array.of(0xff, 0x00, 0xff), frame())),
  'a flipped bit': ({ frame, send }) => send(frame().with(1, 0x55)),
  'byte by byte': ({ frame, send }) => {
    const bytes = frame();
    for (let i = 0; i < bytes.length; i++) send(bytes.subarray(i, i + 1));
  },
  'an exception': ({ frame, pdu, send }) => send(frame({ pdu: buildException(pdu[0] ?? 0, 2) })),
  'busy, then the real answer': ({ frame, pdu, send }) => {
    send(frame({ pdu: buildException(pdu[0] ?? 0, 6) }));
    late(5, () => send(frame()));
  },
  'a connection that ends': ({ socket }) => socket.end(),
  'a reset': ({ socket }) => socket.resetAndDestroy(),
};

/** Polls `polls` times, two units and many addresses in turn, and counts what came of it. */
async function poll(
  line: Line,
  polls: number,
): Promise<{ right: number; wrong: number; refused: number; faults: Record<string, number> }> {
  const result = { right: 0, wrong: 0, refused: 0, faults: {} as Record<string, number> };
  for (let i = 0; i < polls; i++) {
    const request = { unit: 1 + (i % 2), functionCode: 3 as const, address: (i * 37) % 500, count: 2 };
    try {
      const answer = await line.read(request);
      if (!answer.ok) result.refused += 1;
      else if (Buffer.compare(answer.data, registersAt(request.unit, request.address, request.count)) === 0)
        result.right += 1;
      else result.wrong += 1;
    } catch (error) {
      if (!(error instanceof LineFault)) throw error;
      result.faults[error.code] = (result.faults[error.code] ?? 0) + 1;
    }
  }
  return result;
}

describe.concurrent.each<Kind>(['tcp', 'rtu-over-tcp'])(
  'a line (%s) takes a value only from the answer to its own request',
  (kind) => {
    const clean: Behaviour = ({ frame, send }) => send(frame());

    test.each(Object.entries(behaviours))('%s, every third time', async (_title, behaviour) => {
      const choose = (n: number): Behaviour => (n % 3 === 1 ? behaviour : clean);
      const result = await against(kind, choose, (line) => poll(line, 9));
      expect(result.wrong).toBe(0);
      expect(result.right).toBeGreaterThan(0);
    });

    test.each([1, 2, 3, 4, 5])(
      '80 polls of a server that does all of it at random (seed %i)',
      async (first) => {
        const names = Object.keys(behaviours);
        let seed = first;
        const choose = (): Behaviour => {
          seed = (seed * 48271) % 2147483647;
          return behaviours[names[seed % (names.length * 2)] ?? ''] ?? clean;
        };
        const result = await against(kind, choose, (line) => poll(line, 80));
        expect(result.wrong).toBe(0);
        expect(result.right).toBeGreaterThan(20);
      },
      60_000,
    );
  },
);

describe('a line', () => {
  const silent: Behaviour = () => undefined;
  const request = { unit: 9, functionCode: 3, address: 0, count: 1 } as const;

  test('has one request in flight, in the order of the calls', async () => {
    const seen: string[] = [];
    const slow: Behaviour = ({ frame, unit, send }) => {
      seen.push(`request ${unit}`);
      setImmediate(() => {
        seen.push(`answer ${unit}`);
        send(frame());
      });
    };
    await against(
      'tcp',
      () => slow,
      (line) => Promise.all([1, 2, 3].map((unit) => line.read({ ...request, unit }))),
    );
    expect(seen).toEqual([1, 2, 3].flatMap((unit) => [`request ${unit}`, `answer ${unit}`]));
  });
  test('serves who waits in person before the polls that wait, and says what waits', async () => {
    const seen: number[] = [];
    const noted: Behaviour = ({ frame, unit, send }) => {
      seen.push(unit);
      send(frame());
    };
    await against(
      'tcp',
      () => noted,
      async (line) => {
        const polls = [1, 2, 3].map((unit) => line.read({ ...request, unit }));
        const live = line.read({ ...request, unit: 4 }, { priority: 'live' });
        expect(line.waiting()).toEqual({ inFlight: 1, live: 1, poll: 2 });
        await Promise.all([...polls, live]);
        expect(line.waiting()).toEqual({ inFlight: null, live: 0, poll: 0 });
      },
    );
    expect(seen).toEqual([1, 4, 2, 3]);
  });
  test('takes no value from the head of this answer, then the late tail of the one before, on a new connection', async () => {
    const headOnly: Behaviour = ({ frame, send }) => send(frame().subarray(0, 6));
    const tailLate: Behaviour = (exchange) => {
      headOnly(exchange);
      late(TIMEOUT_MS * 1.75, () => exchange.send(exchange.frame().subarray(6)));
    };
    await against(
      'tcp',
      (n) => (n === 0 ? tailLate : headOnly),
      async (line) => {
        for (const address of [10, 500])
          await expect(line.read({ ...request, address, count: 2 })).rejects.toMatchObject({
            code: 'timeout',
          });
      },
    );
  });
  test('takes no value from the head of this answer, then the late tail of another unit, on a new connection', async () => {
    const headOnly: Behaviour = ({ frame, send }) => send(frame().subarray(0, 9));
    const tailLate: Behaviour = (exchange) => {
      headOnly(exchange);
      late(TIMEOUT_MS * 1.75, () => exchange.send(exchange.frame().subarray(9)));
    };
    await against(
      'tcp',
      (n) => (n === 0 ? tailLate : headOnly),
      async (line) => {
        for (const unit of [1, 2])
          await expect(line.read({ ...request, unit, address: unit * 100, count: 2 })).rejects.toMatchObject({
            code: 'timeout',
          });
      },
    );
  });
  test.each<[string, number, (head: Uint8Array, whole: Uint8Array) => Uint8Array[]]>([
    ['after it', 6, (head, whole) => [head, whole]],
    ['in one piece with it', 6, (head, whole) => [concat(head, whole)]],
    ['as far as there is room', 4, (head, whole) => [head, whole.subarray(0, 7)]],
    ['as far as its transaction', 2, (head, whole) => [concat(head, Uint8Array.of(0)), whole.subarray(0, 2)]],
  ])(
    'takes no value from the head of this answer, then the late one of another unit: %s',
    async (_title, count, parts) => {
      let whole: Uint8Array = new Uint8Array(0);
      const unanswered: Behaviour = ({ frame }) => {
        whole = frame();
      };
      const spliced: Behaviour = ({ frame, send }) => {
        for (const [n, part] of parts(frame().subarray(0, 10), whole).entries())
          setTimeout(send, n * 5, part);
      };
      await against(
        'tcp',
        (n) => [unanswered, spliced][n] ?? (({ frame, send }) => send(frame())),
        async (line) => {
          await expect(line.read({ ...request, count: 1 })).rejects.toMatchObject({ code: 'timeout' });
          const other = { ...request, unit: 2, address: 10, count };
          await expect(line.read(other)).rejects.toMatchObject({ code: 'not_alone' });
          expect(await line.read(other)).toEqual({ ok: true, data: Buffer.from(registersAt(2, 10, count)) });
        },
        { firstTransaction: 0x4710, timeoutMilliseconds: 5 * TIMEOUT_MS },
      );
    },
  );
  test('keeps a connection on which a late answer is known for one, and takes none of it for another', async () => {
    let connections = 0;
    const lateAnswer: Behaviour = ({ frame, send }) => late(TIMEOUT_MS * 1.3, () => send(frame()));
    const slow: Behaviour = ({ frame, send }) => late(TIMEOUT_MS * 0.6, () => send(frame()));
    await against(
      'tcp',
      (n) => (n === 0 ? lateAnswer : slow),
      async (line, _port, server) => {
        server.on('connection', () => {
          connections += 1;
        });
        await expect(line.read({ ...request, count: 2 })).rejects.toMatchObject({ code: 'timeout' });
        const other = { ...request, unit: 2, address: 7, count: 2 };
        expect(await line.read(other)).toEqual({ ok: true, data: Buffer.from(registersAt(2, 7, 2)) });
      },
    );
    expect(connections).toBe(1);
  });
  test('replaces a connection on which nothing has come for long', async () => {
    let connections = 0;
    await against(
      'tcp',
      () => silent,
      async (line, _port, server) => {
        server.on('connection', () => {
          connections += 1;
        });
        const units = Array.from({ length: 15 }, (_, i) => i + 1);
        await Promise.allSettled(units.map((unit) => line.read({ ...request, unit })));
      },
    );
    expect(connections).toBe(2);
  });
  test('asks the others over TCP while a unit rests after a doubt', async () => {
    const seen: { unit: number; at: number }[] = [];
    const firstSilent: Behaviour = ({ frame, unit, send }) => {
      seen.push({ unit, at: performance.now() });
      if (seen.length > 1) send(frame());
    };
    await against(
      'tcp',
      () => firstSilent,
      async (line) => {
        const outcomes = await Promise.allSettled(
          [1, 1, 2, 3].map((unit) => line.read({ ...request, unit })),
        );
        expect(outcomes.map(({ status }) => status)).toEqual([
          'rejected',
          'fulfilled',
          'fulfilled',
          'fulfilled',
        ]);
      },
    );
    expect(seen.map(({ unit }) => unit)).toEqual([1, 2, 3, 1]);
    expect((seen[3]?.at ?? 0) - (seen[0]?.at ?? 0)).toBeGreaterThan(TIMEOUT_MS * 3.5);
  });
  test('fails a request of a unit that rests when it is closed', async () => {
    await against(
      'tcp',
      () => silent,
      async (line) => {
        await expect(line.read(request)).rejects.toMatchObject({ code: 'timeout' });
        const resting = expect(line.read(request)).rejects.toMatchObject({ code: 'closed' });
        await line.close();
        await resting;
      },
    );
  });
  test('names unit, place and code in its faults', async () => {
    await against(
      'tcp',
      () => silent,
      async (line, port) => {
        const message = `unit 9 at 127.0.0.1:${port}: timeout: no answer in ${TIMEOUT_MS} ms`;
        await expect(line.read(request)).rejects.toThrow(message);
      },
    );
  });
  test('says that nothing listens there', async () => {
    await against(
      'tcp',
      () => silent,
      async (line, _port, server) => {
        server.close();
        await expect(line.read(request)).rejects.toMatchObject({
          code: 'unreachable',
          cause: { code: 'ECONNREFUSED' },
        });
      },
    );
  });
  test('fails what waits when it is closed', async () => {
    await against(
      'tcp',
      () => silent,
      async (line) => {
        const outcomes = Promise.allSettled([line.read(request), line.read(request)]);
        await line.close();
        for (const outcome of await outcomes)
          expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'closed' } });
      },
    );
  });
});

test('a line reads the server of another make: registers, and exceptions', async () => {
  const vector = {
    getHoldingRegister(address: number): number {
      if (address > 100) throw Object.assign(new Error('nothing there'), { modbusErrorCode: 2 });
      return address;
    },
  };
  const free = createServer().listen(0, '127.0.0.1');
  await once(free, 'listening');
  const { port } = free.address() as AddressInfo;
  await new Promise((closed) => free.close(closed));
  const server = new modbusSerial.ServerTCP(vector, { host: '127.0.0.1', port, unitID: 9 });
  await once(server, 'initialized');
  const line = new Line({ link: { kind: 'tcp', host: '127.0.0.1', port }, timeoutMilliseconds: 1000 });
  try {
    const request = { unit: 9, functionCode: 3, address: 7, count: 2 } as const;
    expect(await line.read(request)).toEqual({ ok: true, data: Buffer.from([0, 7, 0, 8]) });
    expect(await line.read({ ...request, address: 101 })).toEqual({ ok: false, exception: 2 });
  } finally {
    await line.close();
    await new Promise<void>((closed) => server.close(() => closed()));
  }
});
