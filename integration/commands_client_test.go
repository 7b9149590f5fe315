package integration

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/redchan-go/redchan/redis"
	"github.com/redchan-go/redchan/redis/command"
)

// named returns a client whose connections have a name.
func (f *fixture) named(name string) *redis.Client {
	options := f.options()
	options.ClientName = name
	return f.openWith(options)
}

func TestClientInfo(t *testing.T) {
	shared(t, func(f *fixture) {
		worker := f.named("worker")
		protocol := 3
		if f.resp2 {
			protocol = 2
		}
		info := result(f, worker, command.ClientInfo())
		if info.ID != result(f, worker, command.ClientID()) || info.Name != "worker" || info.User != "default" || info.LocalAddr != f.server.Addr ||
			info.Addr == "" || info.Command != "client|info" || info.Protocol != protocol || info.DB != 0 || info.Queued != -1 || info.Redirect != -1 ||
			info.Flags != "N" || info.Age < 0 || info.Age > testTimeout || info.Idle < 0 || info.TotalMemory <= 0 || info.FD <= 0 || info.Events != "r" {
			f.Errorf("CLIENT INFO = %+v", info)
		}
		if valkey := f.server.Role() == "valkey9"; (info.Commands > 0) != valkey || (info.BytesIn > 0) != valkey {
			f.Errorf("CLIENT INFO counts %d commands and %d bytes", info.Commands, info.BytesIn)
		}
		off := command.TrackingInfo{Flags: []string{"off"}, Redirect: -1, Prefixes: []string{}}
		equal(f, worker, command.ClientTrackingInfo(), off)
		equal(f, worker, command.ClientGetRedir(), -1)
		equal(f, worker, command.PingMessage("a\r\nb"), "a\r\nb")
	})
}

// names returns the names of connections in order.
func names(clients []command.ConnectedClient) []string {
	var names []string
	for _, c := range clients {
		names = append(names, c.Name)
	}
	slices.Sort(names)
	return names
}

func TestClientList(t *testing.T) {
	shared(t, func(f *fixture) {
		f.since("6.2", "CLIENT LIST ID")
		c, worker := f.named("lister"), f.named("worker")
		id := result(f, worker, command.ClientID())
		listener := f.named("listener")
		sub, err := listener.Subscribe(f.ctx, "a", "b")
		if err != nil {
			f.Fatal(err)
		}
		if err := sub.PSubscribe(f.ctx, "x*"); err != nil {
			f.Fatal(err)
		}
		expect := func(want []string, filters ...command.ClientWhere) {
			f.Helper()
			got := names(result(f, c, command.ClientList(filters...)))
			if !slices.Equal(slices.Compact(got), want) {
				f.Errorf("%d filters find %q, want %q", len(filters), got, want)
			}
		}
		expect([]string{"listener", "lister", "worker"})
		expect([]string{"worker"}, command.WhereID(id))
		expect([]string{"worker"}, command.WhereID(id, 1<<40))
		expect(nil, command.WhereID(1<<40))
		expect([]string{"listener"}, command.WhereType("pubsub"))
		expect(nil, command.WhereType("replica"))
		refused(f, c, command.ClientList(command.WhereType("none")), "ERR")
		listening := result(f, c, command.ClientList(command.WhereType("pubsub")))[0]
		if listening.Subscriptions != 2 || listening.Patterns != 1 || listening.ShardSubscriptions != 0 || !listening.Flags.Has(command.ClientSubscribed) {
			f.Errorf("CLIENT LIST TYPE pubsub = %+v", listening)
		}

		if f.server.Role() != "valkey9" {
			refused(f, c, command.ClientList(command.WhereName("worker")), "ERR")
			return
		}
		worked := result(f, c, command.ClientList(command.WhereName("worker")))
		if len(worked) == 0 {
			f.Fatal("CLIENT LIST NAME worker finds nobody")
		}
		expect([]string{"worker"}, command.WhereName("worker"), command.WhereUser("default"))
		expect([]string{"worker"}, command.WhereAddr(worked[0].Addr))
		expect([]string{"listener", "lister", "worker"}, command.WhereLocalAddr(f.server.Addr), command.WhereDB(0), command.WhereIP("127.0.0.1"))
		expect([]string{"listener", "lister"}, command.WhereNot(command.WhereName("worker")))
		// The listener has a connection for its subscriptions and one for commands.
		expect([]string{"listener", "worker"}, command.WhereNot(command.WhereType("pubsub")), command.WhereNot(command.WhereName("lister")))
		expect([]string{"listener"}, command.WhereFlags(command.ClientSubscribed))
		expect([]string{"listener"}, command.WhereNot(command.WhereFlags(command.ClientSubscribed)), command.WhereName("listener"))
		refused(f, c, command.ClientList(command.WhereUser("nobody")), "ERR")
		expect(nil, command.WhereOlderThan(time.Hour))
		expect(nil, command.WhereIdle(time.Hour))
		expect(nil, command.WhereDB(1))
		expect(nil, command.WhereLibName("none"))
		expect(nil, command.WhereLibVer("none"))
		expect(nil, command.WhereCapa("r"))
		equal(f, c, command.ClientKill(command.WhereName("worker"), command.WhereNot(command.WhereID(1<<40))), int64(len(worked)))
		missing(f, worker, command.Get("k"))
	})
}

func TestClientUnblock(t *testing.T) {
	shared(t, func(f *fixture) {
		c := f.open()
		equal(f, c, command.ClientUnblock(1<<40), false)
		equal(f, c, command.ClientUnblock(result(f, c, command.ClientID()), command.WithError), false) // not blocked
		for _, withError := range []bool{false, true} {
			popped := command.BLPop(0, "empty").Go(f.ctx, c)
			var id int64
			f.eventually("a blocked client", func() bool {
				for _, client := range result(f, c, command.ClientList()) {
					if client.Flags.Has(command.ClientBlocked) {
						id = client.ID
					}
				}
				return id != 0
			})
			var opts []command.ClientUnblockOption
			if withError {
				opts = append(opts, command.WithError)
			}
			equal(f, c, command.ClientUnblock(id, opts...), true)
			switch r := <-popped; {
			case withError && replyCode(r.Err) != "UNBLOCKED":
				f.Errorf("unblocked with an error: %v", r.Err)
			case !withError && !errors.Is(r.Err, redis.Nil):
				f.Errorf("unblocked: %v, want redis.Nil", r.Err)
			}
		}
	})
}

func TestClientUnpause(t *testing.T) {
	shared(t, func(f *fixture) {
		f.since("6.2", "CLIENT PAUSE WRITE")
		c := f.open()
		equal(f, c, command.ClientPause(time.Hour, command.WritesOnly), done)
		// A connection of its own: the one that waits can't carry the end of the pause.
		writes := command.Set("k", 1).Go(f.ctx, f.open())
		f.eventually("a write that waits", func() bool { return result(f, c, command.Info("clients")).Get("blocked_clients") == "1" })
		equal(f, c, command.ClientUnpause(), done)
		if r := <-writes; r.Err != nil {
			f.Errorf("a write behind the pause: %v", r.Err)
		}
	})
}
