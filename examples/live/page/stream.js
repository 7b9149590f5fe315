// The stream of events from the server. EventSource connects again by itself where the
// connection breaks, and sends the id of the last item; where it gives up, on an answer
// that is no stream, this does the same.

const firstWait = 1000, longestWait = 15000; // milliseconds between attempts of ours

export class Stream {
  // tell has a function for each kind of item: message, gap, link, refused; and
  // open(), lost(), refused({error}) for the stream itself.
  constructor(tell) {
    this.tell = tell;
    this.source = null;
    this.attempt = 0;
    this.last = "";
    this.wait = firstWait;
  }

  // follow ends what was followed before, and begins anew.
  follow(channels) {
    this.stop();
    this.channels = channels;
    this.last = "";
    this.wait = firstWait;
    if (channels.length > 0) this.connect();
  }

  // resume goes on where stop has ended it; what was missed is told.
  resume() {
    this.stop();
    this.connect();
  }

  stop() {
    this.attempt++; // whatever is still on its way belongs to an earlier one
    clearTimeout(this.timer);
    this.source?.close();
    this.source = null;
  }

  url() {
    const query = new URLSearchParams(this.channels.map((name) => ["channel", name]));
    if (this.last) query.set("last", this.last);
    return "events?" + query;
  }

  connect() {
    const source = this.source = new EventSource(this.url());
    source.onopen = () => {
      this.wait = firstWait;
      this.tell.open();
    };
    source.onerror = () => {
      this.tell.lost();
      if (source.readyState === EventSource.CLOSED) this.givenUp();
    };
    for (const kind of ["message", "gap", "link", "refused"]) {
      source.addEventListener(kind, (event) => {
        this.last = event.lastEventId;
        if (kind === "refused") this.stop();
        this.tell[kind](JSON.parse(event.data));
      });
    }
  }

  // givenUp asks why, which EventSource does not tell, and tries again in a while.
  async givenUp() {
    const attempt = this.attempt;
    const abort = new AbortController();
    try {
      const answer = await fetch(this.url(), { signal: abort.signal });
      if (attempt !== this.attempt) return;
      if (answer.status === 400) {
        const error = await answer.text();
        if (attempt !== this.attempt) return;
        this.stop();
        this.tell.refused({ error });
        return;
      }
    } catch {
      // There is no server, and nothing more to know.
    } finally {
      abort.abort();
    }
    if (attempt !== this.attempt) return;
    this.timer = setTimeout(() => this.connect(), this.wait);
    this.wait = Math.min(2 * this.wait, longestWait);
  }
}
