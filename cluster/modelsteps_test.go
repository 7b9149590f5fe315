package cluster_test

import (
	"context"
	"maps"
	"slices"
	"time"
)

// pick returns a node, nil where none is like that.
func (c *modelCluster) pick(like func(*modelNode) bool) *modelNode {
	var nodes []*modelNode
	for _, n := range c.nodes {
		if like(n) {
			nodes = append(nodes, n)
		}
	}
	if len(nodes) == 0 {
		return nil
	}
	return nodes[c.random.IntN(len(nodes))]
}

// idle reports whether a node has no part in what happens.
func (n *modelNode) idle() bool { return n.well() && n.busy == 0 }

// primary returns a primary that is well, another than one.
func (c *modelCluster) primary(like func(*modelNode) bool) *modelNode {
	return c.pick(func(n *modelNode) bool { return n.master == nil && like(n) })
}

// milliseconds returns a random time.
func (c *modelCluster) milliseconds(least, most int) time.Duration {
	return time.Duration(least)*time.Millisecond + time.Duration(c.random.Int64N(int64(most-least)*int64(time.Millisecond)))
}

// step lets something happen. m.mu is held.
func (m *model) step() {
	switch n := m.random.IntN(26); {
	case n < 6:
		m.migrate()
	case n < 8:
		m.moveAtOnce()
	case n < 10:
		m.failOver("manual")
	case n < 12:
		m.failOver("kill")
	case n < 13:
		m.failOver("pause")
	case n < 14:
		m.failOver("cut off")
	case n < 15:
		m.unserve()
	case n < 17:
		m.standStill()
	case n < 19:
		m.slowDown()
	case n < 21:
		if node := m.pick((*modelNode).well); node != nil {
			node.cutAll()
		}
	case n < 22:
		m.restartReplica()
	case n < 23:
		m.join()
	case n < 24:
		m.leave()
	}
	m.askOften()
}

// migrate moves a unit key by key.
func (m *model) migrate() {
	u := m.random.IntN(len(modelTags))
	from := m.owner[u]
	to := m.primary(func(n *modelNode) bool { return n != from && n.idle() })
	if from == nil || to == nil || !from.idle() || m.moving[u] {
		return
	}
	m.moving[u] = true
	from.busy++
	to.busy++
	from.migrating[u], to.importing[u] = to, true
	var at time.Duration
	for _, key := range modelCounters(m.units[u].tag) {
		at += m.milliseconds(5, 100)
		m.later(at, func() { m.moveKey(key, from, to) })
	}
	for _, key := range slices.Sorted(maps.Keys(from.data)) {
		if m.unit(key) == u && modelBase(key) == 0 {
			m.later(at, func() { m.moveKey(key, from, to) })
		}
	}
	m.later(at+m.milliseconds(5, 50), func() {
		m.moving[u] = false
		from.busy--
		to.busy--
		m.moveRest(u, from, to)
		m.move(u, to)
		// The one that loses it is told too.
		from.learn(u, modelBelief{to, m.epoch})
	})
}

func (m *model) moveKey(key string, from, to *modelNode) {
	if v, ok := from.data[key]; ok {
		to.write(key, v.text)
		from.remove(key)
	}
}

// moveRest moves the keys of a unit that are left.
func (m *model) moveRest(u int, from, to *modelNode) {
	for _, key := range slices.Sorted(maps.Keys(from.data)) {
		if m.unit(key) == u {
			m.moveKey(key, from, to)
		}
	}
}

// moveAtOnce moves a unit with all its keys.
func (m *model) moveAtOnce() {
	u := m.random.IntN(len(m.units))
	from := m.owner[u]
	to := m.primary(func(n *modelNode) bool { return n != from && n.idle() })
	if from == nil || to == nil || !from.idle() || m.moving[u] {
		return
	}
	m.moveRest(u, from, to)
	m.move(u, to)
	from.learn(u, modelBelief{to, m.epoch})
}

