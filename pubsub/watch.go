package pubsub

import (
	"context"
	"maps"
	"slices"
	"sync"
)

// watch stops subscriptions when their contexts end. Those that share a context, as most
// of a program's do, are watched together: a watch for each would cost 200 bytes. It has a
// mutex of its own, which is held for memory operations only.
type watch struct {
	mu sync.Mutex
	// lives holds the contexts that are watched, by their Done channels: contexts
	// that share one end together and with the same cause.
	lives map[<-chan struct{}]*life
}

// life is a context, and whose life it is.
type life struct {
	subs map[*Subscription]int // with a number, in the order in which they came
	next int
	stop func() bool // ends the watching
}

// begin watches over the context of a subscription.
func (w *watch) begin(ctx context.Context, s *Subscription) {
	done := ctx.Done()
	if done == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if s.unwatched { // it has come to its end meanwhile
		return
	}
	l := w.lives[done]
	if l == nil {
		l = &life{subs: make(map[*Subscription]int, 1)}
		if w.lives == nil {
			w.lives = make(map[<-chan struct{}]*life)
		}
		w.lives[done] = l
		l.stop = context.AfterFunc(ctx, func() { w.ended(ctx) })
	}
	l.subs[s] = l.next
	l.next++
	s.life = done
}

// ended stops the subscriptions of a context that has ended.
func (w *watch) ended(ctx context.Context) {
	w.mu.Lock()
	l := w.lives[ctx.Done()]
	delete(w.lives, ctx.Done())
	w.mu.Unlock()
	if l == nil {
		return
	}
	err := lifeError(ctx)
	subs := slices.SortedFunc(maps.Keys(l.subs), func(a, b *Subscription) int { // nobody else has l any more
		return l.subs[a] - l.subs[b]
	})
	for _, s := range subs {
		s.stop(err)
	}
}

// end ends the watching over a subscription's context.
func (w *watch) end(s *Subscription) {
	w.mu.Lock()
	defer w.mu.Unlock()
	s.unwatched = true
	l := w.lives[s.life]
	if l == nil {
		return
	}
	delete(l.subs, s)
	if len(l.subs) == 0 {
		delete(w.lives, s.life)
		l.stop()
	}
}
