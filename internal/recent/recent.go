// Package recent has a Go channel for what happens beside a stream: adding to it never waits,
// and where nobody receives, the oldest items go.
package recent

// Channel keeps the last items that nobody has received. Its methods are called with one lock
// held, which nobody holds while receiving. The zero Channel is not usable: set Max and Missed.
type Channel[T any] struct {
	// Max bounds the items that wait to be received.
	Max int
	// Missed returns where an item counts those in front of it that were thrown away.
	Missed func(*T) *int

	// early holds what was added before somebody asked for the Go channel, which
	// most never do: it costs room for Max items, a slice what it holds.
	early  []T
	out    chan T // nil until asked for
	missed int    // thrown away, not told yet
	closed bool
}

// Add adds an item, and throws the oldest away where there is no room.
func (c *Channel[T]) Add(item T) {
	if c.closed {
		return
	}
	if c.out == nil {
		if len(c.early) == c.Max {
			c.miss(&c.early[0])
			c.early = append(c.early[:0], c.early[1:]...)
		}
		*c.Missed(&item) = c.missed
		c.early = append(c.early, item)
		c.missed = 0
		return
	}
	for {
		*c.Missed(&item) = c.missed
		select {
		case c.out <- item:
			c.missed = 0
			return
		default:
		}
		// Full, unless somebody received meanwhile. Nobody else sends, so now
		// there is room.
		select {
		case oldest := <-c.out:
			c.miss(&oldest)
		default:
		}
	}
}

// miss counts an item that is thrown away, and those that it told of.
func (c *Channel[T]) miss(item *T) { c.missed += *c.Missed(item) + 1 }

// Chan returns the Go channel, made at the first call.
func (c *Channel[T]) Chan() <-chan T {
	if c.out == nil {
		c.out = make(chan T, c.Max)
		for _, item := range c.early {
			c.out <- item
		}
		c.early = nil
		if c.closed {
			close(c.out)
		}
	}
	return c.out
}

// Close closes the Go channel; what was added stays readable.
func (c *Channel[T]) Close() {
	c.closed = true
	if c.out != nil {
		close(c.out)
	}
}
