/**
 * Tells the viewers exporter how a player plays: state, startup time, stalls, renditions, latency, errors.
 *
 *   import { watch } from "https://analytics.example/v1/player.js";
 *   const watching = watch(video, { stream: "demo", hls });   // hls: an hls.js instance, or none for native video
 *   watching.stop();                                          // optional; leaving the page is noticed
 *
 * Options: stream (public id, needed), endpoint (default: where this module came from), hls, user (the app's user id),
 * session (default: a random id), intervalSeconds (default 5).
 *
 * Beacons are sent without cookies as simple requests (text/plain), so no CORS preflight is made. One that fails is
 * kept and sent with the next; the server answers 410 when the stream is over, and then nothing more is sent.
 */

const DEFAULT_ENDPOINT = new URL("beacon", import.meta.url).href;
const MAX_WAITING = 32;
const MEDIA_ERRORS = { 1: "MEDIA_ERR_ABORTED", 2: "MEDIA_ERR_NETWORK", 3: "MEDIA_ERR_DECODE", 4: "MEDIA_ERR_SRC_NOT_SUPPORTED" };

/** Starts watching a media element; gives `{ session, stop() }`. */
export function watch(video, options) {
  return new Watching(video, options);
}

class Watching {
  constructor(video, { stream, endpoint, hls, user, session, intervalSeconds }) {
    if (!video || !stream) throw new TypeError("watch(video, { stream }) needs a media element and a stream id");
    this.session = session || randomId();
    this._video = video;
    this._stream = stream;
    this._endpoint = endpoint || DEFAULT_ENDPOINT;
    this._hls = hls;
    this._user = user;
    this._interval = intervalSeconds || 5;
    this._sequence = 0;
    this._waiting = [];
    this._sending = false;
    this._over = false;
    this._left = false;
    this._failed = false;
    this._started = false;
    this._played = false;
    this._state = "preloading";
    this._askedAt = undefined;
    this._removers = [];
    this._listen();
    this._timer = setInterval(() => this._report(), this._interval * 1000);
    if (!video.paused || video.autoplay) this._start();
    else this._report();
  }

  /** The viewer leaves this player: the session ends. */
  stop() {
    if (this._over) return;
    this._change("quit", true);
    this._detach();
  }

  _detach() {
    this._over = true;
    clearInterval(this._timer);
    for (const remove of this._removers) remove();
  }

  _listen() {
    const on = (target, name, handler) => {
      target.addEventListener(name, handler);
      this._removers.push(() => target.removeEventListener(name, handler));
    };
    const video = this._video;
    on(video, "play", () => this._start());
    on(video, "playing", () => this._playing());
    on(video, "waiting", () => this._stalled());
    on(video, "seeking", () => this._played && this._change("seeking"));
    on(video, "seeked", () => this._state === "seeking" && this._change(this._idleOr("playing")));
    on(video, "pause", () => !video.ended && this._started && this._change("paused"));
    on(video, "ended", () => this._change("ended"));
    on(video, "error", () => this._fail(MEDIA_ERRORS[video.error && video.error.code] || "MEDIA_ERR"));
    // Some browsers show a frame without a "playing" event after a stall; moving time is the proof.
    on(video, "timeupdate", () => this._moved());
    on(document, "visibilitychange", () => this._report({ leaving: document.visibilityState === "hidden" }));
    on(window, "pagehide", () => this._leave());
    on(window, "pageshow", (event) => event.persisted && this._return());
    if (this._hls) this._listenToHls(this._hls);
  }

  _listenToHls(hls) {
    const events = hls.constructor.Events;
    const on = (name, handler) => {
      hls.on(name, handler);
      this._removers.push(() => hls.off(name, handler));
    };
    on(events.LEVEL_SWITCHED, () => this._report());
    on(events.ERROR, (_, problem) => {
      const code = problem.response && problem.response.code ? `${problem.details} ${problem.response.code}` : problem.details;
      if (problem.fatal) this._fail(code);
      else if (problem.details !== "bufferStalledError") this._report({ errors: [code] });
    });
    on(events.DESTROYING, () => this.stop());
  }

  _start() {
    if (this._askedAt === undefined) this._askedAt = performance.now();
    this._started = true;
    if (this._state === "paused" && this._played) return; // "playing" tells when it goes on
    if (!this._played) this._change("starting");
  }

  _playing() {
    this._started = true;
    if (!this._played) {
      this._played = true;
      this._startup = (performance.now() - (this._askedAt === undefined ? performance.now() : this._askedAt)) / 1000;
    }
    this._change("playing");
  }

  _stalled() {
    const video = this._video;
    if (this._played && !video.paused && !video.seeking && !video.ended) this._change("rebuffering");
  }

