package timeseries

import (
	"time"

	"github.com/redchan-go/redchan/proto"
	"github.com/redchan-go/redchan/redis/command"
	"github.com/redchan-go/redchan/redis/module/internal/wire"
)

// only starts a command for a key and nothing else.
func only(keys ...string) *wire.Args {
	a := new(wire.Args)
	a.Keys(keys)
	return a
}

// Create creates a series. A key that exists is an error. O(1). Since TimeSeries 1.0.0.
func Create(key string, opts ...CreateOption) command.Cmd[struct{}] {
	a := only(key)
	parts(a, "LABELS", opts, CreateOption.create)
	return wire.Command(a, "TS.CREATE", wire.OK)
}

// Alter changes what a series was created with. A key that does not exist is an error.
// O(N) for N labels. Since TimeSeries 1.0.0.
func Alter(key string, opts ...AlterOption) command.Cmd[struct{}] {
	a := only(key)
	parts(a, "LABELS", opts, AlterOption.alter)
	return wire.Command(a, "TS.ALTER", wire.OK)
}

// Add adds a sample to a series, which is created where it does not exist, and returns its
// time. The zero time is now, by the server's clock. O(M) for M rules of the series.
// Since TimeSeries 1.0.0.
func Add(key string, at time.Time, value float64, opts ...AddOption) command.Cmd[time.Time] {
	a := only(key)
	moment(a, at, "*")
	a.Finite("the value", value)
	parts(a, "LABELS", opts, AddOption.add)
	return wire.Command(a, "TS.ADD", decodeTime)
}

// SeriesSample is a sample and the key of its series.
type SeriesSample struct {
	Key string
	Sample
}

// Added is what became of one sample of [MAdd].
type Added struct {
	Time time.Time
	Err  error // an error of the server, a [*proto.Error], where the sample was not added
}

// MAdd adds samples to series that exist and returns what became of each. A zero time is
// now, by the server's clock. O(N*M) for N samples and M rules of each series.
// Since TimeSeries 1.0.0.
func MAdd(samples ...SeriesSample) command.Cmd[[]Added] {
	var a wire.Args
	if len(samples) == 0 {
		a.Refuse("no samples")
	}
	for _, s := range samples {
		a.Key(s.Key)
		moment(&a, s.Time, "*")
		a.Finite("a value", s.Value)
	}
	return wire.Command(&a, "TS.MADD", decodeAdded)
}

func decodeAdded(v proto.Value) ([]Added, error) {
	if v.Kind() != proto.KindArray {
		return nil, wire.Want("[]Added")
	}
	result := make([]Added, 0, v.Len())
	e := v.Elems()
	for e.Next() {
		if err := e.Value().Err(); err != nil {
			result = append(result, Added{Err: err})
			continue
		}
		at, err := decodeTime(e.Value())
		if err != nil {
			return nil, wire.Want("[]Added")
		}
		result = append(result, Added{Time: at})
	}
	return result, nil
}

// IncrBy adds a sample that is by greater than the newest one, and returns its time; the
// series is created where it does not exist. The time, now or [At], can be the newest
// one's, whose value then changes. O(M) for M rules of the series.
// Since TimeSeries 1.0.0.
func IncrBy(key string, by float64, opts ...IncrOption) command.Cmd[time.Time] {
	return incr("TS.INCRBY", key, by, opts)
}

// DecrBy adds a sample that is by less than the newest one, as [IncrBy] does. O(M) for M
// rules of the series. Since TimeSeries 1.0.0.
func DecrBy(key string, by float64, opts ...IncrOption) command.Cmd[time.Time] {
	return incr("TS.DECRBY", key, by, opts)
}

func incr(name, key string, by float64, opts []IncrOption) command.Cmd[time.Time] {
	a := only(key)
	a.Finite("the value", by)
	parts(a, "LABELS", opts, IncrOption.incr)
	return wire.Command(a, name, decodeTime)
}

// Del deletes the samples from one time to another, both included, and returns how many
// there were; zero times are the begin and the end of the series. A key that does not
// exist is an error. O(N) for N samples. Since TimeSeries 1.6.0.
func Del(key string, from, to time.Time) command.Cmd[int64] {
	a := only(key)
	moment(a, from, "-")
	moment(a, to, "+")
	return wire.Command(a, "TS.DEL", wire.Int)
}

// CreateRule lets destination, a series that exists, get one sample for each bucket of
// source: by is what it is computed by. Samples that source has already don't count.
// O(1). Since TimeSeries 1.0.0.
func CreateRule(source, destination string, by Aggregation, bucket time.Duration) command.Cmd[struct{}] {
	return wire.Command(rule(source, destination, by, bucket), "TS.CREATERULE", wire.OK)
}

// CreateRuleAligned is [CreateRule] with buckets one of which starts at a time; otherwise
// one starts with 1970. O(1). Since TimeSeries 1.8.0.
func CreateRuleAligned(source, destination string, by Aggregation, bucket time.Duration, align time.Time) command.Cmd[struct{}] {
	a := rule(source, destination, by, bucket)
	moment(a, align, "0")
	return wire.Command(a, "TS.CREATERULE", wire.OK)
}

func rule(source, destination string, by Aggregation, bucket time.Duration) *wire.Args {
	a := only(source, destination)
	a.Word("AGGREGATION")
	by.append(a)
	a.Millis("the bucket", bucket)
	return a
}

// DeleteRule takes a rule away. O(1). Since TimeSeries 1.0.0.
func DeleteRule(source, destination string) command.Cmd[struct{}] {
	return wire.Command(only(source, destination), "TS.DELETERULE", wire.OK)
}

func decodeTime(v proto.Value) (time.Time, error) {
	ms, err := wire.Int(v)
	if err != nil {
		return time.Time{}, err
	}
	return time.UnixMilli(ms), nil
}

// decodeMillis decodes a duration in milliseconds.
func decodeMillis(v proto.Value) (time.Duration, error) {
	ms, err := wire.Int(v)
	return time.Duration(ms) * time.Millisecond, err
}
