package command

import (
	"strings"
	"time"

	"github.com/redchan-go/redchan/proto"
)

// ConnectedClient is a connection of a server, as CLIENT LIST and CLIENT INFO tell it. Fields
// that the server does not tell are zero.
type ConnectedClient struct {
	ID        int64  // unique, growing
	Addr      string // of the client: "host:port", or the path of a socket with ":0"
	LocalAddr string // of the server, "host:port"
	FD        int    // the server's file descriptor
	Name      string // as CLIENT SETNAME set it
	User      string
	LibName   string // since 7.2.0
	LibVer    string // since 7.2.0
	Flags     ClientFlags
	Events    string // what the server waits for: "r", "w" or both
	Command   string // the last one, such as "client|list"
	Protocol  int    // 2 or 3
	DB        int
	IOThread  int    // the thread that serves it; since Redis 8.0.0
	Capa      string // what the client said that it can; since Valkey 8.1.0

	Age  time.Duration // in whole seconds
	Idle time.Duration // in whole seconds

	Subscriptions      int
	Patterns           int
	ShardSubscriptions int
	Queued             int   // commands inside a MULTI, -1 outside of one
	Watched            int   // keys; since Redis 7.4.0, Valkey 8.0.0
	Redirect           int64 // the ID that tracking is redirected to, -1 for none

	QueryBuffer     int64 // bytes that wait to be read as commands
	QueryBufferFree int64 // bytes
	ArgvMemory      int64 // bytes of a command that has not come completely
	MultiMemory     int64 // bytes of queued commands
	ReplyBuffer     int64 // bytes of room for replies
	ReplyBufferPeak int64 // bytes, of the last few seconds
	OutputBuffer    int64 // bytes of replies in the buffer
	OutputList      int64 // replies beyond the buffer
	OutputMemory    int64 // bytes of these
	TotalMemory     int64 // bytes

	BytesIn  int64 // since Valkey 8.1.0
	BytesOut int64 // since Valkey 8.1.0
	Commands int64 // how many it has sent; since Valkey 8.1.0
}

// ClientFlags are letters that a server tells of a connection; "N" is none.
type ClientFlags string

// Has reports whether a flag is set.
func (f ClientFlags) Has(flag ClientFlag) bool { return strings.IndexByte(string(f), byte(flag)) >= 0 }

// ClientFlag is one of [ClientFlags].
type ClientFlag byte

// The flags of connections that a program may have a use for.
const (
	ClientBlocked      ClientFlag = 'b' // it waits in a blocking command
	ClientClosing      ClientFlag = 'c' // it is closed after its reply
	ClientDirty        ClientFlag = 'd' // a watched key has changed: its EXEC will fail
	ClientNoEvict      ClientFlag = 'e' // it is never evicted
	ClientNoTouch      ClientFlag = 'T' // its commands don't count as a use of keys
	ClientMonitoring   ClientFlag = 'O' // it runs MONITOR
	ClientOfPrimary    ClientFlag = 'M' // it comes from the server's primary
	ClientOfReplica    ClientFlag = 'S' // it comes from a replica
	ClientSubscribed   ClientFlag = 'P' // it is subscribed to something
	ClientReadOnly     ClientFlag = 'r' // it reads from a replica of a cluster
	ClientTracking     ClientFlag = 't' // it is told which keys change
	ClientBroadcasting ClientFlag = 'B' // it is told so by prefix
	ClientUnblocked    ClientFlag = 'u' // it was unblocked just now
	ClientUnixSocket   ClientFlag = 'U' // it came by a Unix socket
	ClientInMulti      ClientFlag = 'x' // it is inside a MULTI
)

// ClientInfo returns what the server knows of the connection that the command ran on.
// The client's connections are shared: another call may run on another one.
// O(1). Since 6.2.0.
func ClientInfo() Cmd[ConnectedClient] {
	return Cmd[ConnectedClient]{newRequest(&specClientInfo), decodeConnectedClient}
}

