// Package load has the workloads: what is done by every client, how one client is
// measured at it, and how that happens in a process of its own.
//
// A workload is a line of a table (workloads.go) and a kind: commands (commands.go,
// callers.go), a flood of messages (pubsub.go, publisher.go) or idle connections
// (idle.go).
package load
