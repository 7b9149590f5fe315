package redis

import (
	"errors"
	"time"

	"github.com/redchan-go/redchan/internal/retry"
)

// RetryPolicy says when the subscriber connection is made again after it was lost or could
// not be made, and when the client gives up. The zero value tries without end. It makes the
// first attempt after a loss at once, and spaces the next ones by
// Options.SubscriberBackoff. Failures are counted in a row. The count starts again when a
// connection has served: it has answered something and was up for SubscriberBackoff.Base,
// or it has lasted for 30 s.
type RetryPolicy struct {
	// Attempts is the maximum number of attempts in a row. When they have all failed, all
	// subscriptions end with [ErrGivenUp] and the last error. 0 means that there is no
	// bound. If Attempts is negative, the first loss ends the subscriptions.
	Attempts int
	// AfterTimeout is the number of attempts that are made, each after
	// SubscriberBackoff.Base, before the backoff begins if the server did not answer in
	// time, see [ErrReplyTimeout]. 0 means 2. A negative number means none.
	AfterTimeout int
	// Pause, if not nil, replaces SubscriberBackoff and AfterTimeout. It returns how long
	// to wait before the next attempt, and whether to make one. failures counts the
	// failures in a row, including this one, and err is why there is no connection. Pause
	// must be safe for concurrent use.
	Pause func(failures int, err error) (pause time.Duration, again bool)
}

// timeoutAttempts is the default of RetryPolicy.AfterTimeout.
const timeoutAttempts = 2

// next returns how long to wait after a failure, and whether to make another attempt.
func (p RetryPolicy) next(b Backoff, failures int, err error) (pause time.Duration, again bool) {
	if p.Attempts != 0 && failures > p.Attempts {
		return 0, false
	}
	if p.Pause != nil {
		return p.Pause(failures, err)
	}
	if errors.Is(err, ErrReplyTimeout) {
		early := max(or(p.AfterTimeout, timeoutAttempts), 0)
		if failures <= early {
			return b.Base - b.Base/20 + retry.Jitter(b.Base/10+1), true
		}
		failures -= early
	}
	if failures <= 1 {
		return 0, true
	}
	return b.delay(failures - 2), true
}
