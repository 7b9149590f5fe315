package cluster

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/redchan-go/redchan/internal/hub"
	"github.com/redchan-go/redchan/internal/retry"
	"github.com/redchan-go/redchan/pubsub"
	"github.com/redchan-go/redchan/redis"
)

// KeyEvents is the combined stream of notifications from all primaries, returned by
// [Client.KeyEvents].
type KeyEvents struct {
	client *Client
	names  []pubsub.Option
	out    chan pubsub.KeyEvent
	wake   chan struct{} // capacity 1: the topology is new, or a stream has ended

	ctx    context.Context // ends with the life of the stream
	stop   context.CancelCauseFunc
	done   chan struct{}
	err    error // set before done is closed
	tasks  sync.WaitGroup
	remove func() // removes the topology hook

	mu      sync.Mutex
	streams map[string]*keyStream // by the primary's address, including those not subscribed yet
	looked  time.Time             // the time of the topology that streams follows
}

// keyStream is the stream of notifications from one primary.
type keyStream struct {
	node *node
	ctx  context.Context // the life of its subscription
	stop context.CancelFunc
	gone chan struct{}        // closed when the node is no longer a primary
	sub  *pubsub.Subscription // nil while it is not subscribed; guarded by KeyEvents.mu
}

// KeyEvents subscribes to notifications of keys on all primaries, each of which reports only its
// own keys, and returns them as one stream. opts contains names made by [pubsub.Keyspace] and
// [pubsub.Keyevent]. Every primary has acknowledged the subscription when KeyEvents returns. A
// node that becomes a primary later is subscribed as soon as the client knows it; a Gap says
// since when its events may be missing. Events of the same node stay in order. For a slow
// consumer, events wait as the subscription's options say, separately for each node. ctx bounds
// the life of the stream, not the call.
//
// A server sends notifications only if its own notify-keyspace-events setting says so. Since
// 2.8.0.
func (c *Client) KeyEvents(ctx context.Context, opts ...pubsub.Option) (*KeyEvents, error) {
	if !notifications(opts) {
		return nil, notSent("PSUBSCRIBE", "", fmt.Errorf("%w: notifications have names made by pubsub.Keyspace and pubsub.Keyevent", redis.ErrArgument))
	}
	if _, err := c.ready(ctx, false); err != nil {
		return nil, notSent("PSUBSCRIBE", "", err)
	}
	k := &KeyEvents{
		client: c, names: opts, out: make(chan pubsub.KeyEvent, keyEventsRoom), wake: make(chan struct{}, 1),
		done: make(chan struct{}), streams: map[string]*keyStream{},
	}
	k.ctx, k.stop = context.WithCancelCause(ctx)
	k.remove = c.onTopology(func(*Topology) { k.look() })
	if err := k.first(); err != nil {
		k.stop(err)
		k.end()
		return nil, err
	}
	s := &c.subscriptions
	s.mu.Lock()
	closed := s.closed
	if !closed {
		s.keyEvents[k] = struct{}{}
		s.tasks.Go(k.run)
	}
	s.mu.Unlock()
	if closed {
		k.stop(redis.ErrClosed)
		k.end()
		return nil, notSent("PSUBSCRIBE", "", redis.ErrClosed)
	}
	return k, nil
}

// notifications reports whether options name channels or patterns, and no shard channels.
func notifications(opts []pubsub.Option) (ok bool) {
	seen := errors.New("the names are seen")
	_, _ = pubsub.New(context.Background(), func(p *hub.Plan) (*hub.Hub, func(), error) {
		ok = p.Others && !p.Shards
		return nil, nil, seen
	}, opts...)
	return ok
}

// errStreamClosed is the cause of the end of a stream after Close.
var errStreamClosed = errors.New("closed")

// keyEventsPause is the first pause before a retry to subscribe on a primary.
const keyEventsPause = 50 * time.Millisecond

// keyEventsRoom is the capacity of the Go channel. Further events wait in the subscriptions.
const keyEventsRoom = 64

// Events returns the stream. It always returns the same channel, which is closed when the stream
// has ended; Err then says why.
func (k *KeyEvents) Events() <-chan pubsub.KeyEvent { return k.out }

