package redis

import (
	"errors"
	"strings"
	"sync"
	"time"

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
	c.renew(reason)
	for _, s := range c.liveSubscribers() {
		s.reconnect(reason)
	}
}

// errReconnect is why a connection is made again where no other reason was given.
var errReconnect = errors.New("the client was told to connect again")

// renewal paces the replacing of connections.
type renewal struct {
	mu    sync.Mutex
	last  time.Time
	count int // in a row
}

// due reports whether connections may be replaced now, and notes that they are.
func (r *renewal) due(b Backoff) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	since := time.Since(r.last)
	switch {
	case r.last.IsZero() || since >= lasting:
		r.count = 0
	case since < b.bound(r.count):
		return false
	default:
		r.count++
	}
	r.last = time.Now()
	return true
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

// renew replaces the connections of commands, and reports whether it did: not sooner than
// the backoff allows.
func (c *Client) renew(reason error) bool {
	if c.isClosed() || !c.renewal.due(c.options.Backoff) {
		return false
	}
	reason = replacedFor(reason)
	for _, l := range c.links {
		l.renew(reason)
	}
	c.pool.renew(reason)
	return true
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

// lookForWrongServer replaces the connections where a reply to one of the requests says so.
func (c *Client) lookForWrongServer(rs *command.Requests, values []proto.Value) {
	for i, v := range values {
		if v.Kind() != proto.KindError || !isWrongServer(v.Err()) && !isScriptOnReplica(v.Err()) {
			continue
		}
		r := rs.At(i)
		// A script may use the code for an error of its own.
		if err := command.ReplyError(&r, c.options.Addr, v); errors.Is(err, ErrRejected) || isScriptOnReplica(err) {
			c.renew(err)
			return
		}
	}
}

// SubscribersMissed says that messages may be missing in the subscriptions since a time,
// though their connections live, or have lived until they were lost: each gets a Gap of the reason
// Reconnect that ends now, or where its connection is lost one that begins earlier. Like
// [Client.Reconnect] it is for those who know better than the connections, such as the client of
// a cluster in which a node was cut off from the others.
func (c *Client) SubscribersMissed(since time.Time) {
	for _, s := range c.liveSubscribers() {
		s.lane.Missed(since)
	}
}
