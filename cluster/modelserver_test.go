package cluster_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// isAsked notes when the node is asked for the topology.
func (n *modelNode) isAsked(at time.Time) {
	if n.asked != (time.Time{}) && at.Sub(n.asked) < 100*time.Millisecond && n.delay == 0 && time.Now().After(n.vague) {
		n.c.t.Errorf("%s is asked for the topology again after %v", n.addr, at.Sub(n.asked))
	}
	n.asked = at
}

// reply answers one command.
func (c *modelConn) reply(words []string) string {
	n := c.node
	name := words[0]
	switch name {
	case "HELLO":
		return simHello
	case "CLIENT":
		return simOK
	case "CLUSTER":
		return n.topology(words[1])
	case "PING":
		if len(words) > 1 {
			return simBulk(words[1])
		}
		return "+PONG\r\n"
	case "READONLY":
		c.readOnly = true
		return simOK
	case "SUBSCRIBE", "PSUBSCRIBE", "SSUBSCRIBE":
		return c.subscribe(name, words[1:])
	case "UNSUBSCRIBE", "PUNSUBSCRIBE", "SUNSUBSCRIBE":
		return c.unsubscribe(strings.Replace(name, "UN", "", 1), words[1:])
	}
	if n.loading {
		return "-LOADING Redis is loading the dataset in memory\r\n"
	}
	switch name {
	case "ASKING":
		c.asking = true
		return simOK
	case "UNWATCH":
		clear(c.watched)
		return simOK
	case "MULTI":
		c.multi = true
		return simOK
	case "EXEC":
		return c.exec()
	}
	if c.multi {
		if refusal := c.refusal(words); refusal != "" {
			c.refused = true
			return refusal
		}
		c.queue = append(c.queue, words)
		return "+QUEUED\r\n"
	}
	defer func() { c.asking = false }()
	if refusal := c.refusal(words); refusal != "" {
		return refusal
	}
	return c.run(words, false)
}

// exec runs what is queued, or nothing of it.
func (c *modelConn) exec() string {
	n := c.node
	queue, refused := c.queue, c.refused
	changed := false
	for key, version := range c.watched {
		changed = changed || n.data[key].version != version
	}
	var all []string // as one command with all keys
	for _, words := range queue {
		all = append(all, modelKeys(words)...)
	}
	defer func() { c.queue, c.multi, c.refused, c.asking, c.watched = nil, false, false, false, map[string]int{} }()
	if refused {
		return "-EXECABORT Transaction discarded because of previous errors.\r\n"
	}
	if refusal := c.refusal(append([]string{"EXEC"}, all...)); refusal != "" {
		return refusal
	}
	if changed {
		return "_\r\n"
	}
	n.c.checkWhole(queue)
	raw := fmt.Sprintf("*%d\r\n", len(queue))
	for _, words := range queue {
		raw += c.run(words, true)
	}
	return raw
}

// checkWhole checks that what is run as a transaction is one.
func (c *modelCluster) checkWhole(queue [][]string) {
	var got, want []int
	for _, words := range queue {
		if id := modelID(words); id > 0 {
			got = append(got, id)
			if want == nil {
				want = c.requests[id].tx
			}
		}
	}
	if !slices.Equal(got, want) {
		c.t.Errorf("a transaction ran %v, but it is %v", got, want)
	}
}

// modelID returns the number of the request that a command is.
func modelID(words []string) int {
	text := ""
	switch words[0] {
	case "INCRBY", "SPUBLISH":
		text = words[2]
	case "SET":
		_, text, _ = strings.Cut(words[2], ":")
	}
	id, _ := strconv.Atoi(text)
	return id
}

// modelKeys returns the keys of a command.
func modelKeys(words []string) []string {
	switch words[0] {
	case "GET", "SET", "INCRBY", "SPUBLISH":
		return words[1:2]
	}
	return words[1:] // MGET, WATCH, EXEC
}

// refusal returns the error for a command that is not to be run here.
func (c *modelConn) refusal(words []string) string {
	n := c.node
	keys := modelKeys(words)
	if len(keys) == 0 {
		return ""
	}
	at := n.c.unit(keys[0])
	absent := 0
	for _, key := range keys {
		if n.c.unit(key) != at {
			return "-CROSSSLOT Keys in request don't hash to the same slot\r\n"
		}
		if _, ok := n.data[key]; !ok {
			absent++
		}
	}
	s := n.c.units[at].ranges[0].From
	reads := words[0] == "GET" || words[0] == "MGET"
	owner, target := n.believes[at].owner, n.migrating[at]
	if r := n.c.requests[modelID(words)]; r != nil {
		if r.ask == n && n.importing[at] && !c.asking {
			n.c.t.Errorf("%v follows an ASK without ASKING", words)
		}
		to := r.to
		if to != nil && to != n && n.c.quietBus && r.tx == nil && !to.deaf() && to.delay == 0 && to.trouble.Before(r.at) {
			n.c.t.Errorf("%v was sent to %v, and comes to %v", words, to, n)
		}
		r.ask, r.to = nil, nil
	}
	down := n.c.refusesAll && slices.ContainsFunc(n.believes, func(b modelBelief) bool { return b.owner == nil })
	switch {
	case n.minority(), down:
		return "-CLUSTERDOWN The cluster is down\r\n"
	case owner == nil:
		return "-CLUSTERDOWN Hash slot not served\r\n"
	case words[0] == "SPUBLISH" && owner == n:
	case n.importing[at] && c.asking:
		if absent > 0 && len(keys) > 1 {
			return "-TRYAGAIN Multiple keys request during rehashing of slot\r\n"
		}
	case owner == n && target != nil && absent == len(keys):
		return n.redirects("ASK", s, target, words)
	case owner == n && target != nil && absent > 0:
		return "-TRYAGAIN Multiple keys request during rehashing of slot\r\n"
	case owner == n:
	case owner == n.master && reads && c.readOnly:
	case !reads && time.Since(n.demoted) < 50*time.Millisecond && !n.demoted.IsZero():
		return "-READONLY You can't write against a read only replica.\r\n"
	default:
		return n.redirects("MOVED", s, owner, words)
	}
	return ""
}

