package redis

import (
	"context"

	"github.com/redchan-go/redchan/internal/conn"
	"github.com/redchan-go/redchan/internal/retry"
	"github.com/redchan-go/redchan/proto"
	"github.com/redchan-go/redchan/redis/command"
)

// DoBatch sends requests in their order and returns their replies, error replies
// among them. Programs call [Client.Exec]. It sends them in one run, but for more than
// 4,096 requests or 1 MiB: then others' commands may run in between, and the next part
// is sent when the one before has been answered. A part is sent again only where no
// byte of it has left, or where all of it may be repeated, see [command.Requests.Repeatable].
func (c *Client) DoBatch(ctx context.Context, rs *command.Requests) ([]proto.Value, error) {
	if err := or(c.usable(ctx), rs.Err()); err != nil || rs.Len() == 0 {
		return nil, err
	}
	if rs.Len() <= partRequests && rs.Size() <= partBytes || rs.Blocks() || rs.IsTransaction() {
		return c.doPart(ctx, rs)
	}
	all := make([]proto.Value, 0, rs.Len())
	for len(all) < rs.Len() {
		part := nextPart(rs, len(all))
		values, err := c.doPart(ctx, part)
		all = append(all, values...)
		if err != nil {
			return all, err
		}
	}
	return all, nil
}

// These bound what a batch sends at once, so that it holds up nobody else for long and
// needs no memory in proportion twice.
const (
	partRequests = 4096
	partBytes    = 1 << 20
)

// nextPart returns the next requests of a large batch: those from number from on that
// go together, one at least.
func nextPart(rs *command.Requests, from int) *command.Requests {
	to, bytes := from+1, rs.SizeOf(from)
	for to < rs.Len() && to-from < partRequests {
		if bytes += rs.SizeOf(to); bytes > partBytes {
			break
		}
		to++
	}
	if to < rs.Len() && rs.Name(to-1) == "ASKING" {
		to++ // it is for the next request of its connection
	}
	return rs.Part(from, to)
}

// doPart sends requests that go together.
func (c *Client) doPart(ctx context.Context, rs *command.Requests) ([]proto.Value, error) {
	used, values, err := c.batchOnce(ctx, rs)
	p := newPatience(ctx)
	for err != nil {
		repeatable := rs.Repeatable()
		if len(values) > 0 && !repeatable || !p.another(ctx, c, err, used, repeatable) {
			break
		}
		used, values, err = c.batchOnce(ctx, rs)
	}
	if err == nil {
		c.lookForWrongServer(rs, values, used)
	}
	return values, p.outcome(ctx, err)
}

// batchOnce sends a batch over a shared connection, or over a lent one where it
// may block.
func (c *Client) batchOnce(ctx context.Context, rs *command.Requests) (used *conn.Conn, values []proto.Value, err error) {
	if rs.Blocks() {
		return c.pool.doBatch(ctx, rs)
	}
	live, err := c.pick().get(ctx)
	if err != nil {
		return nil, nil, retry.NotSent("batch", c.options.Addr, err)
	}
	values, err = live.DoBatch(ctx, rs)
	return live, values, err
}

// Exec sends a batch and gives its futures their results. It returns the first
// command's error, a [*command.BatchError]; [Nil] is none. The batch is empty
// afterwards.
func (c *Client) Exec(ctx context.Context, b *command.Batch) error { return b.Exec(ctx, c) }

// Pipeline returns an empty pipeline: a batch that knows its client.
//
//	p := client.Pipeline()
//	visits := p.Incr("visits")
//	name := p.Get("name")
//	if err := p.Exec(ctx); err != nil { ... }
//	n, err := visits.Result()
//
// Its memory is used again for the client's next ones.
func (c *Client) Pipeline() *Pipeline {
	return NewPipeline(&c.batches, c, multi{c})
}

// NewPipeline returns an empty pipeline for a client of one's own, which executes it by
// commands, or as a transaction by transactions. Its memory comes from pool and goes back
// to it.
func NewPipeline(pool *command.BatchPool, commands, transactions command.BatchDoer) *Pipeline {
	return &Pipeline{Batch: pool.Batch(), to: commands, multi: transactions}
}

// Pipeline is a batch of commands for one client. It is filled by one goroutine;
// the futures that it gives may be read by many. It can be used again once it has
// been executed.
type Pipeline struct {
	command.Batch
	to, multi command.BatchDoer
}

// Add queues commands, see [command.Batch.Add], and returns the pipeline:
//
//	err := client.Pipeline().Add(command.Incr("visits"), command.Get("name").Into(&name)).Exec(ctx)
func (p *Pipeline) Add(cmds ...command.Queueable) *Pipeline {
	p.Batch.Add(cmds...)
	return p
}

// Exec sends the commands queued, see [Client.Exec].
func (p *Pipeline) Exec(ctx context.Context) error { return p.Batch.Exec(ctx, p.to) }

// Multi sends the commands queued as a transaction, see [Client.Multi].
func (p *Pipeline) Multi(ctx context.Context) error { return p.Batch.Exec(ctx, p.multi) }
