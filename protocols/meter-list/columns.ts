/** Which column of a list holds what: the park's own headings, in Chinese or English, are understood or mapped once by hand. */
import type { Wording } from '../api.ts';
import type { Table, TableRow } from './table.ts';

/** The fields of a meter list, in the order in which they are exported; `aliases` in the form of `normalizeHeading`. */
export const listFields = {
  meter: {
    zh: '表号',
    en: 'Meter',
    aliases: '表计编号 表编号 电表号 水表号 计量点编号 仪表编号 meterno meterid meternumber 表计',
  },
  name: {
    zh: '名称',
    en: 'Name',
    aliases: '表名 表计名称 仪表名称 回路名称 回路 安装名称 metername circuit',
  },
  profile: {
    zh: '型号',
    en: 'Model',
    aliases: '表型号 表计型号 仪表型号 规格型号 profile metermodel metertype',
  },
  bus: { zh: '总线', en: 'Bus', aliases: '串口 通道 所属总线 总线编号 采集通道 端口 line channel' },
  unit: {
    zh: '地址',
    en: 'Address',
    aliases:
      '从站号 通讯地址 通信地址 表地址 站号 设备地址 modbus地址 unit unitid slave slaveid modbusaddress',
  },
  topic: { zh: '主题', en: 'Topic', aliases: 'mqtt主题 mqtttopic 节点 node' },
  device: { zh: '设备', en: 'Device', aliases: '设备名 设备名称 devicename' },
  multiplier: { zh: '倍率', en: 'Multiplier', aliases: '综合倍率 变比 总倍率 ratio factor' },
  pt: { zh: 'PT变比', en: 'PT', aliases: 'pt变比 电压互感器 电压变比 pt倍率 vt ptratio vtratio' },
  ct: { zh: 'CT变比', en: 'CT', aliases: 'ct变比 电流互感器 电流变比 互感器变比 ct倍率 ctratio' },
  parent: {
    zh: '上级表',
    en: 'Parent',
    aliases: '上级 上级表号 父级表 总表号 上级电表 parentmeter upstream',
  },
  building: { zh: '楼栋', en: 'Building', aliases: '楼号 楼 栋 栋号 建筑 楼宇' },
  floor: { zh: '楼层', en: 'Floor', aliases: '层 storey level' },
  room: { zh: '房间', en: 'Room', aliases: '房号 房间号 单元号 室 位置 安装位置 location' },
  serves: { zh: '用途', en: 'Serves', aliases: '表计用途 性质 用电性质 purpose' },
  served: { zh: '服务对象', en: 'Served', aliases: '服务单元 分摊池 公摊池 unitserved pool serveswhom' },
  public: { zh: '公摊', en: 'Public', aliases: '是否公摊 公共 shared commonarea' },
  serial: { zh: '出厂编号', en: 'Serial', aliases: '序列号 出厂号 表身号 serialno serialnumber sn' },
  utility: { zh: '类型', en: 'Utility', aliases: '表类型 能源类型 介质 表计类型 能源 energytype' },
  register: { zh: '计费寄存器', en: 'Register', aliases: '寄存器 计费项 obis' },
  digits: { zh: '位数', en: 'Digits', aliases: '整数位数 表底位数 示数位数 wholedigits' },
  maxPerHour: { zh: '每小时最大量', en: 'Max per hour', aliases: '小时最大量 maxrate maximumperhour' },
  accuracyPercent: {
    zh: '准确度等级',
    en: 'Accuracy %',
    aliases: '精度 精度等级 准确度 等级 accuracy class accuracyclass',
  },
} as const;
export type ListField = keyof typeof listFields;
export const fieldNames = Object.keys(listFields) as ListField[];

/** A field's heading. */
export const titlesOf = (field: ListField): Wording => ({
  'zh-CN': listFields[field].zh,
  en: listFields[field].en,
});

/** What goes to the gateway; all others go into a park document. */
const gatewayFields: ReadonlySet<ListField> = new Set(['meter', 'profile', 'bus', 'unit', 'topic', 'device']);
export const isParkField = (field: ListField): boolean => !gatewayFields.has(field);

