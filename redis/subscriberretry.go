package redis

import (
	"errors"
	"math/rand/v2"
	"time"
)

// RetryPolicy says when the subscriber connection is made again after it was lost, or could
// not be made, and when that is given up. The zero value tries without end: the first attempt
// after a loss is made at once, those after it by Options.SubscriberBackoff. Failures are
// counted in a row. The count begins again when a connection has served: it has answered
// something and was up for SubscriberBackoff.Base, or has lasted for 30 s.
type RetryPolicy struct {
	// Attempts is how many attempts in a row are made. Where they have failed all
	// subscriptions end, with [ErrGivenUp] and the last error. 0 means that there is no
	// bound, and below 0 the first loss ends them.
	Attempts int
	// AfterTimeout is how many attempts are made after SubscriberBackoff.Base each, before
	// the backoff begins, where the server did not answer in time, see [ErrReplyTimeout]. 0
	// means 2; below 0 there are none.
	AfterTimeout int
	// Pause, where it is not nil, takes the place of SubscriberBackoff and AfterTimeout. It
	// returns how long to wait before the next attempt, and whether there is to be one.
	// failures counts those in a row, this one included, and err is why there is no
	// connection. It must be safe for concurrent use.
	Pause func(failures int, err error) (pause time.Duration, again bool)
}

// timeoutAttempts is what RetryPolicy.AfterTimeout is by default.
const timeoutAttempts = 2

// next returns how long to wait after a failure, and whether there is to be another attempt.
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
			return b.Base - b.Base/20 + rand.N(b.Base/10+1), true
		}
		failures -= early
	}
	if failures <= 1 {
		return 0, true
	}
	return b.delay(failures - 2), true
}
