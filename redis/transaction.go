package redis

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/redchan-go/redchan/internal/conn"
	"github.com/redchan-go/redchan/internal/retry"
	"github.com/redchan-go/redchan/proto"
	"github.com/redchan-go/redchan/redis/command"
)

var (
	// ErrTxConflict says that a watched key was changed by somebody else before EXEC, so that
	// nothing of the transaction has run. Read again and try again, as [Transaction]
	// does.
	ErrTxConflict = command.ErrTxConflict
	// ErrTxAborted says that the server refused a command of the transaction when it was
	// queued, so that nothing of the transaction has run.
	ErrTxAborted = command.ErrTxAborted
)

// Multi sends a batch as a transaction, MULTI ... EXEC: the server runs its commands
// without running others' in between. Nothing is rolled back: where one command fails,
// its error stands beside the others' results, and Multi returns it as Exec does.
//
// Where the server refuses a command before it runs anything, such as one with a wrong
// number of arguments, the error is a [*command.BatchError] that names it and is
// [ErrTxAborted]. The transaction is sent in one run and never split; it is sent again
// only where it has certainly not run. In a transaction commands that block don't. The
// batch is empty afterwards; an empty one sends nothing.
//
// Where the user may not MULTI, the commands have run one by one all the same, because all
// is sent at once: the error is [ErrMaybeExecuted] and says so.
func (c *Client) Multi(ctx context.Context, b *command.Batch) error {
	return b.Exec(ctx, multi{c})
}

// multi sends batches of a client as transactions.
type multi struct{ client *Client }

func (m multi) DoBatch(ctx context.Context, rs *command.Requests) ([]proto.Value, error) {
	c := m.client
	if err := or(c.usable(ctx), rs.Err()); err != nil {
		return nil, err
	}
	tx := rs.Transaction()
	for p := newPatience(ctx); ; {
		values, err := c.multiOnce(ctx, rs, tx)
		if err == nil || !p.another(ctx, c, err, false) {
			return values, p.outcome(ctx, err)
		}
	}
}

// multiOnce sends a transaction over a shared connection.
func (c *Client) multiOnce(ctx context.Context, rs, tx *command.Requests) ([]proto.Value, error) {
	live, err := c.pick().get(ctx)
	if err != nil {
		return nil, retry.NotSent("MULTI", c.options.Addr, err)
	}
	return transact(ctx, live, rs, tx)
}

// transact sends tx, which is rs between MULTI and EXEC, and returns what EXEC returned
// for the commands of rs.
func transact(ctx context.Context, c *conn.Conn, rs, tx *command.Requests) ([]proto.Value, error) {
	values, err := c.DoBatch(ctx, tx)
	if err != nil {
		return nil, err // whatever was queued: EXEC's reply is what counts
	}
	return command.TransactionReplies(rs, c.Addr(), values)
}

// TransactionOptions say how a [TransactionWith] tries again.
type TransactionOptions struct {
	// MaxConflicts is how many conflicts end the transaction. The error is [ErrTxConflict]
	// then, and says so. 0 means 100; below 0 there is no bound but the context.
	MaxConflicts int
	// Delay is the pause before the next attempt, jittered between half of it and the whole.
	// 0 means a random time of up to 1 ms, doubled with each conflict up to 64 ms; below 0
	// there is no pause.
	Delay time.Duration
}

// defaultConflicts is how many conflicts end a transaction by default, and conflictPause spaces
// its attempts.
const defaultConflicts = 100

var conflictPause = Backoff{time.Millisecond, 64 * time.Millisecond}

// Transaction runs fn until what it has read is what it changes: it watches keys, runs
// fn, which reads by s and queues what is to be written in b, and executes b as a
// transaction. Where one of the keys was changed meanwhile, nothing has run, and
// Transaction begins again after a short pause, until ctx ends, or until the hundredth such
// conflict. [TransactionWith] takes other bounds.
//
//	// The counter doubles, whoever else changes it.
//	n, err := redis.Transaction(ctx, client, func(s *redis.Session, b *command.Batch) (int64, error) {
//		n, err := command.AsInt(command.Get("counter")).Do(ctx, s)
//		b.Set("counter", 2*n)
//		return 2 * n, err
//	}, "counter")
//
// c is a client, of one server or of a cluster: there all keys must be of one slot, and it
// begins again also where that has moved meanwhile, so that nothing has run, up to 5 times in a row.
//
// The result is fn's own value. For what EXEC gave, return the futures of b: they have
// their results when Transaction returns.
//
// An error of fn ends it with that error, and nothing is written. A command of b that
// fails does not undo the others, see [Client.Multi]: then there are a result and an error.
// It runs on a connection of its
// own, which is clean again or closed when it returns, also by a panic in fn. fn may
// run several times, and must not use s and b when it has returned.
func Transaction[T any](ctx context.Context, c Watcher, fn func(s *Session, b *command.Batch) (T, error), keys ...string) (T, error) {
	return TransactionWith(ctx, c, TransactionOptions{}, fn, keys...)
}

