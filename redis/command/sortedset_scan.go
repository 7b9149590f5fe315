package command

import (
	"context"
	"iter"

	"github.com/redchan-go/redchan/proto"
)

// ZScanOption is an option of [ZScan] and [ZScanNoScores]: [Count], [Match].
type ZScanOption interface{ zscanOption() tokens }

// ZScanPage is one part of a scan of a sorted set. It can be empty in the middle of one.
type ZScanPage struct {
	// Cursor is what to give to the next call; 0 is the end of the scan.
	Cursor  uint64
	Members []ScoredMember
}

// ZScan returns a part of the members of a sorted set with their scores. A scan starts
// with cursor 0 and ends when a page's Cursor is 0; a member that is there all the time
// is found at least once, possibly twice. O(1) a call. Since 2.8.0.
func ZScan(key string, cursor uint64, opts ...ZScanOption) Cmd[ZScanPage] {
	return Cmd[ZScanPage]{zscanRequest(key, cursor, opts), decodeZScanPage}
}

// ZScanNoScoresPage is one part of a scan of a sorted set without scores. It can be empty in
// the middle of one.
type ZScanNoScoresPage struct {
	// Cursor is what to give to the next call; 0 is the end of the scan.
	Cursor  uint64
	Members []string
}

// ZScanNoScores is [ZScan] without the scores: NOSCORES. O(1) a call.
// Since Valkey 8.0.0.
func ZScanNoScores(key string, cursor uint64, opts ...ZScanOption) Cmd[ZScanNoScoresPage] {
	r := zscanRequest(key, cursor, opts)
	r.word("NOSCORES")
	return Cmd[ZScanNoScoresPage]{r, decodeZScanNoScoresPage}
}

func zscanRequest(key string, cursor uint64, opts []ZScanOption) Request {
	r := newRequest(&specZscan)
	r.key(key)
	r.add(unsigned(cursor))
	addOptions(&r, opts, ZScanOption.zscanOption)
	return r
}

func decodeZScanPage(v proto.Value) (ZScanPage, error) {
	if v.Kind() != proto.KindArray || v.Len() != 2 {
		return ZScanPage{}, want("cursor and members with scores")
	}
	cursor, err := decodeUint(v.Index(0))
	if err != nil {
		return ZScanPage{}, err
	}
	members, err := decodeScoredMembers(v.Index(1))
	if err != nil {
		return ZScanPage{}, err
	}
	return ZScanPage{cursor, members}, nil
}

func decodeZScanNoScoresPage(v proto.Value) (ZScanNoScoresPage, error) {
	if v.Kind() != proto.KindArray || v.Len() != 2 {
		return ZScanNoScoresPage{}, want("cursor and members")
	}
	cursor, err := decodeUint(v.Index(0))
	if err != nil {
		return ZScanNoScoresPage{}, err
	}
	members, err := decodeStrings(v.Index(1))
	if err != nil {
		return ZScanNoScoresPage{}, err
	}
	return ZScanNoScoresPage{cursor, members}, nil
}

// ZScanAll iterates over the members of a sorted set with their scores, as
// [Commands.ScanAll] does over keys. A member that is there all the time is found at
// least once, possibly twice. Since 2.8.0.
func (c *Commands) ZScanAll(ctx context.Context, key string, opts ...ZScanOption) iter.Seq2[ScoredMember, error] {
	return pages(ctx, func(cursor uint64) (uint64, []ScoredMember, error) {
		page, err := c.ZScan(ctx, key, cursor, opts...)
		return page.Cursor, page.Members, err
	})
}
