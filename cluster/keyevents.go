package cluster

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/redchan-go/redchan/pubsub"
	"github.com/redchan-go/redchan/redis"
)

// KeyEvent is something that has happened to a key of the cluster, see [pubsub.KeyEvent].
type KeyEvent struct {
	pubsub.KeyEvent
	// Node is the address of the primary that told it.
	Node string
}

// KeyEvents is the notifications of all primaries, made by [Client.KeyEvents].
type KeyEvents struct {
	client *Client
	names  []pubsub.Option
	out    chan KeyEvent
	wake   chan struct{} // capacity 1: there is a new topology, or a stream has ended

	ctx    context.Context // ends with the life of the stream
	stop   context.CancelCauseFunc
	done   chan struct{}
	err    error // set before done is closed
	tasks  sync.WaitGroup
	remove func() // the hook

	mu      sync.Mutex
	streams map[string]*keyStream // by the primary's address
	failure error                 // why the stream is to end
	looked  time.Time             // when the topology was told that streams are of
	missing map[string]time.Time  // since when events of a primary without a stream may be missing
}

// keyStream is the notifications of one primary.
type keyStream struct {
	sub  *pubsub.Subscription
	gone bool // the primary is none any more
}

// KeyEvents subscribes to notifications of keys, by [pubsub.Keyspace] and [pubsub.Keyevent]
// names, on all primaries, each of which tells of its own keys, and gives them as one
// stream. Every primary has acknowledged when it returns. A node that becomes a
// primary later is subscribed as soon as the client knows; a Gap tells since when its events
// may be missing. The order is that of each node. Where the consumer is slow, events wait for it as the
// subscription's options say, for each node. ctx is the life of the stream, not of the
// call.
//
// Servers notify where notify-keyspace-events says so, on each of them. Since 2.8.0.
func (c *Client) KeyEvents(ctx context.Context, opts ...pubsub.Option) (*KeyEvents, error) {
	if shards, others := kinds(opts); shards || !others {
		return nil, notSent("PSUBSCRIBE", "", fmt.Errorf("%w: notifications have names made by pubsub.Keyspace and pubsub.Keyevent", redis.ErrArgument))
	}
	if _, err := c.ready(ctx, false); err != nil {
		return nil, notSent("PSUBSCRIBE", "", err)
	}
	k := &KeyEvents{
		client: c, names: opts, out: make(chan KeyEvent, keyEventsRoom), wake: make(chan struct{}, 1),
		done: make(chan struct{}), streams: map[string]*keyStream{}, missing: map[string]time.Time{},
	}
	k.ctx, k.stop = context.WithCancelCause(ctx)
	k.remove = c.onTopology(func(*Topology) { k.look() })
	if err := k.follow(true); err != nil {
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

// errStreamClosed ends a stream by Close.
var errStreamClosed = errors.New("closed")

// keyEventsPause is the first pause before a primary is subscribed on again.
const keyEventsPause = 50 * time.Millisecond

// keyEventsRoom is the capacity of the Go channel: what exceeds it waits in the subscriptions.
const keyEventsRoom = 64

// Events returns the stream. It is always the same channel, and closed when the stream has
// ended; Err tells why.
func (k *KeyEvents) Events() <-chan KeyEvent { return k.out }

// Err returns why the stream ended. It is nil as long as it has not, and after Close.
func (k *KeyEvents) Err() error {
	select {
	case <-k.done:
		return k.err
	default:
		return nil
	}
}

// Close ends the stream, and returns when nothing of it is left. Closing again does nothing.
// Its error is always nil.
func (k *KeyEvents) Close() error {
	k.stop(errStreamClosed)
	<-k.done
	return nil
}

// look has run look at the topology.
func (k *KeyEvents) look() {
	select {
	case k.wake <- struct{}{}:
	default:
	}
}

// run follows the topology until the stream ends.
func (k *KeyEvents) run() {
	defer k.end()
	failures := 0
	for {
		select {
		case <-k.ctx.Done():
			return
		case <-k.wake:
		}
		err := k.follow(false)
		var refused *pubsub.RefusedError
		switch {
		case err == nil:
			failures = 0
		case errors.As(err, &refused):
			k.stop(err)
			return
		default:
			k.client.options.Logger.Warn("cluster: no notifications of keys from a node", "error", err)
			if !sleep(k.ctx, min(keyEventsPause<<min(failures, 4), time.Second)) {
				return
			}
			failures++
			k.client.refreshSoon() // and then follow is called again
			k.look()
		}
		k.mu.Lock()
		failure := k.failure
		k.mu.Unlock()
		if failure != nil {
			k.stop(failure)
			return
		}
	}
}

// follow subscribes on the primaries that have no stream, and ends those of nodes that are
// no primaries any more. first: it fails with any of them.
func (k *KeyEvents) follow(first bool) error {
	r := k.client.routes.Load()
	primaries := map[string]*node{}
	for _, n := range r.primaries() {
		primaries[n.addr] = n
	}
	k.mu.Lock()
	var gone []*keyStream
	for addr, s := range k.streams {
		if primaries[addr] == nil {
			delete(k.streams, addr)
			s.gone = true
			gone = append(gone, s)
		} else {
			delete(primaries, addr)
		}
	}
	missing := make(map[string]time.Time, len(primaries))
	for addr := range primaries {
		since, ok := k.missing[addr]
		if !ok {
			since = k.looked
		}
		missing[addr] = since
	}
	k.missing = missing
	k.looked = r.topology.At
	k.mu.Unlock()
	for _, s := range gone {
		// What has come from it is still delivered, and the end of that is the stream's.
		k.tasks.Go(func() {
			_ = s.sub.Unsubscribe(k.ctx)
			_ = s.sub.PUnsubscribe(k.ctx)
		})
	}
	errs := make(chan error, len(primaries))
	for _, n := range primaries {
		k.tasks.Go(func() { errs <- k.begin(n, first, missing[n.addr]) })
	}
	var all []error
	for range primaries {
		if err := <-errs; err != nil {
			all = append(all, err)
		}
	}
	k.mu.Lock()
	for addr := range k.streams {
		delete(k.missing, addr)
	}
	k.mu.Unlock()
	return errors.Join(all...)
}

// begin subscribes on a primary. since is from when on its events may be missing where it is
// not one of the first.
func (k *KeyEvents) begin(n *node, first bool, since time.Time) error {
	sub, err := n.client.NewSubscription(k.ctx, k.names...)
	if err != nil {
		return fmt.Errorf("node %s: %w", n.addr, err)
	}
	s := &keyStream{sub: sub}
	k.mu.Lock()
	k.streams[n.addr] = s
	k.mu.Unlock()
	var gap *pubsub.Gap
	if !first {
		gap = &pubsub.Gap{Reason: pubsub.Moved, From: since, To: time.Now()}
	}
	k.tasks.Go(func() { k.forward(n.addr, s, gap) })
	return nil
}

// forward gives the stream the events of one primary.
func (k *KeyEvents) forward(addr string, s *keyStream, gap *pubsub.Gap) {
	defer func() { _ = s.sub.Close() }()
	if gap != nil && !k.send(KeyEvent{KeyEvent: pubsub.KeyEvent{Gap: gap}, Node: addr}) {
		return
	}
	for event := range pubsub.KeyEvents(s.sub) {
		if !k.send(KeyEvent{KeyEvent: event, Node: addr}) {
			return
		}
	}
	// The connection may have been lost already when the primary failed: the gap of whoever takes
	// its place begins later.
	if gap := s.sub.Stats().FinalGap; gap != nil && !k.send(KeyEvent{KeyEvent: pubsub.KeyEvent{Gap: gap}, Node: addr}) {
		return
	}
	k.mu.Lock()
	if err := s.sub.Err(); err != nil && !s.gone && k.streams[addr] == s {
		delete(k.streams, addr) // and it is begun again
		if !errors.Is(err, redis.ErrClosed) {
			k.failure = fmt.Errorf("node %s: %w", addr, err)
		}
	}
	k.mu.Unlock()
	k.look()
}

// send gives the stream an event, waiting for its consumer.
func (k *KeyEvents) send(e KeyEvent) bool {
	select {
	case k.out <- e:
		return true
	case <-k.ctx.Done():
		return false
	}
}

// end is the end of the stream.
func (k *KeyEvents) end() {
	k.remove()
	k.mu.Lock()
	var subs []*pubsub.Subscription
	for _, s := range k.streams {
		subs = append(subs, s.sub)
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
