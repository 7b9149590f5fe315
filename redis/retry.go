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

// retry sends a request again if that is safe and may help. v and err are the result of a
// first attempt over the connection used, which is nil if there was none.
func (c *Client) retry(ctx context.Context, r *command.Request, used *conn.Conn, v proto.Value, err error) (proto.Value, error) {
	for p := newPatience(ctx); ; {
		if err == nil {
			err = c.options.replyError(r, c.options.Addr, v)
		}
		if err == nil || !p.another(ctx, c, err, used, r.Repeatable()) {
			return v, p.outcome(ctx, err)
		}
		if r.Blocks() {
			used, v, err = c.pool.do(ctx, r)
		} else {
			used, v, err = c.once(ctx, r, c.pick())
		}
	}
}

// patience decides how often to try something.
type patience struct {
	retry.Patience
	renewals int  // how often the server was the wrong one
	cut      bool // there would be another attempt if the context had not ended
}

// newPatience starts after a first attempt that has just failed.
func newPatience(ctx context.Context) patience {
	return patience{Patience: retry.NewPatience(ctx)}
}

// another waits for the pause that is due, and reports whether to try again after the
// failure err. used is the connection on which the attempt failed, or nil if there was
// none.
func (p *patience) another(ctx context.Context, c *Client, err error, used *conn.Conn, repeatable bool) bool {
	if c.isClosed() || !p.mayHelp(c, err, used, repeatable) {
		return false
	}
	if most := c.options.MaxAttempts; most > 0 && p.Attempts >= most {
		return false
	}
	if p.Over() || !p.Bounded() && errors.Is(err, errNoLink) {
		return false
	}
	delay := time.Duration(0)
	if p.Attempts > 1 || errors.Is(err, ErrRejected) {
		delay = c.options.Backoff.delay(p.Attempts - 1)
	}
	p.Attempts++
	again := ctx.Err() == nil && retry.Sleep(ctx, c.closing, delay)
	p.cut = !again && ctx.Err() != nil
	return again
}

// mayHelp reports whether the next attempt may succeed after the failure err.
func (p *patience) mayHelp(c *Client, err error, used *conn.Conn, repeatable bool) bool {
	switch {
	case errors.Is(err, ErrArgument), conn.IsRefused(err):
		return false
	case retry.LostReply(err) && repeatable:
		// The reply itself may be what ends connections, so the number of attempts is
		// bounded.
		return p.Attempts < retry.MaxAttempts
	case errors.Is(err, ErrMaybeExecuted):
		return false
	case errors.Is(err, ErrNotSent):
		return true
	case errors.Is(err, ErrRejected) && isWrongServer(err):
		// The connections are replaced, by this call or by another one with the same error.
		// This happens only a few times, because a server that is meant to be a replica
		// stays one.
		c.renew(err, used)
		p.renewals++
		return p.renewals < retry.MaxAttempts
	case errors.Is(err, ErrRejected):
		return passes(err) // otherwise another server is meant
	case isScriptOnReplica(err):
		c.renew(err, used)
	}
	return false
}

// outcome returns the error of the last attempt. If the end of the context prevented
// another attempt, the error includes that.
func (p *patience) outcome(ctx context.Context, err error) error {
	if err == nil || !p.cut || errors.Is(err, ctx.Err()) {
		return err
	}
	if e, ok := err.(*Error); ok { //nolint:errorlint // only the outermost error is taken apart
		return &Error{Command: e.Command, Addr: e.Addr, Outcome: e.Outcome, Err: fmt.Errorf("%w: %w", retry.Ended(ctx), e.Err)}
	}
	return fmt.Errorf("%w: %w", retry.Ended(ctx), err)
}

// passes reports whether the same server may later accept what it rejected.
func passes(err error) bool {
	var reply *proto.Error
	if !errors.As(err, &reply) {
		return false
	}
	switch reply.Code {
	case "LOADING", "TRYAGAIN", "CLUSTERDOWN", "MASTERDOWN":
		return true
	}
	return false
}
