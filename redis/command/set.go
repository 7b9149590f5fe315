package command

// SAdd adds members to a set and returns how many are new. O(1) for each. Since
// 1.0.0; several members since 2.4.0.
func SAdd(key string, members ...any) Cmd[int64] {
	r := newRequest(&specSadd)
	r.members(key, members)
	return Cmd[int64]{r, decodeInt}
}

// SRem removes members of a set and returns how many there were. O(1) for each.
// Since 1.0.0; several members since 2.4.0.
func SRem(key string, members ...any) Cmd[int64] {
	r := newRequest(&specSrem)
	r.members(key, members)
	return Cmd[int64]{r, decodeInt}
}

func (r *Request) members(key string, members []any) {
	r.key(key)
	if len(members) == 0 {
		r.fail(badArgument("no members"))
		return
	}
	r.values(members)
}

// SCard returns the number of members of a set, 0 where the key does not exist.
// O(1). Since 1.0.0.
func SCard(key string) Cmd[int64] {
	r := newRequest(&specScard)
	r.key(key)
	return Cmd[int64]{r, decodeInt}
}

// SMembers returns all members of a set, in no order; empty where the key does not
// exist. O(N). Since 1.0.0.
func SMembers(key string) Cmd[[]string] {
	r := newRequest(&specSmembers)
	r.key(key)
	return Cmd[[]string]{r, decodeStrings}
}

// SIsMember reports whether a set has a member. O(1). Since 1.0.0.
func SIsMember(key string, member any) Cmd[bool] {
	r := newRequest(&specSismember)
	r.key(key)
	r.value(member)
	return Cmd[bool]{r, decodeBool}
}

// SMIsMember reports for each of the members whether a set has it. O(N). Since
// 6.2.0.
func SMIsMember(key string, members ...any) Cmd[[]bool] {
	r := newRequest(&specSmismember)
	r.members(key, members)
	return Cmd[[]bool]{r, decodeBools}
}

// SMove moves a member from one set to another. False: the first set does not have
// it. O(1). Since 1.0.0.
func SMove(from, to string, member any) Cmd[bool] {
	r := newRequest(&specSmove)
	r.key(from)
	r.key(to)
	r.value(member)
	return Cmd[bool]{r, decodeBool}
}

// SPop takes some member out of a set. [Nil]: the key does not exist. O(1). Since
// 1.0.0.
func SPop(key string) Cmd[string] {
	r := newRequest(&specSpop)
	r.key(key)
	return Cmd[string]{r, decodeString}
}

// SPopCount takes up to count members out of a set; empty where the key does not
// exist. O(N). Since 3.2.0.
func SPopCount(key string, count int64) Cmd[[]string] {
	r := newRequest(&specSpop)
	r.key(key)
	r.count(count)
	return Cmd[[]string]{r, decodeStrings}
}

// SRandMember returns some member of a set. [Nil]: the key does not exist. O(1).
// Since 1.0.0.
func SRandMember(key string) Cmd[string] {
	r := newRequest(&specSrandmember)
	r.key(key)
	return Cmd[string]{r, decodeString}
}

// SRandMemberCount returns up to count different members of a set; with a negative
// count as many as that, of which some may be the same. Empty where the key does not
// exist. O(N). Since 2.6.0.
func SRandMemberCount(key string, count int64) Cmd[[]string] {
	r := newRequest(&specSrandmember)
	r.key(key)
	r.int(count)
	return Cmd[[]string]{r, decodeStrings}
}

// SDiff returns the members of the first set that none of the others has. O(N).
// Since 1.0.0.
func SDiff(keys ...string) Cmd[[]string] {
	r := newRequest(&specSdiff)
	r.allKeys(keys)
	return Cmd[[]string]{r, decodeStrings}
}

// SDiffStore is [SDiff] that stores the set at destination, whatever that held, and
// returns the number of its members. O(N). Since 1.0.0.
func SDiffStore(destination string, keys ...string) Cmd[int64] {
	r := newRequest(&specSdiffstore)
	r.key(destination)
	r.allKeys(keys)
	return Cmd[int64]{r, decodeInt}
}

// SInter returns the members that all sets have. O(N*M). Since 1.0.0.
func SInter(keys ...string) Cmd[[]string] {
	r := newRequest(&specSinter)
	r.allKeys(keys)
	return Cmd[[]string]{r, decodeStrings}
}

// SInterStore is [SInter] that stores the set at destination, whatever that held,
// and returns the number of its members. O(N*M). Since 1.0.0.
func SInterStore(destination string, keys ...string) Cmd[int64] {
	r := newRequest(&specSinterstore)
	r.key(destination)
	r.allKeys(keys)
	return Cmd[int64]{r, decodeInt}
}

// SInterCardOption is an option of [SInterCard]: [StopAt].
type SInterCardOption interface{ sinterCardOption() tokens }

// StopAt is the option LIMIT of commands that count what sets have in common: stop
// at this number; 0 is without end.
type StopAt int64

func (n StopAt) sinterCardOption() tokens {
	t := option(groupLimit, "LIMIT", integer(int64(n)))
	if n < 0 {
		t.err = badArgument("LIMIT can't be negative")
	}
	return t
}

// SInterCard returns how many members all sets have in common. O(N*M). Since 7.0.0.
func SInterCard(keys []string, opts ...SInterCardOption) Cmd[int64] {
	r := newRequest(&specSintercard)
	r.int(int64(len(keys)))
	r.allKeys(keys)
	addOptions(&r, opts, SInterCardOption.sinterCardOption)
	return Cmd[int64]{r, decodeInt}
}

// SUnion returns the members that one set at least has. O(N). Since 1.0.0.
func SUnion(keys ...string) Cmd[[]string] {
	r := newRequest(&specSunion)
	r.allKeys(keys)
	return Cmd[[]string]{r, decodeStrings}
}

// SUnionStore is [SUnion] that stores the set at destination, whatever that held,
// and returns the number of its members. O(N). Since 1.0.0.
func SUnionStore(destination string, keys ...string) Cmd[int64] {
	r := newRequest(&specSunionstore)
	r.key(destination)
	r.allKeys(keys)
	return Cmd[int64]{r, decodeInt}
}