/** A heading that is known and wanted by nobody here; an owner's number of his asset is not the maker's of his meter. */
export const IGNORED = 'ignored';
const ignoredHeadings =
  '备注 序号 编号 说明 问题 资产编号 资产编码 固定资产编号 安装日期 安装时间 厂家 生产厂家 制造商 联系人 联系电话 problem problems no remark remarks note notes asset assetno assetnumber assetid';

/** How a park's own heading is read: remembered from one import to the next. */
export type ColumnMap = Readonly<Record<string, ListField | typeof IGNORED>>;

/** The heading without what writers vary: case, width, spaces, marks, and the unit in brackets. */
export function normalizeHeading(text: string): string {
  return text
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[([【][^)\]】]*[)\]】]/g, '')
    .replace(/[\s_\-./:*#·、%]/g, '');
}

const known: ReadonlyMap<string, ListField | typeof IGNORED> = new Map([
  ...fieldNames.flatMap((field) => {
    const { zh, en, aliases } = listFields[field];
    const headings = [field, zh, en, ...aliases.split(' ')].map(normalizeHeading);
    return headings.map((heading) => [heading, field] as const);
  }),
  ...ignoredHeadings.split(' ').map((heading) => [heading, IGNORED] as const),
]);

export interface Headings {
  /** The file's number of the row they stand in, and its place in the table. */
  row: number;
  index: number;
  columns: ReadonlyMap<ListField, number>;
  /** As written, by column. */
  titles: readonly string[];
  /** Columns whose heading nobody knows, and those that say again what an earlier one says. */
  unknown: number[];
  repeated: { column: number; field: ListField }[];
}

/** Title lines may stand above the headings. */
const MOST_TITLE_ROWS = 20;

/**
 * Finds the row of headings: that of the first rows in which the most are known; null when none has two. Headings may stand in
 * two rows, of which the lower one says what those of the upper one are made of: then they are read as one.
 */
export function findHeadings({ rows }: Table, map: ColumnMap = {}): Headings | null {
  const own = new Map(Object.entries(map).map(([heading, field]) => [normalizeHeading(heading), field]));
  const fieldOf: FieldOf = (text) => {
    const heading = normalizeHeading(text);
    return own.get(heading) ?? known.get(heading);
  };
  let best: Headings | null = null;
  for (const [index, row] of rows.slice(0, MOST_TITLE_ROWS).entries())
    for (const read of [row, underneath(rows[index - 1], row, fieldOf)]) {
      if (read === null) continue;
      const headings = readHeadings(read, index, fieldOf);
      if (headings.columns.size >= 2 && headings.columns.size > (best?.columns.size ?? 0)) best = headings;
    }
  return best;
}

type FieldOf = (text: string) => ListField | typeof IGNORED | undefined;

/** The lower of two rows of headings, filled up from the upper one; null where something else than headings stands in it. */
function underneath(upper: TableRow | undefined, lower: TableRow, fieldOf: FieldOf): TableRow | null {
  const isHeadings = lower.cells.every((cell) => cell === undefined || fieldOf(cell.text) !== undefined);
  if (upper === undefined || !isHeadings || upper.number !== lower.number - 1) return null;
  const length = Math.max(upper.cells.length, lower.cells.length);
  return {
    number: lower.number,
    cells: Array.from({ length }, (_, column) => lower.cells[column] ?? upper.cells[column]),
  };
}

function readHeadings({ number, cells }: TableRow, index: number, fieldOf: FieldOf): Headings {
  const columns = new Map<ListField, number>();
  const unknown: number[] = [];
  const repeated: Headings['repeated'] = [];
  for (const [column, cell] of cells.entries()) {
    if (cell === undefined) continue;
    const field = fieldOf(cell.text);
    if (field === undefined) unknown.push(column);
    else if (field !== IGNORED && columns.has(field)) repeated.push({ column, field });
    else if (field !== IGNORED) columns.set(field, column);
  }
  return { row: number, index, columns, titles: cells.map((cell) => cell?.text ?? ''), unknown, repeated };
}
