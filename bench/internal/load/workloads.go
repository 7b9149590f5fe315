package load

import (
	"fmt"

	"github.com/redchan-go/redchan/bench/internal/peer"
)

// Workloads returns all workloads, in the order in which they are run and reported.
func Workloads() []Workload {
	var all []Workload
	for _, callers := range []int{1, 8, 64, 512, 4096} {
		all = append(all, variants("get", "GET of 64 bytes", callers, get(smallKeyNames(), smallSize))...)
		all = append(all, variants("set", "SET of 64 bytes", callers, set(smallKeyNames(), smallSize))...)
	}
	all = append(all, commandWorkloads()...)
	all = append(all, pubsubWorkloads()...)
	return append(all, Workload{
		Name: "idle", About: "a connection without traffic, fresh",
		Callers: 1, Quick: true, kind: idle{}, without: []string{peer.RawLoop},
	}, Workload{
		Name: "idle/burst", About: "a connection without traffic, after a burst",
		Callers: 1, Quick: true, kind: idle{burst: true}, without: []string{peer.RawLoop},
	})
}

// variants returns a workload with both kinds of context, with all CPUs and with client and
// server on one.
func variants(name, about string, callers int, kind kind) []Workload {
	var all []Workload
	for _, oneCPU := range []bool{false, true} {
		for _, cancellable := range []bool{false, true} {
			w := Workload{
				Name:        fmt.Sprintf("%s/%d", name, callers),
				About:       fmt.Sprintf("%s, %s", about, plural(callers, "caller")),
				Callers:     callers,
				Cancellable: cancellable,
				OneCPU:      oneCPU,
				kind:        kind,
			}
			w.Picture = !oneCPU && !cancellable && (callers == 1 || callers == 64 || callers == 4096)
			// Quick has what the goals are about.
			w.Quick = !cancellable && (callers >= 64 && !oneCPU || callers == 8 && name == "get") ||
				callers == 1 && name == "get" && (oneCPU || !cancellable)
			if cancellable {
				w.Name += "/cancel"
				w.About += ", cancellable context"
			}
			if oneCPU {
				w.Name += "/onecpu"
				w.About += ", client and server on one CPU"
			}
			all = append(all, w)
		}
	}
	return all
}

// plural returns "1 caller" and "8 callers".
func plural(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}

// commandWorkloads are those that call commands, beside GET and SET of 64 bytes.
func commandWorkloads() []Workload {
	small := get(smallKeyNames(), smallSize)
	return []Workload{
		{
			Name: "busy/1", About: "GET of 64 bytes, 1 caller, beside 4 busy goroutines, whose CPU is in the figures",
			Callers: 1, Burners: 4, kind: small,
		},
		{
			Name: "busy/1/cancel", About: "GET of 64 bytes, 1 caller, cancellable context, beside 4 busy goroutines, whose CPU is in the figures",
			Callers: 1, Burners: 4, Cancellable: true, Quick: true, kind: small,
		},
		{
			Name: "busy/64/cancel", About: "GET of 64 bytes, 64 callers, cancellable context, beside 4 busy goroutines, whose CPU is in the figures",
			Callers: 64, Burners: 4, Cancellable: true, kind: small,
		},
		{
			Name: "pipeline/1", About: "explicit pipelines of 100 GET, 1 caller, per command",
			Callers: 1, Quick: true, Picture: true, kind: pipeline(smallKeyNames(), 100, smallSize),
		},
		{
			Name: "pipeline/16", About: "explicit pipelines of 100 GET, 16 callers, per command",
			Callers: 16, Quick: true, Picture: true, kind: pipeline(smallKeyNames(), 100, smallSize),
		},
		{
			Name: "get16k/8", About: "GET of 16 KiB, 8 callers",
			Callers: 8, Quick: true, Picture: true, kind: get([]string{mediumKey}, mediumSize),
		},
		{
			Name: "get1m/1", About: "GET of 1 MiB, 1 caller",
			Callers: 1, Quick: true, Picture: true, kind: get([]string{largeKey}, largeSize),
		},
		{
			Name: "lrange/8", About: "LRANGE of 1,000 elements, 8 callers",
			Callers: 8, Quick: true, Picture: true, kind: lrange(listKey, elements),
		},
		{
			Name: "hgetall/8", About: "HGETALL of 1,000 fields, 8 callers",
			Callers: 8, Quick: true, Picture: true, kind: hgetall(hashKey, elements),
		},
		{
			Name: "mix/64", About: "of 20 commands 12 GET and 4 SET of 64 bytes, 3 LRANGE of 10, 1 GET of 16 KiB, 64 callers",
			Callers: 64, Quick: true, Picture: true, kind: mix(),
		},
		{Name: "unix/1", About: "GET of 64 bytes, 1 caller, Unix socket", Callers: 1, Unix: true, Quick: true, kind: small},
		{Name: "unix/64", About: "GET of 64 bytes, 64 callers, Unix socket", Callers: 64, Unix: true, Quick: true, kind: small},
	}
}

// pubsubWorkloads are those that receive messages.
func pubsubWorkloads() []Workload {
	// AutoPipeline has nothing to do with messages.
	same := []string{peer.GoRedisAuto}
	// redchan has no handlers yet, the others have a Go channel or a receiving call.
	noHandlers := []string{peer.Redchan, peer.GoRedis, peer.GoRedisAuto, peer.Redigo, peer.RawLoop}
	// Dropping, and telling what was dropped, is redchan's default and nobody else's.
	onlyRedchan := []string{peer.Rueidis, peer.GoRedis, peer.GoRedisAuto, peer.Redigo, peer.RawLoop}
	return []Workload{
		{
			Name: "pubsub/1", About: "a flood of messages of 64 bytes on 1 channel",
			Callers: 1, Quick: true, Picture: true, kind: flood{channels: 1}, without: same,
		},
		{
			Name: "pubsub/1000", About: "a flood of messages of 64 bytes on 1,000 channels",
			Callers: 1, Quick: true, Picture: true, kind: flood{channels: 1000}, without: same,
		},
		{
			Name: "pubsub/pattern", About: "a flood of messages of 64 bytes on 1,000 channels, by pattern",
			Callers: 1, Quick: true, kind: flood{channels: 1000, pattern: true}, without: same,
		},
		{
			Name: "pubsub/1/dropping", About: "a flood of messages of 64 bytes on 1 channel, of which a subscriber that is too slow loses the oldest",
			Callers: 1, kind: flood{channels: 1, dropping: true}, without: onlyRedchan,
		},
		{
			Name: "pubsub/handler", About: "a flood of messages of 64 bytes on 1 channel, through a handler",
			Callers: 1, Quick: true, kind: flood{channels: 1, handler: true}, without: noHandlers,
		},
		{
			Name: "pubsub/latency", About: "from publishing to receiving, 1,000 messages a second",
			Callers: 1, Quick: true, kind: flood{channels: 1, rate: 1000}, without: same,
		},
	}
}

// Find returns the workload of a name.
func Find(name string) (Workload, error) {
	for _, workload := range Workloads() {
		if workload.Name == name {
			return workload, nil
		}
	}
	return Workload{}, fmt.Errorf("no workload %q", name)
}
