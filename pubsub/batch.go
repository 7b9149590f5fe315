package pubsub

import (
	"errors"

	"github.com/redchan-go/redchan/proto"
)

// batch is one command sent over the link, up to the answer to its fence.
//
// Hub.sent holds the batches in the order sent. The server answers in that
// order too, so confirmations that arrive belong to the first of them and to no
// other.
type batch struct {
	op      Op
	names   []string
	entries []*entry // as long as names
	// departure waits for the answer, if it is not nil.
	departure *departure
}

// pingToken is the data of a PING that is a fence alone.
const pingToken = "redchan unsubscribe"

// subscribe sends SUBSCRIBE for entries, all of one kind, if there is a link;
// LinkUp does so if there is none. h.mu is held.
func (h *Hub) subscribe(entries []*entry) {
	for _, chunk := range h.split(entries) {
		b := h.send(subscribeOp(chunk[0].name.Kind), chunk, nil)
		for _, e := range chunk {
			e.batch = b
		}
	}
}

// unsubscribe sends UNSUBSCRIBE for entries, all of one kind, on behalf of d or
// of nobody who waits. h.mu is held.
func (h *Hub) unsubscribe(entries []*entry, d *departure) {
	for _, chunk := range h.split(entries) {
		h.send(unsubscribeOp(chunk[0].name.Kind), chunk, d)
	}
}

// ping sends a fence without a command, for names that others stay with: what
// comes behind its answer was sent after d asked. h.mu is held, and there is a
// link.
func (h *Hub) ping(d *departure) {
	b := &batch{op: opPing, departure: d}
	h.await(b)
	h.link.Ping(pingToken, func(err error) { h.fence(b, err) })
}

// split cuts entries into commands that are not too big. h.mu is held.
func (h *Hub) split(entries []*entry) [][]*entry {
	if h.link == nil || len(entries) == 0 {
		return nil
	}
	var chunks [][]*entry
	start, size := 0, 0
	for i, e := range entries {
		if i > start && (i-start == h.opts.BatchNames || size+len(e.name.Name) > h.opts.BatchBytes) {
			chunks = append(chunks, entries[start:i:i])
			start, size = i, 0
		}
		size += len(e.name.Name)
	}
	return append(chunks, entries[start:])
}

// send sends one command. h.mu is held, so the order of h.sent is the order on
// the wire.
func (h *Hub) send(op Op, entries []*entry, d *departure) *batch {
	b := &batch{op: op, names: make([]string, len(entries)), entries: entries, departure: d}
	for i, e := range entries {
		b.names[i] = e.name.Name
	}
	h.await(b)
	h.link.Send(op, b.names, func(err error) { h.fence(b, err) })
	return b
}

// await notes that b is being sent. h.mu is held.
func (h *Hub) await(b *batch) {
	h.sent = append(h.sent, b)
	if b.departure != nil {
		b.departure.unanswered++
	}
}

// fence is told that the server has answered b, and the first error reply of
// that answer. It runs on the reader.
func (h *Hub) fence(b *batch, err error) {
	h.mu.Lock()
	if len(h.sent) == 0 || h.sent[0] != b {
		h.mu.Unlock() // of a link that is no more
		return
	}
	h.sent[0] = nil
	if h.sent = h.sent[1:]; len(h.sent) == 0 {
		h.sent = nil
	}
	if !b.op.subscribes() {
		h.unsubscribed(b, err)
		h.mu.Unlock()
		return
	}
	// Entries that were released meanwhile, or sent again, are not b's any more.
	var open []*entry
	for _, e := range b.entries {
		if e.batch == b {
			e.batch = nil
			open = append(open, e)
		}
	}
	var ended []ending
	switch {
	case len(open) == 0:
	case err == nil:
		h.fail(protocolError("%v answered without an error, but %d of %d names are not confirmed, such as %s",
			b.op, len(open), len(b.names), quoted(open[0].name.Name)))
	case len(b.names) > 1 && refusesTogether(err):
		// One name may have been refused for another one's sake. Judge by what
		// was sent: of what is left the culprit may be gone already.
		half := (len(open) + 1) / 2
		h.subscribe(open[:half])
		h.subscribe(open[half:])
	default:
		for _, e := range open {
			ended = append(ended, h.refuse(e, err)...)
		}
	}
	h.mu.Unlock()
	for _, end := range ended {
		end.sub.stop(end.err)
	}
}

// unsubscribed takes the answer to an UNSUBSCRIBE, or to a PING. h.mu is held.
func (h *Hub) unsubscribed(b *batch, err error) {
	if err != nil {
		for _, e := range b.entries {
			e.unsubscribeRefused()
		}
	}
	if b.departure != nil {
		h.answered(b.departure, err)
	}
}

// refusesTogether reports whether err may refuse a whole command for the sake
// of one of its names, without telling which. NOPERM does, and so does
// CROSSSLOT for shard channels.
func refusesTogether(err error) bool {
	var reply *proto.Error
	return errors.As(err, &reply) && (reply.Code == "NOPERM" || reply.Code == "CROSSSLOT")
}

// ending is a subscription that is to end, once h.mu is released.
type ending struct {
	sub *Subscription
	err error
}

// refuse gives an entry up that the server refuses: the calls that wait for it
// fail, and the subscriptions that rely on it are to end. h.mu is held.
func (h *Hub) refuse(e *entry, err error) []ending {
	err = &RefusedError{Name: e.name, Err: err}
	var ended []ending
	for len(e.members) > 0 {
		m := e.members[0]
		if m.joined {
			ended = append(ended, ending{m.sub, err})
		}
		h.leave(m, err)
	}
	return ended
}
