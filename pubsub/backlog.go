package pubsub

import "time"

// backlogKey is a channel of a handler: a pattern's has many.
type backlogKey struct {
	name    Name
	channel string
}

// backlog is the messages of one channel that wait for a worker.
type backlog struct {
	key   backlogKey
	queue queue
	busy  bool // a worker is at it, or it is in ready
}

// sort puts an item of the stream into its backlog.
func (r *Runner) sort(msg *Message) {
	name := msg.handlerName()
	var told []Name
	if msg.Gap != nil || msg.Kind == KindGap {
		told = r.sub.handled()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case msg.Kind == KindGap:
		for _, name := range told {
			gap := *msg.Gap
			item := Message{Kind: KindGap, NameKind: name.Kind, Channel: name.Name, Gap: &gap}
			if name.Kind == NamePattern {
				item.Channel, item.Pattern = "", name.Name
			}
			r.put(backlogKey{name, item.Channel}, &item)
		}
		return
	case msg.Kind.confirms():
		return // of no handler
	case msg.Gap != nil:
		for _, name := range told {
			r.missed(name, *msg.Gap)
		}
		msg.Gap = nil
	}
	r.put(backlogKey{name, msg.Channel}, msg)
}

// put puts an item into a backlog, and makes room where there is none. mu is held.
func (r *Runner) put(key backlogKey, msg *Message) {
	size := msg.size()
	marker := msg.Kind == KindGap // which counts for nothing
	for !marker && r.messages > 0 && (r.messages >= r.maxMessages || r.bytes+size > r.maxBytes) && !r.over {
		switch longest := r.longest(); {
		case r.sub.policy == block || longest == nil:
			r.wake.Wait()
			continue
		case r.sub.policy == FailSlow:
			go r.sub.stop(ErrSlowConsumer)
			r.dropNewest(key.name, Overflow)
			return
		case r.sub.policy == DropNewest:
			r.dropNewest(key.name, Overflow)
			return
		default:
			messages, bytes := longest.queue.messages, longest.queue.bytes
			longest.queue.dropOldest(time.Now())
			if gap := longest.queue.takePending(); gap != nil { // nothing is behind it
				r.missed(longest.key.name, *gap)
			}
			r.messages += longest.queue.messages - messages
			r.bytes += longest.queue.bytes - bytes
			r.stats.Dropped++
		}
	}
	if r.cut {
		if marker {
			r.missed(key.name, *msg.Gap)
		} else {
			r.dropNewest(key.name, Closed)
		}
		return
	}
	b := r.backlog(key)
	if gap := r.gaps[key.name]; gap != nil {
		delete(r.gaps, key.name)
		b.queue.pending.merge(*gap)
	}
	if marker {
		b.queue.pending.merge(*msg.Gap)
		b.queue.pushMarker(*msg)
	} else {
		b.queue.push(*msg)
		r.messages++
		r.bytes += size
	}
	r.schedule(b)
}

// dropNewest drops a message that was not put into its backlog. mu is held.
func (r *Runner) dropNewest(name Name, why Reason) {
	now := time.Now()
	r.stats.Dropped++
	r.missed(name, Gap{Reason: why, From: now, To: now, Dropped: 1})
}

// missed has a gap told to the handler of a name with the next message that comes for it.
// mu is held.
func (r *Runner) missed(name Name, gap Gap) {
	if r.gaps[name] == nil {
		r.gaps[name] = new(Gap)
	}
	r.gaps[name].merge(gap)
}

// backlog returns the backlog of a key. mu is held.
func (r *Runner) backlog(key backlogKey) *backlog {
	b := r.backlogs[key]
	if b == nil {
		b = &backlog{key: key}
		r.backlogs[key] = b
	}
	return b
}

// longest returns the backlog with the most messages waiting, nil where none wait. mu is
// held.
func (r *Runner) longest() *backlog {
	var longest *backlog
	for _, b := range r.backlogs {
		if b.queue.messages > 0 && (longest == nil || b.queue.messages > longest.queue.messages) {
			longest = b
		}
	}
	return longest
}

// schedule makes a backlog ready for a worker. mu is held.
func (r *Runner) schedule(b *backlog) {
	if !b.busy && b.queue.ring.len() > 0 {
		b.busy = true
		r.busy++
		r.ready = append(r.ready, b)
		r.wake.Broadcast()
	}
}

// leave notes that a worker has left a backlog. One without messages is given up, because a
// pattern may have any number of channels. mu is held.
func (r *Runner) leave(b *backlog) {
	b.busy = false
	r.busy--
	switch {
	case r.backlogs[b.key] != b: // cut
	case b.queue.ring.len() > 0:
		r.schedule(b)
	default:
		delete(r.backlogs, b.key)
	}
	r.wake.Broadcast()
}
