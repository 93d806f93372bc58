// Draws numbers into the page. Texts from outside are only ever set as text.

import type { Hop, Qoe, Stream, Totals } from "./model";

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const decimal = new Intl.NumberFormat("en", { maximumFractionDigits: 2 });

function element(tag: string, className = "", text = ""): HTMLElement {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text) made.textContent = text;
  return made;
}

export function bits(perSecond: number | null): string {
  if (perSecond === null) return "–";
  const units = ["bit/s", "kbit/s", "Mbit/s", "Gbit/s", "Tbit/s"];
  let value = perSecond;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${value.toFixed(value < 10 && unit > 0 ? 1 : 0)} ${units[unit]}`;
}

function number(value: number | null, unit = "", digits = decimal): string {
  return value === null ? "–" : `${digits.format(value)}${unit}`;
}

function tile(label: string, value: string, name: string): HTMLElement {
  const made = element("div", "tile");
  const shown = element("b", "", value);
  shown.dataset.name = name;
  made.append(shown, element("span", "", label));
  return made;
}

export function totals(place: HTMLElement, now: Totals): void {
  place.replaceChildren(
    tile("viewers now", whole.format(now.totalViewers), "totalViewers"),
    tile("live streams", whole.format(now.activeStreams), "activeStreams"),
    tile("failed edge requests", number(now.errorRate, " %"), "errorRate"),
    tile("engaged sessions, last hour", number(now.avgEngagement, " %"), "avgEngagement"),
    tile("revenue today", number(now.revenueToday), "revenueToday"),
    tile("media host CPU", number(now.serverLoad, " %", whole), "serverLoad"),
  );
}

export function streams(place: HTMLElement, rows: Stream[], selected: string, choose: (id: string) => void): void {
  if (rows.length === 0) {
    place.replaceChildren(element("p", "empty", "No stream is live. Publish one and it appears here within seconds."));
    return;
  }
  const table = element("table");
  const head = element("tr");
  for (const [title, kind] of [["Stream", ""], ["Viewers", "number"], ["Peak", "number"], ["Views", "number"], ["Ingest", "number"], ["Egress", "number"], ["Hops", ""]]) {
    const cell = element("th", kind, title);
    cell.setAttribute("scope", "col");
    head.append(cell);
  }
  const body = element("tbody");
  for (const row of rows) body.append(streamRow(row, row.id === selected, choose));
  const top = element("thead");
  top.append(head);
  table.append(top, body);
  place.replaceChildren(table);
}

function streamRow(row: Stream, selected: boolean, choose: (id: string) => void): HTMLElement {
  const line = element("tr");
  line.tabIndex = 0;
  line.setAttribute("aria-selected", String(selected));
  line.dataset.stream = row.id;
  line.append(element("td", "", row.title || row.id));
  const viewers = element("td", "number", whole.format(row.currentViewers));
  viewers.dataset.name = "currentViewers";
  line.append(viewers, element("td", "number", whole.format(row.peakViewers)), element("td", "number", whole.format(row.totalViews)));
  line.append(element("td", "number", bits(row.ingestBitsPerSecond)), element("td", "number", bits(row.edgeBitsPerSecond)));
  const hops = element("td");
  for (const hop of row.hops) {
    const dot = element("span", "dot");
    dot.dataset.state = hop.state;
    dot.title = `${hop.name}: ${hop.summary}`;
    dot.setAttribute("role", "img");
    dot.setAttribute("aria-label", dot.title);
    hops.append(dot);
  }
  line.append(hops);
  line.addEventListener("click", () => choose(row.id));
  line.addEventListener("keydown", (event) => {
    if (event.key === "Enter" || event.key === " ") choose(row.id);
  });
  return line;
}

export function hops(place: HTMLElement, rows: Hop[]): void {
  place.replaceChildren(
    ...rows.map((hop) => {
      const made = element("div", "hop");
      made.dataset.state = hop.state;
      made.dataset.hop = hop.name;
      made.append(element("em", "", hop.name), element("b", "", hop.summary), element("em", "", hop.detail));
      return made;
    }),
  );
}

export function qoe(place: HTMLElement, now: Qoe): void {
  place.replaceChildren(
    tile("startup time, median", number(now.startupSeconds, " s"), "startup"),
    tile("rebuffer ratio", number(now.rebufferPercent, " %"), "rebuffer"),
    tile("behind live, median", number(now.liveLatencySeconds, " s"), "latency"),
    tile("edge first byte", number(now.timeToFirstByteMs, " ms"), "ttfb"),
    tile("failed requests", number(now.errorRatePercent, " %"), "errors"),
    tile("uptime", number(now.uptimePercent, " %"), "uptime"),
  );
}

export function bars(place: HTMLElement, shares: Record<string, number>): void {
  const rows = Object.entries(shares).sort((one, other) => other[1] - one[1]).slice(0, 8);
  const most = Math.max(1, ...rows.map(([, count]) => count));
  if (rows.length === 0) {
    place.replaceChildren(element("p", "empty", "No viewers yet."));
    return;
  }
  place.replaceChildren(
    ...rows.map(([name, count]) => {
      const made = element("div", "bar");
      const bar = element("i");
      bar.style.setProperty("--share", `${(100 * count) / most}%`);
      made.append(element("span", "", name), bar, element("span", "", whole.format(count)));
      return made;
    }),
  );
}
