package redis_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/redchan-go/redchan/redis"
	"github.com/redchan-go/redchan/redis/redistest"
)

// story runs a test under virtual time with a fake server and a client of it.
// The client is closed behind it; synctest fails the test where a goroutine is
// left.
func story(t *testing.T, o redis.Options, test func(t *testing.T, client *redis.Client, server *redistest.Server)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		server := redistest.NewServer(t)
		o.Dial = server.Dial
		client, err := redis.New(o)
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			start := time.Now()
			if err := client.Close(); err != nil {
				t.Errorf("Close: %v", err)
			}
			if took := time.Since(start); took > time.Second {
				t.Errorf("Close took %v", took)
			}
		}()
		test(t, client, server)
	})
}

// within fails the test where less than from or more than to has passed since
// start.
func within(t *testing.T, what string, start time.Time, from, to time.Duration) {
	t.Helper()
	if took := time.Since(start); took < from || took > to {
		t.Errorf("%s took %v, not between %v and %v", what, took, from, to)
	}
}
