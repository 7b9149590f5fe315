package conn

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redchan-go/redchan/internal/retry"
	"github.com/redchan-go/redchan/proto"
)

// learned is what the connections of a client know of their server from those before.
type learned struct {
	worked   atomic.Bool // a connection was made
	silent   atomic.Bool // it refuses CLIENT SETINFO
	nameless atomic.Bool // it does not tell which node of a cluster it is

	trying chan struct{} // capacity 1: an attempt whose user may be refused

	mu       sync.Mutex
	workedAt time.Time // the last time that the server let a connection in
	refusal  error     // why it lets nobody in; nil where it does
	refusals int       // in a row
	until    time.Time
	brief    brief
}

// brief are manners that a server has accepted after it had ended connections on more: as
// twemproxy does on CLIENT SETINFO and on a PING with data. That may have been chance, so they
// are tried for a while only. Where they turn out to be needed again, that while doubles.
type brief struct {
	manners
	until time.Time
	lasts time.Duration // 0: they are not needed
}

const (
	briefBase = time.Minute
	briefMax  = time.Hour
)

// manners say how a connection introduces itself.
type manners struct {
	silent bool // without CLIENT SETINFO
	bare   bool // with a PING without data; in RESP2 only
}

// manners returns how the next connection is to introduce itself.
func (l *learned) manners(o *Options) manners {
	m := manners{silent: o.NoClientInfo || l.silent.Load()}
	l.mu.Lock()
	defer l.mu.Unlock()
	if time.Now().Before(l.brief.until) {
		m.silent, m.bare = m.silent || l.brief.silent, l.brief.bare
	}
	return m
}

// simpler returns manners that a server may accept which has ended a connection in the
// handshake. It reports false where there are none, or the server did not come as far as
// to what they leave out.
func (m manners) simpler(err error) (manners, bool) {
	var lost *lostError
	if !errors.As(err, &lost) || lost.command == "HELLO" || m.silent && m.bare || isFull(err) {
		return m, false
	}
	return manners{silent: true, bare: m.silent}, true
}

// isFull reports whether a server ends connections because it has too many.
func isFull(err error) bool {
	var reply *proto.Error
	return errors.As(err, &reply) && strings.Contains(strings.ToLower(reply.Message), "max number of clients")
}

// keep notes manners that a server has accepted. simpler says that it has ended the connections
// of this attempt that said more.
func (l *learned) keep(m manners, simpler bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := &l.brief
	switch now := time.Now(); {
	case simpler:
		b.lasts = min(max(2*b.lasts, briefBase), briefMax)
		b.manners, b.until = m, now.Add(b.lasts)
	case !now.Before(b.until): // it has accepted everything
		b.lasts = 0
	}
}

// The pauses between attempts to get in where the server has refused for good. Some lock
// an account that fails to log in too often.
const (
	refusedBase = time.Second
	refusedMax  = 30 * time.Second
)

// refusedError is a refusal that does not pass by itself.
type refusedError struct{ error }

func (e refusedError) Unwrap() error { return e.error }

// IsRefused reports whether err is, or was, such a refusal.
func IsRefused(err error) bool {
	var refused refusedError
	return errors.As(err, &refused)
}

// refused returns the refusal of before, as long as no attempt is due.
func (l *learned) refused() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.refusal != nil && time.Now().Before(l.until) {
		return l.refusal
	}
	return nil
}

// ErrStillConnecting stands for the error of an attempt to connect that is not over.
var ErrStillConnecting = errors.New("the server has not answered yet")

// enter lets an attempt to connect begin. As long as a user or password has not been
// accepted one attempt is made at a time: many callers at once must not lock the account.
func (l *learned) enter(ctx context.Context, o *Options) (leave func(), err error) {
	leave = func() {}
	if err := l.refused(); err != nil || !o.hasUser() || l.accepted() {
		return leave, err
	}
	select {
	case l.trying <- struct{}{}:
		leave = func() { <-l.trying }
	case <-ctx.Done():
		return leave, fmt.Errorf("%w: %w", retry.Ended(ctx), ErrStillConnecting)
	}
	if err := l.refused(); err != nil {
		leave()
		return leave, err
	}
	return leave, nil
}

// acceptedLasts is how long a user and a password that were accepted are taken for good: then
// they may have been changed.
const acceptedLasts = 10 * time.Second

// accepted reports whether the last attempt that the server has decided about was let in.
func (l *learned) accepted() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.refusal == nil && time.Since(l.workedAt) < acceptedLasts
}

// wait returns how long no attempt is due.
func (l *learned) wait() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.refusal == nil {
		return 0
	}
	return time.Until(l.until)
}

// note takes the outcome of an attempt, and returns its error, marked where it is a
// refusal for good.
func (l *learned) note(err error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case err == nil:
		l.worked.Store(true)
		l.workedAt = time.Now()
		l.refusal, l.refusals = nil, 0
		return nil
	case !lasts(err):
		return err
	}
	pause := refusedMax
	if l.refusals < 5 {
		pause = refusedBase << l.refusals
	}
	l.refusals++
	l.refusal = refusedError{err}
	l.until = time.Now().Add(pause/2 + retry.Jitter(pause/2+1))
	return l.refusal
}

// lasts reports whether a handshake was refused for a reason that somebody has to do
// something about: a wrong password, a missing permission, a database that is not there.
func lasts(err error) bool {
	var refusal *handshakeError
	var reply *proto.Error
	if !errors.As(err, &refusal) || !errors.As(err, &reply) {
		return false
	}
	switch reply.Code {
	case "WRONGPASS", "NOAUTH", "NOPERM", "DENIED":
		return true
	case "ERR", "":
		text := strings.ToLower(reply.Message)
		for _, word := range []string{"password", "db index", "not allowed", "unknown command", "cluster support disabled"} {
			if strings.Contains(text, word) {
				return true
			}
		}
	}
	return false
}
