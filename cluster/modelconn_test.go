package cluster_test

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/redchan-go/redchan/internal/simulation"
	"github.com/redchan-go/redchan/redis/redistest"
)

// modelConn is one connection to a node: what has arrived runs in an event, and each reply
// is sent in one. All of it is guarded by the cluster's lock.
//
// The client has several goroutines write to a connection, in an order of the Go scheduler's.
// So what has arrived at one instant runs in an order of the model's, see [modelConn.units],
// while the replies are in the order that the client waits for.
type modelConn struct {
	node    *modelNode
	conn    *redistest.Conn
	name    string // of its events
	named   bool   // by what it is for, and not by when it was made alone
	up      time.Duration
	latency time.Duration // of replies
	gone    bool
	left    time.Time // when the client closed it

	arrived []modelCommand // not run yet
	serving bool           // an event is to run some of them
	replies []string       // on their way, an event for each
	due     time.Time      // of the last of them

	readOnly, asking bool
	multi, refused   bool
	queue            [][]string
	watched          map[string]int             // keys and their versions
	subscribed       map[string]map[string]bool // names by the command
}

// modelCommand is a command as it arrived.
type modelCommand struct {
	words  []string
	caller string // whose it is, as its keys say; empty for the client's own
	at     time.Time
}

// serve begins a connection. Several that are made at one instant to one node are alike until
// they are named.
func (n *modelNode) serve(conn *redistest.Conn) {
	n.c.mu.Lock()
	defer n.c.mu.Unlock()
	c := &modelConn{
		node: n, conn: conn, name: fmt.Sprintf("%s/%v", n.addr, time.Since(n.c.began)),
		watched: map[string]int{}, subscribed: map[string]map[string]bool{},
	}
	c.up = time.Duration(1 + n.c.drawn(200_000, "up", c.name))
	c.latency = time.Duration(1 + n.c.drawn(3_000_000, "latency", c.name))
	n.conns[c] = true
	n.c.Hear("connected to %v", n)
	go func() {
		conn.Serve(c.take)
		n.c.mu.Lock()
		defer n.c.mu.Unlock()
		c.left = time.Now()
		c.cut()
		delete(n.conns, c)
	}()
}

// connections returns the connections of a node, in an order. c.mu is held.
func (n *modelNode) connections() []*modelConn {
	return slices.SortedFunc(maps.Keys(n.conns), func(a, b *modelConn) int { return cmp.Compare(a.name, b.name) })
}

// cut ends the connection: what is on its way is lost. The cluster's lock is held.
func (c *modelConn) cut() {
	if c.gone {
		return
	}
	c.gone = true
	c.node.trouble = time.Now()
	c.conn.Close()
}

// send has something sent to the client.
func (c *modelConn) send(raw string) {
	if len(c.replies) == 4096 { // the output buffer is full
		c.cut()
	}
	if c.gone || raw == "" {
		return
	}
	if due := time.Now().Add(c.latency); due.After(c.due) {
		c.due = due
	}
	c.replies = append(c.replies, raw)
	c.node.c.after(c.name, time.Until(c.due), c.deliver)
}

// deliver sends what is due first, by a paused node when it goes on.
func (c *modelConn) deliver() {
	n := c.node
	switch {
	case n.paused:
		n.stalled = append(n.stalled, modelStalled{c, c.deliver})
	case !c.gone && !n.down:
		raw := c.replies[0]
		c.replies = c.replies[1:]
		c.conn.Send(raw)
	}
}

// take notes a command that has arrived.
func (c *modelConn) take(words []string) (raw string, ok bool) {
	n := c.node
	n.c.mu.Lock()
	defer n.c.mu.Unlock()
	command := modelCommand{at: time.Now()}
	for i, word := range words {
		if key, caller, ok := strings.Cut(word, modelSuffix); ok {
			words[i], command.caller = key, caller
		}
	}
	if strings.HasSuffix(words[0], "SUBSCRIBE") { // its order is that of a map
		slices.Sort(words[1:])
	}
	command.words = words
	c.identify(command)
	c.arrived = append(c.arrived, command)
	c.proceed()
	return "", !c.gone
}

// modelSuffix stands in keys before the number of their caller, so that the model knows whose a
// command is. The model's keys are without it.
const modelSuffix = "@@"

// proceed has what has arrived run in an event.
func (c *modelConn) proceed() {
	if !c.serving && len(c.arrived) > 0 && !c.gone {
		c.serving = true
		c.node.c.after(c.name, c.up, c.begin)
	}
}

// begin begins to run what has arrived at one instant, unless the client has left at the same one: then
// it is the Go scheduler's choice what of it was written.
func (c *modelConn) begin() {
	n := c.node
	if c.left.Equal(c.arrived[0].at) {
		return
	}
	for _, command := range c.arrived {
		if command.at.Equal(c.arrived[0].at) && command.words[0] == "CLUSTER" && command.words[1] == "SHARDS" {
			n.isAsked(command.at)
		}
	}
	if n.delay > 0 {
		n.c.after(c.name, n.delay, c.perform)
		return
	}
	c.perform()
}

