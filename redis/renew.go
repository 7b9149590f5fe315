package redis

import (
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/redchan-go/redchan/internal/conn"
	"github.com/redchan-go/redchan/proto"
	"github.com/redchan-go/redchan/redis/command"
)

// Reconnect replaces the client's connections, because they lead to the wrong server or are
// bad for another reason. It calls Options.Resolve and Dial again. It is for callers that
// know more than the connections do. An example is the client of a cluster whose node
// answers that other nodes serve the slots of its own address. The errors and events that
// follow show the reason. A nil reason means that there is none in particular.
//
// New commands use new connections, commands in flight are still answered, and a connection
// in use from the pool is closed when it is returned. This happens at most once per
// Options.Backoff: an earlier call changes nothing for commands. The connections of
// subscriptions are closed as if they had been lost, and everything is subscribed again.
// This happens at most once per Options.SubscriberBackoff: an earlier call takes effect
// when that time has passed. A subscriber connection younger than Options.Backoff.Base is
// closed when it reaches that age.
//
// The client does this by itself, for its commands, if the server answers READONLY: the
// primary behind the server's name has changed.
func (c *Client) Reconnect(reason error) {
	if c == nil || len(c.links) == 0 {
		return
	}
	reason = replacedFor(or(reason, errReconnect))
	c.renew(reason, nil)
	for _, s := range c.liveSubscribers() {
		s.reconnect(reason)
	}
}

// errReconnect is the reason for a replacement if the caller gave none.
var errReconnect = errors.New("the client was told to connect again")

// renewal paces the replacement of connections.
type renewal struct {
	mu         sync.Mutex
	generation uint64 // of the connections that are made now: how often they were replaced
	last       time.Time
	count      int // in a row
}

// now returns the generation of a connection that is about to be made.
func (r *renewal) now() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.generation
}

// due reports whether connections may be replaced now because of one of them, or for no
// particular connection if because is nil. It returns the generation of the next
// connections and notes the replacement. A connection that was already replaced is no
// reason: what it reports late is about the previous server.
func (r *renewal) due(b Backoff, because *conn.Conn) (generation uint64, due bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if because != nil && because.Generation() != r.generation {
		return 0, false
	}
	since := time.Since(r.last)
	switch {
	case r.last.IsZero() || since >= lasting:
		r.count = 0
	case since < b.bound(r.count):
		return 0, false
	default:
		r.count++
	}
	r.last = time.Now()
	r.generation++
	return r.generation, true
}

// wait returns how long it takes until connections may be replaced again.
func (r *renewal) wait(b Backoff) time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	since := time.Since(r.last)
	if r.last.IsZero() || since >= lasting {
		return 0
	}
	return b.bound(r.count) - since
}

// renew replaces the connections of commands, but not sooner than the backoff allows.
// because is the connection that gave the reason, or nil if there is no particular one.
func (c *Client) renew(reason error, because *conn.Conn) {
	if c.isClosed() {
		return
	}
	generation, due := c.renewal.due(c.options.Backoff, because)
	if !due {
		return
	}
	reason = replacedFor(reason)
	for _, l := range c.links {
		l.renew(reason)
	}
	c.pool.renew(reason, generation)
}

// replacedError is the reason for a replacement, as shown to other callers whose requests
// are on the replaced connection. It takes only the words of the reason. The rejection of
// another caller's command says nothing about their commands, which may have run.
type replacedError struct{ reason error }

func replacedFor(reason error) error {
	if _, ok := reason.(*replacedError); ok { //nolint:errorlint // made here
		return reason
	}
	return &replacedError{reason}
}

func (e *replacedError) Error() string {
	var reply *proto.Error
	if errors.As(e.reason, &reply) { // without the command that received it
		return "the connection is being replaced: a server answered " + reply.Error()
	}
	return "the connection is being replaced: " + e.reason.Error()
}

// Is finds the reason, but not what happened to the command that received it.
func (e *replacedError) Is(target error) bool {
	switch target {
	case ErrNotSent, ErrRejected, ErrMaybeExecuted:
		return false
	}
	return errors.Is(e.reason, target)
}

// isWrongServer reports whether a rejection says that the server is not the intended one:
// it is a replica, or has just become one.
func isWrongServer(err error) bool {
	var reply *proto.Error
	return errors.As(err, &reply) && (reply.Code == "READONLY" || reply.Code == "UNBLOCKED")
}

// isScriptOnReplica reports whether a script has run and a replica refused one of its
// writes. The script is not repeated, but the next one should find the primary.
func isScriptOnReplica(err error) bool {
	var reply *proto.Error
	return errors.As(err, &reply) && strings.Contains(reply.Message, "You can't write against a read only")
}

// lookForWrongServer replaces the connections if a reply to one of the requests says that
// the server is the wrong one. The replies came over live.
func (c *Client) lookForWrongServer(rs *command.Requests, values []proto.Value, live *conn.Conn) {
	for i, v := range values {
		if v.Kind() != proto.KindError || !isWrongServer(v.Err()) && !isScriptOnReplica(v.Err()) {
			continue
		}
		r := rs.At(i)
		// A script may use this code for an error of its own.
		if err := command.ReplyError(&r, c.options.Addr, v); errors.Is(err, ErrRejected) || isScriptOnReplica(err) {
			c.renew(err, live)
			return
		}
	}
}
