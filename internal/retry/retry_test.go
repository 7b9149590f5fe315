package retry_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redchan-go/redchan/internal/retry"
	"github.com/redchan-go/redchan/proto"
	"github.com/redchan-go/redchan/redis/command"
)

func TestLostReply(t *testing.T) {
	for _, test := range []struct {
		err  error
		want bool
	}{
		{retry.MaybeExecuted("GET", "", io.EOF), true},
		{retry.NotSent("GET", "", io.EOF), false},
		{&command.Error{Command: "GET", Outcome: command.Rejected, Err: io.EOF}, false},
		// These may be the doing of the very request.
		{retry.MaybeExecuted("GET", "", retry.ErrReplyTimeout), false},
		{retry.MaybeExecuted("GET", "", &proto.ProtocolError{}), false},
	} {
		if got := retry.LostReply(test.err); got != test.want {
			t.Errorf("LostReply(%v) is %v", test.err, got)
		}
	}
}

func TestEnded(t *testing.T) {
	own := errors.New("own")
	for name, test := range map[string]struct {
		cause error
		finds []error
	}{
		"canceled":              {nil, []error{context.Canceled}},
		"with a cause":          {own, []error{context.Canceled, own}},
		"with a cause that has": {fmt.Errorf("%w: %w", own, context.Canceled), []error{context.Canceled, own}},
	} {
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(test.cause)
		for _, want := range test.finds {
			if err := retry.Ended(ctx); !errors.Is(err, want) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

func TestSleep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		canceled, cancel := context.WithCancel(t.Context())
		cancel()
		closed := make(chan struct{})
		close(closed)
		for name, test := range map[string]struct {
			ctx     context.Context
			closing chan struct{}
			slept   time.Duration
		}{
			"to the end":          {t.Context(), nil, time.Second},
			"beside an open one":  {t.Context(), make(chan struct{}), time.Second},
			"in an ended context": {canceled, nil, 0},
			"while closing":       {t.Context(), closed, 0},
		} {
			start := time.Now()
			passed := retry.Sleep(test.ctx, test.closing, time.Second)
			if slept := time.Since(start); slept != test.slept || passed != (slept > 0) {
				t.Errorf("%s: %v, after %v", name, passed, slept)
			}
		}
	})
}

func TestPatience(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bounded, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		many, long, deadline := retry.NewPatience(t.Context()), retry.NewPatience(t.Context()), retry.NewPatience(bounded)
		for range retry.MaxAttempts - 1 {
			if many.Over() {
				t.Errorf("over after %d attempts", many.Attempts)
			}
			many.Attempts++
			deadline.Attempts += 100
		}
		if !many.Over() {
			t.Errorf("not over after %d attempts", many.Attempts)
		}
		time.Sleep(retry.Limit - 1)
		if long.Over() {
			t.Error("over before the limit")
		}
		time.Sleep(time.Nanosecond)
		if !long.Over() {
			t.Error("not over at the limit")
		}
		if deadline.Over() || !deadline.Bounded() || long.Bounded() {
			t.Error("a deadline bounds the attempts, and nothing else does")
		}
	})
}

func TestBackoff(t *testing.T) {
	b := retry.Backoff{Base: time.Second, Max: 5 * time.Second}
	for n, want := range []time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 5 * time.Second} {
		if got := b.Bound(n); got != want {
			t.Errorf("Bound(%d) is %v, want %v", n, got, want)
		}
	}
	for _, n := range []int{31, 32, 1000} { // where doubling has no room left
		if got := b.Bound(n); got != b.Max {
			t.Errorf("Bound(%d) is %v", n, got)
		}
		if got := b.Delay(n); got < 0 || got >= b.Max {
			t.Errorf("Delay(%d) is %v", n, got)
		}
	}
}
