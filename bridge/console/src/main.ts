// The console page: what is live, who watches, how well it plays, and where it broke.

import "uplot/dist/uPlot.min.css";
import "../console.css";

import { ViewersChart } from "./chart";
import { Feed, type State } from "./feed";
import type { AnalyticsMessage, Message, MetricsMessage, Page, Stream } from "./model";
import * as views from "./views";

const THEMES = ["auto", "light", "dark"] as const;

function byId<T extends HTMLElement>(id: string): T {
  const found = document.getElementById(id);
  if (!found) throw new Error(`no element ${id}`);
  return found as T;
}

class Console {
  private page: Page | null = null;
  private selected = decodeURIComponent(location.hash.slice(1));
  private charted = "";
  private readonly chart = new ViewersChart(byId("chart"));
  private readonly feed = new Feed({
    page: (page) => this.showPage(page),
    message: (message) => this.take(message),
    state: (state) => this.showState(state),
    needToken: () => this.askToken(),
  });

  start(): void {
    this.useTheme(localStorage.getItem("theme") ?? "auto");
    byId("theme").addEventListener("click", () => this.nextTheme());
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.chart.redraw());
    byId<HTMLDialogElement>("login").addEventListener("close", () => {
      const token = byId<HTMLInputElement>("token").value.trim();
      if (token) this.feed.useToken(token);
    });
    this.feed.start();
  }

  private showPage(page: Page): void {
    this.page = page;
    views.totals(byId("totals"), page.totals);
    this.showStreams();
    this.showStream();
  }

  private showStreams(): void {
    const rows = this.page?.streams ?? [];
    if (!rows.some((row) => row.id === this.selected) && rows.length > 0) this.selected = rows[0].id;
    views.streams(byId("streams"), rows, this.selected, (id) => this.choose(id));
  }

  private choose(id: string): void {
    this.selected = id;
    history.replaceState(null, "", `#${encodeURIComponent(id)}`);
    this.showStreams();
    this.showStream();
  }

  private current(): Stream | undefined {
    return this.page?.streams.find((stream) => stream.id === this.selected);
  }

  private showStream(): void {
    const stream = this.current();
    byId("stream").hidden = stream === undefined;
    if (!stream) return;
    byId("stream-title").textContent = stream.title || stream.id;
    views.hops(byId("hops"), stream.hops);
    views.qoe(byId("qoe"), stream.qoe);
    views.bars(byId("devices"), stream.devices);
    views.bars(byId("countries"), stream.countries);
    views.bars(byId("renditions"), stream.renditions);
    if (this.charted !== stream.id) {
      this.charted = stream.id;
      this.chart.reset(stream.viewersOverTime);
    }
    if (this.page) this.chart.add(this.page.meta.asOf, stream.currentViewers);
  }

  private take(message: Message): void {
    if (!this.page) return;
    if (message.type === "analytics") {
      this.page.totals = { ...this.page.totals, ...(message as AnalyticsMessage).data };
      views.totals(byId("totals"), this.page.totals);
    } else if (message.type === "metrics") {
      const { streamId, data, ts } = message as MetricsMessage;
      const stream = this.page.streams.find((one) => one.id === streamId);
      if (!stream) return;
      stream.currentViewers = data.currentViewers;
      stream.peakViewers = data.peakViewers;
      stream.totalViews = data.totalViews;
      this.showStreams();
      if (streamId === this.selected) this.chart.add(ts, data.currentViewers);
    }
  }

  private showState(state: State): void {
    const pill = byId("connection");
    const texts: Record<State, string> = {
      connecting: "connecting", live: "live", polling: "polling", stale: "data is stale", offline: "offline",
    };
    pill.dataset.state = state;
    pill.textContent = texts[state];
    const missing = this.page?.meta.missing ?? [];
    pill.title = missing.length > 0 ? `no data from: ${missing.join(", ")}` : "";
  }

  private askToken(): void {
    const dialog = byId<HTMLDialogElement>("login");
    if (!dialog.open) dialog.showModal();
  }

  private nextTheme(): void {
    const now = localStorage.getItem("theme") ?? "auto";
    const next = THEMES[(THEMES.indexOf(now as (typeof THEMES)[number]) + 1) % THEMES.length];
    localStorage.setItem("theme", next);
    this.useTheme(next);
    this.chart.redraw();
  }

  private useTheme(theme: string): void {
    if (theme === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    byId("theme").textContent = `Theme: ${theme}`;
  }
}

new Console().start();