// Watcher lends connections that watch keys: a client, of one server or of a cluster. See
// [Client.Watch].
type Watcher interface {
	Watch(ctx context.Context, keys ...string) (*Session, error)
}

// TransactionWith is [Transaction] with options.
func TransactionWith[T any](ctx context.Context, c Watcher, o TransactionOptions, fn func(s *Session, b *command.Batch) (T, error), keys ...string) (T, error) {
	for conflicts, moves := 0, 0; ; {
		a, err := transactOnce(ctx, c, fn, keys)
		var delay time.Duration
		switch {
		case a.executed && errors.Is(err, ErrTxConflict): // not one that fn has met
			moves = 0
			delay = o.delay(conflicts)
			if conflicts++; conflicts == or(o.MaxConflicts, defaultConflicts) {
				return a.result, fmt.Errorf("%w: gave up at conflict %d (TransactionOptions.MaxConflicts)", err, conflicts)
			}
		case a.session.leftBehind(err) && moves < maxMoves:
			// Nothing has run, and the next Watch finds the slot where it is then.
			delay = Backoff{50 * time.Millisecond, time.Second}.delay(moves)
			moves++
		default:
			return a.result, err
		}
		// Where the session's client is closed, the next Watch says so.
		if !retry.Sleep(ctx, a.session.client.closing, delay) && ctx.Err() != nil {
			return a.result, fmt.Errorf("%w: %w", retry.Ended(ctx), err)
		}
	}
}

// maxMoves is how often in a row a transaction begins again because its slot has moved.
const maxMoves = 5

// movedAway reports whether a transaction has not run because another node of the cluster
// serves its slot, or is about to.
func movedAway(err error) bool {
	var batch *command.BatchError
	var reply *proto.Error
	if !errors.Is(err, ErrRejected) || errors.As(err, &batch) && batch.Ran || !errors.As(err, &reply) {
		return false
	}
	switch reply.Code {
	case "MOVED", "ASK", "TRYAGAIN", "READONLY", "CLUSTERDOWN":
		return true
	}
	return false
}

// leftBehind reports whether a transaction has not run because the session's server is a node of
// a cluster, and another one serves its slot, or is about to. Where there is no session, whoever
// was to make it has looked at all nodes already.
func (s *Session) leftBehind(err error) bool {
	return s != nil && s.client != nil && s.client.options.NodeID != nil && movedAway(err)
}

// delay returns how long to wait after so many conflicts.
func (o *TransactionOptions) delay(conflicts int) time.Duration {
	switch {
	case o.Delay < 0:
		return 0
	case o.Delay == 0:
		return conflictPause.delay(conflicts)
	}
	return o.Delay/2 + rand.N(o.Delay/2+1)
}

// attempt is one attempt of a transaction, and what it came to.
type attempt[T any] struct {
	session  *Session // closed; nil where there was none
	executed bool     // it came to EXEC
	result   T
}

// transactOnce makes one attempt of a transaction.
func transactOnce[T any](ctx context.Context, c Watcher, fn func(*Session, *command.Batch) (T, error), keys []string) (a attempt[T], err error) {
	if a.session, err = c.Watch(ctx, keys...); err != nil {
		return attempt[T]{}, err
	}
	defer func() { _ = a.session.Close() }()
	var b command.Batch
	result, err := fn(a.session, &b)
	if err != nil {
		return a, err
	}
	a.executed = true
	err = a.session.Multi(ctx, &b)
	var one *command.BatchError
	if err == nil || errors.As(err, &one) && one.Ran {
		a.result = result
	}
	return a, err
}
