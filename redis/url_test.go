package redis_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/redchan-go/redchan/proto"
	"github.com/redchan-go/redchan/redis"
)

func TestParseURL(t *testing.T) {
	type want struct {
		network, addr, user, password, server string
		db                                    int
		tls                                   bool
	}
	for url, want := range map[string]want{
		"redis://":                          {"tcp", "localhost:6379", "", "", "", 0, false},
		"redis:///3":                        {"tcp", "localhost:6379", "", "", "", 3, false},
		"redis://host":                      {"tcp", "host:6379", "", "", "", 0, false},
		"redis://host/":                     {"tcp", "host:6379", "", "", "", 0, false},
		"redis://host:7000/15":              {"tcp", "host:7000", "", "", "", 15, false},
		"REDIS://host":                      {"tcp", "host:6379", "", "", "", 0, false},
		"redis://:pw@host":                  {"tcp", "host:6379", "", "pw", "", 0, false},
		"redis://ann:pw@host":               {"tcp", "host:6379", "ann", "pw", "", 0, false},
		"redis://ann:a:b@c@host":            {"tcp", "host:6379", "ann", "a:b@c", "", 0, false},
		"redis://ann:%40%2F%23%3A%25@host":  {"tcp", "host:6379", "ann", "@/#:%", "", 0, false},
		"redis://ann:%2540@host":            {"tcp", "host:6379", "ann", "%40", "", 0, false}, // decoded once
		"redis://ann:a+b@host":              {"tcp", "host:6379", "ann", "a+b", "", 0, false},
		"redis://[::1]":                     {"tcp", "[::1]:6379", "", "", "", 0, false},
		"redis://[fe80::1%25eth0]:7000/1":   {"tcp", "[fe80::1%eth0]:7000", "", "", "", 1, false},
		"redis://host/2?db=3":               {"tcp", "host:6379", "", "", "", 3, false}, // the query beats the path
		"redis://a:b@host?password=c":       {"tcp", "host:6379", "a", "c", "", 0, false},
		"redis://host?username=u&password=": {"tcp", "host:6379", "u", "", "", 0, false},
		"redis://ann@host":                  {"tcp", "host:6379", "ann", "", "", 0, false},
		"valkey://host/1":                   {"tcp", "host:6379", "", "", "", 1, false},
		"valkeys://host":                    {"tcp", "host:6379", "", "", "", 0, true},
		"rediss://host":                     {"tcp", "host:6379", "", "", "", 0, true},
		"redis+tls://host:1/2":              {"tcp", "host:1", "", "", "", 2, true},
		"unix:///run/redis.sock":            {"unix", "/run/redis.sock", "", "", "", 0, false},
		"unix:///run/redis.sock?db=2":       {"unix", "/run/redis.sock", "", "", "", 2, false},
		"unix://ann:pw@/run/redis.sock":     {"unix", "/run/redis.sock", "ann", "pw", "", 0, false},
		"redis+unix:///r%20s?database=2":    {"unix", "/r s", "", "", "", 2, false},
		"redis+unix+tls://cert.host/r":      {"unix", "/r", "", "", "cert.host", 0, true},
	} {
		o, err := redis.ParseURL(url)
		if err != nil {
			t.Errorf("%s: %v", url, err)
			continue
		}
		got := struct {
			network, addr, user, password, server string
			db                                    int
			tls                                   bool
		}{o.Network, o.Addr, o.Username, o.Password.Reveal(), "", o.DB, o.TLS != nil}
		if o.TLS != nil {
			got.server = o.TLS.ServerName
			if o.TLS.InsecureSkipVerify {
				t.Errorf("%s: the certificate is not verified", url)
			}
		}
		if got != want {
			t.Errorf("%s: %+v, want %+v", url, got, want)
		}
	}
}

func TestParseURLOptions(t *testing.T) {
	o, err := redis.ParseURL("redis://h?client_name=jobs&protocol=2&dial_timeout=1s&reply_timeout=2s&keep_alive=3s" +
		"&subscribe_timeout=4s&unsubscribe_timeout=5s&backoff=6ms&backoff_max=7s&subscriber_backoff=8ms" +
		"&subscriber_backoff_max=9s&connections=10&pool_size=11" +
		"&max_bulk=12&max_depth=13&max_elements=14&max_line=15&max_error_line=16&max_big_number=17")
	if err != nil {
		t.Fatal(err)
	}
	want := redis.Options{
		Network: "tcp", Addr: "h:6379", ClientName: "jobs", RESP2: true,
		DialTimeout: time.Second, ReplyTimeout: 2 * time.Second, KeepAlive: 3 * time.Second,
		SubscribeTimeout: 4 * time.Second, UnsubscribeTimeout: 5 * time.Second,
		Backoff:           redis.Backoff{Base: 6 * time.Millisecond, Max: 7 * time.Second},
		SubscriberBackoff: redis.Backoff{Base: 8 * time.Millisecond, Max: 9 * time.Second},
		Connections:       10, PoolSize: 11,
		Limits: proto.Limits{MaxBulk: 12, MaxDepth: 13, MaxElements: 14, MaxLine: 15, MaxErrorLine: 16, MaxBigNumber: 17},
	}
	// Options can't be compared as a whole: Dial is a function.
	if o.Addr != want.Addr || o.ClientName != want.ClientName || !o.RESP2 || o.DialTimeout != want.DialTimeout ||
		o.ReplyTimeout != want.ReplyTimeout || o.KeepAlive != want.KeepAlive || o.SubscribeTimeout != want.SubscribeTimeout ||
		o.UnsubscribeTimeout != want.UnsubscribeTimeout || o.Backoff != want.Backoff || o.SubscriberBackoff != want.SubscriberBackoff ||
		o.Connections != want.Connections || o.PoolSize != want.PoolSize || o.Limits != want.Limits {
		t.Errorf("%+v, want %+v", o, want)
	}
}

