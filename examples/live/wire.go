package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/redchan-go/redchan/pubsub"
)

// What a stream consists of: server-sent events, the data of each a JSON object. Times
// are milliseconds since 1970.

// itemKind is the event field of an item of a stream.
type itemKind string

const (
	itemMessage itemKind = "message" // messageData
	itemGap     itemKind = "gap"     // gapData
	itemLink    itemKind = "link"    // linkData
	itemRefused itemKind = "refused" // refusedData; the stream ends, and it makes no sense to ask again
)

// messageData is a message. Binary says that the payload was not UTF-8, and is shown
// as well as can be.
type messageData struct {
	Channel string `json:"channel"`
	Payload string `json:"payload"`
	Binary  bool   `json:"binary,omitempty"`
	Time    int64  `json:"time"`
}

// gapData says that messages are missing here, or may be. Dropped is how many came from
// Redis and were dropped because the browser was too slow: that number is exact.
type gapData struct {
	Reasons []string `json:"reasons"` // of pubsub.Reason, or browserGone
	From    int64    `json:"from"`
	To      int64    `json:"to"`
	Dropped uint64   `json:"dropped"`
}

// browserGone is the reason of a gap between two streams of a browser.
const browserGone = "browser"

// linkState is how the link between this server and Redis is.
type linkState string

const (
	linkConnecting linkState = "connecting"
	linkUp         linkState = "up"
	linkLost       linkState = "lost"
)

type linkData struct {
	State linkState `json:"state"`
	Time  int64     `json:"time"`
}

// refusedData says why Redis does not let this server subscribe.
type refusedData struct {
	Error string `json:"error"`
}

func newMessageData(msg pubsub.Message, now time.Time) messageData {
	data := messageData{Channel: msg.Channel, Payload: msg.Payload, Time: now.UnixMilli()}
	if !utf8.ValidString(msg.Payload) {
		data.Binary = true // and encoding/json puts U+FFFD where it is not UTF-8
	}
	return data
}

func newGapData(gap *pubsub.Gap) gapData {
	return gapData{
		Reasons: strings.Split(gap.Reason.String(), "|"),
		From:    gap.From.UnixMilli(),
		To:      gap.To.UnixMilli(),
		Dropped: gap.Dropped,
	}
}

// eventWriter writes a stream to a browser. It belongs to the goroutine of its request.
type eventWriter struct {
	ctx        context.Context
	out        http.ResponseWriter
	controller *http.ResponseController
	stuck      time.Duration
	number     int   // of the last id
	err        error // the first; nothing is written after it
}

// lastWrite is how long the end of a stream may take to be written, to a browser that took
// all that came before.
const lastWrite = time.Second

// startEvents begins the answer to a request for events. The writer gives up when ctx
// ends, also in the middle of a write, and when the browser takes nothing for a time of
// stuck. The function returned is to be called before the request's handler returns.
func startEvents(ctx context.Context, w http.ResponseWriter, stuck time.Duration) (*eventWriter, func()) {
	out := &eventWriter{ctx: ctx, out: w, controller: http.NewResponseController(w), stuck: stuck}
	unblocked := make(chan struct{})
	unwatch := context.AfterFunc(ctx, func() {
		_ = out.controller.SetWriteDeadline(time.Now())
		close(unblocked)
	})
	header := w.Header()
	header.Set("Content-Type", "text/event-stream")
	header.Set("Cache-Control", "no-store")
	header.Set("X-Accel-Buffering", "no") // a proxy is not to collect what is live
	out.extend()
	w.WriteHeader(http.StatusOK)
	out.print("retry: 1000\n\n")
	return out, func() {
		if !unwatch() {
			<-unblocked
		}
		// Whatever the deadline was, the end of the stream is to be written.
		if out.err == nil || errors.Is(out.err, context.Canceled) {
			_ = out.controller.SetWriteDeadline(time.Now().Add(lastWrite))
		}
	}
}

// extend gives the browser time again. A context that ends meanwhile beats it: its
// AfterFunc comes after, or the end is seen here.
func (w *eventWriter) extend() {
	if w.err == nil {
		_ = w.controller.SetWriteDeadline(time.Now().Add(w.stuck)) // if that fails, so does the write
		w.err = w.ctx.Err()
	}
}

// send writes an item, with an id that tells when it was sent.
func (w *eventWriter) send(kind itemKind, data any) {
	text, err := json.Marshal(data)
	if err != nil {
		w.err = err
	}
	w.print("event: %s\n%sdata: %s\n\n", kind, w.id(), text)
}

// beat shows that the stream lives: a comment, and an id, which the browser notes.
func (w *eventWriter) beat() {
	w.print(": alive\n%s\n", w.id())
}

func (w *eventWriter) id() string {
	w.number++
	return fmt.Sprintf("id: %d-%d\n", time.Now().UnixMilli(), w.number)
}

func (w *eventWriter) print(format string, args ...any) {
	if w.err == nil {
		_, w.err = fmt.Fprintf(w.out, format, args...)
	}
}

// flush sends on its way what was written, and returns the first error there was.
func (w *eventWriter) flush() error {
	if w.err == nil {
		w.err = w.controller.Flush()
	}
	return w.err
}
