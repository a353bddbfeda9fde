/** A batch as it goes on the wire: JSON, compressed, with a checksum that a damaged one does not pass. */
import { constants, zstdCompressSync } from 'node:zlib';
import type { OutboxItem } from '../buffer/outbox-items.ts';

/** RFC 8878, 3.1.1: `Content_Checksum_flag`. TCP's own sum is 16 bits, and the broker's memory has none. */
const params = { [constants.ZSTD_c_checksumFlag]: 1 };

/** @param items neighbours, whose epoch is the outbox's */
export function encodeBatch(
  { gateway, epoch }: { gateway: string; epoch: string },
  items: readonly OutboxItem[],
): Buffer {
  const [from, to] = [items[0]?.sequence, items.at(-1)?.sequence];
  const head = `{"gateway":"${gateway}","epoch":"${epoch}","from":${from},"to":${to},"items":[`;
  return zstdCompressSync(`${head}${items.map(({ json }) => json).join(',')}]}`, { params });
}
