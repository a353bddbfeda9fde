/** What an operator may set of the detectors, and what holds where nothing is set. */
import type { BalanceSettings } from './balance-watch.ts';
import type { DeviationSettings } from './deviation.ts';
import type { FlowSettings } from './flow.ts';
import type { NightFlowSettings } from './night-flow.ts';
import type { StandstillSettings } from './standstill.ts';

export interface DetectorSettings {
  balance: BalanceSettings;
  deviation: DeviationSettings;
  stuck: StandstillSettings;
  continuousFlow: FlowSettings;
  nightFlow: NightFlowSettings;
}

export const defaultSettings: DetectorSettings = {
  balance: { limit: 4.5, allowance: 1, leastShare: 0.004 },
  deviation: { perMonth: 0.12, leastOfRange: 0.25 },
  stuck: { evidence: 25, beyondSeen: 1.5, leastHours: 4, leastHoursAway: 60 },
  continuousFlow: { leastFlow: 1.6, hours: 66, sameIncidentDays: 45, grownTimes: 2, grownBy: 1.5 },
  nightFlow: { nightTimes: 2.4, dayTimes: 2.55, leastShare: 0.06, greatShare: 0.5 },
};
