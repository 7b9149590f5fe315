package redis

import "context"

// Reconnect has the client's connections made again, which resolves its address anew: for
// whoever knows that another server answers there by now. What is in flight on the shared
// connections is still answered, for half a second at most. Those that are lent out stay until
// they are given back, and subscriptions stay where they are, see [Client.ReconnectSubscribers].
// It does not wait.
func (c *Client) Reconnect(reason error) {
	reason = or(reason, errReconnect)
	for _, l := range c.links {
		select {
		case l.stale <- reason:
		default: // it is about to be
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.isClosed() {
		return
	}
	c.tasks.Go(func() { c.pool.discard(reason) })
}

// replace closes a connection once what is in flight was answered, so that another one is made.
func (l *link) replace(c *conn, reason error) {
	l.mu.Lock()
	l.current.CompareAndSwap(c, nil) // new requests wait for the next
	l.mu.Unlock()
	l.logger.Info("redis: connecting again", "server", c.addr, "reason", reason)
	ctx, cancel := context.WithTimeout(l.ctx, closeGrace)
	defer cancel()
	c.drain(ctx)
	l.mu.Lock()
	l.before += c.answered
	l.lastErr = reason
	l.mu.Unlock()
}

// discard closes the connections that nobody has.
func (p *pool) discard(reason error) {
	p.mu.Lock()
	idle := p.idle
	p.idle = nil
	p.mu.Unlock()
	for _, c := range idle {
		c.fail(reason)
	}
	for _, c := range idle {
		<-c.done
	}
}
