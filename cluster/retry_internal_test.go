package cluster

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// Who has waited for long begins with short pauses again when the topology is another one: the
// node that has taken over may say for a moment that the cluster is down.
func TestPausesBeginAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, err := New(Options{Addrs: []string{"a:1"}})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		p := newPatience(ctx)
		for range 20 {
			if !p.another(ctx, c, false) {
				t.Fatal("no attempt more")
			}
		}
		if p.pauses != 20 || p.Attempts != 21 {
			t.Errorf("%d pauses, %d attempts", p.pauses, p.Attempts)
		}
		again := make(chan bool)
		go func() { again <- p.another(ctx, c, false) }()
		synctest.Wait()
		c.tellWaiting()
		if !<-again || p.pauses != 0 || p.Attempts != 22 {
			t.Errorf("%d pauses, %d attempts", p.pauses, p.Attempts)
		}
	})
}
