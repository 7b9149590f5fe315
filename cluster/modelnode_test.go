package cluster_test

import (
	"strconv"
	"time"
)

// String returns the address.
func (n *modelNode) String() string {
	if n == nil {
		return "nobody"
	}
	return n.addr
}

func (n *modelNode) deaf() bool { return n.down || n.paused || !n.cutOff.IsZero() || n.left }

// reached reports whether messages reach a node, perhaps only when it goes on.
func (n *modelNode) reached() bool { return !n.down && n.cutOff.IsZero() && !n.left }

// well reports whether a node can take a part in what is to happen.
func (n *modelNode) well() bool { return !n.deaf() && !n.loading }

// modelSettling is how long news take at most, with a margin.
const modelSettling = 800 * time.Millisecond

// move gives a unit to a node, which the others hear of in time. c.mu is held.
func (c *modelCluster) move(u int, owner *modelNode) {
	c.epoch++
	c.Note("unit %d %s moves from %v to %v", u, c.units[u].tag, c.owner[u], owner)
	c.owner[u] = owner
	// What goes away and comes back before anybody has heard of it can't be noticed.
	if !c.moving[u] {
		c.moving[u] = true
		c.later(modelSettling, func() { c.moving[u] = false })
	}
	b := modelBelief{owner, c.epoch}
	for _, n := range c.nodes {
		if n == owner {
			n.learn(u, b)
		} else {
			n.hears(func() { n.learn(u, b) })
		}
	}
}

// learn takes news. c.mu is held.
func (n *modelNode) learn(u int, b modelBelief) {
	if b.epoch < n.believes[u].epoch {
		return
	}
	n.epoch = max(n.epoch, b.epoch)
	n.believes[u] = b
	n.c.Note("%v hears that unit %d is of %v", n, u, b.owner)
	if !n.serves(u) {
		n.takeAway(func(channel string) bool { return n.c.unit(channel) == u })
	}
	delete(n.migrating, u)
	delete(n.importing, u)
}

// serves reports whether a node serves a unit, as it believes.
func (n *modelNode) serves(u int) bool {
	owner := n.believes[u].owner
	return owner != nil && (owner == n || owner == n.master)
}

// hearAll lets a node hear all that it has missed. c.mu is held.
func (n *modelNode) hearAll() {
	for u, owner := range n.c.owner {
		n.learn(u, modelBelief{owner, n.c.epoch})
	}
}

// takeAway ends the shard subscriptions to some channels. c.mu is held.
func (n *modelNode) takeAway(which func(string) bool) {
	for _, conn := range n.connections() {
		for _, channel := range conn.names("SSUBSCRIBE") {
			if which(channel) {
				conn.send(conn.unsubscribed("SSUBSCRIBE", channel))
			}
		}
	}
}

// write changes a key at a primary, and has its replicas do so in time. c.mu is held.
func (n *modelNode) write(key, text string) {
	n.c.versions++
	w := modelWrite{key: key, value: modelValue{text, n.c.versions}}
	n.data[key] = w.value
	n.replicate(w)
}

// remove takes a key away, as MIGRATE does. c.mu is held.
func (n *modelNode) remove(key string) {
	delete(n.data, key)
	n.replicate(modelWrite{key: key, absent: true})
}

func (n *modelNode) replicate(w modelWrite) {
	if !n.cutOff.IsZero() {
		return
	}
	for _, r := range n.c.nodes {
		if r.master != n || r.down || r.left {
			continue
		}
		if n.c.replicates && !r.paused {
			r.apply(w)
			continue
		}
		if r.backlog = append(r.backlog, w); len(r.backlog) == 1 {
			r.catchUp()
		}
	}
}

// catchUp lets a replica apply what is on its way. c.mu is held.
func (n *modelNode) catchUp() {
	n.c.after(n.addr+" catches up", time.Duration(n.c.random.IntN(30_000_000)), func() {
		if n.paused || n.master == nil {
			return
		}
		n.applyAll()
	})
}

func (n *modelNode) applyAll() {
	for _, w := range n.backlog {
		n.apply(w)
	}
	n.backlog = nil
}

func (n *modelNode) apply(w modelWrite) {
	if w.absent {
		delete(n.data, w.key)
	} else {
		n.data[w.key] = w.value
	}
}

