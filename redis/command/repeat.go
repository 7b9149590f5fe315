package command

import "slices"

// Repeatable reports whether the request may be sent again after its reply was lost: it
// never writes, or its caller has declared it by [Cmd.Idempotent].
func (r *Request) Repeatable() bool { return r.idempotent || r.ReadOnly() }

// Idempotent returns cmd as one that may be repeated: where its reply was lost, so that
// nobody knows whether it has run, the client sends it again in place of returning an error
// of outcome [MaybeExecuted]. SET and HSET of fixed values, DEL, SADD and EXPIREAT are such
// commands as long as nobody else writes the key in between; INCR and LPUSH are not.
// Commands that only read need no such declaration.
func (c Cmd[T]) Idempotent() Cmd[T] {
	c.request.idempotent = true
	return c
}

// Idempotent declares that the batch may be repeated as a whole: where its replies were lost,
// so that nobody knows what of it has run, the client sends it again, see [Cmd.Idempotent]. It
// holds for what is queued and for what is queued behind it, up to the next Exec. It returns b.
func (b *Batch) Idempotent() *Batch {
	b.fill().requests.repeatable = true
	return b
}

// Repeatable reports whether all requests may be sent again after their replies were lost,
// see [Request.Repeatable].
func (rs *Requests) Repeatable() bool {
	if rs.repeatable {
		return true
	}
	declared := rs.declared
	for i := range rs.list {
		if len(declared) > 0 && declared[0] == i {
			declared = declared[1:]
		} else if !rs.ReadOnly(i) && !rs.frames(i) {
			return false
		}
	}
	return true
}

// RepeatableAt is [Requests.Repeatable] for request i alone.
func (rs *Requests) RepeatableAt(i int) bool { return rs.ReadOnly(i) || rs.declares(i) }

// frames reports whether request i is not the caller's: MULTI and EXEC around a transaction,
// and ASKING.
func (rs *Requests) frames(i int) bool {
	switch rs.list[i].spec {
	case &specMulti, &specExec:
		return rs.transaction
	case &specAsking:
		return true
	}
	return false
}

// declares reports whether request i was declared to be repeatable, by itself or with all.
func (rs *Requests) declares(i int) bool {
	if rs.repeatable {
		return true
	}
	_, found := slices.BinarySearch(rs.declared, i)
	return found
}
