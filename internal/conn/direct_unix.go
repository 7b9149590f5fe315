//go:build unix

package conn

import (
	"errors"
	"io"
	"net"
	"syscall"
)

// direct writes to a socket without ever waiting: what does not fit into its
// buffer stays. It is for one goroutine at a time and allocates nothing.
type direct struct {
	raw syscall.RawConn
	try func(fd uintptr) (done bool) // made once: a closure for each write would be an allocation

	piece []byte // to be written by try
	n     int    // what try has written
	err   error

	look func(fd uintptr) // made once as well
	mark [1]byte          // what look has found
	met  int              // how many bytes that is; below 0: nothing
	end  error
}

// maxDirect bounds one write: some systems refuse larger ones.
const maxDirect = 1 << 30

// newDirect returns a direct writer for plain TCP and Unix sockets, nil for all
// else.
func newDirect(nc net.Conn) *direct {
	var socket syscall.Conn
	switch nc := nc.(type) {
	case *net.TCPConn:
		socket = nc
	case *net.UnixConn:
		socket = nc
	default:
		return nil
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return nil
	}
	d := &direct{raw: raw}
	d.try = func(fd uintptr) bool {
		n, err := syscall.Write(int(fd), d.piece[:min(len(d.piece), maxDirect)])
		d.n = max(n, 0)
		if err != nil && !errors.Is(err, syscall.EAGAIN) && !errors.Is(err, syscall.EINTR) {
			d.err = err
		}
		return true // also where it did not fit: never wait
	}
	d.look = func(fd uintptr) {
		d.met, _, d.end = syscall.Recvfrom(int(fd), d.mark[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
	}
	return d
}

// PeekByte returns the first byte that has come and was not read.
func (d *direct) PeekByte() (first byte, ok bool, err error) {
	d.met, d.end = -1, nil
	if err := d.raw.Control(d.look); err != nil {
		return 0, false, err
	}
	switch {
	case errors.Is(d.end, syscall.EAGAIN), errors.Is(d.end, syscall.EINTR):
		return 0, false, nil
	case d.end != nil:
		return 0, false, d.end
	case d.met == 0:
		return 0, false, io.EOF
	}
	return d.mark[0], true, nil
}

// write writes what fits and returns how much that was.
func (d *direct) write(piece []byte) (int, error) {
	d.piece, d.n, d.err = piece, 0, nil
	err := d.raw.Write(d.try)
	d.piece = nil
	if err == nil {
		err = d.err
	}
	return d.n, err
}
