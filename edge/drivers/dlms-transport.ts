/**
 * How DLMS/COSEM travels: in HDLC frames over a serial line or a transparent converter, in the wrapper over TCP. Each frame is
 * one request of the line, so that others have their turns between the parts of a long answer.
 */
import type { AnswerDoubt } from '../../protocols/dlms/doubt.ts';
import {
  buildHdlcFrame,
  HdlcDeframer,
  type HdlcFrame,
  hdlcAddress,
} from '../../protocols/dlms/hdlc-frame.ts';
import {
  HDLC_DEFAULTS,
  type HdlcHeard,
  HdlcLink,
  type HdlcParameters,
  parseHdlcParameters,
} from '../../protocols/dlms/hdlc-link.ts';
import { buildWrapperFrame, WrapperDeframer } from '../../protocols/dlms/wrapper.ts';
import type { Exchange, MeterUnit } from '../line/exchange.ts';
import { loneFrameExchange, type Parsed } from '../line/framed-exchange.ts';
import { LineFault } from '../line/line.ts';

export type Judge<T> = (pdu: Uint8Array) => Parsed<T>;

/** All throw `LineFault` when there is no clean answer; `closed` when the meter says that there is no link. */
export interface DlmsTransport {
  connect(): Promise<void>;
  ask<T>(pdu: Uint8Array, judge: Judge<T>): Promise<T>;
  disconnect(): Promise<void>;
  /** The fault of a meter that answers, but has no link or no association any more. */
  gone(detail: string): LineFault;
  /** Whether the end of the link is the end of the association too. */
  readonly endsAssociation: boolean;
}

export interface DlmsAddresses {
  /** Who asks: 16 is the public client. */
  client: number;
  logicalDevice: number;
  /** Of the server's address on HDLC; one of one byte has no physical device. */
  addressBytes: 1 | 2 | 4;
  /** On HDLC the physical device, in an address of one byte and in the wrapper the logical one. */
  unit: number;
}

type Send = <T>(exchange: Exchange<T>) => Promise<T>;

const LLC_REQUEST = [0xe6, 0xe6, 0x00];
const LLC_RESPONSE = [0xe6, 0xe7, 0x00];
/** No attribute that is read is nearly as long, and no frame so short. */
const MAX_PDU_BYTES = 65_536;
const MAX_FRAMES = 1024;

/** What a frame of an answer says: that there is more, all of the answer, or that there is no link. */
type Part<T> = { state: 'more' | 'gone' } | { state: 'whole'; answer: T };

export function hdlcTransport(send: Send, addresses: DlmsAddresses): DlmsTransport {
  const { client, logicalDevice, addressBytes, unit } = addresses;
  const server = addressBytes === 1 ? hdlcAddress(unit) : hdlcAddress(logicalDevice, unit, addressBytes);
  const link = new HdlcLink(hdlcAddress(client), server);
  const exchange = <T>(
    asked: HdlcFrame,
    judge: (heard: HdlcHeard & { ok: true }) => Parsed<T>,
  ): Promise<T> => {
    const sent = buildHdlcFrame(asked);
    return send(
      loneFrameExchange({
        unit,
        deframer: new HdlcDeframer(),
        sent,
        frame: sent.subarray(1, -1),
        parse({ frame }) {
          const heard = link.hear(asked, frame);
          return heard.ok ? judge(heard) : heard;
        },
        // The link and the parts have moved on: it is told by its addresses and numbers.
        answersToo: ({ frame }, first) => sameHead(frame, first.frame),
      }),
    );
  };
  const gone = goneFrom(unit);
  /** The longest information field that the meter takes. */
  let longest = HDLC_DEFAULTS.maxReceive;
  return {
    endsAssociation: true,
    gone,
    async connect() {
      const parameters = await exchange<HdlcParameters | null>(link.connect(), (heard) => {
        if (heard.kind !== 'acknowledged') return { ok: true, answer: null };
        const agreed = parseHdlcParameters(heard.information);
        return agreed === null ? refuse('bad_frame') : { ok: true, answer: agreed };
      });
      if (parameters === null) throw gone('the meter refuses a link');
      // Meters differ in whose sending and receiving they mean.
      longest = Math.min(parameters.maxReceive, parameters.maxTransmit);
    },
    async ask<T>(pdu: Uint8Array, judge: Judge<T>) {
      const information = Uint8Array.of(...LLC_REQUEST, ...pdu);
      if (information.length > longest) throw gone(`the meter takes ${longest} bytes a frame`);
      const parts: number[] = [];
      let frame = link.carry(information);
      for (let frames = 1; ; frames++) {
        const part = await exchange<Part<T>>(frame, (heard) => {
          if (heard.kind === 'disconnected') return { ok: true, answer: { state: 'gone' } };
          if (heard.kind === 'acknowledged') return refuse('wrong_function');
          parts.push(...heard.information);
          if (parts.length > MAX_PDU_BYTES || frames > MAX_FRAMES) return refuse('wrong_byte_count');
          return heard.more ? { ok: true, answer: { state: 'more' } } : judgeWhole(parts, judge);
        });
        if (part.state === 'gone') throw gone('the meter ended the link');
        if (part.state === 'whole') return part.answer;
        frame = link.ready();
      }
    },
    async disconnect() {
      await exchange(link.disconnect(), () => ({ ok: true, answer: null }));
    },
  };
}

const sameHead = (one: HdlcFrame, other: HdlcFrame): boolean =>
  one.control === other.control &&
  Buffer.compare(one.source, other.source) === 0 &&
  Buffer.compare(one.destination, other.destination) === 0;

function judgeWhole<T>(information: readonly number[], judge: Judge<T>): Parsed<Part<T>> {
  if (LLC_RESPONSE.some((byte, at) => information[at] !== byte)) return refuse('bad_frame');
  const judged = judge(Uint8Array.from(information.slice(LLC_RESPONSE.length)));
  return judged.ok ? { ok: true, answer: { state: 'whole', answer: judged.answer } } : judged;
}

const refuse = (code: AnswerDoubt): { ok: false; code: AnswerDoubt } => ({ ok: false, code });
const goneFrom =
  (unit: MeterUnit) =>
  (detail: string): LineFault =>
    new LineFault('closed', `unit ${unit}: closed: ${detail}`);

export function wrapperTransport(send: Send, { client, unit }: DlmsAddresses): DlmsTransport {
  return {
    endsAssociation: false,
    gone: goneFrom(unit),
    connect: async () => undefined,
    ask(pdu, judge) {
      const sent = buildWrapperFrame({ source: client, destination: unit, pdu });
      return send(
        loneFrameExchange({
          unit,
          deframer: new WrapperDeframer(),
          sent,
          frame: sent,
          parse({ frame }) {
            const isOurs = frame.source === unit && frame.destination === client;
            return isOurs ? judge(frame.pdu) : refuse('wrong_unit');
          },
          answersToo: ({ frame }, first) =>
            frame.source === unit && frame.destination === client && frame.pdu[0] === first.frame.pdu[0],
        }),
      );
    },
    disconnect: async () => undefined,
  };
}
