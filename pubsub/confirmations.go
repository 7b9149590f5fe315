package pubsub

// confirmations are what the server has confirmed and nobody has received yet: for each name
// the last that is known of it, and how many names there are. They are state, bounded by the
// number of names, and so they take no room from messages. They are guarded by their
// Subscription's mu. A nil one is empty.
type confirmations struct {
	// waiting is in order. An item that a newer one of its name has replaced has no place in
	// latest any more, and is passed over.
	waiting []*confirmation
	latest  map[Name]*confirmation
}

// confirmation stands in front of an item of the queue, by its number.
type confirmation struct {
	before int
	msg    Message
}

func (c *confirmation) name() Name { return Name{c.msg.NameKind, c.msg.Channel} }

// add adds one behind all others, in place of an older one of its name.
func (c *confirmations) add(before int, msg Message) {
	one := &confirmation{before, msg}
	if c.latest == nil {
		c.latest = make(map[Name]*confirmation)
	}
	c.latest[one.name()] = one
	if len(c.waiting) > 16 && len(c.waiting) > 2*len(c.latest) {
		kept := make([]*confirmation, 0, len(c.waiting))
		for _, old := range c.waiting {
			if c.latest[old.name()] == old {
				kept = append(kept, old)
			}
		}
		c.waiting = kept
	}
	c.waiting = append(c.waiting, one)
}

// next takes the first one, if it stands in front of the item with this number, or of one that
// has gone already.
func (c *confirmations) next(item int) (Message, bool) {
	if c == nil {
		return Message{}, false
	}
	for len(c.waiting) > 0 {
		one := c.waiting[0]
		replaced := c.latest[one.name()] != one
		if !replaced && one.before > item {
			break
		}
		c.waiting[0] = nil
		if c.waiting = c.waiting[1:]; len(c.waiting) == 0 {
			c.waiting = nil
		}
		if !replaced {
			delete(c.latest, one.name())
			return one.msg, true
		}
	}
	return Message{}, false
}

// putBack undoes next.
func (c *confirmations) putBack(item int, msg Message) {
	one := &confirmation{item, msg}
	if c.latest[one.name()] != nil {
		return // a newer one has come
	}
	c.latest[one.name()] = one
	c.waiting = append([]*confirmation{one}, c.waiting...)
}