// Err returns why the stream ended. It is nil before the end and after Close.
func (k *KeyEvents) Err() error {
	select {
	case <-k.done:
		return k.err
	default:
		return nil
	}
}

// Close ends the stream and releases its resources. Further calls do nothing. The error is
// always nil.
func (k *KeyEvents) Close() error {
	k.stop(errStreamClosed)
	<-k.done
	return nil
}

// look makes run check the topology.
func (k *KeyEvents) look() {
	select {
	case k.wake <- struct{}{}:
	default:
	}
}

// run follows the topology until the stream ends. It never waits for a node.
func (k *KeyEvents) run() {
	defer k.end()
	for {
		select {
		case <-k.ctx.Done():
			return
		case <-k.wake:
			for _, s := range k.review() {
				k.tasks.Go(func() { k.serve(s.stream, s.since) })
			}
		}
	}
}

// newStream is a primary that has had no stream until now.
type newStream struct {
	stream *keyStream
	since  time.Time // since when its events may be missing
}

// review ends the streams of nodes that are no longer primaries, or that have another client,
// and returns the primaries to subscribe on.
func (k *KeyEvents) review() []newStream {
	r := k.client.routes.Load()
	var fresh []newStream
	k.mu.Lock()
	defer k.mu.Unlock()
	primaries := r.primaries()
	for addr, s := range k.streams {
		if slices.Contains(primaries, s.node) {
			continue
		}
		delete(k.streams, addr)
		close(s.gone)
		if s.sub != nil {
			k.leave(s.sub)
		} else {
			s.stop()
		}
	}
	for _, n := range primaries {
		if k.streams[n.addr] == nil {
			s := &keyStream{node: n, gone: make(chan struct{})}
			s.ctx, s.stop = context.WithCancel(k.ctx)
			k.streams[n.addr] = s
			fresh = append(fresh, newStream{s, k.looked})
		}
	}
	k.looked = r.topology.At
	return fresh
}

// leave unsubscribes from a node that is no longer a primary. What the node has already sent is
// still delivered before its stream ends.
func (k *KeyEvents) leave(sub *pubsub.Subscription) {
	k.tasks.Go(func() {
		_ = sub.Unsubscribe(k.ctx)
		_ = sub.PUnsubscribe(k.ctx)
	})
}

// first subscribes on all primaries, and fails if one of them fails.
func (k *KeyEvents) first() error {
	fresh := k.review()
	errs := make(chan error, len(fresh))
	for _, s := range fresh {
		k.tasks.Go(func() {
			err := k.subscribe(s.stream)
			if err == nil {
				k.tasks.Go(func() { k.forward(s.stream) })
			}
			errs <- err
		})
	}
	var all []error
	for range fresh {
		if err := <-errs; err != nil {
			all = append(all, err)
		}
	}
	return errors.Join(all...)
}

// subscribe subscribes on one primary.
func (k *KeyEvents) subscribe(s *keyStream) error {
	sub, err := s.node.client.NewSubscription(s.ctx, k.names...)
	if err != nil {
		return fmt.Errorf("node %s: %w", s.node.addr, err)
	}
	k.mu.Lock()
	if err = s.ctx.Err(); err == nil { // otherwise the node was left while it was being subscribed
		s.sub = sub
	}
	k.mu.Unlock()
	if err != nil {
		_ = sub.Close()
	}
	return err
}

// serve subscribes on a new primary for as long as it is one, and forwards its events. Events
// since the given time may be missing. A gap reports that, even if the node stops being a
// primary before it was subscribed.
func (k *KeyEvents) serve(s *keyStream, since time.Time) {
	defer s.stop()
	for failures := 0; ; failures++ {
		err := k.subscribe(s)
		var refused *pubsub.RefusedError
		switch {
		case err == nil:
			if k.missed(s, since) {
				k.forward(s)
			}
			return
		case errors.As(err, &refused):
			k.stop(err)
			return
		case errors.Is(err, redis.ErrClosed): // the node has another client by now, or none
			k.forget(s)
			k.missed(s, since) // until now: the next stream continues from before
			return
		}
		if s.ctx.Err() == nil {
			k.client.options.Logger.Warn("cluster: no notifications of keys from a node", "error", err)
			k.client.refreshSoon()
			retry.Sleep(s.ctx, nil, min(keyEventsPause<<min(failures, maxDoublings), time.Second))
		}
		if s.ctx.Err() != nil { // it is no longer a primary, or the stream ends
			k.missed(s, since)
			return
		}
	}
}