// promote gives a primary's units to its replica, which becomes one itself. c.mu is held.
func (c *modelCluster) promote(replica *modelNode, lossless bool) {
	old := replica.master
	if old == nil {
		return
	}
	c.Note("%v takes the place of %v", replica, old)
	if !lossless && len(replica.backlog) > 0 {
		replica.backlog = replica.backlog[:c.random.IntN(len(replica.backlog)+1)]
	}
	replica.applyAll()
	replica.master = nil
	if c.pushes {
		replica.takeAway(func(string) bool { return true })
	}
	for u, owner := range c.owner {
		if owner == old {
			c.move(u, replica)
		}
	}
	old.failed = !lossless
	old.busy++
	replica.busy++
	c.later(modelSettling, func() {
		old.busy--
		replica.busy--
	})
	for _, n := range c.nodes {
		if n.master == old {
			n.follow(replica)
		}
	}
	if lossless {
		old.demote(replica)
	}
}

// follow makes a node the replica of a primary, whose data it takes. c.mu is held.
func (n *modelNode) follow(primary *modelNode) {
	n.master, n.backlog = primary, nil
	n.data = make(map[string]modelValue, len(primary.data))
	for key, value := range primary.data {
		n.c.versions++
		n.data[key] = modelValue{value.text, n.c.versions} // whoever watches it knows
	}
}

// demote makes a node a replica that hears everything. c.mu is held.
func (n *modelNode) demote(primary *modelNode) {
	for primary.master != nil {
		primary = primary.master
	}
	n.failed = false
	n.c.Note("%v is back, and finds %v", n, primary)
	n.hearAll()
	if n == primary {
		return
	}
	n.demoted = time.Now()
	n.follow(primary)
	n.takeAway(func(channel string) bool { return !n.serves(n.c.unit(channel)) })
}

// kill ends a node with its connections. c.mu is held.
func (n *modelNode) kill() {
	n.down = true
	n.c.Note("%v is killed", n)
	n.cutAll()
}

// cutAll ends the connections of a node, one after the other. c.mu is held.
func (n *modelNode) cutAll() {
	for _, conn := range n.connections() {
		n.c.after(conn.name, time.Duration(n.c.drawn(10_000, "cut all", conn.name)), conn.cut)
	}
}

func (n *modelNode) pause() {
	n.paused = true
	n.c.Note("%v stands still", n)
	n.vague = time.Now().Add(time.Hour)
}

// resume lets a node go on. c.mu is held.
func (n *modelNode) resume() {
	if !n.paused {
		return
	}
	n.paused = false
	for i, s := range n.stalled { // one after the other
		n.c.after(s.conn.name, time.Duration(i)*time.Microsecond, s.run)
	}
	n.stalled = nil
	n.c.Note("%v goes on", n)
	n.vague = time.Now().Add(time.Second)
	n.trouble = time.Now()
	if n.master != nil {
		n.applyAll()
	}
}

// publish publishes a message with the next number to a channel. n is where it is published.
// c.mu is held.
func (n *modelNode) publish(kind, channel string) {
	c := n.c
	if kind != "SUBSCRIBE" && c.owner[c.unit(channel)] != n {
		return // the others take its place already: nobody is owed what is published here
	}
	number := strconv.Itoa(len(c.published))
	c.published = append(c.published, modelMessage{channel, time.Now(), n})
	c.Note("%v publishes %s %s", n, channel, number)
	switch kind {
	case "SSUBSCRIBE":
		for _, other := range c.nodes {
			if other != n && (other.master != n || !other.reached()) {
				continue
			}
			other.tell(kind, channel, "smessage", channel, number)
		}
	case "SUBSCRIBE":
		for _, other := range c.nodes {
			if other != n && (!other.reached() || !n.cutOff.IsZero()) {
				continue
			}
			other.tell(kind, channel, "message", channel, number)
		}
	case "PSUBSCRIBE":
		const pattern, event = "__keyevent@0__:set", "__keyevent@0__:set"
		n.tell(kind, pattern, "pmessage", pattern, event, channel+number)
	}
}

// tell pushes something to those who have subscribed to a name. c.mu is held.
func (n *modelNode) tell(kind, name string, push ...string) {
	raw := ">" + strconv.Itoa(len(push)) + "\r\n"
	for _, text := range push {
		raw += simBulk(text)
	}
	for _, conn := range n.connections() {
		if conn.subscribed[kind][name] {
			conn.send(raw) // by a paused node when it goes on
		}
	}
}
