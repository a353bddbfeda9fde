/** The bar of a statement's electricity by time of use: letter, lightness and colour tell the periods apart. */
import type { Statement } from '../../protocols/statement.ts';
import { formatMicro, formatMinor, micro, minor } from '../../protocols/units.ts';
import { moneyText, percent, quantityText } from './figures.ts';
import { MARGIN, MUTED, type Sheet, WIDTH } from './sheet.ts';

const periods: Record<string, { name: string; color: string; ink: string }> = {
  sharp: { name: '尖', color: '#9b2226', ink: '#ffffff' },
  peak: { name: '峰', color: '#d9622b', ink: '#ffffff' },
  flat: { name: '平', color: '#e9c46a', ink: '#16211c' },
  valley: { name: '谷', color: '#8ab6a3', ink: '#16211c' },
  deep_valley: { name: '深', color: '#2f6f8f', ink: '#ffffff' },
};
const order = Object.keys(periods);

interface Share {
  period: string;
  quantity: bigint;
  gross: bigint;
}

/** Several components may price the same kWh: of each pool and period the quantity counts once, the money always. */
function sharesOf({ lines }: Statement): Share[] {
  const shares = new Map<string, Share>();
  const counted = new Set<string>();
  for (const { utility, touPeriod, pool, quantity, gross } of lines) {
    if (utility !== 'electricity' || touPeriod === null) continue;
    const share = shares.get(touPeriod) ?? { period: touPeriod, quantity: 0n, gross: 0n };
    share.gross += minor(gross);
    if (!counted.has(`${touPeriod} ${pool}`)) share.quantity += micro(quantity);
    counted.add(`${touPeriod} ${pool}`);
    shares.set(touPeriod, share);
  }
  const rank = ({ period }: Share): number => (order.includes(period) ? order.indexOf(period) : order.length);
  return [...shares.values()].filter(({ quantity }) => quantity > 0n).sort((a, b) => rank(a) - rank(b));
}

export function touBars(sheet: Sheet, statement: Statement): void {
  const shares = sharesOf(statement);
  const whole = shares.reduce((sum, { quantity }) => sum + quantity, 0n);
  if (whole === 0n) return;
  sheet.heading('分时用电 Time of use');
  const height = 17;
  let x = MARGIN;
  for (const { period, quantity } of shares) {
    const { name, color, ink } = periods[period] ?? { name: period, color: '#c3ccc7', ink: '#16211c' };
    const width = Number((quantity * 100_000n) / whole) * (WIDTH / 100_000);
    sheet.box(x, sheet.y, Math.max(width - 1, 0.5), height, color);
    if (width > 14)
      sheet.text(name, { x, y: sheet.y + 2, width: width - 1 }, { size: 9, color: ink, align: 'center' });
    x += width;
  }
  sheet.y += height + 5;
  const column = WIDTH / Math.max(shares.length, 4);
  let tallest = 0;
  for (const [index, { period, quantity, gross }] of shares.entries()) {
    const at = { x: MARGIN + index * column + 11, y: sheet.y, width: column - 13 };
    sheet.box(at.x - 11, sheet.y + 3, 7, 7, periods[period]?.color ?? '#c3ccc7');
    const text = `${periods[period]?.name ?? period}  ${quantityText(formatMicro(quantity))} kWh\n${percent(quantity, whole)}%  ${moneyText(formatMinor(gross))}`;
    tallest = Math.max(tallest, sheet.text(text, at, { size: 8, color: MUTED }));
  }
  sheet.y += tallest + 4;
}
