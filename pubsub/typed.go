package pubsub

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Item is one item of a stream of decoded messages, see [As].
type Item[T any] struct {
	// Value is the decoded payload. It is the zero value if Err is not nil, and for KindGap and
	// confirmations.
	Value T
	// Err says why the payload could not be decoded, as a [*DecodeError].
	Err error

	Kind    Kind
	Channel string
	Pattern string
	// Gap reports, as in [Message], that something is missing before this item.
	Gap *Gap
}

// DecodeError reports a message that could not be decoded. Its text shows nothing of the payload
// except what the decode function's error says.
type DecodeError struct {
	Message Message
	Err     error
}

// Error names the channel and the cause.
func (e *DecodeError) Error() string {
	return fmt.Sprintf("pubsub: a message of %s with %d bytes can't be decoded: %v",
		quoted(e.Message.Channel), len(e.Message.Payload), e.Err)
}

// Unwrap returns the cause.
func (e *DecodeError) Unwrap() error { return e.Err }

// As returns the messages of a subscription, each decoded by decode. It takes over
// [Subscription.Messages]: nobody else may receive from it, and As may be called only once. The
// channel is closed with the subscription. A message that decode fails on or panics on becomes
// an item with an error, and is counted in Stats.Undecoded.
//
// As starts one goroutine, which ends with the subscription. After Close, or the end of the
// subscription's context, items in the channel stay readable; messages for which it has no room
// are counted in Stats.Dropped and FinalGap. After the last name was unsubscribed, the goroutine
// waits until everything is delivered; Close ends the wait.
//
// The same goroutine calls decode, so decode must not wait for the end of the subscription, as
// Close, <-Done and the client's Close do: it would wait for itself forever. It may start the
// end with "go sub.Close()".
func As[T any](s *Subscription, decode func(payload string) (T, error)) <-chan Item[T] {
	return readAs(s, func(msg *Message) (Item[T], bool) {
		item := Item[T]{Kind: msg.Kind, Channel: msg.Channel, Pattern: msg.Pattern, Gap: msg.Gap}
		if !msg.Kind.isMessage() {
			return item, true
		}
		value, err := decodeSafely(msg.Payload, decode)
		if err != nil {
			kept := *msg
			item.Err = &DecodeError{kept, err}
			s.countUndecoded()
			return item, true
		}
		item.Value = value
		return item, true
	})
}

// AsJSON is like [As], and decodes with encoding/json.
func AsJSON[T any](s *Subscription) <-chan Item[T] {
	return As(s, func(payload string) (T, error) {
		var value T
		err := json.Unmarshal([]byte(payload), &value)
		return value, err
	})
}

// Payloads is like [As], but returns only the payloads. It is for programs that need neither the
// channels nor the places of gaps: gaps are reported only by [Subscription.Events] and in Stats.
func Payloads(s *Subscription) <-chan string {
	return readAs(s, func(msg *Message) (string, bool) { return msg.Payload, msg.Kind.isMessage() })
}

// decodeSafely calls decode, and returns a panic as an error.
func decodeSafely[T any](payload string, decode func(string) (T, error)) (value T, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return decode(payload)
}

// countUndecoded counts a message that could not be decoded.
func (s *Subscription) countUndecoded() {
	s.mu.Lock()
	s.undecoded++
	s.mu.Unlock()
}

// readAs returns a channel of what messages are turned into.
func readAs[T any](s *Subscription, turn func(*Message) (item T, wanted bool)) <-chan T {
	items := make(chan T, cap(s.out))
	s.mu.Lock()
	ended := s.state == finished
	if !ended {
		s.readers++
	}
	quit := s.quit.wait()
	s.mu.Unlock()
	if ended { // what is left in the channel fits
		for msg := range s.out {
			if item, wanted := turn(&msg); wanted {
				items <- item
			}
		}
		close(items)
		return items
	}
	go func() {
		var left Gap // of what there was no room for
		var msg Message
		full, returned := false, false
		defer func() {
			if !returned { // turn has called runtime.Goexit
				s.stop(errDecodeGoexit)
				left.leave(&msg)
				for msg = range s.out {
					left.leave(&msg)
				}
			}
			s.readerDrops(left) // first, for who asks at the end
			close(items)
			s.readerLeft()
		}()
		for msg = range s.out {
			item, wanted := turn(&msg)
			if !wanted || !full && sendUntil(items, item, quit) {
				continue
			}
			full = true // nothing comes behind a hole
			left.leave(&msg)
		}
		returned = true
	}()
	return items
}

// errDecodeGoexit ends a subscription whose decode function has ended its goroutine.
var errDecodeGoexit = errors.New("pubsub: decode has called runtime.Goexit")

// sendUntil sends an item, waiting for room until quit is closed.
func sendUntil[T any](items chan<- T, item T, quit <-chan struct{}) bool {
	select {
	case items <- item:
		return true
	default:
	}
	select {
	case items <- item:
		return true
	case <-quit:
		return false
	}
}

// leave makes g cover an item that nobody is given any more.
func (g *Gap) leave(msg *Message) {
	if msg.Gap != nil {
		g.merge(*msg.Gap)
	}
	if msg.Kind.isMessage() {
		now := time.Now()
		g.merge(Gap{Reason: Closed, From: now, To: now, Dropped: 1})
	}
}

// readerDrops is told by a reader what it had no room for, which counts as dropped, and not
// as delivered.
func (s *Subscription) readerDrops(left Gap) {
	if left.Reason == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.queue.dropped += left.Dropped
	s.delivered.Add(-left.Dropped)
	if s.finalGap != nil { // which somebody may be looking at
		left.merge(*s.finalGap)
	}
	s.finalGap = &left
}

// readerLeft is told by a reader that it has ended.
func (s *Subscription) readerLeft() {
	s.mu.Lock()
	s.readers--
	last := s.readers == 0
	s.mu.Unlock()
	if last {
		s.finish()
	}
}
