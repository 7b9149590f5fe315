package integration

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redchan-go/redchan/redis"
	"github.com/redchan-go/redchan/redis/command"
)

func TestMemory(t *testing.T) {
	shared(t, func(f *fixture) {
		c := f.open()
		missing(f, c, command.MemoryUsage("k"))
		const size = 100_000
		equal(f, c, command.Set("k", make([]byte, size)), done)
		equal(f, c, command.RPush("l", 1, 2, 3), 3)
		if n := result(f, c, command.MemoryUsage("k")); n < size || n > 2*size {
			f.Errorf("%d bytes take %d bytes", size, n)
		}
		if n := result(f, c, command.MemoryUsage("l", command.Samples(0))); n <= 0 || n > 1000 {
			f.Errorf("a list of 3 takes %d bytes", n)
		}
		m := result(f, c, command.MemoryStats())
		if m.TotalAllocated < size || m.PeakAllocated < m.TotalAllocated || m.StartupAllocated <= 0 || m.OverheadTotal <= 0 || m.Keys != 2 ||
			m.BytesPerKey <= 0 || m.DatasetBytes <= 0 || m.DatasetPercentage <= 0 || m.DatasetPercentage > 100 || m.PeakPercentage <= 0 ||
			m.AllocatorAllocated <= 0 || m.AllocatorRSSRatio <= 0 || m.Fragmentation <= 0 ||
			len(m.Databases) == 0 || m.Databases[0].DB != 0 || m.Databases[0].MainTable <= 0 {
			f.Errorf("MEMORY STATS = %+v", m)
		}
		if text := result(f, c, command.MemoryDoctor()); text == "" {
			f.Error("MEMORY DOCTOR says nothing")
		}
		if text := result(f, c, command.MemoryMallocStats()); text == "" {
			f.Error("MEMORY MALLOC-STATS says nothing")
		}
		equal(f, c, command.MemoryPurge(), done)
	})
}

func TestSlowLog(t *testing.T) {
	shared(t, func(f *fixture) {
		c := f.named("slow")
		setting := func(value string) {
			f.Helper()
			equal(f, c, command.ConfigSet(map[string]string{"slowlog-log-slower-than": value}), done)
		}
		before := result(f, c, command.ConfigGet("slowlog-log-slower-than"))["slowlog-log-slower-than"]
		equal(f, c, command.SlowLogReset(), done)
		began := serverNow()
		setting("0")
		missing(f, c, command.Get("k"))
		setting(before)
		if n := result(f, c, command.SlowLogLen()); n < 2 {
			f.Errorf("SLOWLOG LEN = %d", n)
		}
		all := result(f, c, command.SlowLogGet(-1))
		check := func(id int64, at time.Time, took time.Duration, client, name string) {
			f.Helper()
			if id < 0 || at.Before(began) || took < 0 || took > time.Minute || client == "" || name != "slow" {
				f.Errorf("GET in the log: %d, %v, %v, %q, %q", id, at, took, client, name)
			}
		}
		isGet := func(args []string) bool { return slices.Equal(args, []string{"GET", "k"}) }
		at := slices.IndexFunc(all, func(e command.SlowLogEntry) bool { return isGet(e.Args) })
		if at < 0 {
			f.Fatalf("SLOWLOG GET = %+v", all)
		}
		get := all[at]
		check(get.ID, get.At, get.Took, get.Client, get.ClientName)
		if one := result(f, c, command.SlowLogGet(1)); len(one) != 1 {
			f.Errorf("SLOWLOG GET 1 has %d entries", len(one))
		}

		if f.server.Role() == "valkey9" {
			log := result(f, c, command.CommandLogGet(-1, command.LogSlow))
			at := slices.IndexFunc(log, func(e command.CommandLogEntry) bool { return isGet(e.Args) })
			if at < 0 {
				f.Fatalf("COMMANDLOG GET = %+v", log)
			}
			get := log[at]
			check(get.ID, get.At, get.Took(), get.Client, get.ClientName)
			equal(f, c, command.CommandLogReset(command.LogSlow), done)
			equal(f, c, command.CommandLogLen(command.LogSlow), 0)
			testLargeReply(f, c)
		} else {
			refused(f, c, command.CommandLogGet(1, command.LogSlow), "ERR")
			refused(f, c, command.CommandLogLen(command.LogSlow), "ERR")
			refused(f, c, command.CommandLogReset(command.LogSlow), "ERR")
		}
		equal(f, c, command.SlowLogReset(), done)
		equal(f, c, command.SlowLogLen(), 0)
		equal(f, c, command.SlowLogGet(5), []command.SlowLogEntry{})
	})
}

