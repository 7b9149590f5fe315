package redis_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redchan-go/redchan/redis"
	"github.com/redchan-go/redchan/redis/command"
	"github.com/redchan-go/redchan/redis/redistest"
)

// shifting is a server that answers rounds of GETSET with what was sent, and makes one mistake on each of its
// first connections: a line too many, too few, twice, or half of one. In the handshake that
// is anywhere; in traffic it is where nothing else is in flight, since else no client could
// tell.
type shifting struct {
	t       *testing.T
	random  *rand.Rand
	faults  int // connections with a mistake
	callers int // in each round

	mu    sync.Mutex
	conns int
	log   []string
	over  map[string]bool // calls of the round that are answered, or have ended
}

// mistake is what goes wrong on one connection.
type mistake struct {
	what  string        // "surplus", "missing", "repeated", "halved"; empty: nothing
	at    int           // which reply of the handshake; behind it: which round of traffic
	line  string        // the surplus one
	late  time.Duration // in traffic: how much later it comes; 0: with the reply
	glued bool          // the handshake's replies come at once
}

// handshakeReplies is more than the most replies that a handshake has.
const handshakeReplies = 8

func (s *shifting) draw() mistake {
	r := s.random
	lines := []string{
		"+OK\r\n", "+welcome\r\n", "+PONG\r\n", ":1\r\n", "$5\r\nother\r\n", "-ERR no\r\n", "_\r\n", "$-1\r\n", "*0\r\n",
		"%0\r\n", "#t\r\n", ",1.5\r\n", "*1\r\n$5\r\nother\r\n", "+O", "$13\r\nhe", "*2\r\n", ",1.5\n", ":", "\r\n",
	}
	return mistake{
		what:  []string{"surplus", "missing", "repeated", "halved"}[r.IntN(4)],
		at:    r.IntN(2*handshakeReplies) - 1,
		line:  lines[r.IntN(len(lines))],
		late:  []time.Duration{0, 0, time.Microsecond, time.Millisecond, 5 * time.Millisecond, 50 * time.Millisecond}[r.IntN(6)],
		glued: r.IntN(2) == 0,
	}
}

// spoil returns what is sent in place of a reply.
func (m mistake) spoil(reply string) string {
	switch m.what {
	case "surplus":
		return reply + m.line
	case "missing":
		return ""
	case "repeated":
		return reply + reply
	case "halved":
		return reply[:len(reply)/2]
	}
	return reply
}

// serve plays the server's part on one connection.
func (s *shifting) serve(conn *redistest.Conn) {
	s.mu.Lock()
	var m mistake
	if s.conns++; s.conns <= s.faults {
		m = s.draw()
	}
	s.log = append(s.log, fmt.Sprintf("%+v", m))
	s.mu.Unlock()
	if m.what == "surplus" && m.at == -1 {
		conn.Send(m.line) // on accept
	}
	replies, rounds, glued := 0, 0, ""
	conn.Serve(func(words []string) (string, bool) {
		if words[0] == "GETSET" {
			reply := fmt.Sprintf("$%d\r\n%s\r\n", len(words[2]), words[2])
			if s.ends(words[2]) {
				rounds++
				if m.what != "" && rounds == max(m.at-handshakeReplies, 0)+1 {
					return s.traffic(conn, m, reply), true
				}
			}
			return reply, true
		}
		reply := s.greet(words)
		if replies == m.at {
			reply = m.spoil(reply)
		}
		replies++
		glued += reply
		if m.glued && words[0] != "PING" {
			return "", true
		}
		reply, glued = glued, ""
		return reply, true
	})
}

// ends notes that a call is over, and reports whether it was the last of its round.
func (s *shifting) ends(token string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.over[token] = true
	return len(s.over) == s.callers
}

// traffic sends the last reply of a round, with the mistake.
func (s *shifting) traffic(conn *redistest.Conn, m mistake, reply string) string {
	if m.late == 0 || m.what == "missing" || m.what == "halved" {
		return m.spoil(reply)
	}
	time.AfterFunc(m.late, func() { conn.Send(strings.TrimPrefix(m.spoil(reply), reply)) })
	return reply
}

// greet answers what a handshake has.
func (s *shifting) greet(words []string) string {
	switch words[0] {
	case "HELLO":
		return "%2\r\n$6\r\nserver\r\n$5\r\nredis\r\n$5\r\nproto\r\n:3\r\n"
	case "PING":
		if len(words) == 1 {
			return "+PONG\r\n"
		}
		return fmt.Sprintf("$%d\r\n%s\r\n", len(words[1]), words[1])
	}
	return "+OK\r\n"
}

// rounds lets the callers send their own tokens, all at once in each round, until the last
// connection without a mistake has answered several rounds.
func (s *shifting) rounds(client *redis.Client, random *rand.Rand) {
	good := 0
	for round := 0; good < 3; round++ {
		if round == 500 {
			s.t.Fatalf("no answers come: %q", s.log)
		}
		answered := 0
		s.mu.Lock()
		s.over = map[string]bool{}
		s.mu.Unlock()
		var mu sync.Mutex
		var all sync.WaitGroup
		for caller := range s.callers {
			all.Go(func() {
				token := fmt.Sprintf("token %d of caller %d", round, caller)
				ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
				defer cancel()
				v, err := command.Raw("GETSET", "k", token).Do(ctx, client) // which is never sent twice
				s.ends(token)
				if got := v.Str(); err == nil && got != token {
					s.t.Errorf("%s: got %q; connections: %q", token, got, s.log)
				}
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					answered++
				}
			})
		}
		all.Wait()
		s.mu.Lock()
		calm := s.conns > s.faults
		s.mu.Unlock()
		if calm && answered == s.callers {
			good++
		} else if calm && good > 0 {
			s.t.Fatalf("only %d of %d calls were answered with nothing wrong: %q", answered, s.callers, s.log)
		}
		// Never just when a late line comes, which nobody could tell from an answer.
		time.Sleep(time.Duration(1+random.IntN(100))*time.Millisecond + 137*time.Microsecond)
	}
}

// TestNoCallerGetsAnothersReply makes every mistake at every place, by seed.
func TestNoCallerGetsAnothersReply(t *testing.T) {
	seeds := uint64(400)
	if testing.Short() {
		seeds = 40
	}
	for seed := range seeds {
		synctest.Test(t, func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 11))
			s := &shifting{t: t, random: rand.New(rand.NewPCG(seed, 12)), faults: 1 + random.IntN(4), callers: 1 + random.IntN(50)}
			server := redistest.NewServer(t)
			hidden := random.IntN(3) == 0
			var serving sync.WaitGroup
			dial := func(ctx context.Context, network, addr string) (net.Conn, error) {
				nc, err := server.Dial(ctx, network, addr)
				conn := server.Accept()
				serving.Go(func() { s.serve(conn) })
				if hidden {
					nc = struct{ net.Conn }{nc} // of which nobody can tell whether something has come
				}
				return nc, err
			}
			o := redis.Options{Dial: dial, RESP2: random.IntN(3) == 0, DB: random.IntN(2), ReadOnly: random.IntN(4) == 0}
			if random.IntN(2) == 0 {
				o.Username, o.Password = "ann", redis.NewSecret("s3cret")
			}
			client, err := redis.New(o)
			if err != nil {
				t.Fatal(err)
			}
			s.rounds(client, random)
			client.Close()
			serving.Wait()
			if t.Failed() {
				t.Fatalf("seed %d", seed)
			}
		})
	}
}
