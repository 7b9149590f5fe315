package shard

import (
	"errors"
	"time"

	"github.com/redchan-go/redchan/cluster/slot"
	"github.com/redchan-go/redchan/internal/hub"
	"github.com/redchan-go/redchan/proto"
)

// router is a [Mux] as its hub sees it. The hub calls with its lock held, so nothing here
// calls the hub.
type router struct{ *Mux }

// Group returns the slot of a name.
func (r router) Group(name hub.Name) int { return slot.Of(name.Name) }

// Everywhere returns the lanes of all nodes, but that of the one which has taken the slot's
// channels away: after a failover it is a replica, which would have them as well. Where
// replicas are read that is as good as another one.
func (r router) Everywhere(_ int, from *hub.Lane) []*hub.Lane {
	r.mu.Lock()
	defer r.mu.Unlock()
	lanes := make([]*hub.Lane, 0, len(r.nodes))
	for _, n := range r.nodes {
		if n.lane != from || r.o.Replicas {
			lanes = append(lanes, n.lane)
		}
	}
	return lanes
}

// Migrated reports whether two lanes are of different shards: within one, or where a node is of
// none by now, a failover has moved the slot.
func (r router) Migrated(from, to *hub.Lane) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	old, now := r.view.shardOf(from.Node()), r.view.shardOf(to.Node())
	return old >= 0 && now >= 0 && old != now
}

// Lanes returns the lanes of the nodes that may serve a slot, those of its shard.
func (r router) Lanes(group int) []*hub.Lane {
	r.mu.Lock()
	defer r.mu.Unlock()
	var lanes []*hub.Lane
	if n := r.nodes[r.hints[group]]; n != nil {
		lanes = append(lanes, n.lane)
	}
	if r.owners == nil || r.owners[group] == 0 {
		return lanes
	}
	shard := &r.view.Shards[r.owners[group]-1]
	settled := true
	if r.o.Replicas {
		for _, addr := range shard.Replicas {
			if n := r.nodes[addr]; n != nil {
				lanes = append(lanes, n.lane)
				settled = settled && time.Since(n.added) > settling
			}
		}
	}
	if n := r.nodes[shard.Primary]; n != nil && settled {
		lanes = append(lanes, n.lane)
	}
	return lanes
}

// Refused follows a MOVED to the node that it names, as soon as there is a connection to
// that one.
func (r router) Refused(from *hub.Lane, group int, err error) *hub.Lane {
	r.refresh()
	var reply *proto.Error
	if !errors.As(err, &reply) || r.o.Replicas { // it names the primary: the next view has its replicas
		return nil
	}
	to, wrong := proto.ParseRedirect(reply)
	if wrong != nil || to.Ask {
		return nil
	}
	told := to.Addr(from.Node())
	r.mu.Lock()
	defer r.mu.Unlock()
	addr, ok := r.mapped[told]
	if r.o.MapAddr == nil {
		addr, ok = told, true
	}
	if !ok { // MapAddr is the user's: run calls it
		r.unmapped[group] = told
		return nil
	}
	if addr == from.Node() {
		return nil
	}
	r.hints[group] = addr
	if n := r.nodes[addr]; n != nil {
		return n.lane
	}
	return nil // run connects
}

// Pause returns how long a slot is not asked for that nobody has served: with jitter, so that
// many clients do not ask at once.
func (r router) Pause(failures int) time.Duration {
	pause := min(firstPause<<min(failures-1, 10), lastPause)
	return pause/2 + time.Duration(r.o.random(int64(pause/2+1)))
}

// Seeking wakes who seeks.
func (r router) Seeking() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}
