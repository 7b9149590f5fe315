package redis

import (
	"context"

	"github.com/redchan-go/redchan/internal/conn"
	"github.com/redchan-go/redchan/internal/retry"
	"github.com/redchan-go/redchan/proto"
	"github.com/redchan-go/redchan/redis/command"
)

// DoBatch sends requests in order and returns their replies, including error replies.
// Programs call [Client.Exec], which calls this. DoBatch sends all requests together,
// unless there are more than 4,096 requests or 1 MiB. It then sends them in parts: each
// part is sent after the previous one has been answered, and commands of other callers may
// run between two parts. A part is sent again only if no byte of it was sent, or if all of
// it may be repeated, see [command.Requests.Repeatable].
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

// These constants bound how much of a batch is sent at once, so that a batch does not delay
// other callers for long and does not need its memory twice.
const (
	partRequests = 4096
	partBytes    = 1 << 20
)

// nextPart returns the next requests of a large batch, beginning with number from: those
// that are sent together, at least one.
func nextPart(rs *command.Requests, from int) *command.Requests {
	to, bytes := from+1, rs.SizeOf(from)
	for to < rs.Len() && to-from < partRequests {
		if bytes += rs.SizeOf(to); bytes > partBytes {
			break
		}
		to++
	}
	if to < rs.Len() && rs.Name(to-1) == "ASKING" {
		to++ // this request applies to the next one on its connection
	}
	return rs.Part(from, to)
}

// doPart sends requests together.
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

// batchOnce sends a batch over a shared connection, or over one from the pool if the batch
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

// Exec sends a batch and sets the results of its futures. It returns the error of the first
// command that failed, as a [*command.BatchError]. [Nil] does not count as an error. The
// batch is empty afterwards.
func (c *Client) Exec(ctx context.Context, b *command.Batch) error { return b.Exec(ctx, c) }

// Pipeline returns an empty pipeline, a batch that knows its client.
//
//	p := client.Pipeline()
//	visits := p.Incr("visits")
//	name := p.Get("name")
//	if err := p.Exec(ctx); err != nil { ... }
//	n, err := visits.Result()
//
// The client reuses the memory of a pipeline for later ones.
func (c *Client) Pipeline() *Pipeline {
	return NewPipeline(&c.batches, c, multi{c})
}

// NewPipeline returns an empty pipeline for a custom client. Exec sends it by commands, and
// Multi by transactions. The pipeline takes its memory from pool and returns it there.
func NewPipeline(pool *command.BatchPool, commands, transactions command.BatchDoer) *Pipeline {
	return &Pipeline{Batch: pool.Batch(), to: commands, multi: transactions}
}

// Pipeline is a batch of commands for one client. Only one goroutine at a time may fill it;
// many may read the futures that it returns. A pipeline can be used again after it has been
// executed.
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

// Exec sends the queued commands, see [Client.Exec].
func (p *Pipeline) Exec(ctx context.Context) error { return p.Batch.Exec(ctx, p.to) }

// Multi sends the queued commands as a transaction, see [Client.Multi].
func (p *Pipeline) Multi(ctx context.Context) error { return p.Batch.Exec(ctx, p.multi) }
