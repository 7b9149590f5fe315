package simulation

import (
	"cmp"
	"container/heap"
	"fmt"
	"hash/fnv"
	"slices"
	"sync"
	"testing/synctest"
	"time"
)

// Scheduler runs the events of a simulated world one at a time, in a synctest bubble. Before
// each event everything that the last one has set off in the code under test has come to rest.
// Which of several events of the same instant comes first is drawn from the seed; events of the
// same actor keep their order. So a seed gives the same history each time, on any machine, as
// long as the world's chances are drawn in events, or from the seed alone.
//
// Its methods are safe for concurrent use, but for RunFor.
type Scheduler struct {
	seed uint64
	more chan struct{} // capacity 1: an event was added

	mu     sync.Mutex
	events events
	added  map[string]uint64 // by actor
	trace  []string
	heard  []string // noted by goroutines since the last event
}

// NewScheduler returns a scheduler without events.
func NewScheduler(seed uint64) *Scheduler {
	return &Scheduler{seed: seed, more: make(chan struct{}, 1), added: make(map[string]uint64)}
}

// event is something that an actor does at a time.
type event struct {
	due    time.Time
	chance uint64 // drawn from the seed, the actor and the time
	number uint64 // among the actor's events
	run    func()
}

// After has an actor do something later. The actor's name must not depend on the order in
// which concurrent goroutines run.
func (s *Scheduler) After(actor string, delay time.Duration, run func()) {
	due := time.Now().Add(delay)
	chance := fnv.New64a()
	fmt.Fprint(chance, s.seed, actor, due.UnixNano())
	s.mu.Lock()
	s.added[actor]++
	heap.Push(&s.events, event{due, chance.Sum64(), s.added[actor], run})
	s.mu.Unlock()
	select {
	case s.more <- struct{}{}:
	default:
	}
}

// RunFor runs what is due within a time, and returns when it is over and all is at rest.
func (s *Scheduler) RunFor(d time.Duration) {
	end := time.Now().Add(d)
	for {
		synctest.Wait()
		s.mu.Lock()
		wait := time.Until(end)
		if len(s.events) > 0 {
			wait = min(wait, time.Until(s.events[0].due))
		}
		if len(s.events) > 0 && wait <= 0 && !s.events[0].due.After(end) {
			next := heap.Pop(&s.events).(event)
			s.noteHeard()
			s.mu.Unlock()
			next.run()
			continue
		}
		s.noteHeard()
		s.mu.Unlock()
		if wait <= 0 {
			return
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-s.more:
			timer.Stop()
		}
	}
}

// Note adds a line to the trace. It is called in events.
func (s *Scheduler) Note(format string, args ...any) {
	line := time.Now().Format("05.000000000 ") + fmt.Sprintf(format, args...)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.trace = append(s.trace, line)
}

// Hear adds a line to the trace from any goroutine. What several of them add between two events is
// sorted, because their order is the Go scheduler's.
func (s *Scheduler) Hear(format string, args ...any) {
	line := time.Now().Format("05.000000000 ") + fmt.Sprintf(format, args...)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.heard = append(s.heard, line)
}

// noteHeard adds what was heard to the trace. s.mu is held, and all is at rest.
func (s *Scheduler) noteHeard() {
	slices.Sort(s.heard)
	s.trace = append(s.trace, s.heard...)
	s.heard = nil
}

// Trace returns what was logged.
func (s *Scheduler) Trace() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.trace
}

// events is a heap.
type events []event

func (e events) Len() int { return len(e) }
func (e events) Less(i, j int) bool {
	return cmp.Or(e[i].due.Compare(e[j].due), cmp.Compare(e[i].chance, e[j].chance), cmp.Compare(e[i].number, e[j].number)) < 0
}
func (e events) Swap(i, j int) { e[i], e[j] = e[j], e[i] }
func (e *events) Push(x any)   { *e = append(*e, x.(event)) }
func (e *events) Pop() any {
	last := len(*e) - 1
	x := (*e)[last]
	(*e)[last] = event{}
	*e = (*e)[:last]
	return x
}

// Serve runs events when they are due, until stop is closed, and doesn't wait for anything to
// come to rest: for a test that does so itself, and tells a story of its own.
func (s *Scheduler) Serve(stop <-chan struct{}) {
	for {
		wait := time.Hour
		s.mu.Lock()
		if len(s.events) > 0 {
			wait = time.Until(s.events[0].due)
		}
		if len(s.events) > 0 && wait <= 0 {
			next := heap.Pop(&s.events).(event)
			s.mu.Unlock()
			next.run()
			continue
		}
		s.mu.Unlock()
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-s.more:
			timer.Stop()
		case <-stop:
			timer.Stop()
			return
		}
	}
}
