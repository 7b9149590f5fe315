package redis

import (
	"errors"
	"io"
	"slices"
	"testing"
	"time"
)

func TestRetryPolicies(t *testing.T) {
	const never = -1
	const ms = time.Millisecond
	backoff := Backoff{Base: 100 * ms, Max: time.Second}
	growing := []time.Duration{0, 100 * ms, 200 * ms, 400 * ms, 800 * ms, time.Second, time.Second}
	early := []time.Duration{105 * ms, 105 * ms}
	for name, test := range map[string]struct {
		policy RetryPolicy
		err    error
		most   []time.Duration // of each failure in a row; never: given up
	}{
		"zero":                     {RetryPolicy{}, io.EOF, growing},
		"zero, of timeouts":        {RetryPolicy{}, ErrReplyTimeout, slices.Concat(early, growing)},
		"after one timeout":        {RetryPolicy{AfterTimeout: 1}, ErrReplyTimeout, slices.Concat(early[:1], growing)},
		"after no timeout":         {RetryPolicy{AfterTimeout: -1}, ErrReplyTimeout, growing},
		"after one, of others":     {RetryPolicy{AfterTimeout: 1}, io.EOF, growing},
		"none":                     {RetryPolicy{Attempts: -1}, io.EOF, []time.Duration{never, never}},
		"three":                    {RetryPolicy{Attempts: 3}, io.EOF, append(growing[:3:3], never, never)},
		"three, of timeouts":       {RetryPolicy{Attempts: 3}, ErrReplyTimeout, append(early[:2:2], 0, never)},
		"a function":               {RetryPolicy{Pause: counting}, io.EOF, []time.Duration{1, 2, 3}},
		"a function, of timeouts":  {RetryPolicy{Pause: counting}, ErrReplyTimeout, []time.Duration{never}},
		"a function, and attempts": {RetryPolicy{Pause: counting, Attempts: 1}, io.EOF, []time.Duration{1, never}},
	} {
		for i, most := range test.most {
			longest := time.Duration(0)
			for range 200 {
				got, ok := test.policy.next(backoff, i+1, test.err)
				if ok != (most != never) || ok && (got < 0 || got > most) {
					t.Fatalf("%s: failure %d: %v, %v; want at most %v", name, i+1, got, ok, most)
				}
				longest = max(longest, got)
			}
			if longest < most/2 {
				t.Errorf("%s: failure %d: the longest of many pauses is %v; want about %v", name, i+1, longest, most)
			}
		}
	}
	for range 100 {
		if got, _ := (RetryPolicy{}).next(backoff, 1, ErrReplyTimeout); got < 95*ms {
			t.Errorf("behind a timeout the pause is %v", got)
		}
	}
}

// counting pauses as many nanoseconds as there were failures, and gives up for all but an end of file.
func counting(failures int, err error) (time.Duration, bool) {
	return time.Duration(failures), errors.Is(err, io.EOF)
}