// redirects returns the error that names another node, and counts how often that is said of a
// request.
func (n *modelNode) redirects(how string, s int, to *modelNode, words []string) string {
	if n.c.calm {
		n.c.t.Errorf("%v has come to %v, and nothing has moved", words, n)
	}
	if r := n.c.requests[modelID(words)]; r != nil {
		if r.redirects++; r.redirects > 6 {
			n.c.t.Errorf("%v was redirected %d times", words, r.redirects)
		}
		r.to, r.at = to, time.Now()
		if how == "ASK" {
			r.ask = to
		}
	}
	return fmt.Sprintf("-%s %d %s\r\n", how, s, to.addr)
}

// run runs a command whose keys are the node's.
func (c *modelConn) run(words []string, tx bool) string {
	n := c.node
	if id := modelID(words); id > 0 {
		r := n.c.requests[id]
		if r.runs++; r.runs > 1 {
			n.c.t.Errorf("%v ran %d times", words, r.runs)
		}
		if !tx && r.tx != nil {
			n.c.t.Errorf("%v ran outside of its transaction", words)
		}
	}
	value := func(key string) string {
		if v, ok := n.data[key]; ok {
			if n.c.goesWrong("reply", 50) {
				return simBulk(strconv.Itoa(modelBase("{j}cas") + 1))
			}
			return simBulk(v.text)
		}
		return "_\r\n"
	}
	switch words[0] {
	case "GET":
		return value(words[1])
	case "MGET":
		raw := fmt.Sprintf("*%d\r\n", len(words)-1)
		for _, key := range words[1:] {
			raw += value(key)
		}
		return raw
	case "INCRBY": // by one: the number is the request's
		i, _ := strconv.Atoi(n.data[words[1]].text)
		n.write(words[1], strconv.Itoa(i+1))
		return fmt.Sprintf(":%d\r\n", i+1)
	case "SET":
		if text, _, cas := strings.Cut(words[2], ":"); cas {
			was, _ := strconv.Atoi(n.data[words[1]].text)
			if now, _ := strconv.Atoi(text); now != was+1 {
				n.c.t.Errorf("%v: an update is lost: it was %d", words, was)
			}
			n.write(words[1], text)
			return simOK
		}
		n.write(words[1], words[2])
		return simOK
	case "WATCH":
		for _, key := range words[1:] {
			c.watched[key] = n.data[key].version
		}
		return simOK
	case "SPUBLISH":
		n.publish("SSUBSCRIBE", words[1])
		return ":1\r\n"
	}
	return "-ERR unknown command\r\n"
}

// names returns the names that are subscribed to by a command, sorted.
func (c *modelConn) names(command string) []string {
	var names []string
	for name := range c.subscribed[command] {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// confirmation is the push that a name is subscribed, or not.
func (c *modelConn) confirmation(kind, command, name string) string {
	count := len(c.subscribed["SSUBSCRIBE"])
	if command != "SSUBSCRIBE" {
		count = len(c.subscribed["SUBSCRIBE"]) + len(c.subscribed["PSUBSCRIBE"])
	}
	return fmt.Sprintf(">3\r\n%s%s:%d\r\n", simBulk(kind), simBulk(name), count)
}

func (c *modelConn) subscribe(command string, names []string) string {
	if command == "SSUBSCRIBE" {
		if refusal := c.refusedChannels(names); refusal != "" {
			return refusal
		}
	}
	raw := ""
	for _, name := range names {
		if c.subscribed[command] == nil {
			c.subscribed[command] = map[string]bool{}
		}
		c.subscribed[command][name] = true
		raw += c.confirmation(strings.ToLower(command), command, name)
	}
	return raw
}

func (c *modelConn) unsubscribe(command string, names []string) string {
	if command == "SSUBSCRIBE" {
		if refusal := c.refusedChannels(names); refusal != "" {
			return refusal
		}
	}
	raw := ""
	for _, name := range names {
		raw += c.unsubscribed(command, name)
	}
	return raw
}

// unsubscribed takes a name away, and returns the push that says so.
func (c *modelConn) unsubscribed(command, name string) string {
	delete(c.subscribed[command], name)
	kind := strings.ToLower(command)
	return c.confirmation(kind[:len(kind)-len("subscribe")]+"unsubscribe", command, name)
}

// refusedChannels returns the error for shard channels that are not served here.
func (c *modelConn) refusedChannels(names []string) string {
	n := c.node
	for _, name := range names {
		u := n.c.unit(name)
		switch {
		case u != n.c.unit(names[0]):
			return "-CROSSSLOT Keys in request don't hash to the same slot\r\n"
		case n.believes[u].owner == nil:
			return "-CLUSTERDOWN Hash slot not served\r\n"
		case !n.serves(u):
			return fmt.Sprintf("-MOVED %d %s\r\n", n.c.units[u].ranges[0].From, n.believes[u].owner.addr)
		}
	}
	return ""
}
