package shard

import (
	"fmt"
	"slices"
	"time"

	"github.com/redchan-go/redchan/cluster/slot"
)

// finish lets the cluster come to rest, and checks.
func (m *model) finish() {
	m.pace = restPace
	m.RunFor(90 * time.Second)
	m.resting = true
	m.RunFor(time.Second)
	m.tasks.Wait()
	m.checkNodes()
	for _, s := range m.subs {
		m.checkMoves(s)
		m.over(s, channels)
	}
	// Whoever waits for a message to be told of a gap is told by the end.
	closed := make(chan struct{})
	go func() {
		m.mux.Close(nil)
		close(closed)
	}()
	m.RunFor(time.Second)
	<-closed
	for _, s := range m.subs {
		<-s.done
		for _, one := range s.items {
			m.Note("%d received %v at %v", s.number, one, one.at.Format("05.000000"))
		}
		m.checkSub(s)
	}
	m.cluster.mu.Lock()
	for _, n := range m.nodes {
		for l := range n.links {
			m.Errorf("a connection to %s is left", l.node.addr)
		}
	}
	m.cluster.mu.Unlock()
}

// checkNodes checks that what is wanted is subscribed where it is served, and nowhere else.
func (m *model) checkNodes() {
	wanted := map[string]bool{}
	for _, s := range m.subs {
		if !s.ended {
			for _, name := range s.Names() {
				wanted[name.Name] = true
			}
		}
	}
	m.cluster.mu.Lock()
	defer m.cluster.mu.Unlock()
	if simulated.Fault("leak") {
		for l := range m.nodes[0].links {
			l.subscribed["{a}0"] = true
		}
	}
	on := map[string][]string{}
	for _, n := range m.nodes {
		for l := range n.links {
			for _, name := range sorted(l.subscribed) {
				on[name] = append(on[name], n.addr)
				if !wanted[name] {
					m.Errorf("%s is subscribed where nobody wants it: on %s", name, n.addr)
				}
			}
		}
	}
	for _, name := range sorted(wanted) {
		owner := m.owner[slot.Of(name)]
		if owner == nil {
			continue
		}
		good := []string{owner.addr}
		if m.mux.o.Replicas {
			for _, n := range m.nodes {
				if n.master == owner {
					good = append(good, n.addr)
				}
			}
		}
		if len(on[name]) != 1 || !slices.Contains(good, on[name][0]) {
			m.Errorf("%s is not subscribed where it is served: on %v, which is %v", name, on[name], good)
		}
	}
}

// checkMoves checks that the moves of a subscription lead from node to node, to where each
// channel is now.
func (m *model) checkMoves(s *modelSub) {
	at := map[string]string{} // where the last move has led
	moves := s.Moves()
	for len(moves) > 0 {
		move := <-moves
		if m.goesWrong("move", 2) {
			continue
		}
		m.Note("%d: %v", s.number, move)
		if move.From == move.To || move.Gap.Reason == 0 || move.Gap.From.After(move.Gap.To) || move.Gap.To.After(move.Time) || move.Missed > 0 {
			m.Errorf("%+v is no move", move)
		}
		if before := at[move.Channel]; before != "" && before != move.From && !s.left[move.Channel] {
			m.Errorf("%v says that it comes from there, but it was on %s", move, before)
		}
		at[move.Channel] = move.To
	}
	if s.ended {
		return
	}
	for _, name := range s.Names() {
		node, served := s.Node(name.Name)
		if before := at[name.Name]; before != "" && m.goesWrong("node", 1) {
			node = "node:0"
		}
		m.cluster.mu.Lock()
		i := slices.IndexFunc(m.nodes, func(n *simNode) bool { return n.addr == node })
		subscribed := i >= 0 && slices.ContainsFunc(m.nodes[i].connections(), func(l *simLink) bool { return l.subscribed[name.Name] })
		uncovered := m.owner[slot.Of(name.Name)] == nil
		m.cluster.mu.Unlock()
		if served != subscribed && !uncovered || node != "" != served {
			m.Errorf("%s is said to be on %q, %v", name.Name, node, served)
		}
		if before := at[name.Name]; before != "" && before != node && served && !s.left[name.Name] {
			m.Errorf("%s has moved to %s last, and is said to be on %s", name.Name, before, node)
		}
	}
}

// checkSub checks what a subscription has received against what was published.
func (m *model) checkSub(s *modelSub) {
	last := map[string]int{}      // the last message of each channel
	unproven := map[string]bool{} // a gap came behind it
	gaps := 0
	var gapAt []int
	for i, one := range s.items {
		if one.gap != nil {
			gaps++
			gapAt = append(gapAt, i)
			for channel := range last {
				unproven[channel] = true
			}
			continue
		}
		// Two nodes may send the same while a channel moves from one to the other.
		overlap := unproven[one.channel] && m.published[last[one.channel]].at.Sub(m.published[one.number].at) < overlapping
		delete(unproven, one.channel)
		if before, ok := last[one.channel]; ok && one.number <= before && !overlap {
			m.Errorf("message %d of %s, published at %v, came after %d\nit is item %d of %v", one.number, one.channel,
				m.published[one.number].at.Format("05.000"), before, i, s.items[max(0, i-8):min(len(s.items), i+4)])
		}
		last[one.channel] = one.number
	}
	if final := s.Stats().FinalGap; final != nil {
		gaps++
		gapAt = append(gapAt, len(s.items))
	}
	if m.calm && gaps > 0 {
		m.Errorf("nothing has happened, and there are %d gaps, such as %v", gaps, s.items)
	}
	received := map[int]int{} // the place of each message
	for i, one := range s.items {
		if one.gap == nil {
			received[one.number] = i
		}
	}
	m.cluster.mu.Lock()
	defer m.cluster.mu.Unlock()
	for _, sp := range s.spans {
		// Each message that is missing lies between two that came: a gap does too.
		from := -1
		missing := -1
		told := func(to int) {
			if missing >= 0 && !slices.ContainsFunc(gapAt, func(at int) bool { return at > from && at <= to }) {
				m.Errorf("message %d of %s, published at %v, is missing, and no gap tells of it\nit lies between items %d and %d of %d; gaps at %v",
					missing, sp.channel, m.published[missing].at.Format("05.000"), from, to, len(s.items), gapAt)
			}
			missing = -1
		}
		for number := sp.from; number < sp.to; number++ {
			if m.published[number].channel != sp.channel {
				continue
			}
			at, ok := received[number]
			if !ok {
				if missing < 0 {
					missing = number
				}
				continue
			}
			told(at)
			from = at
		}
		// What is last may have been on its way when the span ended, or a node had not
		// been found out yet that says nothing.
		patience := 600 * time.Millisecond
		if m.silent {
			patience += 15 * time.Second
		}
		if missing >= 0 && sp.end.Sub(m.published[missing].at) > patience {
			told(len(s.items))
		}
	}
}

// String describes an item.
func (i item) String() string {
	if i.gap != nil {
		return i.gap.String()
	}
	return fmt.Sprintf("%s %d", i.channel, i.number)
}
