package pubsub

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// Handler is called by [Subscription.Run] with each message of a name. ctx ends with the run. An
// error or a panic is passed to the run's error function.
type Handler func(ctx context.Context, msg Message) error

// handlers maps names to the functions that the subscription's runner calls. The value is nil
// for a name whose handler was removed while the name was subscribed. The Subscription's
// handling mutex guards it; it may be taken while the Hub's mu is held.
type handlers map[Name]Handler

// Handle subscribes to a name, and sets the handler that [Subscription.Run] calls with its
// messages.
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

// Handle sets the handler that [Subscription.Run] calls with the messages of a name, replacing
// any earlier one. It may be called before the name is subscribed, and while the subscription
// runs. A nil fn removes the handler: a runner then drops the messages that wait for it, and
// those that arrive until the name is unsubscribed. Handle does not subscribe to the name.
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

// handler returns the handler of a name, or nil if it has none.
func (s *Subscription) handler(name Name) Handler {
	s.handling.Lock()
	defer s.handling.Unlock()
	return s.handlers[name]
}

// unhandled reports whether a missing handler for name is a mistake: the name is subscribed, and
// its handler was not removed.
func (s *Subscription) unhandled(name Name) (mistake bool) {
	s.wants.Whether(hubName(name), func(subscribed bool) {
		s.handling.Lock()
		defer s.handling.Unlock()
		_, takenAway := s.handlers[name]
		mistake = subscribed && !takenAway
	})
	return mistake
}

// handlerLeft forgets, when a name leaves, that its handler was removed. The Hub's mu is held.
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

// without returns the subscribed names that have no handler.
func (s *Subscription) without() []Name {
	return slices.DeleteFunc(s.Names(), func(name Name) bool { return s.handler(name) != nil })
}

// handlerName returns the name whose handler receives the message.
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
	// ErrNoHandler matches a [*NoHandlerError] with errors.Is.
	ErrNoHandler = errors.New("no handler")
	// ErrRunning is returned by Run while another run is under way.
	ErrRunning = errors.New("pubsub: the subscription's handlers run already")
)

// NoHandlerError lists the names that have no handler.
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

// HandlerError reports an error that a handler returned, and the message that the handler was
// called with.
type HandlerError struct {
	Message Message
	Err     error
}

// Error names the channel, but does not show the payload.
func (e *HandlerError) Error() string {
	if e.Message.Kind == KindGap {
		return fmt.Sprintf("pubsub: the handler of %v failed with a gap: %v", e.Message.handlerName(), e.Err)
	}
	return fmt.Sprintf("pubsub: the handler of %v failed with a message of %s: %v",
		e.Message.handlerName(), quoted(e.Message.Channel), e.Err)
}

// Unwrap returns Err.
func (e *HandlerError) Unwrap() error { return e.Err }

// PanicError reports a panic of a handler.
type PanicError struct {
	Value any
	Stack []byte
}

// Error returns the value and the stack.
func (e *PanicError) Error() string { return fmt.Sprintf("panic: %v\n%s", e.Value, e.Stack) }

// Unwrap returns the value if it is an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}
