package command

import (
	"fmt"

	"github.com/redchan-go/redchan/proto"
)

// Optional is a value that may be missing among others that are not: one of
// MGET's. The zero Optional is missing.
type Optional[T any] struct {
	Value   T
	Present bool
}

// Or returns the value, or instead where it is missing.
func (o Optional[T]) Or(instead T) T {
	if o.Present {
		return o.Value
	}
	return instead
}

// String returns the value for people, <nil> where it is missing.
func (o Optional[T]) String() string {
	if !o.Present {
		return "<nil>"
	}
	return fmt.Sprint(o.Value)
}

// AsOptional returns cmd with a result that may be missing: null is a missing [Optional] and
// not [Nil]. It suits the elements of [AsSlice] and [AsMap]; for slices there is
// [AsOptionals].
func AsOptional[T, U any](cmd Cmd[U], value func(Cmd[U]) Cmd[T]) Cmd[Optional[T]] {
	one := value(cmd)
	decode := one.decode
	cmd.request = cmd.request.refused(one.request.Err())
	return As(cmd, func(v proto.Value) (Optional[T], error) {
		if v.IsNull() {
			return Optional[T]{}, nil
		}
		result, err := decode(v)
		if err == Nil { //nolint:errorlint // decoders return Nil itself
			return Optional[T]{}, nil
		}
		return Optional[T]{result, err == nil}, err
	})
}

// AsOptionals is [AsSlice] for elements that may be missing:
//
//	command.AsOptionals(command.MGet("a", "b"), command.AsInt)
func AsOptionals[T, U any](cmd Cmd[U], element func(Cmd[U]) Cmd[T]) Cmd[[]Optional[T]] {
	return AsSlice(cmd, func(cmd Cmd[U]) Cmd[Optional[T]] { return AsOptional(cmd, element) })
}