// ClientList returns the connections of the server for which all filters hold, all of
// them without filters. Redis takes one filter, [WhereType] or [WhereID]; Valkey takes
// all since 9.0, and those that are not negated since 8.1, [WhereName] and those behind it
// excepted. O(N). Since 2.4.0.
func ClientList(filters ...ClientWhere) Cmd[[]ConnectedClient] {
	r := newRequest(&specClientList)
	for i := range filters {
		filters[i].add(&r)
		if sameWhere(filters[:i], filters[i]) {
			r.fail(badArgument("a filter of CLIENT LIST is there twice: only the last would hold"))
		}
	}
	return Cmd[[]ConnectedClient]{r, decodeConnectedClients}
}

func decodeConnectedClients(v proto.Value) ([]ConnectedClient, error) {
	text, err := decodeText(v)
	if err != nil {
		return nil, want("lines of clients")
	}
	t := textsOf(v)
	clients := []ConnectedClient{}
	for line := range strings.Lines(text) {
		c, err := t.parseConnectedClient(line)
		if err != nil {
			return nil, wantCause("lines of clients", err)
		}
		clients = append(clients, c)
	}
	return clients, nil
}

func decodeConnectedClient(v proto.Value) (ConnectedClient, error) {
	return textsOf(v).connectedClient(v)
}

// connectedClient decodes the line of one connection.
func (t *texts) connectedClient(v proto.Value) (ConnectedClient, error) {
	text, err := decodeText(v)
	if err != nil {
		return ConnectedClient{}, want("a client's line")
	}
	c, err := t.parseConnectedClient(text)
	if err != nil {
		return ConnectedClient{}, wantCause("a client's line", err)
	}
	return c, nil
}

// parseConnectedClient parses "id=5 addr=127.0.0.1:54048 ...".
func (t *texts) parseConnectedClient(line string) (ConnectedClient, error) {
	var c ConnectedClient
	line = strings.TrimRight(line, "\r\n")
	for line != "" {
		var name, value string
		name, value, line = cutClientField(line)
		text := c.textField(name)
		if text != nil {
			*text = t.text(value)
			continue
		}
		if err := c.setNumber(name, value); err != nil {
			return c, err
		}
		if name == "flags" {
			c.Flags = ClientFlags(t.text(value))
		}
	}
	return c, nil
}

// cutClientField cuts the first "name=value" off a client's line. Only an address may have
// spaces, as the path of a socket: it ends where one of the fields behind it begins.
func cutClientField(line string) (name, value, rest string) {
	name, rest, _ = strings.Cut(line, "=")
	if name == "addr" || name == "laddr" {
		for _, next := range []string{" laddr=", " fd="} {
			if value, after, ok := strings.Cut(rest, next); ok {
				return name, value, next[1:] + after
			}
		}
	}
	value, rest, _ = strings.Cut(rest, " ")
	return name, value, rest
}

// textField returns where a field that is a text belongs; nil for others.
func (c *ConnectedClient) textField(name string) *string {
	switch name {
	case "addr":
		return &c.Addr
	case "laddr":
		return &c.LocalAddr
	case "name":
		return &c.Name
	case "user":
		return &c.User
	case "lib-name":
		return &c.LibName
	case "lib-ver":
		return &c.LibVer
	case "events":
		return &c.Events
	case "cmd":
		return &c.Command
	case "capa":
		return &c.Capa
	}
	return nil
}

// setNumber sets a field that is a number, and no other.
func (c *ConnectedClient) setNumber(name, value string) error {
	switch name {
	case "age", "idle":
		var seconds int64
		err := parseInto(&seconds, value)
		if name == "age" {
			c.Age = time.Duration(seconds) * time.Second
		} else {
			c.Idle = time.Duration(seconds) * time.Second
		}
		return err
	case "id":
		return parseInto(&c.ID, value)
	case "fd":
		return parseInto(&c.FD, value)
	case "db":
		return parseInto(&c.DB, value)
	case "resp":
		return parseInto(&c.Protocol, value)
	case "io-thread":
		return parseInto(&c.IOThread, value)
	case "sub":
		return parseInto(&c.Subscriptions, value)
	case "psub":
		return parseInto(&c.Patterns, value)
	case "ssub":
		return parseInto(&c.ShardSubscriptions, value)
	case "multi":
		return parseInto(&c.Queued, value)
	case "watch":
		return parseInto(&c.Watched, value)
	case "redir":
		return parseInto(&c.Redirect, value)
	}
	if to := c.size(name); to != nil {
		return parseInto(to, value)
	}
	return nil
}

