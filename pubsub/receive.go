package pubsub

import (
	"context"
	"errors"
	"iter"
	"slices"
)

// Next waits for the next message. A message that has already arrived takes precedence over the
// end of ctx. After the end of the subscription, Next returns Err, or ErrEnded if Err is nil.
// Next discards items of the kinds in skip.
func (s *Subscription) Next(ctx context.Context, skip ...Kind) (Message, error) {
	if err := checkContext(ctx); err != nil {
		return Message{}, err
	}
	for {
		if msg, ok := s.TryNext(skip...); ok {
			return msg, nil
		}
		select {
		case msg, ok := <-s.out:
			if !ok {
				return Message{}, s.endError()
			}
			if !slices.Contains(skip, msg.Kind) {
				return msg, nil
			}
		case <-ctx.Done():
			if msg, ok := s.TryNext(skip...); ok {
				return msg, nil
			}
			return Message{}, context.Cause(ctx)
		}
	}
}

// TryNext returns the next message if one has arrived, in the Go channel or in the queue behind
// it. It does not wait for more to arrive. TryNext discards items of the kinds in skip.
func (s *Subscription) TryNext(skip ...Kind) (Message, bool) {
	for {
		msg, ok := s.tryReceive()
		if !ok || !slices.Contains(skip, msg.Kind) {
			return msg, ok
		}
	}
}

// tryReceive receives an item if one has arrived. Items that wait behind an empty channel are on
// their way into it. tryReceive waits for the goroutine that brings them, which waits for
// nothing itself.
func (s *Subscription) tryReceive() (Message, bool) {
	for {
		select {
		case msg, ok := <-s.out:
			return msg, ok
		default:
		}
		s.mu.Lock()
		if !s.pumping && s.blocked() == 0 {
			s.mu.Unlock()
			select { // what was sent since, before the pump left
			case msg, ok := <-s.out:
				return msg, ok
			default:
				return Message{}, false
			}
		}
		if s.progress == nil {
			s.progress = make(chan struct{})
		}
		progress := s.progress
		s.mu.Unlock()
		select {
		case msg, ok := <-s.out:
			return msg, ok
		case <-progress:
		}
	}
}

// tellProgress wakes tryReceive. mu is held.
func (s *Subscription) tellProgress() {
	if s.progress != nil {
		close(s.progress)
		s.progress = nil
	}
}

// All iterates over the messages until the subscription or ctx ends. If the subscription ends
// with an error, or ctx ends, the error is the last item. After the last name was unsubscribed,
// All ends when the queued messages have been delivered.
//
//	for msg, err := range sub.All(ctx) {
//		if err != nil {
//			return err
//		}
//		fmt.Println(msg.Payload)
//	}
//
// A break leaves the subscription unchanged: the next loop, or another way to read, continues
// where this one stopped.
func (s *Subscription) All(ctx context.Context) iter.Seq2[Message, error] {
	return func(yield func(Message, error) bool) {
		for {
			msg, err := s.Next(ctx)
			if err == nil {
				if !yield(msg, nil) {
					return
				}
				continue
			}
			// Without an error of its own the end is none for a loop.
			if !errors.Is(err, ErrEnded) || s.Err() != nil {
				yield(Message{}, err)
			}
			return
		}
	}
}
