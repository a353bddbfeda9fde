/** What an operator may set of the detectors, and what holds where nothing is set. */
import type { DeviationSettings } from './deviation.ts';
import type { FlowSettings } from './flow.ts';
import type { StandstillSettings } from './standstill.ts';

export interface DetectorSettings {
  deviation: DeviationSettings;
  stuck: StandstillSettings;
  continuousFlow: FlowSettings;
}

export const defaultSettings: DetectorSettings = {
  deviation: { perMonth: 0.2, leastOfRange: 0.25 },
  stuck: { evidence: 25, beyondSeen: 1.5, leastHours: 4 },
  continuousFlow: { leastFlow: 1, hours: 72 },
};
