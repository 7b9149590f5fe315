package redis

import (
	"context"
	"errors"
	"fmt"
	"time"

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
		return nil, notSent("MULTI", c.options.Addr, err)
	}
	return live.transact(ctx, rs, tx)
}

// transact sends tx, which is rs between MULTI and EXEC, and returns what EXEC returned
// for the commands of rs.
func (c *conn) transact(ctx context.Context, rs, tx *command.Requests) ([]proto.Value, error) {
	values, err := c.doBatch(ctx, tx)
	if err != nil {
		return nil, err // whatever was queued: EXEC's reply is what counts
	}
	return command.TransactionReplies(rs, c.addr, values)
}

// TransactionOptions say how a [TransactionWith] tries again.
type TransactionOptions struct {
	// Delay is waited before a next attempt, jittered between half of it and the whole.
	// 0, or less: none.
	Delay time.Duration
	// MaxAttempts bounds how often fn runs; the error is [ErrTxConflict] then.
	// 0, or less: as long as the context lasts.
	MaxAttempts int
}

// Transaction runs fn until what it has read is what it changes: it watches keys, runs
// fn, which reads by s and queues what is to be written in b, and executes b as a
// transaction. Where one of the keys was changed meanwhile, nothing has run, and
// Transaction begins again, until ctx ends.
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
	one, _ := c.(*Client)
	var closing chan struct{} // a cluster's client says so at the next Watch
	if one != nil {
		closing = one.closing
	}
	for attempt, moves := 1, 0; ; attempt++ {
		result, executed, err := transactOnce(ctx, c, fn, keys)
		delay := o.delay()
		switch {
		case executed && errors.Is(err, ErrTxConflict): // not one that fn has met
			moves = 0
		case one == nil && moves < maxMoves && movedAway(err):
			// Nothing has run, and the next Watch finds the slot where it is then.
			delay = max(delay, Backoff{50 * time.Millisecond, time.Second}.delay(moves))
			moves++
		default:
			return result, err
		}
		if o.MaxAttempts > 0 && attempt >= o.MaxAttempts {
			return result, err
		}
		if !sleep(ctx, closing, delay) {
			if ctx.Err() != nil {
				err = fmt.Errorf("%w: %w", ended(ctx), err)
			}
			return result, err
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

// delay returns how long to wait before a next attempt.
func (o *TransactionOptions) delay() time.Duration {
	if o.Delay <= 0 {
		return 0
	}
	return o.Delay/2 + retry.Jitter(o.Delay/2+1)
}

// transactOnce is one attempt of a transaction. executed says that it has come to EXEC.
func transactOnce[T any](ctx context.Context, c Watcher, fn func(*Session, *command.Batch) (T, error), keys []string) (result T, executed bool, err error) {
	var none T
	s, err := c.Watch(ctx, keys...)
	if err != nil {
		return none, false, err
	}
	defer func() { _ = s.Close() }()
	var b command.Batch
	if result, err = fn(s, &b); err != nil {
		return none, false, err
	}
	err = s.Multi(ctx, &b)
	var one *command.BatchError
	if err != nil && (!errors.As(err, &one) || !one.Ran) {
		return none, true, err
	}
	return result, true, err
}