// size returns where a field that is a number of bytes, or of what has gone through,
// belongs; nil for others.
func (c *ConnectedClient) size(name string) *int64 {
	switch name {
	case "qbuf":
		return &c.QueryBuffer
	case "qbuf-free":
		return &c.QueryBufferFree
	case "argv-mem":
		return &c.ArgvMemory
	case "multi-mem":
		return &c.MultiMemory
	case "rbs":
		return &c.ReplyBuffer
	case "rbp":
		return &c.ReplyBufferPeak
	case "obl":
		return &c.OutputBuffer
	case "oll":
		return &c.OutputList
	case "omem":
		return &c.OutputMemory
	case "tot-mem":
		return &c.TotalMemory
	case "tot-net-in":
		return &c.BytesIn
	case "tot-net-out":
		return &c.BytesOut
	case "tot-cmds":
		return &c.Commands
	}
	return nil
}

// TrackingInfo says what client-side caching is told on a connection.
type TrackingInfo struct {
	Flags    []string // such as "off", or "on" and "bcast"
	Redirect int64    // the ID of the connection that is told instead; 0: this one, -1: tracking is off
	Prefixes []string // of keys, with "bcast"
}

// ClientTrackingInfo returns what client-side caching is told on the connection that the
// command ran on. O(1). Since 6.2.0.
func ClientTrackingInfo() Cmd[TrackingInfo] {
	return Cmd[TrackingInfo]{newRequest(&specClientTrackinginfo), decodeTrackingInfo}
}

func decodeTrackingInfo(v proto.Value) (TrackingInfo, error) {
	var info TrackingInfo
	err := decodeRecord(v, "tracking info", func(name string, v proto.Value) error {
		switch name {
		case "flags":
			return into(&info.Flags, v, decodeStrings)
		case "redirect":
			return into(&info.Redirect, v, decodeInt)
		case "prefixes":
			return into(&info.Prefixes, v, decodeStrings)
		}
		return nil
	})
	return info, err
}

// ClientGetRedir returns the ID of the connection that is told about keys instead of the
// one that the command ran on: 0 for itself, -1 where tracking is off. O(1). Since 6.0.0.
func ClientGetRedir() Cmd[int64] {
	return Cmd[int64]{newRequest(&specClientGetredir), decodeInt}
}

// ClientUnblockOption is an option of [ClientUnblock]: [WithError].
type ClientUnblockOption interface{ clientUnblockOption() tokens }

// ClientUnblockFlag is an option of [ClientUnblock]: [WithError].
type ClientUnblockFlag string

// WithError lets [ClientUnblock] end a command with the error UNBLOCKED: the option ERROR.
const WithError ClientUnblockFlag = "ERROR"

func (f ClientUnblockFlag) clientUnblockOption() tokens { return flag(groupCondition, f, WithError) }

// ClientUnblock ends the blocking command of another connection as if its time were over,
// or with an error where [WithError] is given. False: it was not blocked. O(log(N)).
// Since 5.0.0.
func ClientUnblock(id int64, opts ...ClientUnblockOption) Cmd[bool] {
	r := newRequest(&specClientUnblock)
	r.int(id)
	addOptions(&r, opts, ClientUnblockOption.clientUnblockOption)
	return Cmd[bool]{r, decodeBool}
}

// ClientUnpause ends a [ClientPause]. O(N). Since 6.2.0.
func ClientUnpause() Cmd[struct{}] {
	return Cmd[struct{}]{newRequest(&specClientUnpause), decodeOK}
}
