package hub

import (
	"context"
	"maps"
	"slices"
	"sync"
)

// lives stops subscriptions when their contexts end. Those that share a context, as most
// of a program's do, are kept together: an AfterFunc for each would cost 200 bytes. It has a
// mutex of its own, which is held for memory operations only.
type lives struct {
	mu sync.Mutex
	// contexts holds those that are watched over, by their Done channels: contexts
	// that share one end together and with the same cause.
	contexts map[<-chan struct{}]*life
}

// life is a context, and whose life it is.
type life struct {
	subs map[*Subscriber]int // with a number, in the order in which they came
	next int
	stop func() bool // ends the watching over
}

// Live makes ctx the life of a subscription: when it ends, [Sink.LifeOver] is called.
func (s *Subscriber) Live(ctx context.Context) {
	done := ctx.Done()
	if done == nil {
		return
	}
	all := &s.hub.lives
	all.mu.Lock()
	defer all.mu.Unlock()
	if s.forgotten { // it has come to its end meanwhile
		return
	}
	l := all.contexts[done]
	if l == nil {
		l = &life{subs: make(map[*Subscriber]int, 1)}
		if all.contexts == nil {
			all.contexts = make(map[<-chan struct{}]*life)
		}
		all.contexts[done] = l
		l.stop = context.AfterFunc(ctx, func() { all.ended(ctx) })
	}
	l.subs[s] = l.next
	l.next++
	s.life = done
}

// ended stops the subscriptions of a context that has ended.
func (all *lives) ended(ctx context.Context) {
	all.mu.Lock()
	l := all.contexts[ctx.Done()]
	delete(all.contexts, ctx.Done())
	all.mu.Unlock()
	if l == nil {
		return
	}
	subs := slices.SortedFunc(maps.Keys(l.subs), func(a, b *Subscriber) int { // nobody else has l any more
		return l.subs[a] - l.subs[b]
	})
	for _, s := range subs {
		s.sink.LifeOver(ctx)
	}
}

// end forgets a subscription's context.
func (all *lives) end(s *Subscriber) {
	all.mu.Lock()
	defer all.mu.Unlock()
	s.forgotten = true
	l := all.contexts[s.life]
	if l == nil {
		return
	}
	delete(l.subs, s)
	if len(l.subs) == 0 {
		delete(all.contexts, s.life)
		l.stop()
	}
}
