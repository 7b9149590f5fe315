package redistest

import (
	"context"
	"errors"
	"net"
	"sync"
	"testing"
	"time"
)

// patience is how long a server waits for what its test expects.
const patience = 30 * time.Second

// Server is a fake server that a test controls. It belongs to one test and ends with it.
type Server struct {
	t       testing.TB
	dialled chan *end

	mu      sync.Mutex
	refusal error
	open    []*end
	ended   bool
}

// NewServer returns a server that waits for connections. They are closed when the test
// ends.
func NewServer(t testing.TB) *Server {
	s := &Server{t: t, dialled: make(chan *end, 1024)}
	t.Cleanup(func() {
		s.mu.Lock()
		s.ended = true
		open := s.open
		s.mu.Unlock()
		for _, e := range open {
			_ = e.Close()
		}
	})
	return s
}

// Dial connects to the server. Pass it as redis.Options.Dial. The connection exists at
// once, whether or not the test accepts it.
func (s *Server) Dial(ctx context.Context, _, _ string) (net.Conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refusal != nil {
		return nil, s.refusal
	}
	if s.ended {
		return nil, errors.New("redistest: the test has ended")
	}
	client, server := newPipe()
	select {
	case s.dialled <- server:
	default:
		return nil, errors.New("redistest: too many connections that the test has not accepted")
	}
	s.open = append(s.open, server)
	return client, nil
}

// Refuse makes every Dial fail with err. If err is nil, Dial succeeds again.
func (s *Server) Refuse(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refusal = err
}

// Accept returns the next connection as it is, before its handshake. It skips connections
// that the client has already closed again.
func (s *Server) Accept() *Conn {
	s.t.Helper()
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	for {
		select {
		case e := <-s.dialled:
			if !e.in.ended() {
				return newConn(s.t, e)
			}
		case <-timeout.C:
			s.t.Fatalf("redistest: nobody connected within %v", patience)
			return nil
		}
	}
}

// AcceptReady returns the next connection after a RESP3 handshake.
func (s *Server) AcceptReady() *Conn {
	s.t.Helper()
	c := s.Accept()
	c.Handshake()
	return c
}

// AcceptRESP2 returns the next connection after the handshake of a server that does not
// know HELLO.
func (s *Server) AcceptRESP2() *Conn {
	s.t.Helper()
	c := s.Accept()
	c.HandshakeRESP2()
	return c
}
