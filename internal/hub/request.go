package hub

import (
	"errors"
	"slices"
	"time"

	"github.com/redchan-go/redchan/proto"
)

// request is one command sent over the link, up to the answer to its fence.
//
// Lane.sent holds the requests in the order sent. The server answers in that
// order too, so confirmations that arrive belong to the first of them and to no
// other.
type request struct {
	op      Op
	lane    *Lane
	names   []string
	entries []*entry // as long as names
	// departure waits for the answer, if it is not nil.
	departure *Departure
	how       how // of one that subscribes
}

// pingToken is the data of a PING that is a fence alone.
const pingToken = "redchan unsubscribe"

// subscribe asks for entries, all of one kind, where they may be had: on one lane, or, where
// from has just taken them away, on all that may have them. Where there is no link LinkUp
// does so. h.mu is held.
func (h *Hub) subscribe(entries []*entry, from *Lane) {
	if h.main != nil {
		h.main.ask(entries, 0)
		return
	}
	asks := make(map[*Lane][]*entry)
	known := make(map[int][]*Lane) // by group
	seeking := false
	for _, e := range entries {
		lanes, ok := known[e.place.group]
		switch {
		case ok:
		case from != nil:
			lanes = h.opts.Router.Everywhere(e.place.group, from)
		default:
			lanes = h.opts.Router.Lanes(e.place.group)
		}
		known[e.place.group] = lanes
		for _, l := range lanes {
			if l.link == nil || e.askedOn(l) {
				continue
			}
			asks[l] = append(asks[l], e)
			if from == nil {
				break
			}
		}
	}
	for _, l := range h.lanes { // in their order
		l.ask(asks[l], askedBroadly(from != nil))
	}
	for _, e := range entries {
		if !e.confirmed && len(e.asked) == 0 {
			h.failed(e.place.group)
			seeking = true
		}
	}
	if seeking {
		h.opts.Router.Seeking()
	}
}

// how is how a name is asked for.
type how uint8

const (
	// broadly: on several lanes, most of which don't have it, so that an error says little.
	broadly how = 1 << iota
	// takingOver: where it is confirmed, the name moves here.
	takingOver
)

func askedBroadly(broad bool) how {
	if broad {
		return broadly
	}
	return 0
}

// ask sends SUBSCRIBE for entries, all of one kind, if there is a link. The Hub's mu is held.
func (l *Lane) ask(entries []*entry, how how) {
	for _, chunk := range l.split(entries) {
		r := &request{op: subscribeOp(chunk[0].name.Kind), entries: chunk, how: how}
		l.send(r)
		for _, e := range chunk {
			e.asked = append(e.asked, r)
		}
	}
}

// unsubscribe sends UNSUBSCRIBE for entries, all of one kind, on behalf of d or
// of nobody who waits, wherever they are or may be subscribed. h.mu is held.
func (h *Hub) unsubscribe(entries []*entry, d *Departure) {
	for _, l := range h.lanes {
		var here []*entry
		for _, e := range entries {
			if e.confirmed && e.lane == l || e.askedOn(l) {
				here = append(here, e)
			}
		}
		l.release(here, d)
	}
	for _, e := range entries {
		e.asked = nil
	}
}

// release sends UNSUBSCRIBE for entries, all of one kind, if there is a link. The Hub's mu
// is held.
func (l *Lane) release(entries []*entry, d *Departure) {
	for _, chunk := range l.split(entries) {
		l.send(&request{op: unsubscribeOp(chunk[0].name.Kind), entries: chunk, departure: d})
	}
}

// releaseStale sends UNSUBSCRIBE again for what the server would not let go of, unless it is
// wanted here by now. The Hub's mu is held.
func (l *Lane) releaseStale() {
	var gone []*entry
	for _, e := range l.stale {
		now := l.hub.entries[e.name.Kind][e.name.Name]
		if now != nil && (now.confirmed && now.lane == l || now.askedOn(l)) {
			continue
		}
		gone = append(gone, e)
	}
	l.stale = nil
	l.release(gone, nil)
}

// ping sends a fence without a command, for names that others stay with: what
// comes behind its answer was sent after d asked. The Hub's mu is held, and there is a
// link.
func (l *Lane) ping(d *Departure) {
	r := &request{op: opPing, lane: l, departure: d}
	l.await(r)
	l.link.Ping(pingToken, func(err error) { l.fence(r, err) })
}

// split cuts entries into commands that are not too big, and of one group each. The Hub's
// mu is held.
func (l *Lane) split(entries []*entry) [][]*entry {
	if l.link == nil || len(entries) == 0 {
		return nil
	}
	routed := l.hub.opts.Router != nil
	if routed {
		slices.SortStableFunc(entries, func(a, b *entry) int { return a.place.group - b.place.group })
	}
	var chunks [][]*entry
	start, size := 0, 0
	for i, e := range entries {
		if i > start && (i-start == l.hub.opts.CommandNames || size+len(e.name.Name) > l.hub.opts.CommandBytes || routed && e.place.group != entries[start].place.group) {
			chunks = append(chunks, entries[start:i:i])
			start, size = i, 0
		}
		size += len(e.name.Name)
	}
	return append(chunks, entries[start:])
}

// send sends one command. The Hub's mu is held, so the order of l.sent is the order on
// the wire.
func (l *Lane) send(r *request) {
	r.lane = l
	r.names = make([]string, len(r.entries))
	for i, e := range r.entries {
		r.names[i] = e.name.Name
	}
	l.await(r)
	l.link.Send(r.op, r.names, func(err error) { l.fence(r, err) })
}

