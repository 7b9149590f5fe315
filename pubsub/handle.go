package pubsub

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// Handler is called with the messages of a name, see [Subscription.Run]. ctx ends
// with the run. Its error goes to the run's error function, and so does a panic.
type Handler func(ctx context.Context, msg Message) error

// handlers are what a subscription's runner calls, nil for a name whose handler was taken
// away while it was subscribed. They are guarded by the Subscription's handling, which may be
// taken while the Hub's mu is held.
type handlers map[Name]Handler

// Handle names something to subscribe to, and what is to be called with its messages
// by [Subscription.Run].
func Handle(name Name, fn Handler) Option { return handleOption{name, fn} }

type handleOption struct {
	name Name
	fn   Handler
}

func (o handleOption) apply(c *config) {
	o.name.apply(c)
	if c.handlers == nil {
		c.handlers = make(handlers)
	}
	c.handlers[o.name] = o.fn
}

// Handle says what [Subscription.Run] is to call with the messages of a name, in place of
// what was called before. It can be called before the name is subscribed and while the
// subscription runs. With nil nothing is called any more: a runner drops what waits for the
// handler, and what comes until the name is unsubscribed. It subscribes to nothing.
func (s *Subscription) Handle(name Name, fn Handler) {
	s.wants.Whether(hubName(name), func(subscribed bool) {
		s.handling.Lock()
		defer s.handling.Unlock()
		if fn == nil && !subscribed {
			delete(s.handlers, name)
			return
		}
		if s.handlers == nil {
			s.handlers = make(handlers)
		}
		s.handlers[name] = fn
	})
}

// handler returns what is to be called for a name, nil for none.
func (s *Subscription) handler(name Name) Handler {
	s.handling.Lock()
	defer s.handling.Unlock()
	return s.handlers[name]
}

// unhandled reports whether messages of a name without a handler are a mistake: it is
// subscribed, and no handler was taken away.
func (s *Subscription) unhandled(name Name) (mistake bool) {
	s.wants.Whether(hubName(name), func(subscribed bool) {
		s.handling.Lock()
		defer s.handling.Unlock()
		_, takenAway := s.handlers[name]
		mistake = subscribed && !takenAway
	})
	return mistake
}

// handlerLeft forgets that a name's handler was taken away, when the name leaves. The Hub's
// mu is held.
func (s *Subscription) handlerLeft(name Name) {
	s.handling.Lock()
	defer s.handling.Unlock()
	if s.handlers[name] == nil {
		delete(s.handlers, name)
	}
}

// handled returns the names that have a handler.
func (s *Subscription) handled() []Name {
	s.handling.Lock()
	defer s.handling.Unlock()
	names := make([]Name, 0, len(s.handlers))
	for name, fn := range s.handlers {
		if fn != nil {
			names = append(names, name)
		}
	}
	return names
}

// without returns the names subscribed to that have no handler.
func (s *Subscription) without() []Name {
	return slices.DeleteFunc(s.Names(), func(name Name) bool { return s.handler(name) != nil })
}

// handlerName returns the name whose handler is for a message.
func (m *Message) handlerName() Name {
	switch m.Kind {
	case KindPatternMessage:
		return Pattern(m.Pattern)
	case KindShardMessage:
		return ShardChannel(m.Channel)
	case KindGap: // of a Runner: one of the two is empty
		return Name{m.NameKind, m.Channel + m.Pattern}
	}
	return Channel(m.Channel)
}

var (
	// ErrNoHandler is found by errors.Is in a [*NoHandlerError].
	ErrNoHandler = errors.New("no handler")
	// ErrRunning is the error of a Run while another one is under way.
	ErrRunning = errors.New("pubsub: the subscription's handlers run already")
)

// NoHandlerError says which names have no handler.
type NoHandlerError struct{ Names []Name }

// Error lists the names.
func (e *NoHandlerError) Error() string {
	const most = 10
	some, more := e.Names, ""
	if len(some) > most {
		some, more = some[:most], fmt.Sprintf(" and %d more", len(some)-most)
	}
	return fmt.Sprintf("pubsub: no handler for %s%s: give them one by Handle", nameList(some), more)
}

// Is reports whether target is [ErrNoHandler].
func (e *NoHandlerError) Is(target error) bool { return target == ErrNoHandler }

// HandlerError is an error that a handler returned, and the message that it was given.
type HandlerError struct {
	Message Message
	Err     error
}

// Error names the channel, and not the payload.
func (e *HandlerError) Error() string {
	if e.Message.Kind == KindGap {
		return fmt.Sprintf("pubsub: the handler of %v failed with a gap: %v", e.Message.handlerName(), e.Err)
	}
	return fmt.Sprintf("pubsub: the handler of %v failed with a message of %s: %v",
		e.Message.handlerName(), quoted(e.Message.Channel), e.Err)
}

// Unwrap returns Err.
func (e *HandlerError) Unwrap() error { return e.Err }

// PanicError is a panic of a handler.
type PanicError struct {
	Value any
	Stack []byte
}

// Error has the value and the stack.
func (e *PanicError) Error() string { return fmt.Sprintf("panic: %v\n%s", e.Value, e.Stack) }

// Unwrap returns the value where it is an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}