  _moved() {
    const video = this._video;
    const moving = this._lastTime !== undefined && video.currentTime > this._lastTime && !video.paused && !video.seeking;
    this._lastTime = video.currentTime;
    if (moving && (this._state === "rebuffering" || this._state === "starting")) this._playing();
  }

  _fail(code) {
    this._change("failed", false, [code]);
  }

  _leave() {
    if (this._over || this._left) return;
    this._change("quit", true);
    this._left = true; // what the page still does on its way out is no news
  }

  /** The page comes back from the back/forward cache: the session goes on. */
  _return() {
    this._left = false;
    this._change(this._video.paused ? "paused" : "starting");
  }

  _idleOr(state) {
    return this._video.paused ? "paused" : state;
  }

  _change(state, leaving = false, errors = undefined) {
    if (this._over || this._left || (state === this._state && !errors)) return;
    this._state = state;
    this._report({ leaving, errors });
  }

  _report({ leaving = false, errors = undefined } = {}) {
    if (this._over || this._left) return;
    this._waiting.push(this._beacon(errors));
    if (this._waiting.length > MAX_WAITING) this._waiting.shift();
    if (leaving) this._sendAtOnce();
    else this._send();
  }

  _beacon(errors) {
    const video = this._video;
    const beacon = {
      stream: this._stream,
      session: this.session,
      seq: this._sequence++,
      time: Date.now(),
      state: this._state,
      interval: this._interval,
      hidden: document.visibilityState === "hidden",
    };
    if (this._startup !== undefined) beacon.startupSeconds = round(this._startup);
    if (this._user) beacon.user = this._user;
    if (errors) beacon.errors = errors;
    const buffered = ahead(video);
    if (buffered !== undefined) beacon.bufferSeconds = round(buffered);
    if (video.videoHeight) beacon.variant = `${video.videoHeight}p`;
    const quality = video.getVideoPlaybackQuality && video.getVideoPlaybackQuality();
    if (quality && quality.droppedVideoFrames) beacon.droppedFrames = quality.droppedVideoFrames;
    this._addHls(beacon);
    return beacon;
  }

  _addHls(beacon) {
    const hls = this._hls;
    if (!hls) {
      const at = this._video.getStartDate && this._video.getStartDate().getTime(); // Safari: program date of time 0
      if (at) beacon.latencySeconds = round(Math.max(0, (Date.now() - at) / 1000 - this._video.currentTime));
      return;
    }
    const level = hls.levels && hls.levels[hls.currentLevel];
    if (level && level.bitrate) beacon.bitsPerSecond = level.bitrate;
    if (level && level.height) beacon.variant = `${level.height}p`;
    if (this._played && hls.latency > 0) beacon.latencySeconds = round(hls.latency);
    if (hls.bandwidthEstimate > 0) beacon.throughputBitsPerSecond = Math.round(hls.bandwidthEstimate);
  }

  async _send() {
    if (this._sending || !this._waiting.length) return;
    this._sending = true;
    const batch = this._waiting.splice(0);
    try {
      const answer = await fetch(this._endpoint, {
        method: "POST",
        body: JSON.stringify(batch),
        headers: { "Content-Type": "text/plain" },
        credentials: "omit",
        keepalive: true,
      });
      if (answer.status === 410) this._detach();
      else if (answer.status === 429 || answer.status >= 500) this._putBack(batch);
    } catch {
      this._putBack(batch);
    } finally {
      this._sending = false;
    }
    if (!this._failed && this._waiting.length && !this._over) this._send();
    this._failed = false;
  }

  _putBack(batch) {
    this._failed = true; // try again with the next report
    this._waiting = batch.concat(this._waiting).slice(-MAX_WAITING);
  }

  _sendAtOnce() {
    const batch = this._waiting.splice(0);
    const body = new Blob([JSON.stringify(batch)], { type: "text/plain" });
    if (!navigator.sendBeacon || !navigator.sendBeacon(this._endpoint, body)) this._putBack(batch);
  }
}

/** Seconds of media buffered beyond the playing position, or undefined. */
function ahead(video) {
  const ranges = video.buffered;
  for (let index = 0; index < ranges.length; index++) {
    if (ranges.start(index) <= video.currentTime + 0.1 && video.currentTime <= ranges.end(index)) {
      return Math.max(0, ranges.end(index) - video.currentTime);
    }
  }
  return ranges.length ? 0 : undefined;
}

function randomId() {
  if (crypto.randomUUID) return crypto.randomUUID(); // only in secure contexts
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function round(number) {
  return Math.round(number * 1000) / 1000;
}
