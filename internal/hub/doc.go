// Package hub records which subscriptions want which names, and on which connections the names
// are subscribed. It decides what to report to whom when that changes. It is pure state: it does
// no I/O, and waits for nothing.
//
// Package pubsub is above it: its Subscription holds a [Subscriber], and is a [Sink] for events
// that concern it. Clients are beside it: they create a [Hub], pass what arrives on each
// connection to a [Lane], and give the lane a [Link] that sends.
//
//	pubsub.Subscription --Want, Depart, Release--> Hub --Send, Ping--> Link (a connection)
//	pubsub.Subscription <--Deliver, Confirmed, Lost-- Hub <--Collect, Flush, LinkUp-- the reader
//
// # Locks
//
// The Hub's mu guards the whole state. It is never held while waiting, while a connection is
// closed or written to, or while user code runs. It is first in the order of locks: while it is
// held, the locks of a Link or a [Router], a Subscription's handling and a Subscription's mu may
// be taken. The mu of an [Observer] comes last. The mu of a Runner and that of lives are taken
// alone.
package hub
