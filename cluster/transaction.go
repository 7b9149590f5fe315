package cluster

import (
	"context"

	"github.com/redchan-go/redchan/cluster/slot"
	"github.com/redchan-go/redchan/proto"
	"github.com/redchan-go/redchan/redis"
	"github.com/redchan-go/redchan/redis/command"
)

// Multi sends a batch as a transaction, see redis.Client.Multi. All its keys must be in one
// slot; otherwise it returns a [*CrossSlotError] and sends nothing. If the slot has moved,
// nothing has run, and Multi sends the transaction to the new node.
func (c *Client) Multi(ctx context.Context, b *command.Batch) error {
	return b.Exec(ctx, multi{c})
}

// multi sends batches of a client as transactions.
type multi struct{ client *Client }

func (m multi) DoBatch(ctx context.Context, rs *command.Requests) ([]proto.Value, error) {
	c := m.client
	if err := rs.Err(); err != nil || rs.Len() == 0 {
		return nil, err
	}
	if !c.watched.Load() {
		c.awake()
	}
	s, err := oneSlot(rs)
	if err != nil {
		return nil, err
	}
	var values []proto.Value
	e := effort{client: c, name: "MULTI", slot: s, repeats: rs.Repeatable(), send: func(n *node, asking bool) (err error) {
		values, err = n.transact(ctx, rs, asking)
		return err
	}}
	err = e.run(ctx)
	return values, err
}

// transact sends requests as a transaction, after ASKING if asking is set. ASKING lasts until
// EXEC.
func (n *node) transact(ctx context.Context, rs *command.Requests, asking bool) ([]proto.Value, error) {
	tx := rs.Transaction()
	if asking {
		tx = rs.Transaction(command.AskingRequest())
	}
	values, err := n.client.DoBatch(ctx, tx)
	if err != nil {
		return nil, err // whatever was queued, only the reply to EXEC counts
	}
	if asking {
		values = values[1:]
	}
	return command.TransactionReplies(rs, n.addr, values)
}

// oneSlot returns the slot of a transaction, or an error if it can't be a transaction.
func oneSlot(rs *command.Requests) (int, error) {
	slots, err := slotsOf(rs)
	if err != nil {
		return 0, err
	}
	s, key := anySlot, ""
	for i, of := range slots {
		word, ok := rs.Route(i)
		switch {
		case !ok: // any node will do
		case s == anySlot:
			s, key = of, word
		case of != s:
			cross := &CrossSlotError{[2]string{key, word}, [2]int{s, of}}
			return 0, &command.BatchError{
				Index: i, Len: rs.Len(), Command: rs.Name(i),
				Err: notSent(rs.Name(i), "", cross),
			}
		}
	}
	return s, nil
}

// Session returns a session with its own connection to the primary that serves a key, see
// redis.Client.Session. The connection is to that node alone: redirects are errors of its
// commands.
func (c *Client) Session(ctx context.Context, key string) (*redis.Session, error) {
	return c.lend(ctx, slot.Of(key), func(n *node) (*redis.Session, error) { return n.client.Session(ctx) })
}

// Watch returns a session at the primary that serves keys, and watches the keys there, see
// redis.Client.Watch. There must be at least one key, and all must be in one slot. Use it
// through redis.Transaction, which starts over if the slot moves meanwhile.
func (c *Client) Watch(ctx context.Context, keys ...string) (*redis.Session, error) {
	if len(keys) == 0 {
		return nil, refused("WATCH", "in a cluster a session is at the node of a key: name one")
	}
	s := slot.Of(keys[0])
	for _, key := range keys {
		if of := slot.Of(key); of != s {
			return nil, notSent("WATCH", "", &CrossSlotError{[2]string{keys[0], key}, [2]int{s, of}})
		}
	}
	return c.lend(ctx, s, func(n *node) (*redis.Session, error) { return n.client.Watch(ctx, keys...) })
}

// lend creates a session at the primary of a slot.
func (c *Client) lend(ctx context.Context, s int, session func(*node) (*redis.Session, error)) (*redis.Session, error) {
	var made *redis.Session
	e := effort{client: c, name: "session", slot: s, repeats: true, stays: true, send: func(n *node, _ bool) (err error) {
		made, err = session(n)
		return err
	}}
	if err := e.run(ctx); err != nil {
		return nil, err
	}
	return made, nil
}

var (
	_ redis.Watcher     = (*Client)(nil)
	_ command.Doer      = (*Client)(nil)
	_ command.BatchDoer = (*Client)(nil)
)
