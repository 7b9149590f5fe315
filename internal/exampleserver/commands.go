package exampleserver

import (
	"cmp"
	"fmt"
	"maps"
	"net"
	"path"
	"slices"
	"strconv"
	"strings"
)

const (
	ok   = "+OK\r\n"
	null = "_\r\n"
)

func bulk(text string) string { return fmt.Sprintf("$%d\r\n%s\r\n", len(text), text) }

func integer(n int) string { return ":" + strconv.Itoa(n) + "\r\n" }

func array(texts []string) string {
	reply := fmt.Sprintf("*%d\r\n", len(texts))
	for _, text := range texts {
		reply += bulk(text)
	}
	return reply
}

// commands are those of the database.
var commands = map[string]func(s *Server, args []string) string{
	"GET":    func(s *Server, args []string) string { return s.get(args[0]) },
	"SET":    (*Server).set,
	"DEL":    (*Server).del,
	"INCR":   func(s *Server, args []string) string { return s.incr(args[0], 1) },
	"INCRBY": func(s *Server, args []string) string { return s.incr(args[0], number(args[1])) },
	"MSET": func(s *Server, args []string) string {
		for pair := range slices.Chunk(args, 2) {
			s.put(pair[0], pair[1])
		}
		return ok
	},
	"MGET": func(s *Server, args []string) string {
		reply := fmt.Sprintf("*%d\r\n", len(args))
		for _, key := range args {
			reply += s.get(key)
		}
		return reply
	},
	"EXPIRE": func(s *Server, args []string) string {
		_, exists := s.values[args[0]]
		return integer(map[bool]int{true: 1}[exists])
	},
	"HSET": func(s *Server, args []string) string {
		hash, _ := s.values[args[0]].(map[string]string)
		if hash == nil {
			hash = map[string]string{}
		}
		before := len(hash)
		for pair := range slices.Chunk(args[1:], 2) {
			hash[pair[0]] = pair[1]
		}
		s.put(args[0], hash)
		return integer(len(hash) - before)
	},
	"HGETALL": func(s *Server, args []string) string {
		hash, _ := s.values[args[0]].(map[string]string)
		reply := fmt.Sprintf("%%%d\r\n", len(hash))
		for _, field := range slices.Sorted(maps.Keys(hash)) {
			reply += bulk(field) + bulk(hash[field])
		}
		return reply
	},
	"RPUSH": func(s *Server, args []string) string {
		list, _ := s.values[args[0]].([]string)
		list = append(list, args[1:]...)
		s.put(args[0], list)
		return integer(len(list))
	},
	"BLPOP": func(s *Server, args []string) string {
		list, _ := s.values[args[0]].([]string)
		if len(list) == 0 {
			return null
		}
		s.put(args[0], list[1:])
		return array([]string{args[0], list[0]})
	},
	"ZADD":     (*Server).zadd,
	"ZRANGE":   (*Server).zrange,
	"SCAN":     (*Server).scan,
	"PUBLISH":  func(s *Server, args []string) string { return s.publish("", args[0], args[1]) },
	"SPUBLISH": func(s *Server, args []string) string { return s.publish("S", args[0], args[1]) },
	"CLUSTER":  (*Server).cluster,
	"READONLY": func(*Server, []string) string { return ok },
}

func number(text string) int {
	n, _ := strconv.Atoi(text)
	return n
}

// put writes a key.
func (s *Server) put(key string, value any) {
	s.values[key] = value
	s.writes[key]++
}

func (s *Server) get(key string) string {
	switch v := s.values[key].(type) {
	case nil:
		return null
	case string:
		return bulk(v)
	}
	return "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"
}

// set knows the conditions, and takes expiries without keeping them.
func (s *Server) set(args []string) string {
	_, exists := s.values[args[0]]
	if slices.Contains(args[2:], "NX") && exists || slices.Contains(args[2:], "XX") && !exists {
		return null
	}
	s.put(args[0], args[1])
	return ok
}

func (s *Server) del(args []string) string {
	n := 0
	for _, key := range args {
		if _, exists := s.values[key]; exists {
			delete(s.values, key)
			s.writes[key]++
			n++
		}
	}
	return integer(n)
}

func (s *Server) incr(key string, delta int) string {
	text, _ := s.values[key].(string)
	n, err := strconv.Atoi(cmp.Or(text, "0"))
	if err != nil {
		return "-ERR value is not an integer or out of range\r\n"
	}
	s.put(key, strconv.Itoa(n+delta))
	return integer(n + delta)
}

func (s *Server) zadd(args []string) string {
	set, _ := s.values[args[0]].(map[string]float64)
	if set == nil {
		set = map[string]float64{}
	}
	before := len(set)
	for pair := range slices.Chunk(args[1:], 2) {
		set[pair[1]], _ = strconv.ParseFloat(pair[0], 64)
	}
	s.put(args[0], set)
	return integer(len(set) - before)
}

// zrange returns all members, with their scores.
func (s *Server) zrange(args []string) string {
	set, _ := s.values[args[0]].(map[string]float64)
	members := slices.SortedFunc(maps.Keys(set), func(a, b string) int {
		return cmp.Or(cmp.Compare(set[a], set[b]), cmp.Compare(a, b))
	})
	reply := fmt.Sprintf("*%d\r\n", len(members))
	for _, member := range members {
		reply += "*2\r\n" + bulk(member) + "," + strconv.FormatFloat(set[member], 'g', -1, 64) + "\r\n"
	}
	return reply
}

func (s *Server) scan(args []string) string {
	var found []string
	for _, key := range slices.Sorted(maps.Keys(s.values)) {
		i := slices.Index(args, "MATCH")
		if i >= 0 {
			if matches, _ := path.Match(args[i+1], key); !matches {
				continue
			}
		}
		found = append(found, key)
	}
	return "*2\r\n" + bulk("0") + array(found)
}

// cluster tells of the one node that has all slots.
func (s *Server) cluster(args []string) string {
	host, port, _ := net.SplitHostPort(s.Addr())
	id := strings.Repeat("0", 39) + "1"
	switch strings.ToUpper(args[0]) {
	case "MYID":
		return bulk(id)
	case "SHARDS":
		return "*1\r\n%2\r\n" + bulk("slots") + "*2\r\n:0\r\n:16383\r\n" + bulk("nodes") + "*1\r\n%5\r\n" +
			bulk("id") + bulk(id) + bulk("endpoint") + bulk(host) + bulk("port") + ":" + port + "\r\n" +
			bulk("role") + bulk("master") + bulk("health") + bulk("online")
	}
	return "-ERR unknown subcommand\r\n"
}
