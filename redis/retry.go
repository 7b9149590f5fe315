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

// retry sends a request again where that is safe and may help, after a first
// attempt that came to v and err.
func (c *Client) retry(ctx context.Context, r *command.Request, v proto.Value, err error) (proto.Value, error) {
	for p := newPatience(ctx); ; {
		if err == nil {
			err = c.options.replyError(r, c.options.Addr, v)
		}
		if err == nil || !p.another(ctx, c, err, r.ReadOnly()) {
			return v, p.outcome(ctx, err)
		}
		if r.Blocks() {
			v, err = c.pool.do(ctx, r)
		} else {
			v, err = c.once(ctx, r, c.pick())
		}
	}
}

// patience decides how often something is tried.
type patience struct {
	retry.Patience
	renewals int  // how often the server was the wrong one
	cut      bool // there would be another attempt, were it not for the end of the context
}

// newPatience starts with a first attempt that has failed just now.
func newPatience(ctx context.Context) patience {
	return patience{Patience: retry.NewPatience(ctx)}
}

// another reports, after the pause that is due, whether what failed with err is
// to be tried again.
func (p *patience) another(ctx context.Context, c *Client, err error, readOnly bool) bool {
	if c.isClosed() || !p.mayHelp(c, err, readOnly) {
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

// mayHelp reports whether what failed with err may succeed the next time.
func (p *patience) mayHelp(c *Client, err error, readOnly bool) bool {
	switch {
	case errors.Is(err, ErrArgument), conn.IsRefused(err):
		return false
	case retry.LostReply(err) && readOnly:
		// The reply itself may be what ends connections: not without end.
		return p.Attempts < retry.MaxAttempts
	case errors.Is(err, ErrMaybeExecuted):
		return false
	case errors.Is(err, ErrNotSent):
		return true
	case errors.Is(err, ErrRejected) && isWrongServer(err):
		// The connections are replaced, by this call or by another that met the same. A few
		// times: a server that is meant to be a replica stays one.
		c.renew(err)
		p.renewals++
		return p.renewals < retry.MaxAttempts
	case errors.Is(err, ErrRejected):
		return passes(err) // or another server is meant
	case isScriptOnReplica(err):
		c.renew(err)
	}
	return false
}

// outcome returns the error of the last attempt, and with it the end of the context where
// that has kept another one from being made.
func (p *patience) outcome(ctx context.Context, err error) error {
	if err == nil || !p.cut || errors.Is(err, ctx.Err()) {
		return err
	}
	if e, ok := err.(*Error); ok { //nolint:errorlint // the outermost alone is taken apart
		return &Error{Command: e.Command, Addr: e.Addr, Outcome: e.Outcome, Err: fmt.Errorf("%w: %w", retry.Ended(ctx), e.Err)}
	}
	return fmt.Errorf("%w: %w", retry.Ended(ctx), err)
}

// passes reports whether the same server may accept later what it rejected.
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
