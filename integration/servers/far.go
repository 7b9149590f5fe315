package servers

import (
	"errors"
	"net"
	"sync"
	"time"
)

// Far is a proxy in front of a server that makes it look as far away as a round trip
// says: each byte takes half of that in its direction, however many there are.
// (Toxiproxy leaves goroutines behind when connections with a delay are closed.)
type Far struct {
	Addr string // of the proxy

	target   string
	delay    time.Duration // in each direction
	listener net.Listener
	group    sync.WaitGroup

	mu     sync.Mutex
	conns  []net.Conn
	closed bool
}

// NewFar starts a proxy in front of the server at target.
func NewFar(target string, roundTrip time.Duration) (*Far, error) {
	listener, err := net.Listen("tcp", net.JoinHostPort(loopback, "0"))
	if err != nil {
		return nil, err
	}
	f := &Far{Addr: listener.Addr().String(), target: target, delay: roundTrip / 2, listener: listener}
	f.group.Go(f.run)
	return f, nil
}

// run accepts connections until the proxy is closed.
func (f *Far) run() {
	for {
		near, err := f.listener.Accept()
		if err != nil {
			return
		}
		if !f.add(near) {
			return
		}
		f.group.Go(func() { f.serve(near) })
	}
}

// add notes a connection, which Close closes. False: that has been called.
func (f *Far) add(conn net.Conn) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		_ = conn.Close()
		return false
	}
	f.conns = append(f.conns, conn)
	return true
}

// serve connects a connection to the server.
func (f *Far) serve(near net.Conn) {
	far, err := net.Dial("tcp", f.target)
	if err != nil {
		_ = near.Close()
		return
	}
	if !f.add(far) {
		return
	}
	f.group.Go(func() { f.copy(near, far) })
	f.copy(far, near)
}

// piece is what was read at once.
type piece struct {
	data []byte
	due  time.Time
}

// copy copies from one connection to the other, with the delay, and closes both at the end.
func (f *Far) copy(to, from net.Conn) {
	const waiting = 1024 // pieces; beyond them nothing is read
	pieces := make(chan piece, waiting)
	f.group.Go(func() {
		defer close(pieces)
		for {
			data := make([]byte, 16<<10)
			n, err := from.Read(data)
			if err != nil {
				return
			}
			pieces <- piece{data[:n], time.Now().Add(f.delay)}
		}
	})
	for p := range pieces {
		<-time.After(time.Until(p.due))
		if _, err := to.Write(p.data); err != nil {
			break
		}
	}
	_, _ = to.Close(), from.Close()
	for range pieces { // lets the reader end
	}
}

// Close ends the proxy with its connections, and returns when nothing of it is left.
func (f *Far) Close() error {
	err := f.listener.Close()
	f.mu.Lock()
	f.closed = true
	for _, conn := range f.conns {
		err = errors.Join(err, ignoreClosed(conn.Close()))
	}
	f.mu.Unlock()
	f.group.Wait()
	return err
}

// ignoreClosed returns err, unless it says that something was closed before.
func ignoreClosed(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}
