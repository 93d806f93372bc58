// The page's connection to the bridge: a WebSocket, and polling while it is away.

import type { Message, Page } from "./model";

export type State = "connecting" | "live" | "polling" | "stale" | "offline";

export interface Listener {
  page(page: Page): void;
  message(message: Message): void;
  state(state: State): void;
  needToken(): void;
}

const REFRESH_MS = 5000;
const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 10000;
const SILENCE_MS = 45000;

export class Feed {
  private socket: WebSocket | null = null;
  private retryMs = FIRST_RETRY_MS;
  private streams: string[] = [];
  private heard = 0;
  private socketOpen = false;
  private stale = false;

  constructor(private readonly listener: Listener) {}

  start(): void {
    this.connect();
    void this.refresh();
    setInterval(() => void this.refresh(), REFRESH_MS);
    setInterval(() => this.checkSilence(), REFRESH_MS);
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden) void this.refresh();
    });
  }

  useToken(token: string): void {
    sessionStorage.setItem("token", token);
    this.socket?.close();
    void this.refresh();
  }

  private token(): string {
    return sessionStorage.getItem("token") ?? "";
  }

  private connect(): void {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const protocols = this.token() ? ["bearer", this.token()] : [];
    const socket = new WebSocket(`${scheme}://${location.host}/api/ws/analytics/realtime`, protocols);
    this.socket = socket;
    socket.onopen = () => {
      this.socketOpen = true;
      this.retryMs = FIRST_RETRY_MS;
      this.heard = Date.now();
      this.subscribe(this.streams);
      void this.refresh();
    };
    socket.onmessage = (event) => {
      this.heard = Date.now();
      this.listener.message(JSON.parse(String(event.data)) as Message);
    };
    socket.onclose = () => {
      this.socketOpen = false;
      // Spread the reconnects of many pages after a restart.
      const wait = this.retryMs * (0.5 + Math.random());
      this.retryMs = Math.min(this.retryMs * 2, LONGEST_RETRY_MS);
      void this.refresh();
      setTimeout(() => this.connect(), wait);
    };
  }

  private subscribe(streamIds: string[]): void {
    if (this.socketOpen && streamIds.length > 0) {
      this.socket?.send(JSON.stringify({ type: "subscribe", streamIds }));
    }
  }

  private checkSilence(): void {
    if (this.socketOpen && Date.now() - this.heard > SILENCE_MS) this.socket?.close();
  }

  private async refresh(): Promise<void> {
    if (document.hidden) return;
    try {
      const headers: Record<string, string> = this.token() ? { Authorization: `Bearer ${this.token()}` } : {};
      const answer = await fetch("/api/console/overview", { headers, signal: AbortSignal.timeout(REFRESH_MS) });
      if (answer.status === 401) {
        this.listener.needToken();
        this.listener.state("offline");
        return;
      }
      if (!answer.ok) throw new Error(String(answer.status));
      const page = (await answer.json()) as Page;
      this.stale = page.meta.stale;
      this.follow(page.streams.map((stream) => stream.id));
      this.listener.page(page);
      this.listener.state(this.stale ? "stale" : this.socketOpen ? "live" : "polling");
    } catch {
      this.listener.state("offline");
    }
  }

  private follow(ids: string[]): void {
    const fresh = ids.filter((id) => !this.streams.includes(id));
    this.streams = ids;
    this.subscribe(fresh);
  }
}
