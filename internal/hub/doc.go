// Package hub holds which names are wanted by which subscriptions, on which connections they
// are subscribed, and what is to be told to whom when that changes. It is pure state: it does no
// I/O, and waits for nothing.
//
// Package pubsub is above it: its Subscription holds a [Subscriber], and is a [Sink] for what
// concerns it. Clients are beside it: they make a [Hub], tell a [Lane] of each connection what
// arrives there, and give it a [Link] that sends.
//
//	pubsub.Subscription --Want, Depart, Release--> Hub --Send, Ping--> Link (a connection)
//	pubsub.Subscription <--Deliver, Confirmed, Lost-- Hub <--Collect, Flush, LinkUp-- the reader
//
// # Locks
//
// The Hub's mu guards the whole state. It is never held while waiting, while a connection is
// closed or written to, or while user code runs. It comes first: while it is held, what a Link
// or a [Router] locks may be taken, a Subscription's handling, and a Subscription's mu. The mu of
// an [Observer] comes last. The mu of a Runner and that of lives are taken alone.
package hub
