// Package exampleserver is a small server on the loopback interface, for the examples of the
// documentation, which run as tests: it knows the commands that they show, and no more. Start it
// for one example, so that it begins empty.
package exampleserver

import (
	"fmt"
	"net"
	"path"
	"strings"
	"sync"

	"github.com/redchan-go/redchan/proto"
)

// Server is a server with one database, which is also a cluster of one node.
type Server struct {
	listener net.Listener
	tasks    sync.WaitGroup

	mu     sync.Mutex
	closed bool
	conns  map[*conn]bool
	values map[string]any // string, map[string]string, []string, map[string]float64
	writes map[string]int // how often a key was written, for WATCH
}

// conn is one connection.
type conn struct {
	nc      net.Conn
	server  *Server
	names   map[string]bool // what it is subscribed to: kind and name
	queued  [][]string      // since MULTI; nil outside
	watched map[string]int
}

// Start starts a server on a free port.
func Start() *Server {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	s := &Server{listener: listener, conns: map[*conn]bool{}, values: map[string]any{}, writes: map[string]int{}}
	s.tasks.Go(s.accept)
	return s
}

// Addr returns the server's host and port.
func (s *Server) Addr() string { return s.listener.Addr().String() }

// URL returns what Open takes.
func (s *Server) URL() string { return "redis://" + s.Addr() }

// Close ends the server and all connections.
func (s *Server) Close() {
	_ = s.listener.Close()
	s.mu.Lock()
	s.closed = true
	for c := range s.conns {
		_ = c.nc.Close()
	}
	s.mu.Unlock()
	s.tasks.Wait()
}

func (s *Server) accept() {
	for {
		nc, err := s.listener.Accept()
		if err != nil {
			return
		}
		c := &conn{nc: nc, server: s, names: map[string]bool{}}
		s.mu.Lock()
		s.conns[c] = true
		if s.closed {
			_ = nc.Close()
		}
		s.mu.Unlock()
		s.tasks.Go(c.serve)
	}
}

// serve answers one connection until it ends.
func (c *conn) serve() {
	defer func() {
		_ = c.nc.Close()
		c.server.mu.Lock()
		delete(c.server.conns, c)
		c.server.mu.Unlock()
	}()
	reader := proto.NewReader(c.nc, proto.Limits{})
	for {
		v, err := reader.Next()
		if err != nil {
			return
		}
		var words []string
		for word := range v.All() {
			words = append(words, word.Str())
		}
		if len(words) == 0 {
			return
		}
		words[0] = strings.ToUpper(words[0])
		c.server.mu.Lock()
		_, err = c.nc.Write([]byte(c.answer(words)))
		c.server.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// answer returns the reply to a command. mu is held, as it is by all that follows.
func (c *conn) answer(words []string) string {
	switch name := words[0]; {
	case c.queued != nil && name != "EXEC" && name != "DISCARD":
		c.queued = append(c.queued, words)
		return "+QUEUED\r\n"
	case strings.HasSuffix(name, "UNSUBSCRIBE"):
		return c.unsubscribe(strings.TrimSuffix(name, "UNSUBSCRIBE"), words[1:])
	case strings.HasSuffix(name, "SUBSCRIBE"):
		return c.subscribe(strings.TrimSuffix(name, "SUBSCRIBE"), words[1:])
	}
	if run, ok := commands[words[0]]; ok {
		return run(c.server, words[1:])
	}
	return c.own(words)
}

// own answers commands that depend on the connection.
func (c *conn) own(words []string) string {
	switch words[0] {
	case "HELLO":
		return "%2\r\n" + bulk("server") + bulk("example") + bulk("proto") + ":3\r\n"
	case "PING":
		if len(words) > 1 {
			return bulk(words[1])
		}
		return "+PONG\r\n"
	case "CLIENT":
	case "MULTI":
		c.queued = [][]string{}
	case "WATCH":
		c.watched = map[string]int{}
		for _, key := range words[1:] {
			c.watched[key] = c.server.writes[key]
		}
	case "UNWATCH":
		c.watched = nil
	case "DISCARD":
		c.queued, c.watched = nil, nil
	case "EXEC":
		return c.exec()
	default:
		return "-ERR unknown command '" + words[0] + "'\r\n"
	}
	return ok
}

// exec runs what was queued, unless a watched key was written.
func (c *conn) exec() string {
	queued, watched := c.queued, c.watched
	c.queued, c.watched = nil, nil
	for key, n := range watched {
		if c.server.writes[key] != n {
			return null
		}
	}
	reply := fmt.Sprintf("*%d\r\n", len(queued))
	for _, words := range queued {
		reply += c.answer(words)
	}
	return reply
}

// subscribe answers SUBSCRIBE, and by kind "P" and "S" PSUBSCRIBE and SSUBSCRIBE.
func (c *conn) subscribe(kind string, names []string) (reply string) {
	for _, name := range names {
		c.names[kind+" "+name] = true
		reply += push(strings.ToLower(kind)+"subscribe", name) + fmt.Sprintf(":%d\r\n", len(c.names))
	}
	return reply
}

func (c *conn) unsubscribe(kind string, names []string) (reply string) {
	for _, name := range names {
		delete(c.names, kind+" "+name)
		reply += push(strings.ToLower(kind)+"unsubscribe", name) + fmt.Sprintf(":%d\r\n", len(c.names))
	}
	return reply
}

// push begins a push of two texts and one more element.
func push(kind, name string) string { return ">3\r\n" + bulk(kind) + bulk(name) }

// publish sends a message to all that are subscribed, and answers to how many.
func (s *Server) publish(kind, channel, message string) string {
	n := 0
	for c := range s.conns {
		if c.names[kind+" "+channel] {
			n++
			_, _ = c.nc.Write([]byte(push(strings.ToLower(kind)+"message", channel) + bulk(message)))
		}
		for name := range c.names {
			pattern, isPattern := strings.CutPrefix(name, "P ")
			if matches, _ := path.Match(pattern, channel); isPattern && matches && kind == "" {
				n++
				_, _ = c.nc.Write([]byte(">4\r\n" + bulk("pmessage") + bulk(pattern) + bulk(channel) + bulk(message)))
			}
		}
	}
	return integer(n)
}