// failOver gives the slots of a primary to its replica, in one of several ways, and brings the
// old one back later.
func (m *model) failOver(how string) {
	replicaOf := func(n *modelNode) *modelNode {
		return m.pick(func(r *modelNode) bool { return r.master == n && r.idle() })
	}
	old := m.primary(func(n *modelNode) bool { return n.idle() && replicaOf(n) != nil })
	if old == nil {
		return
	}
	replica := replicaOf(old)
	if how == "manual" {
		m.promote(replica, true)
		return
	}
	old.busy++
	replica.busy++
	m.lossy = true
	switch how {
	case "kill":
		old.kill()
	case "pause":
		old.pause()
		m.silent = true
	case "cut off":
		old.cutOff = time.Now()
		m.silent = true
	}
	promoted := m.milliseconds(700, 1500)
	m.later(promoted, func() { m.promote(replica, false) })
	m.later(promoted+m.milliseconds(1, 2000), func() {
		replica.busy--
		old.cutOff = time.Time{}
		if old.down && m.random.IntN(3) == 0 {
			old.addr = m.newAddr()
		}
		if old.down && m.random.IntN(3) == 0 {
			old.loading = true
		}
		old.down = false
		old.resume()
		m.later(m.milliseconds(1, 20), func() { old.demote(replica) })
		m.later(m.milliseconds(20, 300), func() {
			old.loading = false
			old.busy--
		})
	})
}

// unserve lets nobody serve a unit for a while.
func (m *model) unserve() {
	u := m.random.IntN(len(m.units))
	owner := m.owner[u]
	if owner == nil || !owner.idle() || m.moving[u] {
		return
	}
	m.moving[u] = true
	owner.busy++
	m.move(u, nil)
	owner.learn(u, modelBelief{nil, m.epoch})
	m.later(m.milliseconds(1, 2000), func() {
		m.moving[u] = false
		owner.busy--
		m.move(u, owner)
	})
}

// standStill lets a node stand still, too short for the others to care.
func (m *model) standStill() {
	n := m.pick((*modelNode).idle)
	if n == nil {
		return
	}
	n.busy++
	n.pause()
	m.silent = true
	m.later(m.milliseconds(1, 1500), func() {
		n.busy--
		n.resume()
		n.hearAll()
	})
}

// slowDown makes a node slow for a while.
func (m *model) slowDown() {
	n := m.pick((*modelNode).well)
	if n == nil || n.delay > 0 {
		return
	}
	n.delay = m.milliseconds(1, 40)
	m.later(m.milliseconds(100, 1000), func() {
		n.delay = 0
		n.vague = time.Now().Add(time.Second)
	})
}

// restartReplica ends a replica, which comes back, perhaps with another port.
func (m *model) restartReplica() {
	n := m.pick(func(n *modelNode) bool { return n.master != nil && n.idle() })
	if n == nil {
		return
	}
	n.busy++
	n.kill()
	m.silent = true
	m.later(m.milliseconds(10, 1000), func() {
		if m.random.IntN(2) == 0 {
			n.addr = m.newAddr()
		}
		n.down, n.loading = false, true
		n.demote(n.master)
	})
	m.later(m.milliseconds(1000, 1300), func() {
		n.busy--
		n.loading = false
	})
}

// join adds a node, a replica or a primary without slots.
func (m *model) join() {
	if len(m.nodes) > 11 {
		return
	}
	n := m.newNode()
	n.believes = make([]modelBelief, len(m.units))
	n.hearAll()
	if m.random.IntN(2) == 0 {
		primary := m.primary((*modelNode).idle)
		if primary == nil {
			return
		}
		n.follow(primary)
		n.loading = true
		m.later(m.milliseconds(1, 500), func() { n.loading = false })
	}
	m.nodes = append(m.nodes, n)
}

// leave lets the others forget a node without slots, which ends some time later, or never.
func (m *model) leave() {
	n := m.pick(func(n *modelNode) bool {
		return n.idle() && !slices.Contains(m.owner, n) && !slices.ContainsFunc(m.nodes, func(r *modelNode) bool { return r.master == n })
	})
	if n == nil {
		return
	}
	n.busy++
	n.left, n.cutOff = true, time.Now()
	m.silent = true
	if m.random.IntN(2) == 0 {
		m.later(m.milliseconds(1, 1500), n.kill)
	}
}

// askOften asks a node for the topology as the client must not.
func (m *model) askOften() {
	if !m.goesWrong("refresh", 1) {
		return
	}
	t := m.client.Topology()
	if t == nil {
		return
	}
	if n, err := m.client.Node(t.From); err == nil {
		m.tasks.Go(func() {
			for range 2 {
				_, _ = n.ClusterShards(context.Background())
			}
		})
	}
}
