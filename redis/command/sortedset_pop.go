package command

import (
	"time"

	"github.com/redchan-go/redchan/proto"
)

// ScoreEnd is an end of a sorted set, see [Lowest] and [Highest].
type ScoreEnd string

// The two ends.
const (
	// Lowest is the end with the lowest scores.
	Lowest ScoreEnd = "MIN"
	// Highest is the end with the highest scores.
	Highest ScoreEnd = "MAX"
)

// ZPopMin takes the member with the lowest score out of a sorted set. [Nil]: the key
// does not exist. O(log(N)). Since 5.0.0.
func ZPopMin(key string) Cmd[ScoredMember] {
	r := newRequest(&specZpopmin)
	r.key(key)
	return Cmd[ScoredMember]{r, decodePoppedMember}
}

// ZPopMinCount takes up to count members with the lowest scores out of a sorted set,
// lowest first. Empty where the key does not exist. O(log(N)*M) for M members.
// Since 5.0.0.
func ZPopMinCount(key string, count int64) Cmd[[]ScoredMember] {
	return Cmd[[]ScoredMember]{zpopRequest(&specZpopmin, key, count), decodeScoredMembers}
}

// ZPopMax takes the member with the highest score out of a sorted set. [Nil]: the key
// does not exist. O(log(N)). Since 5.0.0.
func ZPopMax(key string) Cmd[ScoredMember] {
	r := newRequest(&specZpopmax)
	r.key(key)
	return Cmd[ScoredMember]{r, decodePoppedMember}
}

// ZPopMaxCount takes up to count members with the highest scores out of a sorted set,
// highest first. Empty where the key does not exist. O(log(N)*M) for M members.
// Since 5.0.0.
func ZPopMaxCount(key string, count int64) Cmd[[]ScoredMember] {
	return Cmd[[]ScoredMember]{zpopRequest(&specZpopmax, key, count), decodeScoredMembers}
}

func zpopRequest(spec *Spec, key string, count int64) Request {
	r := newRequest(spec)
	r.key(key)
	r.int(count)
	if count < 0 {
		r.fail(badArgument("the number of members can't be negative"))
	}
	return r
}

// decodePoppedMember decodes the one member of a pop without a count: flat in both
// protocols, and an empty array for nothing.
func decodePoppedMember(v proto.Value) (ScoredMember, error) {
	members, err := decodeScoredMembers(v)
	switch {
	case err != nil:
		return ScoredMember{}, err
	case len(members) == 0:
		return ScoredMember{}, Nil
	case len(members) > 1:
		return ScoredMember{}, want("member and score")
	}
	return members[0], nil
}

// PoppedMember is a member with its score, and the key of the sorted set that it was
// taken from.
type PoppedMember struct {
	Key string
	ScoredMember
}

// BZPopMin takes the member with the lowest score of the first sorted set that has any,
// waiting for one up to timeout, without end where it is 0. It runs on a connection of
// its own. When its context ends before, that connection is closed. [Nil]: nothing came
// in time. O(log(N)). Since 5.0.0; fractions of seconds since 6.0.0.
func BZPopMin(timeout time.Duration, keys ...string) Cmd[PoppedMember] {
	return Cmd[PoppedMember]{bzpopRequest(&specBzpopmin, timeout, keys), decodeKeyedMember}
}

// BZPopMax is [BZPopMin] for the member with the highest score. [Nil]: nothing came in
// time. O(log(N)). Since 5.0.0; fractions of seconds since 6.0.0.
func BZPopMax(timeout time.Duration, keys ...string) Cmd[PoppedMember] {
	return Cmd[PoppedMember]{bzpopRequest(&specBzpopmax, timeout, keys), decodeKeyedMember}
}

func bzpopRequest(spec *Spec, timeout time.Duration, keys []string) Request {
	r := newRequest(spec)
	r.allKeys(keys)
	t, err := seconds(timeout)
	r.fail(err)
	r.add(t)
	r.mayBlock(timeout)
	return r
}

func decodeKeyedMember(v proto.Value) (PoppedMember, error) {
	var m PoppedMember
	if v.IsNull() {
		return m, Nil
	}
	const wanted = "key, member and score"
	if v.Kind() != proto.KindArray || v.Len() != 3 {
		return m, want(wanted)
	}
	t := textsOf(v)
	var err error
	if m.Key, err = t.string(v.Index(0)); err != nil {
		return PoppedMember{}, want(wanted)
	}
	if m.Member, err = t.string(v.Index(1)); err != nil {
		return PoppedMember{}, want(wanted)
	}
	if m.Score, err = decodeFloat(v.Index(2)); err != nil {
		return PoppedMember{}, want(wanted)
	}
	return m, nil
}

// PoppedMembers are members with their scores, and the key of the sorted set that they
// were taken from.
type PoppedMembers struct {
	Key     string
	Members []ScoredMember
}

// ZMPopOption is an option of [ZMPop] and [BZMPop]: [Count].
type ZMPopOption interface{ zmpopOption() tokens }

// ZMPop takes members from an end of the first sorted set that has any: one, or as many
// as [Count] says. [Nil]: all sets are empty. O(K)+O(M*log(N)) for K keys and M members.
// Since 7.0.0.
func ZMPop(from ScoreEnd, keys []string, opts ...ZMPopOption) Cmd[PoppedMembers] {
	r := newRequest(&specZmpop)
	r.zmpop(from, keys, opts)
	return Cmd[PoppedMembers]{r, decodePoppedMembers}
}

// BZMPop is [ZMPop] that waits for members up to timeout, without end where it is 0. It
// runs on a connection of its own. When its context ends before, that connection is
// closed. [Nil]: nothing came in time. O(K)+O(M*log(N)) for K keys and M members.
// Since 7.0.0.
func BZMPop(timeout time.Duration, from ScoreEnd, keys []string, opts ...ZMPopOption) Cmd[PoppedMembers] {
	r := newRequest(&specBzmpop)
	t, err := seconds(timeout)
	r.fail(err)
	r.add(t)
	r.zmpop(from, keys, opts)
	r.mayBlock(timeout)
	return Cmd[PoppedMembers]{r, decodePoppedMembers}
}

func (r *Request) zmpop(from ScoreEnd, keys []string, opts []ZMPopOption) {
	r.int(int64(len(keys)))
	r.allKeys(keys)
	if from != Lowest && from != Highest {
		r.fail(badArgument("%q is no end of a sorted set: give Lowest or Highest", string(from)))
	}
	r.word(string(from))
	addOptions(r, opts, ZMPopOption.zmpopOption)
}

func decodePoppedMembers(v proto.Value) (PoppedMembers, error) {
	if v.IsNull() {
		return PoppedMembers{}, Nil
	}
	if v.Kind() != proto.KindArray || v.Len() != 2 {
		return PoppedMembers{}, want("key and members with scores")
	}
	key, err := decodeText(v.Index(0))
	if err != nil {
		return PoppedMembers{}, err
	}
	members, err := decodeScoredMembers(v.Index(1))
	if err != nil {
		return PoppedMembers{}, err
	}
	return PoppedMembers{key, members}, nil
}
