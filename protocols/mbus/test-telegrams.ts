/** For tests: telegrams of real meters as published, with what they say. */
import type { MbusRecord } from './records.ts';

export interface TestTelegram {
  of: string;
  /** A file of rscada/libmbus test/test-frames, or an issue. */
  source: string;
  hex: string;
  /** Identification, maker, version, medium. */
  header: string;
  /** How many records, and some of them by name. */
  records: number;
  more: boolean;
  reads: Record<string, string>;
}

/** `quantity[vife] s2 t1 u1 maximum`: storage, tariff and subunit where they are not 0, the function where it is not instantaneous. */
export function recordName({ quantity, vife, storage, tariff, subunit, function: of }: MbusRecord): string {
  const places = { s: storage, t: tariff, u: subunit };
  const place = Object.entries(places).map(([letter, number]) => (number === 0 ? '' : ` ${letter}${number}`));
  return `${quantity}${vife && `[${vife}]`}${place.join('')}${of === 'instantaneous' ? '' : ` ${of}`}`;
}

export function recordText({ value, unit }: MbusRecord): string {
  if (value.kind === 'number') return `${value.mantissa}e${value.exponent} ${unit}`;
  return value.kind === 'none' ? value.code : value.kind === 'bytes' ? 'bytes' : value.text;
}

