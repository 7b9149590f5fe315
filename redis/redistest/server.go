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

// Server is a fake server whose part a test plays. It is for one test and ends
// with it.
type Server struct {
	t       testing.TB
	dialled chan *end

	mu      sync.Mutex
	refusal error
	open    []*end
	ended   bool
}

// NewServer returns a server that waits for connections. They are closed when
// the test ends.
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

// Dial connects to the server; give it to redis.Options.Dial. The connection is
// there at once, whether or not the test accepts it.
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

// Refuse makes every Dial fail with err, or succeed again where err is nil.
func (s *Server) Refuse(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refusal = err
}

// Accept returns the next connection as it is, before its handshake, leaving
// out those that the client has closed again meanwhile.
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

// AcceptReady returns the next connection after a handshake in RESP3.
func (s *Server) AcceptReady() *Conn {
	s.t.Helper()
	c := s.Accept()
	c.Handshake()
	return c
}

// AcceptRESP2 returns the next connection after a handshake of a server that
// does not know HELLO.
func (s *Server) AcceptRESP2() *Conn {
	s.t.Helper()
	c := s.Accept()
	c.HandshakeRESP2()
	return c
}