// perform runs what has arrived at one instant when the node is able to, also where the client has
// gone meanwhile.
func (c *modelConn) perform() {
	n := c.node
	if n.paused {
		n.stalled = append(n.stalled, modelStalled{c, c.perform})
		return
	}
	if n.down || len(c.arrived) == 0 {
		c.cut()
		return
	}
	c.serving = false
	all := c.arrived
	count := slices.IndexFunc(all, func(command modelCommand) bool { return !command.at.Equal(all[0].at) })
	if count < 0 {
		count = len(all)
	}
	c.arrived = all[count:]
	units := c.units(all[:count])
	replies := make([]string, len(units))
	for turn, at := range c.order(units) {
		for place, command := range units[at] {
			raw, ok := c.runOne(command.words, turn, place)
			if !ok {
				c.cut()
				return
			}
			replies[at] += raw
		}
	}
	together := len(units) > 1 && len(c.callers(units)) > 1
	for _, raw := range replies {
		if !together {
			c.send(raw)
		}
	}
	if together { // else their order would tell in which they have arrived
		c.send(strings.Join(replies, ""))
	}
	c.proceed()
}

// identify names a connection by its first command after the handshake: what it is for.
func (c *modelConn) identify(first modelCommand) {
	if c.named {
		return
	}
	what := "commands"
	switch words := first.words; words[0] {
	case "HELLO", "CLIENT", "READONLY":
		return
	case "SUBSCRIBE", "PSUBSCRIBE", "SSUBSCRIBE":
		what = strings.Join(words, " ")
	case "WATCH":
		what = "caller " + first.caller
	}
	c.named = true
	c.name += "/" + what
	if c.node.c.names[c.name]++; c.node.c.names[c.name] > 1 {
		c.name += fmt.Sprintf("#%d", c.node.c.names[c.name])
		c.node.c.Hear(simulation.Unordered) // it can't be told from another one
	}
}

// runOne runs one command of a unit, or ends the connection before it or after.
func (c *modelConn) runOne(words []string, turn, place int) (raw string, ok bool) {
	n := c.node
	cut := n.c.drawn(150, "cut", c.name, turn, place)
	if n.c.calm || n.c.rests || words[0] == "HELLO" || words[0] == "CLIENT" {
		cut = 150
	}
	if cut == 0 {
		n.c.Note("%s: %s: cut before", c.name, shown(words))
		return "", false
	}
	raw = c.reply(words)
	n.c.Note("%s: %s: %.60q", c.name, shown(words), shownReply(words, raw))
	if cut == 1 {
		if n.c.goesWrong("repeat", 1) { // as if it was sent again
			c.reply(words)
		}
		n.c.Note("%s: cut", c.name)
		return "", false
	}
	return raw, true
}

// shown returns a command for the trace, without tokens, which are random.
func shown(words []string) string {
	if words[0] == "PING" {
		return "PING"
	}
	return strings.Join(words, " ")
}

func shownReply(words []string, raw string) string {
	if words[0] == "PING" || words[0] == "CLUSTER" {
		return ""
	}
	return raw
}

// units returns commands that arrived together in runs that belong together, in the order in which
// they arrived: a transaction, what ASKING is for, a subscription with the PING that ends it.
func (c *modelConn) units(all []modelCommand) [][]modelCommand {
	var units [][]modelCommand
	multi, goesOn := c.multi, false
	for i, command := range all {
		name := command.words[0]
		if goesOn = goesOn || multi; goesOn && i > 0 {
			last := len(units) - 1
			units[last] = append(units[last], command)
		} else {
			units = append(units, []modelCommand{command})
		}
		multi = (multi || name == "MULTI") && name != "EXEC"
		goesOn = name == "ASKING" || strings.HasSuffix(name, "SUBSCRIBE")
	}
	return units
}

// callerOf returns whose a unit is, empty for the client's own.
func callerOf(unit []modelCommand) string {
	for _, command := range unit {
		if command.caller != "" {
			return command.caller
		}
	}
	return ""
}

func (c *modelConn) callers(units [][]modelCommand) map[string]bool {
	callers := map[string]bool{}
	for _, unit := range units {
		callers[callerOf(unit)] = true
	}
	return callers
}

// order returns the order in which units that arrived together are run, as indexes: the callers' one
// after the other, each one's in the order in which they arrived. Subscriptions, which come in the
// order of a map, are sorted.
func (c *modelConn) order(units [][]modelCommand) []int {
	order := make([]int, len(units))
	names, twice := map[string]bool{}, false
	for i, unit := range units {
		order[i] = i
		if strings.HasSuffix(unit[0].words[0], "SUBSCRIBE") {
			for _, name := range unit[0].words[1:] {
				twice = twice || names[name]
				names[name] = true
			}
		}
	}
	text := func(unit []modelCommand) string {
		if twice || !strings.HasSuffix(unit[0].words[0], "SUBSCRIBE") {
			return ""
		}
		return strings.Join(unit[0].words, " ")
	}
	slices.SortStableFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(callerOf(units[a]), callerOf(units[b])), cmp.Compare(text(units[a]), text(units[b])))
	})
	return order
}