export const testTelegrams: readonly TestTelegram[] = [
  {
    of: 'ABB B21, second telegram',
    source: 'wmbusmeters issue 2035',
    hex:
      '68c4c46808017277804701420420029900000004a9008904000004a9ff81008904000004a9ff82000000000004a9ff8300' +
      '0000000004fdc8ff81001509000004fdc8ff82001809000004fdc8ff83001109000004fdc8ff8500bb0f000004fdc8ff86' +
      '00c40f000004fdc8ff8700af0f000004fdd9ff8100c801000004fdd9ff82000000000004fdd9ff8300000000000affd900' +
      '055002ffe0006e0001ffad00038140fd9a00000e84ff81008356680000000e84ff82000401000000000e84ff8300835500' +
      '0000000f5616',
    header: '01478077 ABB 32 2',
    records: 20,
    more: false,
    reads: {
      power: '1161e-2 W',
      'power[7F01]': '1161e-2 W',
      'voltage[7F01]': '2325e-1 V',
      'voltage[7F02]': '2328e-1 V',
      'voltage[7F03]': '2321e-1 V',
      'voltage[7F05]': '4027e-1 V',
    },
  },
  {
    of: 'ABB Delta',
    source: 'libmbus abb_delta',
    hex:
      '689898680801721234567842040202450000000e84000000000000008e1084000000000000008e2084000000000000008e' +
      'b00084000000000000008e801084000000000000008e804084000000000000008e904084000000000000008ea040840000' +
      '00000000008eb04084000000000000008e8050840000000000000001ff9300000cff92000000000107fd97000000000000' +
      '00000001ff9800001f7516',
    header: '78563412 ABB 2 2',
    records: 14,
    more: true,
    reads: {
      energy: '0e1 Wh',
      'energy t1': '0e1 Wh',
      'energy t2': '0e1 Wh',
      'energy t3': '0e1 Wh',
      'energy t4': '0e1 Wh',
      'energy u2': '0e1 Wh',
    },
  },
  {
    of: 'Eastron SDM630, six voltages of one name',
    source: 'libmbus eastron_sdm630',
    hex:
      '68909068080a727865342124400102550000000bfd475634120bfd475634120bfd475634120bfd475634120bfd47563412' +
      '0bfd475634120bfd595634120bfd595634120bfd595634120bfd595634120b2a5634120b2a5634120b2a5634120b2a5634' +
      '120bfd3a5634120bfd3a5634120bfd3a5634120bfd3a5634120afd3a00050afd3a05000afd3a05000afd3a05000afd3a50' +
      '004d16',
    header: '21346578 PAD 1 2',
    records: 23,
    more: false,
    reads: {
      voltage: '123456e-2 V',
      current: '123456e-3 A',
      power: '123456e-1 W',
      dimensionless: '123456e0 1',
    },
  },
  {
    of: 'Kamstrup Multical 601',
    source: 'libmbus kamstrup_multical_601',
    hex:
      '68f7f768081172175885062d2c0804040000000c78175885060406e791000004142cdb00000422d90300000459b9270000' +
      '045d081200000461b1150000042d5b010000142dc0010000043b1f020000143b7402000084100600000000842006000000' +
      '0084401400000000848040140000000084c0400600000000046d1a2f65114406518200004414b2c30000542d2602000054' +
      '3b03040000c4100600000000c4200600000000c4401400000000c480401400000000c4c0400600000000426c5f1c0f0000' +
      '0000e7e40000636600000000000000000000000000005bc9a50234530000e0b20300899c68000000000001000107070901' +
      '0300000000009816',
    header: '06855817 KAM 8 4',
    records: 27,
    more: false,
    reads: {
      fabrication_number: '6855817e0 1',
      energy: '37351e3 Wh',
      volume: '56108e-2 m3',
      on_time: '985e0 h',
      flow_temperature: '10169e-2 degC',
      return_temperature: '4616e-2 degC',
    },
  },
  {
    of: 'Itron Cyble on a water meter',
    source: 'libmbus itron_cyble_m-bus_v1.4_water',
    hex:
      '6856566808017271000012770414070a3000000c78710000120d7c084449202e747375630a454c4259432054534554046d' +
      '2b0d9811027c09656d6974202e746162f21004143d30000004947f140000004414000000000f10011f2f16',
    header: '12000071 ACW 20 7',
    records: 7,
    more: false,
    reads: {
      fabrication_number: '12000071e0 1',
      'text[637573742E204944]': 'TEST CYBLE',
      date_time: '2012-01-24T13:43',
      'text[6261742E2074696D65]': '4338e0 1',
      volume: '12349e-2 m3',
      'volume[7F]': '20e-2 m3',
    },
  },
  {
    of: 'Aquametro heat meter that counts in floats',
    source: 'libmbus example_data_01',
    hex:
      '6831316808017245585703b40534049e0027b60306f934150315c6004d052e00000000053d00000000055b22f32642055f' +
      'c7da0d42fa16',
    header: '03575845 AMT 52 4',
    records: 6,
    more: false,
    reads: {
      energy: '1389817e3 Wh',
      volume: '5046470e-1 m3',
      flow_temperature: '41737434e-6 degC',
      return_temperature: '3546365e-5 degC',
    },
  },
  {
    of: 'Landis+Gyr Ultraheat T230',
    source: 'libmbus landis+gyr_ultraheat_t230',
    hex:
      '68e2e26808007205026666a7320704011000000974040970080c06000000000c14000000000b2d0000000b3b0000000b5a' +
      '9501000b5e9701000b620200f00c7805026666891071073c22693700000c22693700000c26000000008c90100600000000' +
      '9b102d0000009b103b0000009b105a0703009b105e0705009410ad6f000000009410bb6f000000009410da6f32147a1894' +
      '10de6f2b0b69184c06000000004c14000000007c22693400004c2600000000cc90100600000000db102d000000db103b00' +
      '0000db105a070300db105e070500848f0f6d0000e1f1046d040c8d110f09070066017d16',
    header: '66660205 LUG 7 4',
    records: 34,
    more: false,
    reads: {
      flow_temperature: '195e-1 degC',
      return_temperature: '197e-1 degC',
      temperature_difference: '-2e-1 K',
      fabrication_number: '66660205e0 1',
      'on_time error': '3769e0 h',
      on_time: '3769e0 h',
    },
  },
  {
    of: 'Siemens WFH21',
    source: 'libmbus siemens_water',
    hex:
      '685959680800728213020865329906eb0000000c13010100000b22520902046d38086e19326c00000c788213020806fd0c' +
      '0a000100fa010dfd0b05313248465701fd0e000b3b0000000f37fd170000000000000000027a0d0002780d001116',
    header: '08021382 LSE 153 6',
    records: 9,
    more: false,
    reads: {
      volume: '101e-3 m3',
      on_time: '20952e0 h',
      date_time: '2011-09-14T08:56',
      'date error': 'not_available',
      fabrication_number: '8021382e0 1',
      model: '2173253517322e0 1',
    },
  },
  {
    of: 'EMU Professional 375',
    source: 'libmbus EMU_EMU-Professional-375-M-Bus',
    hex:
      '68f4f46808007229260300b5151002020000000c7829260300841003540500008420030000000084904003ae1e000084a0' +
      '40030000000004abff01feffffff04abff020000000004abff0300000000042bfeffffff848040abff010e000000848040' +
      'abff0200000000848040abff03000000008480402b0e00000002fdc8ff01d10802fdc8ff02000002fdc8ff03000022fdc8' +
      'ff01520722fdc8ff02000022fdc8ff03000012fdc8ff016a0912fdc8ff02000012fdc8ff03000003fdd9ff01beffff03fd' +
      'd9ff0200000003fdd9ff0300000003fd59beffff01ffe1ff010d01ffe1ff020001ffe1ff030002ff52f40102fd60380001' +
      'fd17007416',
    header: '00032629 EMU 16 2',
    records: 32,
    more: false,
    reads: {
      fabrication_number: '32629e0 1',
      'energy t1': '1364e0 Wh',
      'energy t1 u2': '7854e0 Wh',
      'power[7F01]': '-2e0 W',
      power: '-2e0 W',
      'power[7F01] u2': '14e0 W',
    },
  },
  {
    of: 'Saia-Burgess electricity meter with a letter in its number',
    source: 'libmbus electricity-meter-1',
    hex:
      '689292680801723e020005434c1202130000008c1004521200008c1104521200008c2004334477018c21043344770102fd' +
      'c9ff01ed0002fddbff01200002acff014f008240acff01eeff02fdc9ff02e70002fddbff02230002acff0251008240acff' +
      '02f1ff02fdc9ff03e40002fddbff03450002acff03a0008240acff03e0ff02ff68000002acff0040018240acff00bfff01' +
      'ff1304d916',
    header: '0500023E SBC 18 2',
    records: 20,
    more: false,
    reads: {
      'energy t1': '1252e1 Wh',
      'energy s2 t1': '1252e1 Wh',
      'energy t2': '1774433e1 Wh',
      'energy s2 t2': '1774433e1 Wh',
      'voltage[7F01]': '237e0 V',
      'current[7F01]': '32e-1 A',
    },
  },
  {
    of: 'gas meter of the OMS specification',
    source: 'libmbus oms_frame1',
    hex: '6820206808fd7278563412931533032a0000000c1427048502046d32371f1502fd1700008916',
    header: '12345678 ELS 51 3',
    records: 3,
    more: false,
    reads: {
      volume: '2850427e-2 m3',
      date_time: '2008-05-31T23:50',
      error_flags: '0e0 1',
    },
  },
  {
    of: 'Hydrometer heat meter without a flow',
    source: 'libmbus abb_f95',
    hex:
      '685e5e680800729085712624232804735000000c05000000000c12420700003c2addb4ebdd3b3addb4eb0a5a04020a5e04' +
      '020a620000046d22108d114c0500000000446d3b177e1444ed7e3b179e148c01050000000084016d3b177f1c0b26536508' +
      '0416',
    header: '26718590 HYD 40 4',
    records: 14,
    more: false,
    reads: {
      volume: '742e-4 m3',
      'power error': 'illegal_digit',
      'volume_flow error': 'illegal_digit',
      flow_temperature: '204e-1 degC',
      return_temperature: '204e-1 degC',
      date_time: '2012-01-13T16:34',
    },
  },
  {
    of: 'GWF MTKcoder',
    source: 'libmbus GWF-MTKcoder',
    hex: '681b1b6808017207201800e61e35074c0000000c78072018000c16690200009616',
    header: '00182007 GWF 53 7',
    records: 2,
    more: false,
    reads: {
      fabrication_number: '182007e0 1',
      volume: '269e0 m3',
    },
  },
  {
    of: 'SVM F22',
    source: 'libmbus svm_f22_telegram1',
    hex:
      '685c5c6808017289600001cd4e090c9470000004066e6d0000041345c6090084401345c60900025bf300025ff300026200' +
      '000422e21800000426db180000043b00000000042c00000000046d0c15a82284406e000000008480406e000000001fa716',
    header: '01006089 SVM 9 12',
    records: 13,
    more: true,
    reads: {
      energy: '28014e3 Wh',
      volume: '640581e-3 m3',
      'volume u1': '640581e-3 m3',
      flow_temperature: '243e0 degC',
      return_temperature: '243e0 degC',
      on_time: '6370e0 h',
    },
  },
  {
    of: 'NZR DHZ 5/63',
    source: 'libmbus nzr_dhz_5_63',
    hex:
      '6832326808057208061030523b0102010000000403fa04000004837ffa04000002fd48440902fd5b0000022b00000c7808' +
      '0610300f0e7116',
    header: '30100608 NZR 1 2',
    records: 6,
    more: false,
    reads: {
      energy: '1274e0 Wh',
      'energy[7F]': '1274e0 Wh',
      voltage: '2372e-1 V',
      fabrication_number: '30100608e0 1',
    },
  },
  {
    of: 'Minol Minocal C2',
    source: 'libmbus minol_minocal_c2',
    hex:
      '68efef68080272845042314d6a81042427000004060300000002fd17000084046d0000a111840406030000008405060000' +
      '0000041349000000043b00000000543b2b000000546d1e086119042d0000000094012d1400000094016d1e0861190259d9' +
      '07025d8707046d350b8d118280016c81118480010603000000c280016c611cc4800106030000008281016c611b84810106' +
      '03000000c281016c611ac4810106030000008282016c61198482010600000000c282016c6118c482010600000000828301' +
      '6c61178483010600000000c283016c6116c4830106000000009280016c81119480013b010000009480012d000000008e16',
    header: '31425084 ZRM 129 4',
    records: 34,
    more: false,
    reads: {
      energy: '3e3 Wh',
      'date_time s8': '2013-01-01T00:00',
      'energy s8': '3e3 Wh',
      volume: '73e-3 m3',
      'volume_flow s1 maximum': '43e-3 m3/h',
      'date_time s1 maximum': '2011-09-01T08:30',
    },
  },
  {
    of: 'Itron CF 51 with its sensors off',
    source: 'libmbus itron_cf_51',
    hex:
      '686464680806728551151177040a0d1b1000000c78855115110406000000000c14000000003b2d9999990b3b0000003a5a' +
      '99993a5e99993b61999999046d180d98110227680009fd0e1109fd0f268cc00016210300008c8040142301000004863c00' +
      '0000000f03208516',
    header: '11155185 ACW 10 13',
    records: 15,
    more: false,
    reads: {
      fabrication_number: '11155185e0 1',
      'power error': '999999e2 W',
      'flow_temperature error': '9999e-1 degC',
      'return_temperature error': '9999e-1 degC',
      'temperature_difference error': '999999e-2 K',
      date_time: '2012-01-24T13:24',
    },
  },
  {
    of: 'Kamstrup electricity meter with fillers',
    source: 'libmbus filler',
    hex: '681f1f68080072317767172d2c0102000000002f2f04833b881300002f2f2f2f2f2f2f0016',
    header: '17677731 KAM 1 2',
    records: 1,
    more: false,
    reads: {
      'energy[3B]': '5000e0 Wh',
    },
  },
  {
    of: 'Sontex Supercal 531, in joules',
    source: 'libmbus sontex_supercal_531_telegram1',
    hex:
      '6851516808017224064208ee4d0d042c300000040e00000000041400000000055b00000000055f00000000053e00000000' +
      '052b00000000c4000e00000000c4001400000000c4401400000000c4804014000000001f7116',
    header: '08420624 SON 13 4',
    records: 10,
    more: true,
    reads: {
      energy: '0e6 J',
      volume: '0e-2 m3',
      flow_temperature: '0e-5 degC',
      return_temperature: '0e-5 degC',
      volume_flow: '0e-5 m3/h',
      power: '0e-5 W',
    },
  },
  {
    of: 'Apator water meter',
    source: 'wmbusmeters issue 435',
    hex:
      '6856566808027228170500010603073bf800000c7828170500046d2c30103904138d060000023b0000441353060000426c' +
      '013902279e0c03fd171e030004ff0a0402010002ff0b975b03ff0c0e00c30f00032b09ff0002020100a716',
    header: '00051728 APA 3 7',
    records: 11,
    more: false,
    reads: {
      fabrication_number: '51728e0 1',
      date_time: '2024-09-16T16:44',
      volume: '1677e-3 m3',
      'volume s1': '1619e-3 m3',
      'date s1': '2024-09-01',
      operating_time: '3230e0 d',
    },
  },
];