// await notes that r is being sent. The Hub's mu is held.
func (l *Lane) await(r *request) {
	l.sent = append(l.sent, r)
	if r.departure != nil {
		r.departure.unanswered++
	}
}

// fence is told that the server has answered r, and the first error reply of
// that answer. It runs on the reader.
func (l *Lane) fence(r *request, err error) {
	h := l.hub
	l.takeConfirmations() // which came before it
	h.mu.Lock()
	if len(l.sent) == 0 || l.sent[0] != r {
		h.mu.Unlock() // of a link that is no more
		return
	}
	l.sent[0] = nil
	if l.sent = l.sent[1:]; len(l.sent) == 0 {
		l.sent = nil
	}
	if !r.op.Subscribes() {
		h.unsubscribed(r, err)
		h.mu.Unlock()
		return
	}
	// Entries that were released meanwhile, or sent again, are not r's any more.
	var open []*entry
	for _, e := range r.entries {
		if e.answered(r) {
			open = append(open, e)
		}
	}
	var ended []ending
	switch {
	case len(open) == 0:
	case err == nil:
		l.fail(protocolError("%v answered without an error, but %d of %d names are not confirmed, such as %s",
			r.op, len(open), len(r.names), quoted(open[0].name.Name)))
	case len(r.names) > 1 && refusesTogether(err):
		// One name may have been refused for another one's sake. Judge by what
		// was sent: of what is left the culprit may be gone already.
		half := (len(open) + 1) / 2
		l.ask(open[:half], r.how)
		l.ask(open[half:], r.how)
	case h.opts.Router != nil && (isElsewhere(err) || r.how&broadly != 0):
		h.follow(r, open, err)
	case h.opts.Router == nil && passes(err):
		for _, e := range open {
			e.refusal = err
		}
		h.seekLater()
	default:
		for _, e := range open {
			if !e.confirmed { // else another lane has it
				ended = append(ended, h.refuse(e, err)...)
			}
		}
	}
	h.mu.Unlock()
	l.failLink()
	for _, end := range ended {
		end.sub.sink.Stop(end.err)
	}
}

// maxHops is how often in a row an entry follows the server's word of where it is before
// it waits for [Hub.Seek]; once where that was in vain before.
const maxHops = 4

// follow asks for entries, all of one group, of a request that its lane's server has sent
// elsewhere. h.mu is held.
func (h *Hub) follow(r *request, entries []*entry, err error) {
	from, group, hops := r.lane, entries[0].place.group, maxHops
	if h.pauses[group] != nil {
		hops = 1
	}
	to := h.opts.Router.Refused(from, group, err)
	var there []*entry
	seeking := false
	for _, e := range entries {
		e.refusal = err
		switch {
		case e.confirmed && r.how&takingOver != 0: // the view is wrong, or ahead of the node
			h.failed(group)
			seeking = true
		case e.confirmed || len(e.asked) > 0: // or may be yet
		case to == nil || to == from || to.link == nil || e.place.hops >= hops:
			h.failed(group)
			seeking = true
		default:
			e.place.hops++
			there = append(there, e)
		}
	}
	if to != nil {
		to.ask(there, 0)
	}
	if seeking {
		h.opts.Router.Seeking()
	}
}

// isElsewhere reports whether err says that a server does not serve a name's slot, or
// not now.
func isElsewhere(err error) bool {
	var reply *proto.Error
	if !errors.As(err, &reply) {
		return false
	}
	switch reply.Code {
	case "MOVED", "ASK", "CLUSTERDOWN", "READONLY":
		return true
	}
	return passes(err)
}

// passes reports whether err says that a server can't do anything just now.
func passes(err error) bool {
	var reply *proto.Error
	if !errors.As(err, &reply) {
		return false
	}
	switch reply.Code {
	case "BUSY", "TRYAGAIN", "MASTERDOWN", "LOADING":
		return true
	}
	return false
}

// seekEvery is how long a hub with one link waits before it asks a server again that could do
// nothing.
const seekEvery = 200 * time.Millisecond

// seekLater has what is not confirmed asked for again after a while. h.mu is held.
func (h *Hub) seekLater() {
	if h.later == nil && !h.closed {
		h.later = time.AfterFunc(seekEvery, h.seekNow)
	}
}

// seekNow is what seekLater brings about.
func (h *Hub) seekNow() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.later = nil
	if !h.closed {
		h.seek()
	}
}

// unsubscribed takes the answer to an UNSUBSCRIBE, or to a PING. h.mu is held.
func (h *Hub) unsubscribed(r *request, err error) {
	if err != nil {
		for _, e := range r.entries {
			e.unsubscribeRefused()
		}
		if h.opts.Router != nil && keeps(err) {
			r.lane.stale = append(r.lane.stale, r.entries...)
		}
	}
	if r.departure != nil {
		h.answered(r.departure, err)
	}
}

// keeps reports whether a server that answers UNSUBSCRIBE with err may go on sending. One that
// says MOVED has ended the subscription by itself.
func keeps(err error) bool {
	var reply *proto.Error
	return isElsewhere(err) && errors.As(err, &reply) && reply.Code != "MOVED"
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
	sub *Subscriber
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
		if h.leave(m, err) {
			h.unsubscribe([]*entry{e}, nil) // it may be confirmed on another lane yet
		}
	}
	return ended
}
