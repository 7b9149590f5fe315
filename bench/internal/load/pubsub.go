package load

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redchan-go/redchan/bench/internal/peer"
	"github.com/redchan-go/redchan/bench/internal/result"
	"github.com/redchan-go/redchan/bench/internal/wire"
)

const (
	// subscribeTimeout bounds the wait for a subscription.
	subscribeTimeout = 5 * time.Second
	// leaveTimeout bounds the wait until the subscriber of the turn before is gone.
	leaveTimeout = time.Second
	// quiet is how long no message may come until what is missing counts as lost.
	quiet = 500 * time.Millisecond
	// pollInterval is how often a count is looked at that is waited for.
	pollInterval = 2 * time.Millisecond
)

// flood is the kind of workload that receives messages of another process.
type flood struct {
	channels int
	pattern  bool
	handler  bool // through a handler rather than a Go channel
	dropping bool // what the subscriber is too slow for is dropped
	rate     int  // messages a second; 0: as many as the subscriber takes
}

// names returns the channels.
func (f flood) names() []string {
	names := make([]string, f.channels)
	for i := range names {
		names[i] = fmt.Sprintf("%sflood:%04d", prefix, i)
	}
	return names
}

// topic returns what the subscriber asks for.
func (f flood) topic() peer.Topic {
	if f.pattern {
		return peer.Topic{Names: []string{prefix + "flood:*"}, Pattern: true}
	}
	return peer.Topic{Names: f.names(), Dropping: f.dropping}
}

// frame returns how many bytes a message has on the wire, in RESP2.
func (f flood) frame() int {
	var b []byte
	if f.pattern {
		b = append(b, "*4\r\n"...)
		b = wire.AppendBulk(b, "pmessage")
		b = wire.AppendBulk(b, f.topic().Names[0])
	} else {
		b = append(b, "*3\r\n"...)
		b = wire.AppendBulk(b, "message")
	}
	b = wire.AppendBulk(b, f.names()[0])
	b = wire.AppendBulk(b, value(smallSize))
	return len(b)
}

// sink counts the messages that a subscriber receives.
type sink struct {
	timed bool // payloads begin with the time when they were published
	count atomic.Int64

	mu      sync.Mutex
	latency Histogram
}

// deliver takes one message.
func (s *sink) deliver(payload string) {
	if s.timed {
		s.clock(payload)
	}
	s.count.Add(1)
}

// clock records how long a message was on its way.
func (s *sink) clock(payload string) {
	now := time.Now().UnixNano()
	if len(payload) < stampSize {
		return
	}
	sent, err := strconv.ParseInt(payload[:stampSize], 10, 64)
	if err != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.latency.Record(time.Duration(now - sent))
}

// reset begins to count anew.
func (s *sink) reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.latency = Histogram{}
	s.count.Store(0)
}

// drain returns when as many messages have come as were sent, or none for a while,
// and when the last one came.
func (s *sink) drain(sent int64) time.Time {
	ticker := time.NewTicker(pollInterval)
	defer ticker.Stop()
	last, seen := time.Now(), s.count.Load()
	for seen < sent && time.Since(last) < quiet {
		<-ticker.C
		if now := s.count.Load(); now != seen {
			last, seen = time.Now(), now
		}
	}
	return last
}

// receive subscribes with the cell's client and receives until ctx ends.
func (f flood) receive(ctx context.Context, cell *cell, into *sink) error {
	if cell.spec.Client == peer.RawLoop {
		raw, err := peer.OpenRaw(ctx, cell.options())
		if err != nil {
			return err
		}
		defer raw.Close()
		payloadAt := f.frame() - smallSize - len("\r\n")
		return raw.Receive(ctx, f.topic(), f.frame(), func(n int, last []byte) {
			if into.timed {
				into.clock(string(last[payloadAt : payloadAt+smallSize]))
			}
			into.count.Add(int64(n))
		})
	}
	client, err := peer.Open(ctx, cell.spec.Client, cell.options())
	if err != nil {
		return err
	}
	defer client.Close()
	if !f.handler {
		return client.Receive(ctx, f.topic(), into.deliver)
	}
	handling, ok := client.(peer.Handling)
	if !ok {
		return fmt.Errorf("%s has no handlers", cell.spec.Client)
	}
	return handling.Handle(ctx, f.topic(), into.deliver)
}

