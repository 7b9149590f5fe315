package command

import (
	"errors"
	"time"

	"github.com/redchan-go/redchan/proto"
)

// LatencyEvent is what took longer than the server's latency-monitor-threshold.
type LatencyEvent struct {
	Name   string // such as "command" or "fork"
	At     time.Time
	Latest time.Duration
	Max    time.Duration
	// Sum and Count are of the samples that are kept. Since Valkey 8.1.0; zero before.
	Sum   time.Duration
	Count int64
}

// LatencyLatest returns the latest spike of every kind of event. O(1). Since 2.8.13.
func LatencyLatest() Cmd[[]LatencyEvent] {
	return Cmd[[]LatencyEvent]{newRequest(&specLatencyLatest), decodeLatencyEvents}
}

func decodeLatencyEvents(v proto.Value) ([]LatencyEvent, error) {
	return decodeEach(v, "latency events", textsOf(v).latencyEvent)
}

func (t *texts) latencyEvent(v proto.Value) (LatencyEvent, error) {
	var e LatencyEvent
	const least, most = 4, 6
	if v.Kind() != proto.KindArray || v.Len() < least {
		return e, want("a latency event")
	}
	err := errors.Join(
		into(&e.Name, v.Index(0), t.string),
		into(&e.At, v.Index(1), decodeUnixSeconds),
		into(&e.Latest, v.Index(2), decodeMilliseconds),
		into(&e.Max, v.Index(3), decodeMilliseconds),
	)
	if v.Len() >= most {
		err = errors.Join(
			err,
			into(&e.Sum, v.Index(4), decodeMilliseconds),
			into(&e.Count, v.Index(5), decodeInt),
		)
	}
	return e, err
}

// LatencySample is one spike.
type LatencySample struct {
	At   time.Time
	Took time.Duration // in whole milliseconds
}

// LatencyHistory returns up to 160 of the latest spikes of a kind of event, the oldest
// first. O(1). Since 2.8.13.
func LatencyHistory(event string) Cmd[[]LatencySample] {
	r := newRequest(&specLatencyHistory)
	r.word(event)
	return Cmd[[]LatencySample]{r, decodeLatencySamples}
}

func decodeLatencySamples(v proto.Value) ([]LatencySample, error) {
	return decodeEach(v, "latency samples", decodeLatencySample)
}

func decodeLatencySample(v proto.Value) (LatencySample, error) {
	var s LatencySample
	if v.Kind() != proto.KindArray || v.Len() < 2 {
		return s, want("a latency sample")
	}
	return s, errors.Join(
		into(&s.At, v.Index(0), decodeUnixSeconds),
		into(&s.Took, v.Index(1), decodeMilliseconds),
	)
}

// CommandLatency is how long the calls of a command took.
type CommandLatency struct {
	Command string // such as "get" or "config|set"
	Calls   int64
	// Buckets have the calls that took up to some time, from short to long: each
	// counts those before it too.
	Buckets []LatencyBucket
}

// LatencyBucket counts calls of a command.
type LatencyBucket struct {
	UpTo  time.Duration
	Calls int64
}

// LatencyHistogram returns how long the calls of commands took, those of a container with its
// sub-commands; without names, of all that were called. O(N). Since 7.0.0.
func LatencyHistogram(commands ...string) Cmd[[]CommandLatency] {
	r := newRequest(&specLatencyHistogram)
	r.grow(len(commands))
	for _, name := range commands {
		r.word(name)
	}
	return Cmd[[]CommandLatency]{r, decodeLatencyHistogram}
}

func decodeLatencyHistogram(v proto.Value) ([]CommandLatency, error) {
	commands := make([]CommandLatency, 0, v.Len()/2)
	t := textsOf(v)
	err := decodeRecord(v, "latency histograms", func(name string, v proto.Value) error {
		c, err := decodeCommandLatency(v)
		c.Command = t.text(name)
		commands = append(commands, c)
		return err
	})
	if err != nil {
		return nil, err
	}
	return commands, nil
}

func decodeCommandLatency(v proto.Value) (CommandLatency, error) {
	var c CommandLatency
	err := decodeRecord(v, "a latency histogram", func(name string, v proto.Value) error {
		switch name {
		case "calls":
			return into(&c.Calls, v, decodeInt)
		case "histogram_usec":
			return into(&c.Buckets, v, decodeLatencyBuckets)
		}
		return nil
	})
	return c, err
}

// decodeLatencyBuckets decodes a map of microseconds to calls.
func decodeLatencyBuckets(v proto.Value) ([]LatencyBucket, error) {
	if !isPairs(v) {
		return nil, want("latency buckets")
	}
	buckets := make([]LatencyBucket, 0, v.Len()/2)
	for upTo, calls := range v.Pairs() {
		var b LatencyBucket
		err := errors.Join(into(&b.UpTo, upTo, decodeMicroseconds), into(&b.Calls, calls, decodeInt))
		if err != nil {
			return nil, err
		}
		buckets = append(buckets, b)
	}
	return buckets, nil
}

// LatencyReset removes the spikes of kinds of events, of all without names, and returns
// how many kinds there were. O(1). Since 2.8.13.
func LatencyReset(events ...string) Cmd[int64] {
	r := newRequest(&specLatencyReset)
	r.grow(len(events))
	for _, event := range events {
		r.word(event)
	}
	return Cmd[int64]{r, decodeInt}
}

// LatencyGraph returns a drawing of the spikes of a kind of event, for people. An error:
// there are none. O(1). Since 2.8.13.
func LatencyGraph(event string) Cmd[string] {
	r := newRequest(&specLatencyGraph)
	r.word(event)
	return Cmd[string]{r, decodeText}
}

// LatencyDoctor returns what the server makes of its spikes, for people. O(1). Since 2.8.13.
func LatencyDoctor() Cmd[string] {
	return Cmd[string]{newRequest(&specLatencyDoctor), decodeText}
}
