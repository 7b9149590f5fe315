package integration

import (
	"errors"
	"testing"

	"github.com/redchan-go/redchan/redis"
	"github.com/redchan-go/redchan/redis/command"
)

// countAndFail counts how often it runs, and returns an error of its own.
const countAndFail = "redis.call('INCR', KEYS[1]) return redis.error_reply(ARGV[1])"

// ownErrors use the codes by which servers refuse what they have not run.
var ownErrors = []string{
	"TRYAGAIN later", "LOADING the truck", "CLUSTERDOWN no idea", "MASTERDOWN today", "READONLY account",
	"MOVED 1 127.0.0.1:1", "ASK me later", "UNBLOCKED account",
}

// final fails where an error of a script is not the script's, or may be retried.
func final(f *fixture, how, words string, err error) {
	f.Helper()
	var reply *redis.ReplyError
	if !errors.As(err, &reply) || reply.Code+" "+reply.Message != words && reply.Code != words || redis.SafeToRetry(err) {
		f.Errorf("%s: %v, want the final error %q", how, err, words)
	}
}

// An error that a script returns is final: the script has run, once.
func TestErrorsOfScriptsAreFinal(t *testing.T) {
	shared(t, func(f *fixture) {
		c := f.open()
		runs := 0
		once := func() {
			f.Helper()
			runs++
			if n, err := command.AsInt(command.Get("runs")).Do(f.ctx, c); err != nil || int(n) != runs {
				f.Fatalf("it ran %d times, want %d (%v)", n, runs, err)
			}
		}
		script := command.NewScript(countAndFail)
		keys := []string{"runs"}
		for _, words := range ownErrors {
			_, err := command.Eval(countAndFail, keys, words).Do(f.ctx, c)
			final(f, "EVAL", words, err)
			once()
			_, err = script.Call(keys, words).Do(f.ctx, c)
			final(f, "a script", words, err)
			once()
			p := c.Pipeline()
			future := script.Call(keys, words).Queue(&p.Batch)
			final(f, "a pipeline", words, p.Exec(f.ctx))
			final(f, "a future of a pipeline", words, future.Err())
			once()
			p = c.Pipeline()
			future = script.Call(keys, words).Queue(&p.Batch)
			final(f, "MULTI", words, p.Multi(f.ctx))
			final(f, "a future of MULTI", words, future.Err())
			once()
		}
	})
}

// A cluster's client follows no redirect that a script returns.
func TestErrorsOfScriptsAreFinalInClusters(t *testing.T) {
	sharedCluster(t, func(f *clusterFixture) {
		c := f.openCluster(nil)
		script := command.NewScript(countAndFail)
		keys := []string{"runs"}
		for i, words := range ownErrors {
			_, err := script.Call(keys, words).Do(f.ctx, c)
			final(f.fixture, "a script", words, err)
			p := c.Pipeline()
			future := script.Call(keys, words).Queue(&p.Batch)
			final(f.fixture, "a pipeline", words, p.Exec(f.ctx))
			final(f.fixture, "a future", words, future.Err())
			if n, err := command.AsInt(command.Get("runs")).Do(f.ctx, c); err != nil || int(n) != 2*(i+1) {
				f.Fatalf("it ran %d times, want %d (%v)", n, 2*(i+1), err)
			}
		}
	})
}
