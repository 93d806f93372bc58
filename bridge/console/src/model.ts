// What the page shows. Shapes of GET /api/console/overview and of the WebSocket messages it listens to.

export type HopState = "ok" | "warn" | "bad" | "missing";

export interface Hop { name: string; state: HopState; summary: string; detail: string }

export interface Qoe {
  startupSeconds: number | null;
  rebufferPercent: number | null;
  liveLatencySeconds: number | null;
  errorRatePercent: number | null;
  uptimePercent: number | null;
  timeToFirstByteMs: number | null;
}

export interface Stream {
  id: string;
  title: string;
  currentViewers: number;
  peakViewers: number;
  totalViews: number;
  ingestBitsPerSecond: number | null;
  edgeBitsPerSecond: number | null;
  hops: Hop[];
  qoe: Qoe;
  devices: Record<string, number>;
  countries: Record<string, number>;
  renditions: Record<string, number>;
  viewersOverTime: { timestamp: string; viewers: number }[];
}

export interface Totals {
  totalViewers: number;
  activeStreams: number;
  revenueToday: number;
  avgEngagement: number;
  errorRate: number;
  serverLoad: number;
}

export interface Meta { asOf: string; ageSeconds: number; stale: boolean; missing: string[] }

export interface Page { meta: Meta; totals: Totals; streams: Stream[] }

export interface AnalyticsMessage { type: "analytics"; ts: string; data: Totals }

export interface MetricsMessage {
  type: "metrics";
  streamId: string;
  ts: string;
  data: { currentViewers: number; peakViewers: number; totalViews: number };
}

export type Message = AnalyticsMessage | MetricsMessage | { type: string };
