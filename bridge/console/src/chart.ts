// Viewers over time, drawn by uPlot.

import uPlot from "uplot";

const HEIGHT = 220;
const KEPT_POINTS = 2000;
const CLOCK = (_plot: uPlot, seconds: number[]): string[] =>
  seconds.map((one) => new Date(one * 1000).toLocaleTimeString("en-GB", { hour12: false }));

export class ViewersChart {
  private plot: uPlot | null = null;
  private times: number[] = [];
  private viewers: number[] = [];

  constructor(private readonly place: HTMLElement) {
    new ResizeObserver(() => this.plot?.setSize({ width: this.place.clientWidth, height: HEIGHT })).observe(place);
  }

  /** Start over with a series of another stream, or after the colours changed. */
  reset(points: { timestamp: string; viewers: number }[]): void {
    this.times = points.map((point) => Date.parse(point.timestamp) / 1000);
    this.viewers = points.map((point) => point.viewers);
    this.draw();
  }

  add(timestamp: string, viewers: number): void {
    const time = Date.parse(timestamp) / 1000;
    const last = this.times[this.times.length - 1];
    if (last !== undefined && time <= last) return;
    this.times.push(time);
    this.viewers.push(viewers);
    if (this.times.length > KEPT_POINTS) {
      this.times.shift();
      this.viewers.shift();
    }
    if (this.plot) this.plot.setData([this.times, this.viewers]);
    else this.draw();
  }

  redraw(): void {
    this.draw();
  }

  private draw(): void {
    this.plot?.destroy();
    const style = getComputedStyle(document.documentElement);
    const colour = (name: string): string => style.getPropertyValue(name).trim();
    const axis = { stroke: colour("--soft"), grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false } };
    this.plot = new uPlot(
      {
        width: this.place.clientWidth,
        height: HEIGHT,
        legend: { show: false },
        cursor: { y: false },
        scales: { y: { range: (_plot, _low, high) => [0, Math.max(5, high * 1.15)] } },
        axes: [{ ...axis, space: 70, values: CLOCK }, { ...axis, size: 46 }],
        series: [{}, { label: "Viewers", stroke: colour("--accent"), width: 2, fill: `${colour("--accent")}22`, points: { show: false } }],
      },
      [this.times, this.viewers],
      this.place,
    );
  }
}
