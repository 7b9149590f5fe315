package redis

import (
	"errors"
	"math"
	"time"

	"github.com/redchan-go/redchan/internal/retry"
)

// RetryPolicy decides when the subscriber connection is made again after it was lost, or
// could not be made, and when that is given up. It must be safe for concurrent use.
type RetryPolicy interface {
	// Pause returns how long to wait before the next attempt, and whether there is
	// to be one. failures counts those in a row, this one included: it begins with 1
	// again when a connection has served: it has answered something and was up for
	// Options.SubscriberBackoff.Base, or has lasted for 30 s. err is why there is no connection.
	// Where there is to be no attempt, all subscriptions end with err.
	Pause(failures int, err error) (time.Duration, bool)
}

// Pause waits a random time up to Base doubled with each failure, Max at most, without
// end. The first attempt after a loss is made at once.
func (b Backoff) Pause(failures int, _ error) (time.Duration, bool) {
	if failures <= 1 {
		return 0, true
	}
	return b.delay(failures - 2), true
}

// RetryFunc is a function as a [RetryPolicy].
type RetryFunc func(failures int, err error) (time.Duration, bool)

// Pause calls the function.
func (f RetryFunc) Pause(failures int, err error) (time.Duration, bool) { return f(failures, err) }

// RetryEvery tries again without end, each time after d, jittered by up to a tenth. A d
// below 0 is 0.
func RetryEvery(d time.Duration) RetryPolicy {
	d = max(d, 0)
	least := d - d/20
	jitter := min(d/10, math.MaxInt64-least)
	return RetryFunc(func(int, error) (time.Duration, bool) {
		return least + retry.Jitter(jitter+1), true
	})
}

// RetryNever gives up at the first loss.
func RetryNever() RetryPolicy {
	return RetryFunc(func(int, error) (time.Duration, bool) { return 0, false })
}

// RetryTimes tries again as p says, n times in a row at most.
func RetryTimes(n int, p RetryPolicy) RetryPolicy {
	return RetryFunc(func(failures int, err error) (time.Duration, bool) {
		if failures > n {
			return 0, false
		}
		return p.Pause(failures, err)
	})
}

// RetryThen tries again as first says n times in a row, less where first gives up before,
// and as then says from there on, whose failures are counted from 1 again. To know when
// first gave up, it is asked about the failures before as well.
//
// The default of a subscriber connection is one of these for losses because the server
// did not answer in time, see [RetryTimeouts], and Options.SubscriberBackoff for all
// others:
//
//	backoff := redis.Backoff{Base: 100 * time.Millisecond, Max: 16 * time.Second}
//	redis.RetryTimeouts(
//		redis.RetryThen(2, redis.RetryEvery(100*time.Millisecond), backoff),
//		backoff,
//	)
func RetryThen(n int, first, then RetryPolicy) RetryPolicy {
	return RetryFunc(func(failures int, err error) (time.Duration, bool) {
		tried := 0 // by first, before it gave up
		for ; tried < min(failures, n); tried++ {
			d, ok := first.Pause(tried+1, err)
			if !ok {
				break
			}
			if tried+1 == failures {
				return d, true
			}
		}
		return then.Pause(failures-tried, err)
	})
}

// RetryTimeouts tries again as timeouts says where the server did not answer in time,
// [ErrReplyTimeout], and else as others says.
func RetryTimeouts(timeouts, others RetryPolicy) RetryPolicy {
	return RetryFunc(func(failures int, err error) (time.Duration, bool) {
		if errors.Is(err, ErrReplyTimeout) {
			return timeouts.Pause(failures, err)
		}
		return others.Pause(failures, err)
	})
}

// defaultRetry is the policy for a subscriber connection where there is no other.
func defaultRetry(b Backoff) RetryPolicy {
	const quick = 2
	return RetryTimeouts(RetryThen(quick, RetryEvery(b.Base), b), b)
}