// measure measures one client as a subscriber.
func (f flood) measure(ctx context.Context, cell *cell) (_ result.Cell, err error) {
	into := &sink{timed: f.rate > 0}
	before, err := f.subscriptionsLeft(cell.admin)
	if err != nil {
		return result.Cell{}, err
	}
	receiveCtx, stop := context.WithCancel(ctx)
	received := make(chan error, 1)
	go func() { received <- f.receive(receiveCtx, cell, into) }()
	defer func() {
		stop()
		err = errors.Join(err, <-received)
	}()
	if err := f.awaitSubscribed(receiveCtx, cell.admin, before, received); err != nil {
		return result.Cell{}, err
	}
	publisher, err := startPublisher(ctx, publication{Addr: cell.spec.Addr, Names: f.names(), Rate: f.rate})
	if err != nil {
		return result.Cell{}, err
	}
	defer func() { err = errors.Join(err, publisher.close()) }()
	return f.receiveMeasured(cell, publisher, into)
}

// receiveMeasured publishes and receives twice: to warm up, and to measure.
func (f flood) receiveMeasured(cell *cell, publisher *publisher, into *sink) (result.Cell, error) {
	sent, err := publisher.publish(cell.spec.Warmup)
	if err != nil {
		return result.Cell{}, err
	}
	into.drain(sent)
	into.reset()

	before, err := begin(cell.admin)
	if err != nil {
		return result.Cell{}, err
	}
	if sent, err = publisher.publish(cell.spec.Duration); err != nil {
		return result.Cell{}, err
	}
	last := into.drain(sent)
	after, err := end(cell.admin)
	if err != nil {
		return result.Cell{}, err
	}
	after.at = last
	into.mu.Lock()
	defer into.mu.Unlock()
	count := into.count.Load()
	measured := cell.result(before, after, count, &into.latency)
	measured.Values[result.Lost] = 100 * float64(sent-count) / float64(max(sent, 1))
	return measured, nil
}

// subscriptions asks the server how many subscribers there are: of the last channel,
// or of any pattern.
func (f flood) subscriptions(admin *wire.Conn) (int64, error) {
	if f.pattern {
		reply, err := admin.Do("PUBSUB", "NUMPAT")
		count, _ := reply.(int64)
		return count, err
	}
	reply, err := admin.Do("PUBSUB", "NUMSUB", f.names()[f.channels-1])
	if err != nil {
		return 0, err
	}
	if pair, ok := reply.([]any); ok && len(pair) == 2 {
		if count, ok := pair[1].(int64); ok {
			return count, nil
		}
	}
	return 0, fmt.Errorf("PUBSUB NUMSUB: unexpected reply %v", reply)
}

// subscriptionsLeft asks for the subscribers when those of the turn before are gone: the
// server notices that later than they leave. There may be others, if it is shared.
func (f flood) subscriptionsLeft(admin *wire.Conn) (int64, error) {
	start := time.Now()
	for {
		count, err := f.subscriptions(admin)
		if err != nil || count == 0 || time.Since(start) > leaveTimeout {
			return count, err
		}
		<-time.After(pollInterval)
	}
}

// awaitSubscribed returns when the server has one subscriber more than before. The
// error of a receiver that ended instead stays in received.
func (f flood) awaitSubscribed(ctx context.Context, admin *wire.Conn, before int64, received chan error) error {
	ticker := time.NewTicker(pollInterval)
	defer ticker.Stop()
	timeout := time.After(subscribeTimeout)
	for {
		count, err := f.subscriptions(admin)
		if err != nil || count > before {
			return err
		}
		select {
		case <-ticker.C:
		case err := <-received:
			received <- err
			return errors.New("the subscriber ended early")
		case <-timeout:
			return fmt.Errorf("not subscribed within %v", subscribeTimeout)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