// testLargeReply lets a reply of 1,001 bytes be large.
func testLargeReply(f *fixture, c *redis.Client) {
	f.Helper()
	const setting = "commandlog-reply-larger-than"
	before := result(f, c, command.ConfigGet(setting))[setting]
	equal(f, c, command.Set("large", strings.Repeat("x", 1001)), done)
	equal(f, c, command.CommandLogReset(command.LogLargeReply), done)
	equal(f, c, command.ConfigSet(map[string]string{setting: "1000"}), done)
	result(f, c, command.Get("large"))
	equal(f, c, command.ConfigSet(map[string]string{setting: before}), done)
	log := result(f, c, command.CommandLogGet(10, command.LogLargeReply))
	if len(log) != 1 || !slices.Equal(log[0].Args, []string{"GET", "large"}) || log[0].Amount < 1001 || log[0].Amount > 1100 {
		f.Errorf("COMMANDLOG GET = %+v", log)
	}
	equal(f, c, command.CommandLogLen(command.LogLargeReply), 1)
	equal(f, c, command.CommandLogReset(command.LogLargeReply), done)
	equal(f, c, command.CommandLogReset(command.LogLargeRequest), done)
	equal(f, c, command.CommandLogLen(command.LogLargeRequest), 0)
}

func TestLatency(t *testing.T) {
	shared(t, func(f *fixture) {
		c := f.open()
		threshold := func(ms string) {
			f.Helper()
			equal(f, c, command.ConfigSet(map[string]string{"latency-monitor-threshold": ms}), done)
		}
		result(f, c, command.LatencyReset())
		equal(f, c, command.LatencyLatest(), []command.LatencyEvent{})
		equal(f, c, command.LatencyHistory("command"), []command.LatencySample{})
		refused(f, c, command.LatencyGraph("command"), "ERR")
		began := serverNow()
		threshold("5")
		result(f, c, command.Raw("DEBUG", "SLEEP", "0.02"))
		threshold("0")
		events := result(f, c, command.LatencyLatest())
		at := slices.IndexFunc(events, func(e command.LatencyEvent) bool { return e.Name == "command" })
		if at < 0 {
			f.Fatalf("LATENCY LATEST = %+v", events)
		}
		event, slept := events[at], 20*time.Millisecond
		if event.At.Before(began) || event.Latest < slept || event.Max < event.Latest || event.Max > time.Minute {
			f.Errorf("LATENCY LATEST = %+v", event)
		}
		if f.server.Role() == "valkey9" && (event.Sum < slept || event.Count < 1) {
			f.Errorf("LATENCY LATEST = %+v", event)
		}
		samples := result(f, c, command.LatencyHistory("command"))
		if len(samples) == 0 || samples[len(samples)-1].Took != event.Latest || !samples[len(samples)-1].At.Equal(event.At) {
			f.Errorf("LATENCY HISTORY = %+v", samples)
		}
		if graph := result(f, c, command.LatencyGraph("command")); !strings.HasPrefix(graph, "command - high ") {
			f.Errorf("LATENCY GRAPH = %q", graph)
		}
		if text := result(f, c, command.LatencyDoctor()); text == "" {
			f.Error("LATENCY DOCTOR says nothing")
		}
		equal(f, c, command.LatencyReset("command", "none"), 1)

		result(f, c, command.ConfigResetStat())
		for range 5 {
			missing(f, c, command.Get("k"))
		}
		result(f, c, command.ConfigGet("save"))
		histogram := result(f, c, command.LatencyHistogram("get", "config", "append"))
		slices.SortFunc(histogram, func(a, b command.CommandLatency) int { return strings.Compare(a.Command, b.Command) })
		get := slices.IndexFunc(histogram, func(l command.CommandLatency) bool { return l.Command == "get" })
		if get < 0 || !slices.ContainsFunc(histogram, func(l command.CommandLatency) bool { return l.Command == "config|get" && l.Calls == 1 }) {
			f.Fatalf("LATENCY HISTOGRAM = %+v", histogram)
		}
		gets := histogram[get]
		if gets.Calls != 5 || len(gets.Buckets) == 0 || gets.Buckets[len(gets.Buckets)-1].Calls != 5 || gets.Buckets[0].UpTo <= 0 {
			f.Errorf("LATENCY HISTOGRAM get = %+v", gets)
		}
	})
}
