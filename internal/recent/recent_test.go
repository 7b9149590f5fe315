package recent

import (
	"slices"
	"testing"
)

type item struct{ n, missed int }

func newChannel() *Channel[item] {
	return &Channel[item]{Max: 3, Missed: func(i *item) *int { return &i.missed }}
}

// received returns what is there.
func received(c *Channel[item]) (items []item) {
	for len(c.Chan()) > 0 {
		items = append(items, <-c.Chan())
	}
	return items
}

// The last items are kept, whether the Go channel is asked for before or after, and those thrown
// away are counted once, also where the item that counted them is thrown away itself.
func TestChannel(t *testing.T) {
	for name, early := range map[string]bool{"asked for before": true, "asked for after": false} {
		t.Run(name, func(t *testing.T) {
			c := newChannel()
			if early {
				c.Chan()
			}
			for n := range 7 {
				c.Add(item{n: n})
			}
			if got := received(c); total(got) != 4 || len(got) != 3 || got[0].n != 4 || got[2].n != 6 {
				t.Errorf("received %v, want 4, 5 and 6, and 4 missed in all", got)
			}
			c.Add(item{n: 7})
			if got := received(c); !slices.Equal(got, []item{{7, 0}}) {
				t.Errorf("received %v", got)
			}
			c.Add(item{n: 8})
			c.Close()
			c.Add(item{n: 9}) // too late
			if got := received(c); !slices.Equal(got, []item{{8, 0}}) {
				t.Errorf("received %v", got)
			}
			if _, ok := <-c.Chan(); ok {
				t.Error("the Go channel is not closed")
			}
		})
	}
}

func total(items []item) (missed int) {
	for _, i := range items {
		missed += i.missed
	}
	return missed
}

// A Go channel that is asked for after the end has what was added before.
func TestClosedBefore(t *testing.T) {
	c := newChannel()
	c.Add(item{n: 1})
	c.Close()
	if got, ok := <-c.Chan(); got.n != 1 || !ok {
		t.Errorf("received %v, %v", got, ok)
	}
	if _, ok := <-c.Chan(); ok {
		t.Error("the Go channel is not closed")
	}
}
