package command

// The forms that ZRANGE had before it took BYSCORE, BYLEX and REV.

// ZRangeByOption is an option of [ZRangeByScore], [ZRangeByLex] and their kind: [Limit].
type ZRangeByOption interface{ zrangeByOption() tokens }

// ZRangeByScore returns the members with scores from low to high, lowest first. Superseded
// by [ZRange]. O(log(N)+M) for M members returned. Since 1.0.5.
func ZRangeByScore(key string, low, high ScoreBound, opts ...ZRangeByOption) Cmd[[]string] {
	r := scoreRequest(&specZrangebyscore, key, low, high)
	addOptions(&r, opts, ZRangeByOption.zrangeByOption)
	return Cmd[[]string]{r, decodeStrings}
}

// ZRangeByScoreWithScores is [ZRangeByScore] with the scores of the members. Superseded by
// [ZRangeWithScores]. O(log(N)+M) for M members returned. Since 2.0.0.
func ZRangeByScoreWithScores(key string, low, high ScoreBound, opts ...ZRangeByOption) Cmd[[]ScoredMember] {
	r := scoreRequest(&specZrangebyscore, key, low, high)
	r.word("WITHSCORES")
	addOptions(&r, opts, ZRangeByOption.zrangeByOption)
	return Cmd[[]ScoredMember]{r, decodeScoredMembers}
}

// ZRangeByLex returns the members from low to high in the order of their bytes, of a set
// whose scores are all the same. Superseded by [ZRange]. O(log(N)+M) for M members
// returned. Since 2.8.9.
func ZRangeByLex(key string, low, high LexBound, opts ...ZRangeByOption) Cmd[[]string] {
	r := lexRequest(&specZrangebylex, key, low, high)
	addOptions(&r, opts, ZRangeByOption.zrangeByOption)
	return Cmd[[]string]{r, decodeStrings}
}

// ZRevRange returns the members with the ranks from start to stop, both included, where
// rank 0 has the highest score. Superseded by [ZRange]. O(log(N)+M) for M members
// returned. Since 1.2.0.
func ZRevRange(key string, start, stop int64) Cmd[[]string] {
	return Cmd[[]string]{rankRequest(&specZrevrange, key, start, stop), decodeStrings}
}

// ZRevRangeWithScores is [ZRevRange] with the scores of the members. Superseded by
// [ZRangeWithScores]. O(log(N)+M) for M members returned. Since 1.2.0.
func ZRevRangeWithScores(key string, start, stop int64) Cmd[[]ScoredMember] {
	r := rankRequest(&specZrevrange, key, start, stop)
	r.word("WITHSCORES")
	return Cmd[[]ScoredMember]{r, decodeScoredMembers}
}

// ZRevRangeByScore returns the members with scores from high down to low, highest first.
// Superseded by [ZRange]. O(log(N)+M) for M members returned. Since 2.2.0.
func ZRevRangeByScore(key string, high, low ScoreBound, opts ...ZRangeByOption) Cmd[[]string] {
	r := scoreRequest(&specZrevrangebyscore, key, high, low)
	addOptions(&r, opts, ZRangeByOption.zrangeByOption)
	return Cmd[[]string]{r, decodeStrings}
}

// ZRevRangeByScoreWithScores is [ZRevRangeByScore] with the scores of the members.
// Superseded by [ZRangeWithScores]. O(log(N)+M) for M members returned. Since 2.2.0.
func ZRevRangeByScoreWithScores(key string, high, low ScoreBound, opts ...ZRangeByOption) Cmd[[]ScoredMember] {
	r := scoreRequest(&specZrevrangebyscore, key, high, low)
	r.word("WITHSCORES")
	addOptions(&r, opts, ZRangeByOption.zrangeByOption)
	return Cmd[[]ScoredMember]{r, decodeScoredMembers}
}

// ZRevRangeByLex returns the members from high down to low in the order of their bytes, of
// a set whose scores are all the same. Superseded by [ZRange]. O(log(N)+M) for M members
// returned. Since 2.8.9.
func ZRevRangeByLex(key string, high, low LexBound, opts ...ZRangeByOption) Cmd[[]string] {
	r := lexRequest(&specZrevrangebylex, key, high, low)
	addOptions(&r, opts, ZRangeByOption.zrangeByOption)
	return Cmd[[]string]{r, decodeStrings}
}