// A client need not say which library it is.
func TestParseURLClientInfo(t *testing.T) {
	for value, silent := range map[string]bool{"": false, "?client_info=true": false, "?client_info=false": true} {
		if o, err := redis.ParseURL("redis://host" + value); err != nil || o.NoClientInfo != silent {
			t.Errorf("%q: %v, %v", value, o.NoClientInfo, err)
		}
	}
}

func TestParseURLRefuses(t *testing.T) {
	for url, part := range map[string]string{
		"":                                     "begins with",
		"host:6379":                            "begins with",
		"http://host":                          "scheme",
		"redis://host#frag":                    "fragment",
		"redis://ann:s3cr#et@host":             "%23",
		"redis://ann:s3cr/et@host":             "%2F",
		"redis://ann:s3cret%zz@host":           "password",
		"redis://an%n:s3cret@host":             "user",
		"redis://host:0":                       "port",
		"redis://host:x":                       "port",
		"redis://host:":                        "port",
		"redis://host:65536":                   "port",
		"redis://host:-1":                      "port",
		"redis://host:+80":                     "port",
		"redis://::1":                          "[ ]",
		"redis://[::1":                         "[",
		"redis://[::1]x":                       "]",
		"redis://[host]":                       "IPv6",
		"redis://ho st":                        "host",
		"redis://host/x":                       "database",
		"redis://host/-1":                      "database",
		"redis://host/1/2":                     "database",
		"redis://host/99999999999999999":       "database",
		"redis://host?db=x":                    "database",
		"redis://host?db=1&database=2":         "twice",
		"redis://host?colour=red":              "colour",
		"redis://host?":                        "",
		"redis://host?protocol=4":              "protocol",
		"redis://host?keep_alive=5":            "keep_alive",
		"redis://host?keep_alive=-5s":          "keep_alive",
		"redis://host?pool_size=0":             "pool_size",
		"redis://host?connections=1024":        "",
		"redis://host?connections=1025":        "1024 at most",
		"redis://host?connections=2147483647":  "1024 at most",
		"redis://host?client_name=a%20b":       "client name",
		"redis://host?password=s3cret%zz":      "password",
		"redis://host?password=a&s3cret":       "%26",
		"redis://host?password=a&s3cr=%zz":     "two hex digits",
		"redis://host?password=a&%zzs3cr":      "two hex digits",
		"redis://host?client_info=maybe":       "client_info",
		"redis://h1:1,h2:2":                    "cluster.Open",
		"redis+cluster://h1,h2":                "cluster.Open",
		"redis+sentinel://h1/name":             "Options.Resolve",
		"redis://host?dail_timeout=1s":         "did you mean dial_timeout?",
		"redis://host?pool=1":                  `option: "pool"`,
		"redis://host?poolsize=1":              "did you mean pool_size?",
		"redis://host?read_from=primary":       "cluster",
		"unix://":                              "path",
		"unix:///":                             "path",
		"unix://run/redis.sock":                "third slash",
		"redis+unix+tls:///run/redis.sock":     "certificate",
		"redis+unix+tls://host":                "path",
		"redis://ann:s3cret@host:port/x?y=z#f": "fragment",
	} {
		_, err := redis.ParseURL(url)
		if part == "" {
			if err != nil {
				t.Errorf("%s: %v", url, err)
			}
			continue
		}
		if !errors.Is(err, redis.ErrOptions) || !strings.Contains(err.Error(), part) {
			t.Errorf("%s: %v does not name %q", url, err, part)
		}
		if err != nil && strings.Contains(err.Error(), "s3cr") {
			t.Errorf("%s: the error shows the password: %v", url, err)
		}
	}
}

func TestOptionsRefused(t *testing.T) {
	for name, o := range map[string]redis.Options{
		"network":  {Network: "udp"},
		"socket":   {Network: "unix"},
		"address":  {Addr: "host"},
		"URL":      {Addr: "redis://host:6379"},
		"database": {DB: -1},
		"time":     {KeepAlive: -1},
		"number":   {PoolSize: -1},
		"name":     {ClientName: "a b"},
		"many":     {Connections: 1025},
	} {
		if _, err := redis.New(o); !errors.Is(err, redis.ErrOptions) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// FuzzParseURL: no panic, and no error that shows the password.
func FuzzParseURL(f *testing.F) {
	for _, url := range []string{
		"redis://ann:s3cret@host:6379/0?db=1", "rediss://[::1]:1", "unix:///p?database=1",
		"redis+unix+tls://h/p", "redis://%25:%40@%41", "redis://@:@/", "redis://[", "://", "redis://?=&=&",
	} {
		f.Add(url)
	}
	const secret = "kE3p-m3-5ecret"
	f.Fuzz(func(t *testing.T, url string) {
		if o, err := redis.ParseURL(url); err == nil {
			if o.Addr == "" || o.Network == "" || o.DB < 0 {
				t.Errorf("%q gives %+v", url, o)
			}
		} else if !errors.Is(err, redis.ErrOptions) {
			t.Errorf("%q: %v", url, err)
		}
		if strings.Contains(url, "@") {
			return
		}
		// The same with a password in front of whatever comes.
		scheme, rest, ok := strings.Cut(url, "://")
		if !ok {
			return
		}
		if _, err := redis.ParseURL(scheme + "://ann:" + secret + "@" + rest); err != nil && strings.Contains(err.Error(), secret) {
			t.Errorf("%q: the error shows the password: %v", url, err)
		}
	})
}
