package redchan_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/redchan-go/redchan"
	"github.com/redchan-go/redchan/cluster"
	"github.com/redchan-go/redchan/redis"
	"github.com/redchan-go/redchan/redis/command"
	"github.com/redchan-go/redchan/redis/redistest"
)

// The client has all methods of command.Commands, with their signatures.
func TestEveryCommandIsAMethod(t *testing.T) {
	client, commands := reflect.TypeFor[*redchan.Client](), reflect.TypeFor[*command.Commands]()
	for i := range commands.NumMethod() {
		want := commands.Method(i)
		got, ok := client.MethodByName(want.Name)
		if !ok {
			t.Errorf("there is no Client.%s", want.Name)
			continue
		}
		signature := func(m reflect.Method, receiver string) string {
			return strings.Replace(m.Type.String(), receiver, "", 1)
		}
		if got, want := signature(got, "*redchan.Client"), signature(want, "*command.Commands"); got != want {
			t.Errorf("Client.%s is %s, want %s", commands.Method(i).Name, got, want)
		}
	}
	if n := commands.NumMethod(); n < 300 {
		t.Errorf("there are %d commands only", n)
	}
}

func TestURLChoosesTopology(t *testing.T) {
	for url, isCluster := range map[string]bool{
		"redis://u:pw@h:1/2": false, "rediss://h": false, "unix:///run/redis.sock": false,
		"redis+cluster://u:pw@h:1,h:2": true, "rediss+cluster://h": true, "REDIS+CLUSTER://h": true,
	} {
		options, err := redchan.ParseURL(url)
		if err != nil || (options.Cluster != nil) != isCluster {
			t.Errorf("%s: %+v, %v", url, options, err)
			continue
		}
		client, err := redchan.New(options)
		if err != nil {
			t.Errorf("%s: %v", url, err)
			continue
		}
		if (client.Cluster() != nil) != isCluster || (client.Server() != nil) == isCluster {
			t.Errorf("%s: cluster %v, server %v", url, client.Cluster(), client.Server())
		}
		if shown := fmt.Sprintf("%v %+v %#v", client, client, client); strings.Contains(shown, "pw") || !strings.Contains(shown, "client of") {
			t.Errorf("%s prints as %s", url, shown)
		}
		if err := client.Close(); err != nil {
			t.Error(err)
		}
	}
	for _, url := range []string{"", "localhost:6379", "http://h", "redis+cluster://", "redis://h/x"} {
		if _, err := redchan.Open(t.Context(), url); !errors.Is(err, redis.ErrOptions) {
			t.Errorf("%q: %v", url, err)
		}
	}
	both := redchan.Options{Server: redis.Options{Addr: "h:1"}, Cluster: &cluster.Options{Addrs: []string{"h:1"}}}
	if _, err := redchan.New(both); !errors.Is(err, redis.ErrOptions) {
		t.Errorf("a server and a cluster: %v", err)
	}
	if _, err := redchan.OpenWith(t.Context(), both); !errors.Is(err, redis.ErrOptions) {
		t.Errorf("a server and a cluster: %v", err)
	}
}

// One server answers commands, pipelines, transactions, sessions and subscriptions.
func TestClientOfOneServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := redistest.NewServer(t)
		client, err := redchan.New(redchan.Options{Server: redis.Options{Dial: server.Dial}})
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()

		got := command.Get("k").Go(t.Context(), client)
		conn := server.AcceptReady()
		conn.Expect("GET", "k")
		if s := client.Stats(); s != (redis.Stats{InFlight: 1}) {
			t.Errorf("while a command is in flight: %+v", s)
		}
		conn.Bulk("v")
		if r := <-got; r.Value != "v" || r.Err != nil {
			t.Errorf("GET: %v", r)
		}

		done := make(chan error, 1)
		p := client.Pipeline()
		n := p.Incr("n")
		go func() { done <- p.Exec(t.Context()) }()
		conn.Expect("INCR", "n")
		conn.Int(7)
		if err := <-done; err != nil || n.Value() != 7 {
			t.Errorf("a pipeline: %v, %d", err, n.Value())
		}
		if s := client.Stats(); s != (redis.Stats{Answered: 2}) {
			t.Errorf("after a command and a pipeline: %+v", s)
		}

		go func() {
			_, err := redchan.Transaction(t.Context(), client, func(s *redis.Session, b *command.Batch) (int, error) {
				b.Incr("n")
				return 0, nil
			}, "n")
			done <- err
		}()
		own := server.AcceptReady()
		own.Expect("WATCH", "n")
		own.OK()
		own.Expect("MULTI")
		own.OK()
		own.Expect("INCR", "n")
		own.Simple("QUEUED")
		own.Expect("EXEC")
		own.Send("*1\r\n:8\r\n")
		if err := <-done; err != nil {
			t.Errorf("a transaction: %v", err)
		}

		go func() {
			sub, err := client.SSubscribe(t.Context(), "orders")
			if err == nil {
				err = sub.Close()
			}
			done <- err
		}()
		sub := server.AcceptReady()
		sub.ExpectSubscribe("SSUBSCRIBE", "orders")
		if err := <-done; err != nil {
			t.Errorf("SSubscribe: %v", err)
		}
	})
}

// The zero Client, which nobody has made, gives errors.
func TestZeroClient(t *testing.T) {
	var client redchan.Client
	_, get := client.Get(t.Context(), "k")
	_, subscribe := client.Subscribe(t.Context(), "news")
	_, watch := client.Watch(t.Context(), "k")
	_, shard := client.SSubscribe(t.Context(), "orders")
	_, session := client.Session(t.Context(), "")
	if s := client.Stats(); s != (redis.Stats{}) {
		t.Errorf("Stats: %+v", s)
	}
	if err := client.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	for name, err := range map[string]error{"Get": get, "SSubscribe": shard, "Session": session, "Subscribe": subscribe, "Watch": watch, "Exec": client.Exec(t.Context(), new(command.Batch).Add(command.Get("k")))} {
		if err == nil || !strings.Contains(err.Error(), "New or Open") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A service says which commands it needs, and its tests need no server.
type counterStore interface {
	Incr(ctx context.Context, key string) (int64, error)
}

type visits struct{ store counterStore }

func (v visits) count(ctx context.Context, page string) (int64, error) {
	return v.store.Incr(ctx, "visits:"+page)
}

var _ counterStore = (*redchan.Client)(nil)

// fakeCounters is a double of the client.
type fakeCounters map[string]int64

func (f fakeCounters) Incr(_ context.Context, key string) (int64, error) {
	f[key]++
	return f[key], nil
}

// Commands are plain methods, so that a service can take an interface with those it needs,
// and its tests a double.
func ExampleClient_double() {
	service := visits{fakeCounters{}}
	_, _ = service.count(context.Background(), "home")
	n, err := service.count(context.Background(), "home")
	fmt.Println(n, err)
	// Output: 2 <nil>
}
