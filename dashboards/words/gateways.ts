/** Words of the table of gateways, in both languages. */
import type { GatewayAlarm } from '../../protocols/api.ts';
import type { Language } from '../language.ts';

interface GatewayWords {
  gateways: string;
  gateway: string;
  state: string;
  well: string;
  waiting: string;
  since: (at: string) => string;
  receipt: string;
  clock: string;
  failures: string;
  version: string;
  ownFile: string;
  settings: (version: number) => string;
  alarms: Record<GatewayAlarm, string>;
}

export const gatewayWords: Record<Language, GatewayWords> = {
  'zh-CN': {
    gateways: '网关',
    gateway: '网关',
    state: '状态',
    well: '正常',
    waiting: '待传',
    since: (at) => `自 ${at}`,
    receipt: '最近回执',
    clock: '时钟偏差',
    failures: '请求失败',
    version: '版本',
    ownFile: '本地配置',
    settings: (version) => `下发配置 ${version}`,
    alarms: {
      offline: '离线',
      silent: '无状态上报',
      key_changed: '签名密钥已变',
      clock_off: '时钟偏差',
      backlog: '积压超过一小时',
    },
  },
  en: {
    gateways: 'Gateways',
    gateway: 'Gateway',
    state: 'State',
    well: 'well',
    waiting: 'Waiting',
    since: (at) => `since ${at}`,
    receipt: 'Last receipt',
    clock: 'Clock off by',
    failures: 'Requests failed',
    version: 'Version',
    ownFile: 'its own settings',
    settings: (version) => `settings ${version}`,
    alarms: {
      offline: 'offline',
      silent: 'tells nothing',
      key_changed: 'signs with another key',
      clock_off: 'clock is off',
      backlog: 'behind by more than an hour',
    },
  },
};
