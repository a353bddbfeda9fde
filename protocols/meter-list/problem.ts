/** What is wrong with a meter list: a code, the cell, and the reason in both languages with the next thing to do. */
import type { Wording } from '../api.ts';

/** Sentences by code; `of` is what the cell holds or what else has to be named. */
const sentences = {
  no_headings: () => [
    '找不到表头：前 20 行里没有一行含两个以上认识的列名（如 表号、型号、总线、地址）',
    'no row of headings: none of the first 20 rows has two known ones (such as Meter, Model, Bus, Address)',
  ],
  no_rows: () => ['表头下面没有任何表计', 'there is no meter below the headings'],
  too_many_rows: (of: string) => [`行数过多，最多 ${of} 行`, `too many rows: at most ${of}`],
  unknown_column: (of: string) => [
    `不认识列名"${of}"：用 --map "${of}=字段" 指定一次（会被记住），或 --map "${of}=ignored" 忽略`,
    `the heading "${of}" is not known: name its field once with --map "${of}=field" (it is remembered), or --map "${of}=ignored"`,
  ],
  repeated_column: (of: string) => [`"${of}"列出现两次`, `the column "${of}" stands twice`],
  missing_column: (of: string) => [
    `缺少"${of}"列：补上该列，或用 --map "您的列名=字段" 指定，或用 --default "字段=值" 给出统一值`,
    `the column "${of}" is missing: add it, name yours with --map "HEADING=field", or give one value with --default "field=value"`,
  ],
  missing_value: (of: string) => [`"${of}"不能为空`, `"${of}" must not be empty`],
  formula_cell: (of: string) => [
    `单元格是公式（${of}）：请改为数值或文本`,
    `the cell is a formula (${of}): paste its value instead`,
  ],
  formula_text: (of: string) => [
    `文本以 = + - @ 开头，会被当作公式（${of}）`,
    `the text begins as a formula does, with = + - or @ (${of})`,
  ],
  cell_error: (of: string) => [`单元格是错误值 ${of}`, `the cell holds the error ${of}`],
  cell_is_date: (of: string) => [
    `单元格被转成了日期（${of}）：请设为文本格式后重新输入`,
    `the cell was turned into a date (${of}): format it as text and type it again`,
  ],
  became_a_number: (of: string) => [
    `编号被转成了数字（${of}），前导零或末位可能已丢失：把单元格设为文本格式，再照铭牌输入`,
    `the number on the plate became a number cell (${of}), leading zeros or last digits may be lost: format the cell as text, then type it from the plate`,
  ],
  lost_zeros: (of: string) => [
    `编号比同列其他编号短，前导零可能已丢失（${of}）`,
    `shorter than the others of its column, leading zeros seem lost (${of})`,
  ],
  bad_id: (of: string) => [
    `"${of}"不能用作编号：只能用字母、数字、_ . -，最多 64 位；这样的叫法请放到"名称"列，编号另起（如 E-101）`,
    `"${of}" is not an id: letters, digits, _ . - (at most 64); put what it is called into the column Name, and give it an id such as E-101`,
  ],
  unknown_profile: (of: string) => [`没有型号 ${of}`, `there is no model ${of}`],
  ambiguous_profile: (of: string) => [`型号不唯一：${of}`, `several models fit: ${of}`],
  unknown_bus: (of: string) => [
    `网关配置中没有总线"${of}"：先在 edge.yaml 的 buses 中添加`,
    `the gateway has no bus "${of}": add it to the buses of edge.yaml first`,
  ],
  bad_address: (of: string) => [`地址不对：${of}`, `the address cannot be: ${of}`],
  no_place: () => [
    '需要总线和地址；主动上报的表需要主题',
    'a meter needs bus and address, one that pushes a topic',
  ],
  duplicate_meter: (of: string) => [`表号与第 ${of} 行重复`, `the same meter as in row ${of}`],
  duplicate_address: (of: string) => [`总线和地址与${of}相同`, `the same bus and address as ${of}`],
  duplicate_serial: (of: string) => [`出厂编号与第 ${of} 行重复`, `the same serial as in row ${of}`],
  duplicate_topic: (of: string) => [`主题与第 ${of} 行重复`, `the same topic as in row ${of}`],
  total_row: (of: string) => [
    `这是合计行（${of}），不是一块表：请删除该行`,
    `this row is a total (${of}), not a meter: delete it`,
  ],
  not_a_number: (of: string) => [`"${of}"不是数`, `"${of}" is not a plain number`],
  not_positive: (of: string) => [`"${of}"是负数：必须是正数`, `"${of}" is negative: it must be positive`],
  decimal_comma: (of: string) => [
    `"${of}"中的逗号有歧义：若是千位分隔，请去掉逗号；若是小数点，请加 --decimal-comma`,
    `the comma in "${of}" may mean two things: if it groups thousands, remove it; if it is the decimal point, say --decimal-comma`,
  ],
  out_of_range: (of: string) => [`超出范围：${of}`, `out of range: ${of}`],
  multiplier_differs: (of: string) => [`倍率与 PT×CT（${of}）不一致`, `the multiplier is not PT x CT, ${of}`],
  unknown_word: (of: string) => [`只能是 ${of}`, `must be one of ${of}`],
  too_long: (of: string) => [`最多 ${of} 个字符`, `at most ${of} characters`],
  unknown_parent: (of: string) => [`找不到上级表"${of}"`, `there is no meter "${of}" to be its parent`],
  parent_cycle: (of: string) => [`上级关系成环：${of}`, `it is its own ancestor: ${of}`],
  parent_utility: (of: string) => [`上级表计量的是 ${of}`, `its parent measures ${of}`],
  unknown_building: (of: string) => [
    `园区文件中没有楼栋"${of}"`,
    `the park document has no building "${of}"`,
  ],
  unknown_served: (of: string) => [`园区文件中没有${of}`, `the park document has no ${of}`],
  serves_children: (of: string) => [
    `有下级表的表只能是总表（${of}）`,
    `only a branch may have meters below it (${of})`,
  ],
  branch_without_children: () => ['总表下面没有表', 'a branch, but no meter has it as parent'],
  not_billed: (of: string) => [`不计费的介质：${of}`, `no billed utility: ${of}`],
  not_taken: (of: string) => [`不被接受：${of}`, `cannot be taken: ${of}`],
} satisfies Record<string, (of: string) => readonly [zh: string, en: string]>;

export type ProblemCode = keyof typeof sentences;
export const problemCodes = Object.keys(sentences) as ProblemCode[];

/** One cell that keeps a list from being taken; `column` counts from 0 and is null where the whole row or list is meant. */
export interface ListProblem {
  row: number;
  column: number | null;
  /** The column's heading as written, or empty. */
  heading: string;
  code: ProblemCode;
  message: Wording;
}

const MOST_QUOTED = 40;
/** The beginning of a text that is quoted: a cell may hold a page. */
export const shortened = (text: string): string =>
  text.length > MOST_QUOTED ? `${text.slice(0, MOST_QUOTED)}…` : text;

/** @param of as it stands in both sentences, or worded for each */
export function problem(
  code: ProblemCode,
  { row, column, heading }: Pick<ListProblem, 'row' | 'column' | 'heading'>,
  of: string | Wording = '',
): ListProblem {
  const words = typeof of === 'string' ? { 'zh-CN': of, en: of } : of;
  const [zh = ''] = sentences[code](words['zh-CN']);
  const [, en = ''] = sentences[code](words.en);
  return { row, column, heading, code, message: { 'zh-CN': zh, en } };
}
