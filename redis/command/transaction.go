package command

import (
	"errors"
	"fmt"

	"github.com/redchan-go/redchan/proto"
)

// TransactionReplies returns what EXEC returned for the commands of rs, where values are
// the replies from the one to MULTI to the one to EXEC, of the server at addr. It may
// write to values.
//
// The error says what happened instead: [ErrTxConflict]; a [*BatchError] for a command
// that the server refused when it was queued, which is [ErrTxAborted], or [ErrRejected]
// where the refusal passes; in both cases nothing has run.
func TransactionReplies(rs *Requests, addr string, values []proto.Value) ([]proto.Value, error) {
	if len(values) != rs.Len()+2 { // MULTI and EXEC
		return nil, unfit(rs, addr)
	}
	exec := values[len(values)-1]
	switch exec.Kind() {
	case proto.KindNull:
		return nil, ErrTxConflict
	case proto.KindArray:
		if exec.Len() != rs.Len() {
			break
		}
		results := values[:0]
		for e := exec.Elems(); ; {
			if !e.Next() {
				return results, nil
			}
			results = append(results, e.Value())
		}
	case proto.KindError:
		return nil, aborted(rs, addr, values)
	}
	return nil, unfit(rs, addr)
}

// unfit is the error for a reply of EXEC that makes no sense.
func unfit(rs *Requests, addr string) error {
	return execLost(addr, fmt.Errorf("the reply does not fit %d commands", rs.Len()))
}

// execLost is the error for a transaction that may have run.
func execLost(addr string, cause error) error {
	return &Error{Command: "EXEC", Addr: addr, Outcome: MaybeExecuted, Err: cause}
}

// aborted returns why EXEC was refused: the first error before it.
func aborted(rs *Requests, addr string, values []proto.Value) error {
	for i, v := range values {
		if v.Kind() != proto.KindError {
			continue
		}
		switch i {
		case 0:
			return &Error{Command: "MULTI", Addr: addr, Outcome: MaybeExecuted, Err: fmt.Errorf("the server refused it, "+
				"and so the commands behind it ran one by one: %w", v.Err())}
		case len(values) - 1:
			// A cluster's node looks again when EXEC comes: the slot may have moved.
			exec := newRequest(&specExec)
			if err := ReplyError(&exec, addr, v); errors.Is(err, ErrRejected) {
				return err
			}
			return &Error{Command: "EXEC", Addr: addr, Err: fmt.Errorf("%w: %w", ErrTxAborted, v.Err())}
		}
		r := rs.At(i - 1)
		err := ReplyError(&r, addr, v)
		if !errors.Is(err, ErrRejected) {
			err = &Error{Command: r.Name(), Addr: addr, Err: fmt.Errorf("%w: %w", ErrTxAborted, errors.Unwrap(err))}
		}
		return &BatchError{Index: i - 1, Len: rs.Len(), Command: r.Name(), Err: err}
	}
	return execLost(addr, errors.New("no error in front of it"))
}
