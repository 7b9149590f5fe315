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

// Reconnect says that the client's connections lead to the wrong server, or are bad for
// another reason: they are made again, by Options.Resolve and Dial. It is for those who know
// better than the connections, such as the client of a cluster whose node answers that the
// slots of its own address are elsewhere. The reason is told by the errors and events that
// come of it; nil stands for none in particular.
//
// Commands go over new connections from now on, those in flight are still answered, and
// what is lent is closed when it comes back. This happens once per Options.Backoff at most:
// a call that comes sooner changes nothing for commands. The connections of subscriptions are
// closed as if they had been lost, and everything is subscribed again: once per
// Options.SubscriberBackoff at most, which a call that comes sooner waits for. One that is younger
// than Backoff.Base is closed when it is as old as that.
//
// The client does it by itself, for its commands, where the server answers READONLY: the
// primary behind its name is another one now.
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

// errReconnect is why a connection is made again where no other reason was given.
var errReconnect = errors.New("the client was told to connect again")

// renewal paces the replacing of connections.
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

// due reports whether connections may be replaced now because of one of them, nil for none in
// particular, and returns the generation of the next ones. It notes that they are replaced. One
// that was replaced already is no reason: what it says late, it says of the server before.
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

// wait returns how long connections may not be replaced yet.
func (r *renewal) wait(b Backoff) time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	since := time.Since(r.last)
	if r.last.IsZero() || since >= lasting {
		return 0
	}
	return b.bound(r.count) - since
}

// renew replaces the connections of commands, not sooner than the backoff allows. because is
// the one that gave the reason, nil for none in particular.
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

// replacedError is why a connection was replaced, for the others whose requests are on it. It
// has the words of the reason alone: that somebody else's command was rejected says nothing
// of theirs, which may have run.
type replacedError struct{ reason error }

func replacedFor(reason error) error {
	if _, ok := reason.(*replacedError); ok { //nolint:errorlint // made here
		return reason
	}
	return &replacedError{reason}
}

func (e *replacedError) Error() string {
	var reply *proto.Error
	if errors.As(e.reason, &reply) { // without the command that met it
		return "the connection is being replaced: a server answered " + reply.Error()
	}
	return "the connection is being replaced: " + e.reason.Error()
}

// Is finds the reason, but not what happened to the command that met it.
func (e *replacedError) Is(target error) bool {
	switch target {
	case ErrNotSent, ErrRejected, ErrMaybeExecuted:
		return false
	}
	return errors.Is(e.reason, target)
}

// isWrongServer reports whether a rejection says that the server is not the one that is meant:
// a replica, or one that has just become one.
func isWrongServer(err error) bool {
	var reply *proto.Error
	return errors.As(err, &reply) && (reply.Code == "READONLY" || reply.Code == "UNBLOCKED")
}

// isScriptOnReplica reports whether a script has run and met a replica's refusal to write.
// It is not repeated, but the next one should find the primary.
func isScriptOnReplica(err error) bool {
	var reply *proto.Error
	return errors.As(err, &reply) && strings.Contains(reply.Message, "You can't write against a read only")
}

// lookForWrongServer replaces the connections where a reply to one of the requests says so, which
// came over live.
func (c *Client) lookForWrongServer(rs *command.Requests, values []proto.Value, live *conn.Conn) {
	for i, v := range values {
		if v.Kind() != proto.KindError || !isWrongServer(v.Err()) && !isScriptOnReplica(v.Err()) {
			continue
		}
		r := rs.At(i)
		// A script may use the code for an error of its own.
		if err := command.ReplyError(&r, c.options.Addr, v); errors.Is(err, ErrRejected) || isScriptOnReplica(err) {
			c.renew(err, live)
			return
		}
	}
}
