package redis

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redchan-go/redchan/internal/conn"
	"github.com/redchan-go/redchan/internal/retry"
	"github.com/redchan-go/redchan/proto"
	"github.com/redchan-go/redchan/redis/command"
)

var (
	// ErrTxConflict means that another client changed a watched key before EXEC, so that no
	// command of the transaction has run. Read again and retry, as [Transaction] does.
	ErrTxConflict = command.ErrTxConflict
	// ErrTxAborted means that the server refused to queue a command of the transaction, so
	// that no command of the transaction has run.
	ErrTxAborted = command.ErrTxAborted
)

// Multi sends a batch as a transaction, MULTI ... EXEC. The server runs its commands
// without running other clients' commands in between. Nothing is rolled back: if one
// command fails, the others keep their results, and Multi returns the error as Exec does.
//
// If the server refuses to queue a command, for example because of a wrong number of
// arguments, it runs none of them. The error is a [*command.BatchError] that names the
// command and matches [ErrTxAborted]. The transaction is never split. It is sent again only
// if it has certainly not run, or if all of it may be repeated, see
// [command.Batch.Idempotent]. Blocking commands do not block in a transaction. The batch is
// empty afterwards. An empty batch sends nothing.
//
// If the ACL user may not run MULTI, the commands have run one by one all the same, because
// everything is sent at once. The error is then [ErrMaybeExecuted] and says so.
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
		used, values, err := c.multiOnce(ctx, rs, tx)
		if err == nil || !p.another(ctx, c, err, used, rs.Repeatable()) {
			return values, p.outcome(ctx, err)
		}
	}
}

// multiOnce sends a transaction over a shared connection.
func (c *Client) multiOnce(ctx context.Context, rs, tx *command.Requests) (used *conn.Conn, values []proto.Value, err error) {
	live, err := c.pick().get(ctx)
	if err != nil {
		return nil, nil, retry.NotSent("MULTI", c.options.Addr, err)
	}
	values, err = transact(ctx, live, rs, tx)
	return live, values, err
}

// transact sends tx, which is rs between MULTI and EXEC, and returns EXEC's replies to the
// commands of rs.
func transact(ctx context.Context, c *conn.Conn, rs, tx *command.Requests) ([]proto.Value, error) {
	values, err := c.DoBatch(ctx, tx)
	if err != nil {
		return nil, err // whatever was queued: only EXEC's reply counts
	}
	return command.TransactionReplies(rs, c.Addr(), values)
}

// TransactionOptions say how [TransactionWith] retries.
type TransactionOptions struct {
	// MaxConflicts is how many conflicts end the transaction. The error is then
	// [ErrTxConflict] and says so. 0 means 100. If it is negative, only the context bounds
	// the attempts.
	MaxConflicts int
	// Delay is the pause before the next attempt, chosen at random between half of it and
	// the whole. 0 means a random time of up to 1 ms, doubled with each conflict up to 64
	// ms. If it is negative, there is no pause.
	Delay time.Duration
}

// defaultConflicts is the default of MaxConflicts, and conflictPause spaces the attempts.
const defaultConflicts = 100

var conflictPause = Backoff{time.Millisecond, 64 * time.Millisecond}

// Transaction changes keys based on their current values. It watches keys and calls fn,
// which reads through s and queues its writes in b. It then executes b as a transaction. If
// another client changed one of the keys in the meantime, nothing has run, and Transaction
// begins again after a short pause, until ctx ends or the hundredth such conflict. Use
// [TransactionWith] for other bounds.
//
//	// The counter doubles, even if other clients change it.
//	n, err := redis.Transaction(ctx, client, func(s *redis.Session, b *command.Batch) (int64, error) {
//		n, err := command.AsInt(command.Get("counter")).Do(ctx, s)
//		b.Set("counter", 2*n)
//		return 2 * n, err
//	}, "counter")
//
// c is a client of one server or of a cluster. In a cluster all keys must be in one slot.
// Transaction also begins again, up to 5 times in a row, if nothing has run because the
// slot has moved.
//
// The result is the value that fn returned. To get the results of EXEC, return the futures
// of b: they are set when Transaction returns.
//
// If fn returns an error, Transaction returns that error, and nothing is written. A command
// of b that fails does not undo the others, see [Client.Multi]; Transaction then returns
// both a result and an error. The transaction runs on a separate connection. When
// Transaction returns, or fn panics, that connection is clean again or closed. fn may run
// several times, and must not use s and b after it has returned.
func Transaction[T any](ctx context.Context, c Watcher, fn func(s *Session, b *command.Batch) (T, error), keys ...string) (T, error) {
	return TransactionWith(ctx, c, TransactionOptions{}, fn, keys...)
}

// Watcher is a client that can watch keys on a separate connection: a client of one server
// or of a cluster. See [Client.Watch].
type Watcher interface {
	Watch(ctx context.Context, keys ...string) (*Session, error)
}

// TransactionWith is like [Transaction], with options.
func TransactionWith[T any](ctx context.Context, c Watcher, o TransactionOptions, fn func(s *Session, b *command.Batch) (T, error), keys ...string) (T, error) {
	for conflicts, moves := 0, 0; ; {
		a, err := transactOnce(ctx, c, fn, keys)
		var delay time.Duration
		switch {
		case a.executed && errors.Is(err, ErrTxConflict): // not one that fn has returned
			moves = 0
			delay = o.delay(conflicts)
			if conflicts++; conflicts == or(o.MaxConflicts, defaultConflicts) {
				return a.result, fmt.Errorf("%w: gave up at conflict %d (TransactionOptions.MaxConflicts)", err, conflicts)
			}
		case a.session.leftBehind(err) && moves < maxMoves:
			// Nothing has run, and the next Watch finds the new node of the slot.
			delay = Backoff{50 * time.Millisecond, time.Second}.delay(moves)
			moves++
		default:
			return a.result, err
		}
		// If the session's client is closed, the next Watch returns the error.
		if !retry.Sleep(ctx, a.session.client.closing, delay) && ctx.Err() != nil {
			return a.result, fmt.Errorf("%w: %w", retry.Ended(ctx), err)
		}
	}
}

// maxMoves is how often in a row a transaction begins again because its slot has moved.
const maxMoves = 5

// movedAway reports whether a transaction has not run because another node of the cluster
// serves its slot, or is about to serve it.
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

// leftBehind reports whether a transaction has not run because the session's server is a
// node of a cluster, and another node serves its slot or is about to serve it. If there is
// no session, the code that tried to make one has already asked all nodes.
func (s *Session) leftBehind(err error) bool {
	return s != nil && s.client != nil && s.client.options.NodeID != nil && movedAway(err)
}

// delay returns how long to wait after a number of conflicts.
func (o *TransactionOptions) delay(conflicts int) time.Duration {
	switch {
	case o.Delay < 0:
		return 0
	case o.Delay == 0:
		return conflictPause.delay(conflicts)
	}
	return o.Delay/2 + retry.Jitter(o.Delay/2+1)
}

// attempt is one attempt of a transaction and its result.
type attempt[T any] struct {
	session  *Session // closed; nil where there was none
	executed bool     // EXEC was sent
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
