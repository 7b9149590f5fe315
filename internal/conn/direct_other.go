//go:build !unix

package conn

import "net"

// direct is for systems whose sockets can be written to without waiting.
type direct struct{}

func newDirect(net.Conn) *direct { return nil }

func (*direct) PeekByte() (first byte, ok bool, err error) { return 0, false, nil }

func (*direct) write([]byte) (int, error) { return 0, nil }
