package conn

import (
	"errors"
	"fmt"
	"io"
	"net"
	"runtime/debug"
	"sync"
)

// life is what a connection is, and how it ends. It is the lowest layer of a [Conn].
type life struct {
	nc     net.Conn
	raw    net.Conn // below TLS: what is closed, because TLS's own Close can block
	secure bool     // nc is TLS
	addr   string
	role   Role
	bare   bool // a PING has no data here: the server can't answer that

	closing chan struct{} // closed first: no new requests
	done    chan struct{} // closed last: every request has been answered

	// mu guards what the layers say that it guards. It is held for memory operations only.
	mu       sync.Mutex
	draining error // why there are no new requests; nil where there are
	cause    error // why the connection was closed; nil while it is open. Set before closing is closed
}

// fail closes the connection for a reason, of which the first counts. It returns at once;
// done tells when all is over.
func (l *life) fail(cause error) {
	cause = explain(cause)
	l.mu.Lock()
	first := l.cause == nil
	if first {
		l.cause = cause
		close(l.closing)
	}
	l.mu.Unlock()
	if first {
		_ = l.raw.Close() // wakes reader and writer; its error tells nothing new
	}
}

// refusal returns why the connection takes no new request, nil where it does. mu is held.
func (l *life) refusal() error {
	if l.cause != nil {
		return l.cause
	}
	return l.draining
}

// alive reports whether the connection is open.
func (l *life) alive() bool {
	select {
	case <-l.closing:
		return false
	default:
		return true
	}
}

// explain says what an end of file means here.
func explain(err error) error {
	switch {
	case errors.Is(err, io.EOF):
		return errServerClosed
	case errors.Is(err, net.ErrClosed): // by a net.Conn of the user's own
		return errClosedBelow
	}
	return err
}

// Why a connection ended that was open a moment ago.
var (
	errServerClosed = errors.New("the server closed the connection")
	// errClosedBelow stands for "use of closed network connection".
	errClosedBelow = errors.New("the connection was closed on this side")
	// errUnasked tells of a reply that nothing in flight waits for.
	errUnasked = errors.New("the server sent a reply that nobody asked for")
	// errAbandoned closes a connection whose server answers so little that too many
	// callers have given up waiting.
	errAbandoned = errors.New("too many callers have given up waiting for this connection's replies")
)

// recoverPanic turns a panic, of a net.Conn of the user's own, into the connection's end.
func (l *life) recoverPanic() {
	if r := recover(); r != nil {
		l.fail(panicError(r))
	}
}

func panicError(r any) error {
	return fmt.Errorf("panic on the connection: %v\n%s", r, debug.Stack())
}
