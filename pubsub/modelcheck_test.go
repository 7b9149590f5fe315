package pubsub

import (
	"slices"
	"testing/synctest"
	"time"
)

// finish lets everything come to rest, checks each subscription, and closes it.
func (m *model) finish() {
	clear(m.forbidden)
	m.connect()
	m.rest()
	for _, s := range m.subs {
		for _, name := range s.Names() {
			if !m.subscribed[name] {
				m.Errorf("%v is wanted, but the server has it not", name)
			}
		}
	}
	m.mu.Lock()
	for _, s := range m.subs {
		for _, name := range modelNames {
			m.over(s, name)
			m.heard(s, name)
		}
		select {
		case <-s.Done():
			s.receive(m, 1000)
			drained := s.Err() == nil && !s.stopped
			if gap := s.Stats().FinalGap; gap != nil && drained {
				s.gap.merge(*gap)
			}
			m.check(s, !drained)
			continue
		default:
		}
		m.checkCounts(s)
		s.receive(m, 1000)
		s.Close()
		if gap := s.Stats().FinalGap; gap != nil {
			s.gap.merge(*gap)
		}
		m.check(s, false)
	}
	m.mu.Unlock()
	m.rest()
	m.wantClean()
	for name, subscribed := range m.subscribed {
		if subscribed {
			m.Errorf("the server still has %v", name)
		}
	}
	for _, s := range m.subs {
		s.cancel()
	}
}

// rest lets the server and the reader do all they can, until no call waits.
func (m *model) rest() {
	for range 10 {
		for {
			synctest.Wait()
			m.serve()
			if len(m.wire) == 0 {
				break
			}
			m.read(len(m.wire))
		}
		m.hub.Main().Flush()
		time.Sleep(time.Second)
	}
}

// checkCounts compares the count of the last confirmation with the names.
func (m *model) checkCounts(s *modelSub) {
	var want, got [2]int
	for _, name := range s.Names() {
		want[name.Kind/NameShard]++
	}
	for len(s.Events()) > 0 {
		if e := <-s.Events(); e.Kind == EventSubscribed || e.Kind == EventUnsubscribed {
			got[e.Name.Kind/NameShard] = e.Count
			if m.goesWrong("count", 10) {
				got[e.Name.Kind/NameShard]++
			}
		} else if e.Kind == EventDisconnected {
			got = [2]int{}
		}
	}
	if got != want {
		m.Errorf("the last counts are %v, but names are %v", got, s.Names())
	}
}

// expected returns all that was published within the spans of s.
func (s *modelSub) expected(m *model) []key {
	var keys []key
	for _, span := range s.spans {
		for number := span.from; number < span.to; number++ {
			channel := m.published[number]
			if modelMatches(span.name, channel.Name, channel.Kind == NameShard) {
				keys = append(keys, key{number, span.name})
			}
		}
	}
	slices.SortFunc(keys, key.compare)
	return keys
}

// check compares what was received with what was expected. A message that is
// missing must be told of by a gap behind the last message of its name, and not
// behind the next. A subscription that was stopped owes nothing behind the last.
func (m *model) check(s *modelSub, stopped bool) {
	// told[name] is the gap since the last message of that name.
	told := map[Name]*Gap{}
	for _, name := range modelNames {
		told[name] = new(Gap)
	}
	tell := func(gap Gap) {
		for _, since := range told {
			since.merge(gap)
		}
	}
	expected := s.expected(m)
	missing := map[Name]int{}
	// count takes the expected messages of a name up to one that was received,
	// or up to the end.
	count := func(name Name, before int) {
		expected = slices.DeleteFunc(expected, func(k key) bool {
			if k.name != name || k.number >= before {
				return false
			}
			if told[name].Reason == 0 {
				m.Fatalf("%v is missing, and no gap tells of it\nreceived %v\ngaps %v\nspans %v\nerror %v",
					k, s.received, s.gaps, s.spans, s.Err())
			}
			missing[name]++
			return true
		})
		if told[name].Reason == Overflow && uint64(missing[name]) > told[name].Dropped {
			m.Fatalf("%d are missing, but the gap tells of %d", missing[name], told[name].Dropped)
		}
		missing[name] = 0
		*told[name] = Gap{}
	}
	for i, k := range s.received {
		if i > 0 && s.received[i-1].compare(k) >= 0 {
			m.Fatalf("%v came after %v", k, s.received[i-1])
		}
		for _, silence := range s.silences {
			if k.name == silence.name && k.number >= silence.from && k.number < silence.to {
				m.Fatalf("%v came, but Unsubscribe had returned: %v", k, silence)
			}
		}
		tell(s.gaps[i])
		count(k.name, k.number)
		expected = slices.DeleteFunc(expected, func(e key) bool { return e == k })
	}
	if !stopped {
		tell(s.gap)
		for _, name := range modelNames {
			count(name, len(m.published))
		}
	}
}
