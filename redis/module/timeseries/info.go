package timeseries

import (
	"strings"
	"time"

	"github.com/redchan-go/redchan/proto"
	"github.com/redchan-go/redchan/redis/command"
	"github.com/redchan-go/redchan/redis/module/internal/wire"
)

// Stats is what [Info] tells of a series.
type Stats struct {
	Samples     int64
	MemoryUsage int64     // bytes
	First, Last time.Time // of the oldest and the newest sample; 1970 where there is none
	Retention   time.Duration
	Chunks      int64
	ChunkSize   int64 // bytes
	Encoding    Encoding
	Duplicates  DuplicatePolicy // empty where the server's own holds
	Labels      map[string]string
	Source      string // the series that this one is computed from, if any
	Rules       []Rule
	Ignore      Ignore
}

// Rule is a series that is computed from another one.
type Rule struct {
	Destination string
	Bucket      time.Duration
	By          Aggregation
	Align       time.Time // a time that a bucket starts at
}

// Info returns what there is to know about a series. A key that does not exist is an
// error. O(1). Since TimeSeries 1.0.0.
func Info(key string) command.Cmd[Stats] {
	return wire.Reader(only(key), "TS.INFO", decodeStats)
}

func decodeStats(v proto.Value) (Stats, error) {
	var s Stats
	err := wire.Record(v, "Stats", func(name string, v proto.Value) error {
		switch name {
		case "totalSamples":
			return wire.Into(&s.Samples, v, wire.Int)
		case "memoryUsage":
			return wire.Into(&s.MemoryUsage, v, wire.Int)
		case "firstTimestamp":
			return wire.Into(&s.First, v, decodeTime)
		case "lastTimestamp":
			return wire.Into(&s.Last, v, decodeTime)
		case "retentionTime":
			return wire.Into(&s.Retention, v, decodeMillis)
		case "chunkCount":
			return wire.Into(&s.Chunks, v, wire.Int)
		case "chunkSize":
			return wire.Into(&s.ChunkSize, v, wire.Int)
		case "chunkType":
			return wire.Into(&s.Encoding, v, upper[Encoding])
		case "duplicatePolicy":
			return wire.Into(&s.Duplicates, v, upper[DuplicatePolicy])
		case "labels":
			return wire.Into(&s.Labels, v, wire.TextMap)
		case "sourceKey":
			return wire.Into(&s.Source, v, wire.Text)
		case "rules":
			return wire.Into(&s.Rules, v, decodeRules)
		case "ignoreMaxTimeDiff":
			return wire.Into(&s.Ignore.Time, v, decodeMillis)
		case "ignoreMaxValDiff":
			return wire.Into(&s.Ignore.Value, v, wire.Float)
		}
		return nil
	})
	return s, err
}

// upper decodes a word in capitals: servers write them in either way.
func upper[T ~string](v proto.Value) (T, error) {
	text, err := wire.Text(v)
	return T(strings.ToUpper(text)), err
}

// decodeRules decodes a map of rules by destination, or the array that RESP2 has in its
// place, in which the destination stands in front of the rest.
func decodeRules(v proto.Value) ([]Rule, error) {
	var rules []Rule
	one := func(destination, rest proto.Value, at int) error {
		var r Rule
		var err error
		if r.Destination, err = wire.Text(destination); err != nil {
			return err
		}
		if r.Bucket, err = decodeMillis(rest.Index(at)); err != nil {
			return err
		}
		if r.By, err = upper[Aggregation](rest.Index(at + 1)); err != nil {
			return err
		}
		if err = wire.Into(&r.Align, rest.Index(at+2), decodeTime); err != nil {
			return err
		}
		rules = append(rules, r)
		return nil
	}
	switch v.Kind() {
	case proto.KindMap:
		for destination, rest := range v.Pairs() {
			if err := one(destination, rest, 0); err != nil {
				return nil, wire.Want("[]Rule")
			}
		}
	case proto.KindArray:
		for rule := range v.All() {
			if err := one(rule.Index(0), rule, 1); err != nil {
				return nil, wire.Want("[]Rule")
			}
		}
	default:
		return nil, wire.Want("[]Rule")
	}
	return rules, nil
}
