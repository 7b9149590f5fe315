package command

// ZCombineOption is an option of [ZUnion], [ZInter] and their kind: [Weights],
// [Aggregate].
type ZCombineOption interface{ zcombineOption() tokens }

type weights []float64

// Weights multiplies the scores of each sorted set by a number before they are
// combined: one for each key, in the keys' order. They are 1 without it.
func Weights(factors ...float64) ZCombineOption { return weights(factors) }

// zcombineOption has no words: they are as many as keys, see combine.
func (weights) zcombineOption() tokens { return tokens{group: groupBy, name: "WEIGHTS"} }

// Aggregate is the option AGGREGATE: what becomes of the scores of a member that
// several sorted sets have.
type Aggregate string

// What can become of them.
const (
	AggregateSum Aggregate = "SUM" // they are added up; the default
	AggregateMin Aggregate = "MIN" // the lowest is taken
	AggregateMax Aggregate = "MAX" // the highest is taken
)

func (a Aggregate) zcombineOption() tokens {
	t := option(groupType, "AGGREGATE", word(string(a)))
	if a != AggregateSum && a != AggregateMin && a != AggregateMax {
		t.err = badArgument("%q is no way to aggregate scores", string(a))
	}
	return t
}

// ZUnion returns the members that any of the sorted sets has, in the order of the
// scores that they add up to. O(N)+O(M*log(M)) for N members in M results. Since 6.2.0.
func ZUnion(keys []string, opts ...ZCombineOption) Cmd[[]string] {
	r := newRequest(&specZunion)
	r.combine(keys, opts)
	return Cmd[[]string]{r, decodeStrings}
}

// ZUnionWithScores is [ZUnion] with the scores of the members.
// O(N)+O(M*log(M)). Since 6.2.0.
func ZUnionWithScores(keys []string, opts ...ZCombineOption) Cmd[[]ScoredMember] {
	r := newRequest(&specZunion)
	r.combine(keys, opts)
	r.word("WITHSCORES")
	return Cmd[[]ScoredMember]{r, decodeScoredMembers}
}

// ZUnionStore stores the result of [ZUnion] in destination, in place of what is there,
// and returns how many members it has. O(N)+O(M*log(M)). Since 2.0.0.
func ZUnionStore(destination string, keys []string, opts ...ZCombineOption) Cmd[int64] {
	r := newRequest(&specZunionstore)
	r.key(destination)
	r.combine(keys, opts)
	return Cmd[int64]{r, decodeInt}
}

// ZInter returns the members that all sorted sets have, in the order of the scores that
// they add up to. O(N*K)+O(M*log(M)) for K keys, N members in the smallest of them and
// M results. Since 6.2.0.
func ZInter(keys []string, opts ...ZCombineOption) Cmd[[]string] {
	r := newRequest(&specZinter)
	r.combine(keys, opts)
	return Cmd[[]string]{r, decodeStrings}
}

// ZInterWithScores is [ZInter] with the scores of the members.
// O(N*K)+O(M*log(M)). Since 6.2.0.
func ZInterWithScores(keys []string, opts ...ZCombineOption) Cmd[[]ScoredMember] {
	r := newRequest(&specZinter)
	r.combine(keys, opts)
	r.word("WITHSCORES")
	return Cmd[[]ScoredMember]{r, decodeScoredMembers}
}

// ZInterStore stores the result of [ZInter] in destination, in place of what is there,
// and returns how many members it has. O(N*K)+O(M*log(M)). Since 2.0.0.
func ZInterStore(destination string, keys []string, opts ...ZCombineOption) Cmd[int64] {
	r := newRequest(&specZinterstore)
	r.key(destination)
	r.combine(keys, opts)
	return Cmd[int64]{r, decodeInt}
}

// combine appends the keys of sorted sets that are combined, and how.
func (r *Request) combine(keys []string, opts []ZCombineOption) {
	r.countedKeys(keys)
	addOptions(r, opts, ZCombineOption.zcombineOption)
	for _, opt := range opts {
		factors, ok := opt.(weights)
		if !ok {
			continue
		}
		if len(factors) != len(keys) {
			r.fail(badArgument("%d weights for %d keys", len(factors), len(keys)))
		}
		r.word("WEIGHTS")
		for _, factor := range factors {
			r.float(factor)
		}
	}
}

// countedKeys appends keys with their number in front.
func (r *Request) countedKeys(keys []string) {
	r.int(int64(len(keys)))
	r.allKeys(keys)
}

// ZInterCardOption is an option of [ZInterCard]: [StopAt].
type ZInterCardOption interface{ zinterCardOption() tokens }

func (n StopAt) zinterCardOption() tokens { return n.sinterCardOption() }

// ZInterCard returns how many members all sorted sets have in common.
// O(N*K) for K keys and N members in the smallest of them. Since 7.0.0.
func ZInterCard(keys []string, opts ...ZInterCardOption) Cmd[int64] {
	r := newRequest(&specZintercard)
	r.countedKeys(keys)
	addOptions(&r, opts, ZInterCardOption.zinterCardOption)
	return Cmd[int64]{r, decodeInt}
}

// ZDiff returns the members of the first sorted set that none of the others has, in the
// order of their scores. O(L+(N-K)*log(N)) for L members in all, N in the first and K
// results. Since 6.2.0.
func ZDiff(keys ...string) Cmd[[]string] {
	r := newRequest(&specZdiff)
	r.countedKeys(keys)
	return Cmd[[]string]{r, decodeStrings}
}

// ZDiffWithScores is [ZDiff] with the scores of the members. O(L+(N-K)*log(N)).
// Since 6.2.0.
func ZDiffWithScores(keys ...string) Cmd[[]ScoredMember] {
	r := newRequest(&specZdiff)
	r.countedKeys(keys)
	r.word("WITHSCORES")
	return Cmd[[]ScoredMember]{r, decodeScoredMembers}
}

// ZDiffStore stores the result of [ZDiff] in destination, in place of what is there, and
// returns how many members it has. O(L+(N-K)*log(N)). Since 6.2.0.
func ZDiffStore(destination string, keys ...string) Cmd[int64] {
	r := newRequest(&specZdiffstore)
	r.key(destination)
	r.countedKeys(keys)
	return Cmd[int64]{r, decodeInt}
}
