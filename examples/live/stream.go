package main

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/redchan-go/redchan/pubsub"
)

// stream is what one browser follows. All of it belongs to the goroutine of its request.
//
// The browser's slowness holds up this goroutine, in a write, and nothing else: meanwhile
// its messages wait in its subscription, and beyond its bounds the oldest are dropped,
// which a gap tells in their place.
type stream struct {
	server   *server
	channels []string
	out      *eventWriter
	beats    *time.Ticker // of signs of life
	link     linkState    // as the browser knows it
}

// batch bounds the messages that are written at a time.
const batch = 64

// events answers with a stream of server-sent events, until the browser leaves.
func (s *server) events(w http.ResponseWriter, r *http.Request) {
	channels, err := channelsOf(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	seen, returning, err := lastSeen(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	select {
	case s.places <- struct{}{}:
		defer func() { <-s.places }()
	default:
		w.Header().Set("Retry-After", "10")
		http.Error(w, "too many browsers: try again in a while", http.StatusServiceUnavailable)
		return
	}
	ctx, cancel := s.streamContext(r)
	defer cancel()
	out, finish := startEvents(ctx, w, s.limits.stuck)
	defer finish()
	if r.Method == http.MethodHead {
		return
	}
	st := &stream{server: s, channels: channels, out: out, beats: time.NewTicker(s.limits.heartbeat)}
	defer st.beats.Stop()

	sub, err := st.subscribe(ctx)
	if err == nil {
		defer sub.Close()
		st.tellLink(linkUp, time.Now())
		if returning {
			out.send(itemGap, gapData{Reasons: []string{browserGone}, From: seen.UnixMilli(), To: time.Now().UnixMilli()})
		}
		err = st.copy(sub)
	}
	if refused := new(pubsub.RefusedError); errors.As(err, &refused) {
		out.extend()
		out.send(itemRefused, refusedData{Error: "Redis refuses " + refused.Name.String()})
		_ = out.flush() // nobody is left to be told
	}
	s.log.Debug("a browser leaves", "channels", channels, "why", err)
}

// subscribe subscribes to the channels. While Redis can't be reached it tries again, and
// says so to the browser. Each try takes as long as Options.SubscribeTimeout.
func (st *stream) subscribe(ctx context.Context) (*pubsub.Subscription, error) {
	state := linkConnecting
	for {
		st.tellLink(state, time.Now())
		st.out.extend()
		st.out.beat() // the browser's link is fine
		if err := st.out.flush(); err != nil {
			return nil, err
		}
		sub, err := st.server.client.NewSubscription(ctx,
			pubsub.Channels(st.channels...),
			pubsub.Buffer(st.server.limits.messages, st.server.limits.bytes),
			pubsub.GapMarkers())
		if err == nil {
			return sub, nil
		}
		if ctx.Err() != nil || !errors.Is(err, pubsub.ErrSubscribeTimeout) {
			return nil, err
		}
		state = linkLost
	}
}

// copy copies what the subscription gives to the browser, until one of them ends.
func (st *stream) copy(sub *pubsub.Subscription) error {
	if err := st.out.flush(); err != nil {
		return err
	}
	events := sub.Events()
	for {
		select {
		case msg, ok := <-sub.Messages():
			if !ok {
				return sub.Err()
			}
			st.out.extend()
			st.write(msg, events)
			for range batch - 1 { // what has come meanwhile goes along
				msg, ok := sub.TryNext()
				if !ok {
					break
				}
				st.write(msg, events)
			}

		case event, ok := <-events:
			if !ok {
				events = nil // Messages tells why
				continue
			}
			st.tell(event)

		case <-st.beats.C:
			st.out.extend()
			st.out.beat()
		}
		if err := st.out.flush(); err != nil {
			return err
		}
	}
}

// write writes an item of the subscription, and does not flush. A gap comes behind the
// events that led to it: "the link is back", and then what is missing.
func (st *stream) write(msg pubsub.Message, events <-chan pubsub.Event) {
	if msg.Kind != pubsub.KindGap {
		st.out.send(itemMessage, newMessageData(msg, time.Now()))
		return
	}
	for {
		select {
		case event, ok := <-events:
			if ok {
				st.tell(event)
				continue
			}
		default:
		}
		st.out.send(itemGap, newGapData(msg.Gap))
		return
	}
}

// tell writes what an event says about the link, and does not flush.
func (st *stream) tell(event pubsub.Event) {
	switch event.Kind {
	case pubsub.EventDisconnected:
		st.tellLink(linkLost, event.Time)
	case pubsub.EventConnected:
		st.tellLink(linkUp, event.Time)
	}
}

// tellLink writes how the link to Redis is, unless the browser knows, and does not flush.
func (st *stream) tellLink(state linkState, since time.Time) {
	if state == st.link {
		return
	}
	st.link = state
	st.out.extend()
	st.out.send(itemLink, linkData{state, since.UnixMilli()})
}
