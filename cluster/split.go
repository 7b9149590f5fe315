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

// Executor sends batches: a [Client], or a type that passes them to one.
type Executor interface {
	Exec(ctx context.Context, b *command.Batch) error
}

// SplitError reports that a command that was split by slot failed for some of its keys. The
// command ran or failed separately for each slot.
type SplitError struct {
	Command string
	Done    []string // the keys for which the command succeeded
	Failed  []string // the other keys; for some of them it may have run as well, if Err says so
	Err     error    // the first error, a [*command.BatchError]
}

// Error gives the number of keys that succeeded and failed, and the cause. It does not show the
// keys.
func (e *SplitError) Error() string {
	return fmt.Sprintf("redis: %s was done for %d keys and failed for %d: %v", e.Command, len(e.Done), len(e.Failed), e.Err)
}

// Unwrap returns the first error. A SplitError is never safe to retry for all keys.
func (e *SplitError) Unwrap() error { return e.Err }

// part is the keys of one slot, with their indexes in the whole list.
type part struct {
	keys   []string
	places []int
}

// bySlot groups keys by slot, in the order in which the slots first appear.
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
		_, err := cmdFor(part{}).Do(ctx, nil) // reports the command's own error before anything is sent
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
		var some *command.PartialError // the values of the others are valid
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

// MGet is command.MGet for keys in any slots. It sends one MGET for each slot, at the same time,
// so it is not atomic. The values are in the order of the keys. If the error is a [*SplitError],
// values that could not be read are missing.
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

// MSet is command.MSet for keys in any slots. It sends one MSET for each slot, at the same time,
// so it is not atomic. A [*SplitError] says which keys were set.
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

// Del is command.Del for keys in any slots, see [MGet]. If the error is a [*SplitError], the
// result counts only the slots that succeeded.
func Del(ctx context.Context, c Executor, keys ...string) (int64, error) {
	return count(ctx, c, keys, command.Del)
}

// Unlink is command.Unlink for keys in any slots, see [Del].
func Unlink(ctx context.Context, c Executor, keys ...string) (int64, error) {
	return count(ctx, c, keys, command.Unlink)
}

// Exists is command.Exists for keys in any slots, see [Del].
func Exists(ctx context.Context, c Executor, keys ...string) (int64, error) {
	return count(ctx, c, keys, command.Exists)
}

// Touch is command.Touch for keys in any slots, see [Del].
func Touch(ctx context.Context, c Executor, keys ...string) (int64, error) {
	return count(ctx, c, keys, command.Touch)
}

func count(ctx context.Context, c Executor, keys []string, cmdFor func(...string) command.Cmd[int64]) (int64, error) {
	total := int64(0)
	err := split(ctx, c, keys, func(p part) command.Cmd[int64] { return cmdFor(p.keys...) },
		func(_ part, n int64) { total += n })
	return total, err
}
