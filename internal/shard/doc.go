// Package shard keeps shard channels subscribed on the nodes of a cluster that serve
// their slots, wherever the slots move. It does no I/O: a cluster's client tells a [Mux] how
// the slots are spread, and gives it connections; the names themselves are in a [hub.Hub], whose
// [hub.Router] it is.
//
// # What is guaranteed
//
// A subscription's shard channels may be of any slots. Each is subscribed on one node: the
// one that serves its slot, or one of that one's replicas where replicas are read. When the
// slot goes to another node, the server says so, and the channel is asked for on all
// primaries at once, over connections that are there already: the first to confirm it has
// it, and from then on only that one's messages are taken. Where the server says nothing,
// because it is cut off from the others, or they have forgotten it, or it follows another
// primary, the next [View] that another node tells finds it: a cluster's client asks about
// every 10 s.
//
// Each of these is told by a pubsub.Gap of the reason Moved, or Reconnect where a connection was
// lost, in front of the next message of the subscription. Where a channel stays on
// its node there is none.
//
// Around a gap of the reason Moved a message may come twice, or later than one that was
// published behind it: two nodes may have the channel for a moment. Otherwise the
// messages of a channel come in their order; those of several channels in any.
package shard
