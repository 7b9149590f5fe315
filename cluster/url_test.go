package cluster_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redchan-go/redchan/cluster"
	"github.com/redchan-go/redchan/redis"
)

func TestParseURL(t *testing.T) {
	for url, check := range map[string]func(o cluster.Options) bool{
		"redis+cluster://a:1,b:2,c": func(o cluster.Options) bool {
			return slices.Equal(o.Addrs, []string{"a:1", "b:2", "c:6379"}) && o.Node.TLS == nil && o.Node.Password.IsZero()
		},
		"redis+cluster://user:p%40ss@a:1,[::1]:2/0?connections=3&refresh_every=3s&max_redirects=7&read_from=round_robin": func(o cluster.Options) bool {
			return slices.Equal(o.Addrs, []string{"a:1", "[::1]:2"}) && o.Node.Username == "user" && o.Node.Password.Reveal() == "p@ss" &&
				o.Node.Connections == 3 && o.RefreshEvery == 3*time.Second && o.MaxRedirects == 7 && o.ReadFrom == cluster.RoundRobin
		},
		"rediss+cluster://a,b?zone=west%201": func(o cluster.Options) bool {
			return o.Node.TLS != nil && o.Node.TLS.ServerName == "" && o.ReadFrom == cluster.Zone("west 1")
		},
		"REDIS+CLUSTER://a?client_name=x&read_from=prefer_replica": func(o cluster.Options) bool {
			return o.Node.ClientName == "x" && o.ReadFrom == cluster.PreferReplica
		},
	} {
		o, err := cluster.ParseURL(url)
		if err != nil || !check(o) {
			t.Errorf("%s: %+v, %v", url, o, err)
			continue
		}
		if strings.Contains(fmt.Sprintf("%v %+v %#v", o, o, o), "p@ss") {
			t.Errorf("%s: the password shows", url)
		}
		if c, err := cluster.New(o); err != nil {
			t.Errorf("%s: %v", url, err)
		} else if c.Close() != nil {
			t.Error("Close")
		}
	}
	for url, hint := range map[string]string{
		"redis://a":              "scheme",
		"a:1,b:2":                "scheme",
		"redis+cluster://a,,b":   "empty host",
		"redis+cluster://":       "empty host",
		"redis+cluster://a/3":    "database 0",
		"redis+cluster://a?db=1": "database 0",

		"redis+cluster://:secret@a?read_from=all":            "read_from",
		"redis+cluster://:secret@a?zone=":                    "zone",
		"redis+cluster://:secret@a?zone=a&read_from=primary": "twice",
		"redis+cluster://:secret@a?max_redirects=0":          "max_redirects",
		"redis+cluster://:secret@a?refresh_every=-1s":        "refresh_every",
		"redis+cluster://:secret@a?refresh_every=%zz":        "refresh_every",
		"redis+cluster://:secret@a?nonsense=1":               "nonsense",
		"redis+cluster://:secret@a:x":                        "port",
	} {
		_, err := cluster.ParseURL(url)
		if !errors.Is(err, redis.ErrOptions) || !strings.Contains(err.Error(), hint) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", url, err)
		}
	}
}

func TestOptions(t *testing.T) {
	with := func(change func(*cluster.Options)) cluster.Options {
		o := cluster.Options{Addrs: []string{"a:1"}}
		change(&o)
		return o
	}
	for name, o := range map[string]cluster.Options{
		"no address":      {},
		"a bad address":   {Addrs: []string{"a"}},
		"an address":      with(func(o *cluster.Options) { o.Node.Addr = "b:1" }),
		"a network":       with(func(o *cluster.Options) { o.Node.Network = "unix" }),
		"a database":      with(func(o *cluster.Options) { o.Node.DB = 1 }),
		"read only":       with(func(o *cluster.Options) { o.Node.ReadOnly = true }),
		"attempts":        with(func(o *cluster.Options) { o.Node.MaxAttempts = 2 }),
		"redirects":       with(func(o *cluster.Options) { o.MaxRedirects = -1 }),
		"a negative time": with(func(o *cluster.Options) { o.RefreshEvery = -1 }),
		"of a node":       with(func(o *cluster.Options) { o.Node.PoolSize = -1 }),
	} {
		if _, err := cluster.New(o); !errors.Is(err, redis.ErrOptions) {
			t.Errorf("%s: %v", name, err)
		}
	}
	c, err := cluster.New(cluster.Options{Addrs: []string{"a:1"}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if o := c.Options(); o.MaxRedirects != 5 || o.RefreshEvery != 10*time.Second || o.ReadFrom != cluster.Primary {
		t.Errorf("%+v", o)
	}
}
