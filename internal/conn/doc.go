// Package conn is one connection to a server: a writer goroutine, a reader goroutine, and
// between them the FIFO of requests in flight. Callers encode their requests into the
// connection's buffer themselves, and each waits on a channel of its own. A [Dialer] makes
// connections; what keeps one, makes it again, or lends it is package redis.
//
// Callers may also write and read for the two goroutines: below, writer and reader are whoever
// does so. One goroutine writes at a time, and one reads.
//
// # What holds, always
//
//  1. A request enters the FIFO, under mu, before its bytes can be flushed, and the reader
//     takes one slot per reply. A push takes none. A SUBSCRIBE batch is one slot, which
//     absorbs error replies until its fence's token. (Else a fast reply would find no slot, or
//     another's.)
//  2. The writer never waits for room in the FIFO: callers do, before they have queued a byte.
//     (Else writer and reader could wait for each other.)
//  3. A slot's channel has capacity 1 and is answered once at most, and only where its caller
//     waits, so that an abandoned request can't block the reader. Replies are decoded into
//     fresh memory, never into the caller's, because the caller may have gone.
//  4. A reply that is there beats cancellation and closing.
//  5. Cancelling stops the waiting, not the connection: the slot stays in the FIFO and its
//     reply is discarded. Abandoned slots are bounded. One watchdog closes the connection when
//     no reply has come for too long while one was waited for; no operation has a deadline of
//     its own.
//  6. A parse error, a failed handshake, and a write that stays partial close the connection
//     and fail every slot. A connection that has misread one byte is never used again.
//     Decoding is separate: a wrong type is the caller's error and leaves no byte unread.
//  7. Shutdown is one function. closing closes first and refuses new requests; done closes
//     last, when every accepted request has been answered.
//  8. Errors say what happened: NotSent where no byte of the request was written,
//     MaybeExecuted where any may have been.
//  9. No user code runs on the reader or the writer, except a net.Conn of the user's own, and no
//     panic leaves them.
//  10. A batch is one uninterrupted run on the wire, because it is queued under mu at once.
//
// # The layers
//
// A [Conn] is a tower of layers. Each has a file and state of its own, embeds the layer below,
// and calls only downwards: the compiler holds that, because a layer does not know those above.
//
//	Conn      conn.go      what others use; start and shutdown
//	turns     turn.go      who reads: the read lease
//	receiver  receive.go   what is read is handed out (proof.go: since when nothing was lost)
//	writer    write.go     who writes: the write lease; what is queued is written
//	outbox    outbox.go    the bytes that wait to be written, and who waits for room
//	flight    flight.go    the FIFO of slots (slot.go) that wait for their replies
//	life      life.go      the socket, mu, and why and how the connection ends
//
// The watchdog (watchdog.go) stands beside turns: it compares counters of the layers from receiver
// downwards. dial.go, handshake.go, fence.go, identity.go and probe.go make a connection out of
// an address; learned.go is what the connections of one Dialer know from those before.
//
// # Locks
//
// A connection has one mutex for requests, life.mu. It guards what the fields of each layer say
// that it guards, and the watchdog's counters. It is one, because a request enters the FIFO and
// the buffer in one step. It is held for memory operations only: nobody waits, writes, reads,
// or calls what is not this package's with it held, except for Role.Held, which must not lock.
// What belongs to who has a lease is touched without it. learned.mu guards what is known of
// refusals; with it held no other is taken.
//
// This is the order of the locks of the whole program. A goroutine that holds one may take those
// to the right of it:
//
//	cluster: Client.mu, subscriptions.mu, roaming.mu     none of them calls down while it is held
//	redis:   Client.mu > subscriber.mu > Hub.mu, learned.mu, pacer (a channel)
//	redis:   link.mu > life.mu; pool.mu, Session.mu, renewal.mu and Monitor.mu are taken alone
//	pubsub:  Hub.mu > Mux.mu or life.mu or Subscription.handling > Subscription.mu > places.mu
//
// Hub.mu stands above life.mu because a hub sends by [Conn.Fence] with its lock held. The reverse
// never happens: whoever reads calls OnPush, AfterPushes and a fence's Done without life.mu. A
// Runner's lock and that of a hub's lives are taken alone. No connection is closed under any
// of them but life.mu's own: Close of a net.Conn can take seconds.
package conn