// forget makes run subscribe on a primary again, if it still is one.
func (k *KeyEvents) forget(s *keyStream) {
	if k.ctx.Err() != nil { // the stream ends
		return
	}
	k.mu.Lock()
	if k.streams[s.node.addr] == s {
		delete(k.streams, s.node.addr)
	}
	k.mu.Unlock()
	k.client.refreshSoon() // makes run look for it
	k.look()
}

// missed sends a gap for one primary, from since until now.
func (k *KeyEvents) missed(s *keyStream, since time.Time) bool {
	return k.sendGap(s, &pubsub.Gap{Reason: pubsub.Moved, From: since, To: time.Now()})
}

func (k *KeyEvents) sendGap(s *keyStream, gap *pubsub.Gap) bool {
	return k.send(pubsub.KeyEvent{Gap: gap, Node: s.node.addr})
}

// forward sends the events of one primary to the stream.
func (k *KeyEvents) forward(s *keyStream) {
	defer s.stop()
	defer func() { _ = s.sub.Close() }()
	if !k.forwardAll(s.node.addr, s.sub) {
		return
	}
	// The connection may have been lost before the primary failed. The gap of its successor
	// starts later.
	if gap := s.sub.Stats().FinalGap; gap != nil && !k.sendGap(s, gap) {
		return
	}
	if err := s.sub.Err(); err != nil && !errors.Is(err, redis.ErrClosed) {
		select {
		case <-s.gone:
		default:
			k.stop(fmt.Errorf("node %s: %w", s.node.addr, err))
		}
		return
	}
	k.forget(s)
}

// forwardAll sends the events of a subscription to the stream until the subscription ends. While
// its connection is lost, it refreshes the topology, because another node may be the primary.
func (k *KeyEvents) forwardAll(addr string, sub *pubsub.Subscription) bool {
	items, links := pubsub.AsKeyEvents(sub), sub.Events()
	look := time.NewTimer(0)
	look.Stop()
	defer look.Stop()
	pause := time.Duration(0)
	refresh := func() {
		k.client.refreshSoon()
		look.Reset(pause/2 + retry.Jitter(pause/2+1))
		pause = min(2*pause, lostPause)
	}
	for {
		select {
		case item, ok := <-items:
			if !ok {
				return true
			}
			item.Node = addr
			if !k.send(item) {
				return false
			}
		case event, ok := <-links:
			switch {
			case !ok:
				links = nil
			case event.Kind == pubsub.EventDisconnected:
				pause = watchEvery
				refresh()
			case event.Kind == pubsub.EventConnected:
				look.Stop()
			}
		case <-look.C:
			refresh()
		}
	}
}

// The pauses between refreshes of the topology while a primary's connection is lost. They grow
// from watchEvery to lostPause.
const (
	maxDoublings = 4
	lostPause    = 2 * time.Second
)

// send sends an event to the stream, and waits for the consumer.
func (k *KeyEvents) send(e pubsub.KeyEvent) bool {
	select {
	case k.out <- e:
		return true
	case <-k.ctx.Done():
		return false
	}
}

// end ends the stream.
func (k *KeyEvents) end() {
	k.remove()
	k.mu.Lock()
	var subs []*pubsub.Subscription
	for _, s := range k.streams {
		if s.sub != nil {
			subs = append(subs, s.sub)
		}
	}
	k.mu.Unlock()
	k.stop(errStreamClosed)
	for _, sub := range subs {
		_ = sub.Close()
	}
	k.tasks.Wait()
	s := &k.client.subscriptions
	s.mu.Lock()
	delete(s.keyEvents, k)
	s.mu.Unlock()
	if cause := context.Cause(k.ctx); cause != errStreamClosed { //nolint:errorlint // it is never wrapped
		k.err = cause
	}
	close(k.out)
	close(k.done)
}
