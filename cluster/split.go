package cluster

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/redchan-go/redchan/cluster/slot"
	"github.com/redchan-go/redchan/redis/command"
)

// Executor sends batches: a [Client], or whatever stands in front of one.
type Executor interface {
	Exec(ctx context.Context, b *command.Batch) error
}

// SplitError says that a command which was split by slots failed for some of its keys. It
// has been done, or not, for each slot on its own.
type SplitError struct {
	Command string
	Done    []string // the keys for which it was done
	Failed  []string // the others, of which some may be done as well where Err says so
	Err     error    // the first error, a [*command.BatchError]
}

// Error says for how many keys it was done, and why not for the others. It names no keys.
func (e *SplitError) Error() string {
	return fmt.Sprintf("redis: %s was done for %d keys and failed for %d: %v", e.Command, len(e.Done), len(e.Failed), e.Err)
}

// Unwrap returns the first error. It is not safe to retry for all of the keys.
func (e *SplitError) Unwrap() error { return e.Err }

// part is the keys of one slot, with their places among all.
type part struct {
	keys   []string
	places []int
}

// bySlot sorts keys by their slots, in the order in which the slots come first.
func bySlot(keys []string) []part {
	var parts []part
	of := map[int]int{}
	for i, key := range keys {
		s := slot.Of(key)
		at, ok := of[s]
		if !ok {
			at = len(parts)
			of[s] = at
			parts = append(parts, part{})
		}
		parts[at].keys = append(parts[at].keys, key)
		parts[at].places = append(parts[at].places, i)
	}
	return parts
}

// split runs one command for each slot of keys, at the same time, and calls add with each
// result.
func split[T any](ctx context.Context, c Executor, keys []string, cmdFor func(part) command.Cmd[T], add func(part, T)) error {
	if len(keys) == 0 {
		_, err := cmdFor(part{}).Do(ctx, nil) // the command's own complaint, before anything is sent
		return err
	}
	parts := bySlot(keys)
	var b command.Batch
	var futures []*command.Future[T]
	name := ""
	for _, p := range parts {
		cmd := cmdFor(p)
		r := cmd.Request()
		name = r.Name()
		futures = append(futures, cmd.Queue(&b))
	}
	err := c.Exec(ctx, &b)
	failed := &SplitError{Command: name, Err: err}
	for i, f := range futures {
		v, wrong := f.Result()
		var some *command.PartialError // the others' values are there
		if wrong != nil && !errors.As(wrong, &some) {
			failed.Failed = append(failed.Failed, parts[i].keys...)
			continue
		}
		for n, key := range parts[i].keys {
			if some != nil && slices.ContainsFunc(some.Elements, func(e command.ElementError) bool { return e.Index == n }) {
				failed.Failed = append(failed.Failed, key)
			} else {
				failed.Done = append(failed.Done, key)
			}
		}
		add(parts[i], v)
	}
	if err == nil || len(failed.Done) == 0 {
		return err
	}
	return failed
}

// MGet is command.MGet for keys of any slots: one MGET for each slot, at the same time, so
// not as of one moment. The values are in the order of the keys. With a [*SplitError] those
// that could not be read are missing.
func MGet(ctx context.Context, c Executor, keys ...string) ([]command.Optional[string], error) {
	values := make([]command.Optional[string], len(keys))
	err := split(ctx, c, keys, func(p part) command.Cmd[[]command.Optional[string]] {
		return command.MGet(p.keys...)
	}, func(p part, got []command.Optional[string]) {
		for i, place := range p.places {
			if i < len(got) {
				values[place] = got[i]
			}
		}
	})
	return values, err
}

// MSet is command.MSet for keys of any slots: one MSET for each slot, at the same time, so
// not all at once. A [*SplitError] says which were set.
func MSet(ctx context.Context, c Executor, values command.Map) error {
	keys := slices.Sorted(maps.Keys(values))
	return split(ctx, c, keys, func(p part) command.Cmd[struct{}] {
		some := make(command.Map, len(p.keys))
		for _, key := range p.keys {
			some[key] = values[key]
		}
		return command.MSet(some)
	}, func(part, struct{}) {})
}

// Del is command.Del for keys of any slots, see [MGet]. With a [*SplitError] the number is
// that of the slots where it was done.
func Del(ctx context.Context, c Executor, keys ...string) (int64, error) {
	return count(ctx, c, keys, command.Del)
}

// Unlink is command.Unlink for keys of any slots, see [Del].
func Unlink(ctx context.Context, c Executor, keys ...string) (int64, error) {
	return count(ctx, c, keys, command.Unlink)
}

// Exists is command.Exists for keys of any slots, see [Del].
func Exists(ctx context.Context, c Executor, keys ...string) (int64, error) {
	return count(ctx, c, keys, command.Exists)
}

// Touch is command.Touch for keys of any slots, see [Del].
func Touch(ctx context.Context, c Executor, keys ...string) (int64, error) {
	return count(ctx, c, keys, command.Touch)
}

func count(ctx context.Context, c Executor, keys []string, cmdFor func(...string) command.Cmd[int64]) (int64, error) {
	total := int64(0)
	err := split(ctx, c, keys, func(p part) command.Cmd[int64] { return cmdFor(p.keys...) },
		func(_ part, n int64) { total += n })
	return total, err
}
